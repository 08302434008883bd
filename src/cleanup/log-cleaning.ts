import type { ResolvedConfig } from '../config/index.ts'
import { yieldToEventLoop } from '../core/index.ts'
import { isInternalTopic } from '../layout/index.ts'
import {
  deleteSegments,
  effectiveSegmentMs,
  eventOf,
  type LogParts,
  type LogState,
  operationFailure,
  type PartitionLog,
} from '../log/index.ts'
import { cleanEvents } from './clean-event.ts'
import { reportOutcome } from './clean-report.ts'
import { narrowPlan } from './narrow-plan.ts'
import { planCleanInSteps } from './retention-plan.ts'
import type { CleanInput, CleanPlan, CleanReport, CleanTarget, PlanOptions } from './types.ts'

const POISONED = 'the log is poisoned, and takes no change until it has been opened again'

/** A log as cleaning sees it: plans from its segments, and carries plans out. */
export class LogCleaning implements CleanTarget {
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly #log: PartitionLog

  constructor(log: PartitionLog) {
    const { topic, partition } = log.parts.paths
    this.name = `${topic}-${partition}`
    this.topic = topic
    this.partition = partition
    this.#log = log
  }

  get intervalMs(): number {
    return this.#log.config['log.retention.check.interval.ms']
  }

  get initialDelayMs(): number {
    return this.#log.config['log.initial.task.delay.ms']
  }

  get isBudgeted(): boolean {
    return isBudgeted(this.topic, this.#log.config) && this.#log.cleaningHeldBecause === undefined
  }

  /** Plans from facts that batch headers have confirmed, wherever a segment would go because of them. */
  async plan(nowMs: number, options: PlanOptions): Promise<CleanPlan> {
    const { state } = this.#log.parts
    await state.ensureFacts()
    for (;;) {
      state.checkReadable() // closed meanwhile
      const plan = await this.#planNow(nowMs, options)
      const going = new Set(plan.segments.slice(0, plan.deleteCount).map(({ baseOffset }) => baseOffset))
      const unsure = state.segments.all.filter(
        ({ baseOffset, facts }) => facts === 'stored' && going.has(baseOffset),
      )
      if (unsure.length === 0) return plan
      for (const segment of unsure) await state.learnFacts(segment)
    }
  }

  async execute(planned: CleanPlan): Promise<CleanReport> {
    const { parts } = this.#log
    const startedMs = parts.clock.monotonic()
    const report = await parts.maintenance.run(async () => {
      const { at, blocked, budgetBelow } = planned
      const timeBlocked = blocked === 'clock-jump' ? 'clock-jump' : null
      const fresh = await this.#planNow(at, { timeBlocked, budgetBelow: budgetBelow ?? null })
      const { plan, skipped } = narrowPlan({ planned, fresh })
      const going = plan.segments.slice(0, plan.deleteCount)
      const { rolled, gone, error } = await carryOut(parts, plan)
      const bases = new Set(gone.map(({ baseOffset }) => baseOffset))
      const { topic, partition } = this
      const why = 'records were appended to it meanwhile'
      const left = going.slice(bases.size).map(({ baseOffset }) => ({ topic, partition, baseOffset, why }))
      return reportOutcome(plan, {
        rolled,
        deleted: going.filter(({ baseOffset }) => bases.has(baseOffset)),
        skipped: error === undefined ? [...skipped, ...left] : skipped,
        ...(error === undefined ? {} : { error }),
        startOffset: parts.state.startOffset,
        durationMs: parts.clock.monotonic() - startedMs,
      })
    })
    if (cleanEvents.hasSubscribers) cleanEvents.publish({ ...eventOf(parts.paths), report })
    return report
  }

  /** A poisoned log takes no change, and what can't go from it is not to be planned for: its bytes stay, and count. */
  get #heldBecause(): string | undefined {
    const isPoisoned = this.#log.parts.writer.failure !== undefined
    return this.#log.cleaningHeldBecause ?? (isPoisoned ? POISONED : undefined)
  }

  #planNow(nowMs: number, options: PlanOptions): Promise<CleanPlan> {
    const { state, writer, paths } = this.#log.parts
    const otherBlock = this.#heldBecause
    return planSegments(state, { ...paths, ...options, endOffset: writer.writtenEnd, nowMs, otherBlock })
  }
}

/** True for a log whose segments may go for a budget of all logs: what a store keeps for itself never does. */
export function isBudgeted(topic: string, config: ResolvedConfig): boolean {
  return config['cleanup.policy'].includes('delete') && !isInternalTopic(topic)
}

/** Plans for the segments as they are in memory now; of many, in turns of the event loop of a few ms. */
export async function planSegments(
  state: LogState,
  log: Omit<CleanInput, 'segments' | 'startOffset' | 'readableEndOffset' | 'limits'>,
): Promise<CleanPlan> {
  const { config } = state
  const { last, all } = state.segments
  const { topic, partition, endOffset, nowMs, timeBlocked, budgetBelow = null, otherBlock } = log
  const steps = planCleanInSteps({
    topic,
    partition,
    endOffset,
    nowMs,
    timeBlocked,
    budgetBelow,
    otherBlock,
    segments: all.map((segment) => {
      const { baseOffset, nextOffset, sizeBytes, maxTimestamp, appendedAtMs, firstWriteMs } = segment
      return {
        baseOffset,
        nextOffset,
        sizeBytes,
        maxTimestamp,
        appendedAtMs,
        firstWriteMs,
        active: segment === last,
      }
    }),
    startOffset: state.startOffset,
    readableEndOffset: state.readableEndOffset,
    limits: {
      policy: config['cleanup.policy'],
      retentionMs: config['retention.ms'],
      retentionBytes: config['retention.bytes'],
      segmentMs: effectiveSegmentMs(config),
      rollJitterMs: last?.rollJitterMs ?? 0,
    },
  })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await yieldToEventLoop()
  }
}

/** Does what the plan says, as far as it can; what stopped it is given back beside what was done. */
async function carryOut(
  parts: LogParts,
  plan: CleanPlan,
): Promise<{ rolled: boolean; gone: readonly { baseOffset: number }[]; error?: unknown }> {
  let rolled = false
  try {
    if (plan.roll !== null) rolled = await rollAsPlanned(parts, plan)
  } catch (error) {
    return { rolled, gone: [], error: operationFailure(error, `rolling the log in ${parts.paths.directory}`) }
  }
  if (plan.deleteCount === 0) return { rolled, gone: [] }
  return { rolled, ...(await deleteSegments(parts, plan.segments.slice(0, plan.deleteCount))) }
}

/** Rolls if the active segment is still what the plan saw; what was appended meanwhile is not the plan's to delete. */
async function rollAsPlanned(parts: LogParts, plan: CleanPlan): Promise<boolean> {
  const { writer } = parts
  const seen = plan.segments.at(-1)
  return writer.run(async () => {
    const { segment } = writer.active
    const isSame = segment.baseOffset === seen?.baseOffset && segment.sizeBytes === seen.sizeBytes
    if (segment.sizeBytes === 0 || (plan.roll === 'all-expired' && !isSame)) return false
    await writer.roll(plan.roll === 'segment.ms' ? 'segment.ms' : 'asked')
    return true
  })
}
