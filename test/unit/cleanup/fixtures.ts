import {
  type CleanInput,
  type CleanPlan,
  type CleanReport,
  type CleanTarget,
  narrowPlan,
  planClean,
  type PlanOptions,
  reportOutcome,
  type RetentionLimits,
  type SegmentView,
} from '../../../src/cleanup/index.ts'

export const SECOND = 1000
export const HOUR = 3_600_000
export const DAY = 86_400_000
export const NOW = Date.UTC(2024, 0, 31)

/** Nothing is limited until a test says so. */
export const UNLIMITED: RetentionLimits = {
  policy: ['delete'],
  retentionMs: -1,
  retentionBytes: -1,
  segmentMs: Number.MAX_SAFE_INTEGER,
  rollJitterMs: 0,
}

/** One segment of `log`: `count` records of `bytes` in all, `ageMs` old by both its times unless told otherwise. */
export interface SegmentSketch {
  readonly count?: number
  readonly bytes?: number
  readonly ageMs?: number
  readonly maxTimestamp?: number
  readonly appendedAtMs?: number
  readonly firstWriteMs?: number
}

/** A log of consecutive segments, all of it acknowledged; the last segment is active. */
export function log(
  sketches: readonly SegmentSketch[],
  overrides: Partial<Omit<CleanInput, 'segments' | 'limits'>> & { limits?: Partial<RetentionLimits> } = {},
): CleanInput {
  const nowMs = overrides.nowMs ?? NOW
  let offset = 0
  const segments = sketches.map((sketch, slot): SegmentView => {
    const { count = 5, ageMs = 0 } = sketch
    const baseOffset = offset
    offset += count
    return {
      baseOffset,
      nextOffset: offset,
      sizeBytes: sketch.bytes ?? count * 10,
      maxTimestamp: sketch.maxTimestamp ?? (count === 0 ? -1 : nowMs - ageMs),
      appendedAtMs: sketch.appendedAtMs ?? nowMs - ageMs,
      firstWriteMs: sketch.firstWriteMs,
      active: slot === sketches.length - 1,
    }
  })
  return {
    topic: 'orders',
    partition: 0,
    nowMs,
    segments,
    startOffset: 0,
    endOffset: offset,
    readableEndOffset: offset,
    timeBlocked: null,
    ...overrides,
    limits: { ...UNLIMITED, ...overrides.limits },
  }
}

/** `count` segments of five records and 50 bytes each, all as described by `sketch`. */
export function segmentsOf(count: number, sketch: SegmentSketch = {}): SegmentSketch[] {
  return Array.from({ length: count }, () => sketch)
}

/** The log after `plan` has been carried out to the letter. */
export function carryOut(input: CleanInput, plan: CleanPlan): CleanInput {
  const left = input.segments.slice(plan.deleteCount)
  const sealed = plan.roll === null ? left : left.map((segment) => ({ ...segment, active: false }))
  const fresh: SegmentView = {
    baseOffset: input.endOffset,
    nextOffset: input.endOffset,
    sizeBytes: 0,
    maxTimestamp: -1,
    appendedAtMs: input.nowMs,
    firstWriteMs: undefined,
    active: true,
  }
  const segments = plan.roll === null ? sealed : [...sealed, fresh]
  return { ...input, segments, startOffset: plan.newStartOffset }
}

/** A promise and the way to settle it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const resolvers: (() => void)[] = []
  const opened = new Promise<void>((resolve) => {
    resolvers.push(resolve)
  })
  return { opened, open: resolvers[0]! }
}

/** A log in memory that cleans itself as the real one does and remembers what was asked of it. */
export class MemoryTarget implements CleanTarget {
  readonly topic: string
  readonly partition = 0
  intervalMs = 300 * SECOND
  initialDelayMs = 30 * SECOND
  isBudgeted = true
  input: CleanInput
  /** The moments it was planned for, and whether time was blocked. */
  readonly plannedAt: { nowMs: number; timeBlocked: 'clock-jump' | null }[] = []
  readonly executed: CleanPlan[] = []
  /** Runs before a plan is carried out: to fail or to wait. */
  beforeExecute: () => Promise<void> = async () => {}
  beforePlan: () => Promise<void> = async () => {}

  constructor(topic: string, input: CleanInput) {
    this.topic = topic
    this.input = { ...input, topic }
  }

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  async plan(nowMs: number, options: PlanOptions): Promise<CleanPlan> {
    this.plannedAt.push({ nowMs, timeBlocked: options.timeBlocked })
    await this.beforePlan()
    return planClean({ ...this.input, nowMs, ...options })
  }

  async execute(planned: CleanPlan): Promise<CleanReport> {
    this.executed.push(planned)
    await this.beforeExecute()
    const timeBlocked = planned.blocked === 'clock-jump' ? 'clock-jump' : null
    const { at: nowMs, budgetBelow } = planned
    const current = { ...this.input, nowMs, timeBlocked, budgetBelow } as const
    const { plan, skipped } = narrowPlan({ planned, fresh: planClean(current) })
    this.input = carryOut(current, plan)
    return reportOutcome(plan, {
      rolled: plan.roll !== null,
      deleted: plan.segments.slice(0, plan.deleteCount),
      skipped,
      startOffset: plan.newStartOffset,
    })
  }
}
