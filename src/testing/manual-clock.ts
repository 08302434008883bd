import {
  argumentRangeError,
  type Clock,
  SerialQueue,
  TIMER_MS_MAX,
  type Timer,
  yieldToEventLoop,
} from '../core/index.ts'

/** Turns of the event loop given to what a timer sets off before time moves on, unless told otherwise. */
const SETTLE_TURNS = 25

/** Timers that may fire at one and the same moment; more means one that sets itself again without delay. */
const TIMERS_AT_ONCE_MAX = 10_000

/** A timer that waits on a manual clock. */
export interface ManualTimer {
  /** Monotonic moment at which it fires. */
  readonly dueMs: number
  /** It would keep the process from ending. */
  readonly keepAlive: boolean
}

interface WaitingTimer extends ManualTimer {
  readonly order: number
  readonly task: () => void
}

/**
 * A clock that stands still until a test moves it.
 *
 * Wall and monotonic time are two numbers: `advance` moves both and fires timers, `jumpWall` and `setWall` move the
 * wall alone, as someone who sets the system's clock does. Timers run on monotonic time and, as with `systemClock`,
 * none waits longer than 2^31 - 1 ms.
 *
 *     const clock = new ManualClock({ wallMs: Date.UTC(2030, 0, 1) })
 *     const log = await openLog(directory, { clock, config: { 'retention.ms': '7d' } })
 *     await clock.advance(8 * 86_400_000)
 */
export class ManualClock implements Clock {
  readonly #waiting = new Set<WaitingTimer>()
  readonly #moves = new SerialQueue()
  readonly #settleTurns: number
  #wallMs: number
  #monotonicMs: number
  #timersSet = 0

  /**
   * Starts at `wallMs` (2024-01-01 UTC by default) and `monotonicMs` (0); `settleTurns` (25) is how many turns of the
   * event loop what a timer sets off gets before time moves on.
   */
  constructor(start: { wallMs?: number; monotonicMs?: number; settleTurns?: number } = {}) {
    this.#wallMs = start.wallMs ?? Date.UTC(2024, 0, 1)
    this.#monotonicMs = start.monotonicMs ?? 0
    this.#settleTurns = start.settleTurns ?? SETTLE_TURNS
  }

  now(): number {
    return this.#wallMs
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  schedule(delayMs: number, task: () => void, options?: { keepAlive?: boolean }): Timer {
    if (Number.isNaN(delayMs)) throw argumentRangeError('delayMs must be a number, found NaN')
    const dueMs = this.#monotonicMs + Math.min(Math.max(delayMs, 0), TIMER_MS_MAX)
    const timer = { dueMs, keepAlive: options?.keepAlive === true, order: this.#timersSet++, task }
    this.#waiting.add(timer)
    return { cancel: () => void this.#waiting.delete(timer) }
  }

  /** The timers that wait, in the order in which they will fire. */
  get timers(): readonly ManualTimer[] {
    return [...this.#waiting]
      .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)
      .map(({ dueMs, keepAlive }) => ({ dueMs, keepAlive }))
  }

  /**
   * Moves both clocks on by `ms`, stopping at each timer on the way. Before the first step and after each, promise
   * chains and immediates get some turns of the event loop, so that a timer they set within the time still fires. What
   * waits for a real disk may need longer: await that itself. Calls made together take effect one after another.
   *
   * Errors: rejects with what a timer's task threw, the clocks then standing at that timer; RangeError for a time that
   * does not go forward, and when 10,000 timers fire without time passing.
   */
  advance(ms: number): Promise<void> {
    return this.#moves.run(() => this.#advance(ms))
  }

  /** Moves the wall clock alone, forward or (under 0) back; fires nothing. */
  jumpWall(ms: number): void {
    this.#wallMs += ms
  }

  /** Sets the wall clock alone; fires nothing. */
  setWall(wallMs: number): void {
    this.#wallMs = wallMs
  }

  async #advance(ms: number): Promise<void> {
    if (!(ms >= 0 && Number.isFinite(ms)))
      throw argumentRangeError(`a clock advances by 0 ms or more, found ${ms}`)
    await this.#settle()
    const endMs = this.#monotonicMs + ms
    let firedAtOnce = 0
    for (let timer = this.#nextUpTo(endMs); timer !== undefined; timer = this.#nextUpTo(endMs)) {
      firedAtOnce = timer.dueMs > this.#monotonicMs ? 1 : firedAtOnce + 1
      if (firedAtOnce > TIMERS_AT_ONCE_MAX) {
        throw argumentRangeError(
          `${TIMERS_AT_ONCE_MAX} timers fired at one moment: one sets itself again without delay`,
        )
      }
      this.#moveTo(Math.max(timer.dueMs, this.#monotonicMs))
      this.#waiting.delete(timer)
      timer.task()
      await this.#settle()
    }
    this.#moveTo(endMs)
    await this.#settle()
  }

  #nextUpTo(endMs: number): WaitingTimer | undefined {
    let next: WaitingTimer | undefined
    for (const timer of this.#waiting) {
      if (timer.dueMs > endMs) continue
      // A set keeps its order of insertion, so of two due at once the one set first is found first.
      if (next === undefined || timer.dueMs < next.dueMs) next = timer
    }
    return next
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < this.#settleTurns; turn++) await yieldToEventLoop()
  }
}
