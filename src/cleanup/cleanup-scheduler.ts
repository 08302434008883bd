import {
  checkInteger,
  type Clock,
  type PinoLike,
  SeglogError,
  SerialQueue,
  TIMER_MS_MAX,
  type Timer,
  yieldToEventLoop,
} from '../core/index.ts'
import { mergeReports, reportOutcome } from './clean-report.ts'
import {
  acceptClock,
  type ClockGuard,
  type ClockReading,
  observeClock,
  startClockGuard,
} from './clock-guard.ts'
import { planAll, type PlanAllOptions } from './plan-all.ts'
import { SchedulerMessages } from './scheduler-messages.ts'
import type { CleanFailure, CleanPlan, CleanReport, CleanTarget } from './types.ts'

/** What a scheduler works with. */
export interface CleanupSchedulerOptions {
  readonly clock: Clock
  readonly logger?: PinoLike | undefined
  /** False: no timer, so nothing runs but `tick` and `runOnce`; the clock is still watched. Default true. */
  readonly timer?: boolean | undefined
  /**
   * Ms since some fixed moment, counting those the machine slept through, to tell sleep from a clock jump.
   * Default: the clock's monotonic time, for which a night's sleep is a jump wherever it stops in sleep (Linux).
   */
  readonly elapsedMs?: (() => number) | undefined
  /** What all logs that delete may take together; asked anew for every run. Default: no limit. */
  readonly budgetBytes?: (() => number | undefined) | undefined
}

/** When a log is next due: so long after `sinceMs`, by the limits it states at the time of asking. */
interface Entry {
  readonly target: CleanTarget
  sinceMs: number
  hasRun: boolean
}

/** The circumstances all logs of one run share. */
interface Run {
  readonly nowMs: number
  readonly timeBlocked: 'clock-jump' | null
  /** Plans that ask for nothing are dropped, so that the last report of 10,000 logs stays small. */
  readonly keepsIdlePlans: boolean
  /** A single log was asked for: the budget of all is none of its business. */
  readonly isOfOne: boolean
}

/**
 * Cleans logs on time, one after another, never two at once.
 *
 * A log first runs `initialDelayMs` after it was added and then `intervalMs` after the end of the round it ran in: a
 * long round is followed by a full pause, none is made up for, and logs that ran together stay together. Between two
 * logs the event loop has its turn. A log that fails is reported and tried again when next due; the others go on.
 *
 * Timers never keep the process alive. There is one, for the log due first; which that is takes a scan of all logs
 * once a round (0.2 ms for 10,000), so a heap, and the care it takes when intervals change, would gain nothing.
 *
 * None of its promises may be awaited from within a target's own `plan` or `execute`: they wait for that to end.
 */
export class CleanupScheduler {
  readonly #clock: Clock
  readonly #messages: SchedulerMessages
  readonly #usesTimer: boolean
  readonly #elapsedMs: () => number
  readonly #budgetBytes: () => number | undefined
  readonly #entries = new Map<CleanTarget, Entry>()
  readonly #queue = new SerialQueue()
  #guard: ClockGuard
  #timer: Timer | undefined
  #timerDueMs = Number.POSITIVE_INFINITY
  #ticking: Promise<void> | undefined
  #working: { readonly target: CleanTarget; readonly done: Promise<unknown> } | undefined
  #lastReport: CleanReport | undefined
  #isClosed = false

  constructor(options: CleanupSchedulerOptions) {
    this.#clock = options.clock
    this.#messages = new SchedulerMessages(options.logger)
    this.#usesTimer = options.timer ?? true
    this.#elapsedMs = options.elapsedMs ?? (() => options.clock.monotonic())
    this.#budgetBytes = options.budgetBytes ?? (() => undefined)
    this.#guard = startClockGuard(this.#readClocks())
  }

  /** What the latest run came to, whether the timer or a call began it. */
  get lastReport(): CleanReport | undefined {
    return this.#lastReport
  }

  /** Looks at both clocks and says whether what goes by age has to wait; for plans made outside a run. */
  checkClock(): 'clock-jump' | null {
    this.#observe()
    return this.#guard.timeBlocked
  }

  /** Takes a log in; one that is already there keeps its turn. Errors: `LOG_CLOSED` after `close`. */
  add(target: CleanTarget): void {
    this.#assertOpen()
    if (this.#entries.has(target)) return
    const entry: Entry = { target, sinceMs: this.#clock.monotonic(), hasRun: false }
    this.#entries.set(target, entry)
    // Adding 10,000 logs must not take 10,000 scans: only one that is due sooner than all others moves the timer.
    if (dueMs(entry) < this.#timerDueMs) this.#arm()
  }

  /** Lets a log go, and waits for a run under way on it. */
  async remove(target: CleanTarget): Promise<void> {
    this.#messages.forget(target.name)
    if (this.#entries.delete(target)) this.#arm()
    if (this.#working?.target === target) await this.#working.done
  }

  /** Asks all logs for their intervals again; call it when one has changed. */
  reschedule(): void {
    this.#arm()
  }

  /** Runs the logs that are due; a call while that is going on joins it. Never rejects. */
  tick(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#ticking ??= this.#queue.run(() => this.#runDue())
    return this.#ticking
  }

  /**
   * Runs every log now, or `only` one, after a run under way, and counts their intervals from here.
   *
   * `now` plans for another moment than the clock's. `force` takes the wall clock for right, now and from now on.
   * Errors: `LOG_CLOSED` after `close`; RangeError or TypeError for a bad `now`. What fails in a log is in the report.
   */
  async runOnce(
    options: { now?: number | undefined; force?: boolean | undefined; only?: CleanTarget } = {},
  ): Promise<CleanReport> {
    this.#assertOpen()
    const { now, force, only } = options
    if (now !== undefined) checkInteger(now, { name: 'now', min: 0, max: Number.MAX_SAFE_INTEGER })
    return this.#queue.run(async () => {
      const wallMs = this.#observe()
      if (force === true) this.#turnGuard(acceptClock(this.#guard))
      const run = {
        nowMs: now ?? wallMs,
        timeBlocked: this.#guard.timeBlocked,
        keepsIdlePlans: true,
        isOfOne: only !== undefined,
      }
      const entries = [...this.#entries.values()].filter(
        ({ target }) => only === undefined || target === only,
      )
      const report = await this.#run(entries, run)
      this.#arm()
      return report
    })
  }

  /**
   * What a run now, or at `now`, would do to every log, the budget of all included.
   * Errors: without `onFailure`, those of the first log that can't be planned for.
   */
  async planAll({
    now,
    onFailure,
  }: Pick<PlanAllOptions, 'onFailure'> & { now?: number | undefined } = {}): Promise<CleanPlan[]> {
    this.#assertOpen()
    const wallMs = this.#observe()
    const planned = await planAll([...this.#entries.keys()], now ?? wallMs, {
      timeBlocked: this.#guard.timeBlocked,
      budgetBytes: this.#budgetBytes(),
      onFailure,
    })
    return planned.map(({ plan }) => plan)
  }

  /** Cancels the timer at once and waits for the log being cleaned; the ones after it have no turn. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#arm()
    await this.#queue.idle()
  }

  async #runDue(): Promise<void> {
    try {
      const nowMs = this.#observe()
      const monotonicMs = this.#clock.monotonic()
      const due = [...this.#entries.values()].filter((entry) => dueMs(entry) <= monotonicMs)
      const run = { nowMs, timeBlocked: this.#guard.timeBlocked, keepsIdlePlans: false, isOfOne: false }
      if (due.length > 0) await this.#run(due, run)
    } finally {
      this.#ticking = undefined
      this.#arm()
    }
  }

  async #run(entries: readonly Entry[], run: Run): Promise<CleanReport> {
    const startedMs = this.#clock.monotonic()
    const reports: CleanReport[] = []
    const failures: CleanFailure[] = []
    for (const entry of entries) {
      const { topic, partition } = entry.target
      if (this.#isClosed) failures.push({ topic, partition, error: closedError() })
      else if (this.#entries.get(entry.target) === entry) {
        const done = this.#runEntry(entry, run)
        this.#working = { target: entry.target, done }
        const result = await done
        this.#working = undefined
        if ('error' in result) failures.push({ topic, partition, error: result.error })
        else reports.push(result)
        await yieldToEventLoop()
      }
    }
    if (!run.isOfOne) reports.push(...(await this.#runBudget(run)))
    const endedMs = this.#clock.monotonic()
    for (const entry of entries) {
      entry.sinceMs = endedMs
      entry.hasRun = true
    }
    const kept = run.keepsIdlePlans ? reports : reports.map(withoutIdlePlans)
    const { nowMs: at, timeBlocked: blocked } = run
    this.#lastReport = mergeReports(kept, { at, blocked, durationMs: endedMs - startedMs, failures })
    return this.#lastReport
  }

  /** After each log's own rules, the oldest segments of all go for the budget; logs that fail have said so by now. */
  async #runBudget({ nowMs, timeBlocked }: Run): Promise<CleanReport[]> {
    const budgetBytes = this.#budgetBytes()
    if (budgetBytes === undefined || this.#isClosed) return []
    const reports: CleanReport[] = []
    try {
      const targets = [...this.#entries.keys()].filter(({ isBudgeted }) => isBudgeted)
      const options = { timeBlocked, budgetBytes, onFailure: leaveOut }
      for (const { target, plan } of await planAll(targets, nowMs, options)) {
        if (plan.budgetBelow === null || this.#isClosed) continue
        const done = target.execute(plan)
        this.#working = { target, done }
        reports.push(await done)
        this.#messages.executed(target, reports.at(-1)!)
      }
    } catch (error) {
      this.#messages.failed({ name: 'the budget of all logs' }, error)
    } finally {
      this.#working = undefined
    }
    return reports
  }

  /** Cleans one log; gives the error back instead of throwing, so that the next log has its turn. */
  async #runEntry(entry: Entry, run: Run): Promise<CleanReport | { error: unknown }> {
    const { target } = entry
    try {
      const plan = await target.plan(run.nowMs, { timeBlocked: run.timeBlocked })
      this.#messages.planned(target, plan)
      if (plan.deleteCount === 0 && plan.roll === null) return reportOutcome(plan, {})
      const report = await target.execute(plan)
      this.#messages.executed(target, report)
      return report
    } catch (error) {
      this.#messages.failed(target, error)
      return { error }
    }
  }

  /** Has the guard look at both clocks; gives the wall time it saw. */
  #observe(): number {
    const reading = this.#readClocks()
    this.#turnGuard(observeClock(this.#guard, reading))
    return reading.wallMs
  }

  #turnGuard(guard: ClockGuard): void {
    this.#messages.observed(this.#guard, guard)
    this.#guard = guard
  }

  #readClocks(): ClockReading {
    return { wallMs: this.#clock.now(), monotonicMs: this.#elapsedMs() }
  }

  /** Sets the one timer for the log due first, and none while a tick runs: its end sets it anew. */
  #arm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerDueMs = Number.POSITIVE_INFINITY
    if (this.#isClosed || this.#ticking !== undefined || !this.#usesTimer) return
    for (const entry of this.#entries.values()) {
      const entryDueMs = dueMs(entry)
      if (entryDueMs < this.#timerDueMs) this.#timerDueMs = entryDueMs
    }
    if (this.#timerDueMs === Number.POSITIVE_INFINITY) return
    // A log due later than the longest timer is found not to be due when that fires, and the rest is waited for.
    const delayMs = Math.max(0, Math.ceil(this.#timerDueMs - this.#clock.monotonic()))
    this.#timer = this.#clock.schedule(Math.min(delayMs, TIMER_MS_MAX), () => void this.tick())
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closedError()
  }
}

/** A log that can't be planned for has said so in its own turn: it takes no part in the budget, and the others do. */
function leaveOut(): void {}

function dueMs(entry: Entry): number {
  return entry.sinceMs + (entry.hasRun ? entry.target.intervalMs : entry.target.initialDelayMs)
}

function withoutIdlePlans(report: CleanReport): CleanReport {
  const plans = report.plans.filter((plan) => plan.deleteCount > 0 || plan.roll !== null)
  return plans.length === report.plans.length ? report : { ...report, plans }
}

function closedError(): SeglogError {
  return new SeglogError('LOG_CLOSED', 'the cleanup scheduler is closed')
}
