import { type PinoLike, silentLogger } from '../core/index.ts'
import type { ClockGuard } from './clock-guard.ts'
import { formatBytes, formatDuration } from './format.ts'
import type { CleanPlan, CleanReport, CleanTarget } from './types.ts'

/** Of what a message is: a log, or all of them. */
type Subject = Pick<CleanTarget, 'name'> & Partial<Pick<CleanTarget, 'topic' | 'partition'>>

/** What the scheduler has to say, said once each; a logger that throws does not stop the cleaning it is told about. */
export class SchedulerMessages {
  readonly #logger: PinoLike
  /** What was last said about each log's future timestamps, so that it is not said every five minutes. */
  readonly #futureTimestamps = new Map<string, number>()

  constructor(logger: PinoLike = silentLogger) {
    this.#logger = logger
  }

  planned(target: Subject, plan: CleanPlan): void {
    const { name } = target
    const segments = plan.futureTimestamps
    if (segments === (this.#futureTimestamps.get(name) ?? 0)) return
    if (segments === 0) {
      this.#futureTimestamps.delete(name)
      return
    }
    this.#futureTimestamps.set(name, segments)
    this.#say(
      'warn',
      { ...fieldsOf(target), segments },
      `${name}: timestamps in the future, append times count instead`,
    )
  }

  executed(target: Subject, report: CleanReport): void {
    const { name } = target
    for (const { error } of report.failures) this.failed(target, error)
    const { deleted, bytesFreed, startOffset, rolled } = report
    if (deleted.length === 0 && !rolled) return
    const what = `${deleted.length} segments deleted, ${formatBytes(bytesFreed)}`
    this.#say(
      'info',
      { ...fieldsOf(target), deleted: deleted.length, bytesFreed, startOffset, rolled },
      `${name}: ${what}`,
    )
  }

  failed(target: Subject, error: unknown): void {
    this.#say('error', { ...fieldsOf(target), error }, `${target.name}: cleaning failed`)
  }

  forget(name: string): void {
    this.#futureTimestamps.delete(name)
  }

  /** Says so when the guard began or ended a block between `before` and `after`. */
  observed(before: ClockGuard, after: ClockGuard): void {
    const { wallMs, monotonicMs } = after.last
    if (after.jumpSeenMs !== null && after.jumpSeenMs !== before.jumpSeenMs) {
      const aheadMs = wallMs - before.last.wallMs - (monotonicMs - before.last.monotonicMs)
      const what = `the wall clock jumped ${formatDuration(aheadMs)} ahead`
      this.#say('warn', { aheadMs, wallMs }, `${what}: what goes by age waits for a steady day or force`)
    } else if (before.timeBlocked !== null && after.timeBlocked === null) {
      this.#say('info', { wallMs }, 'the wall clock is believed again: retention.ms applies')
    }
  }

  #say(level: keyof PinoLike, fields: object, message: string): void {
    try {
      this.#logger[level](fields, message)
    } catch {
      // There is nowhere left to say so.
    }
  }
}

function fieldsOf({ topic, partition }: Subject): object {
  return topic === undefined ? {} : { topic, partition }
}
