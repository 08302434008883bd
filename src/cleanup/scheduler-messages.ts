import { type PinoLike, silentLogger } from '../core/index.ts'
import type { ClockGuard } from './clock-guard.ts'
import { formatBytes, formatDuration } from './format.ts'
import type { CleanPlan, CleanReport } from './types.ts'

/** What the scheduler has to say, said once each; a logger that throws does not stop the cleaning it is told about. */
export class SchedulerMessages {
  readonly #logger: PinoLike
  /** What was last said about each log's future timestamps, so that it is not said every five minutes. */
  readonly #futureTimestamps = new Map<string, number>()

  constructor(logger: PinoLike = silentLogger) {
    this.#logger = logger
  }

  planned(name: string, plan: CleanPlan): void {
    const segments = plan.futureTimestamps
    if (segments === (this.#futureTimestamps.get(name) ?? 0)) return
    if (segments === 0) {
      this.#futureTimestamps.delete(name)
      return
    }
    this.#futureTimestamps.set(name, segments)
    this.#say(
      'warn',
      { log: name, segments },
      `${name}: timestamps in the future, append times count instead`,
    )
  }

  executed(name: string, report: CleanReport): void {
    for (const { error } of report.failures) this.failed(name, error)
    const { deleted, bytesFreed, startOffset, rolled } = report
    if (deleted.length === 0 && !rolled) return
    const what = `${deleted.length} segments deleted, ${formatBytes(bytesFreed)}`
    this.#say(
      'info',
      { log: name, deleted: deleted.length, bytesFreed, startOffset, rolled },
      `${name}: ${what}`,
    )
  }

  failed(name: string, error: unknown): void {
    this.#say('error', { log: name, err: error }, `${name}: cleaning failed`)
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
