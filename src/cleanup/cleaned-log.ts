import { uptime } from 'node:os'
import type { ConfigInput } from '../config/index.ts'
import { systemClock } from '../core/index.ts'
import { type CheckedLogOptions, type OpenedLog, PartitionLog } from '../log/index.ts'
import { checkCleanOptions, checkTime } from './clean-options.ts'
import { CleanupScheduler } from './cleanup-scheduler.ts'
import type { CleanOptions, Log } from './log-api.ts'
import { LogCleaning } from './log-cleaning.ts'
import type { CleanPlan, CleanReport } from './types.ts'

/** A scheduler by the clock and the logger of `options`; `budgetBytes` is what all its logs may take together. */
export function createScheduler(
  options: Pick<CheckedLogOptions, 'clock' | 'logger' | 'cleanup'>,
  budgetBytes?: () => number | undefined,
): CleanupScheduler {
  const { clock, logger, cleanup } = options
  // The monotonic clock of a sleeping machine stands still; its uptime does not.
  const elapsed = clock === systemClock ? { elapsedMs: () => uptime() * 1000 } : {}
  return new CleanupScheduler({ clock, logger, timer: cleanup, budgetBytes, ...elapsed })
}

/** A partition that is cleaned, by a scheduler of its own or by one that many share. */
export class CleanedLog extends PartitionLog implements Log {
  readonly #scheduler: CleanupScheduler
  readonly #ownsScheduler: boolean
  readonly #cleaning: LogCleaning
  readonly #now: () => number

  /** `scheduler` is one that other logs share; without it the log has its own. */
  constructor(opened: OpenedLog, options: CheckedLogOptions, scheduler?: CleanupScheduler) {
    super(opened)
    this.#now = () => options.clock.now()
    this.#ownsScheduler = scheduler === undefined
    this.#scheduler = scheduler ?? createScheduler(options)
    this.#cleaning = new LogCleaning(this)
    if (this.state === 'open') this.#scheduler.add(this.#cleaning)
  }

  async plan(now?: number): Promise<CleanPlan> {
    this.parts.state.checkReadable()
    const nowMs = now === undefined ? this.#now() : checkTime(now)
    return this.#cleaning.plan(nowMs, { timeBlocked: this.#scheduler.checkClock() })
  }

  async clean(input?: number | CleanOptions): Promise<CleanReport> {
    const { now, plan, force = false } = checkCleanOptions(input)
    this.checkWritable()
    if (plan !== undefined) return this.#cleaning.execute(plan)
    return this.#scheduler.runOnce({ only: this.#cleaning, force, ...(now === undefined ? {} : { now }) })
  }

  override async updateConfig(config: ConfigInput): Promise<void> {
    await super.updateConfig(config)
    this.#scheduler.reschedule()
  }

  /** A clean under way ends while there is still a log to clean. */
  protected override beforeClose(): Promise<void> {
    return this.#ownsScheduler ? this.#scheduler.close() : this.#scheduler.remove(this.#cleaning)
  }
}
