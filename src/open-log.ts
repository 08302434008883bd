import { uptime } from 'node:os'
import { type CleanPlan, type CleanReport, CleanupScheduler } from './cleanup/index.ts'
import type { ConfigInput } from './config/index.ts'
import { argumentTypeError, checkInteger, isOffset, readOptions, systemClock } from './core/index.ts'
import {
  type CheckedLogOptions,
  checkDirectory,
  checkLogOptions,
  FollowerLog,
  type LogOptions,
  openFollower,
  openPartition,
  PartitionLog,
} from './log/index.ts'
import type { CleanOptions, Log } from './log-api.ts'
import { LogCleaning, planSegments } from './log-cleaning.ts'

/**
 * Opens one partition, with a cleanup scheduler of its own; makes it if there is none.
 *
 * Errors: TypeError, RangeError; LOG_LOCKED at once if another process, worker or handle has it open for writing;
 *         LOG_CORRUPT for damage that must not be cut; LOG_NOT_FOUND with `create: false` or `readOnly: true`;
 *         CONFIG_INVALID with every problem listed; the system's.
 * Cost:   after a clean close independent of the size of the data; else what was written since the last sync is read.
 */
export async function openLog(directory: string, options?: LogOptions): Promise<Log> {
  const checked = checkLogOptions(options)
  const path = checkDirectory(directory)
  if (checked.readOnly) return new FollowedLog(await openFollower(path, checked), checked)
  return new CleanedLog(await openPartition(path, checked), checked)
}

/** A partition and its scheduler. */
class CleanedLog extends PartitionLog implements Log {
  readonly #scheduler: CleanupScheduler
  readonly #cleaning: LogCleaning
  readonly #now: () => number

  constructor(opened: Awaited<ReturnType<typeof openPartition>>, options: CheckedLogOptions) {
    super(opened)
    const { clock, logger } = options
    // The monotonic clock of a sleeping machine stands still; its uptime does not.
    const elapsed = clock === systemClock ? { elapsedMs: () => uptime() * 1000 } : {}
    this.#now = () => clock.now()
    this.#scheduler = new CleanupScheduler({ clock, logger, timer: options.cleanup, ...elapsed })
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
    return this.#scheduler.runOnce({ force, ...(now === undefined ? {} : { now }) })
  }

  override async updateConfig(config: ConfigInput): Promise<void> {
    await super.updateConfig(config)
    this.#scheduler.reschedule()
  }

  /** A clean under way ends while there is still a log to clean. */
  protected override beforeClose(): Promise<void> {
    return this.#scheduler.close()
  }
}

/** A log that is only read; it can say what cleaning would do. */
class FollowedLog extends FollowerLog implements Log {
  readonly #now: () => number

  constructor(opened: Awaited<ReturnType<typeof openFollower>>, options: CheckedLogOptions) {
    super(opened)
    this.#now = () => options.clock.now()
  }

  async plan(now?: number): Promise<CleanPlan> {
    const nowMs = now === undefined ? this.#now() : checkTime(now)
    this.view.checkReadable()
    await this.view.ensureFacts()
    const { topic, partition, endOffset } = this
    return planSegments(this.view, {
      topic,
      partition,
      endOffset,
      nowMs,
      timeBlocked: null,
      otherBlock: this.cleaningHeldBecause,
    })
  }

  async clean(): Promise<CleanReport> {
    return this.refuse()
  }
}

function checkCleanOptions(input: number | CleanOptions | undefined): CleanOptions {
  if (typeof input === 'number') return { now: checkTime(input) }
  const options = readOptions<CleanOptions>(input, { what: 'clean', known: ['now', 'plan', 'force'] })
  if (options.now !== undefined) checkTime(options.now)
  if (options.plan !== undefined) checkPlan(options.plan)
  return options
}

/** That it is a plan at all; what it may do is decided against the log as it is. */
function checkPlan(plan: unknown): void {
  const at: unknown = typeof plan === 'object' && plan !== null && 'at' in plan ? plan.at : undefined
  if (!isOffset(at)) throw argumentTypeError('plan must be one that plan() gave')
}

function checkTime(now: unknown): number {
  return checkInteger(now, { name: 'now', min: 0, max: Number.MAX_SAFE_INTEGER })
}
