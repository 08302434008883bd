import { performance } from 'node:perf_hooks'
import { TIMER_MS_MAX } from './numbers.ts'

/** A scheduled call that has not happened yet. */
export interface Timer {
  cancel(): void
}

/** Time as the engine sees it; handed in, so that tests move it by hand. */
export interface Clock {
  /** Wall time, in ms since the Unix epoch; may jump. */
  now(): number
  /** Ms since some fixed moment; never goes back, whatever happens to the wall clock. */
  monotonic(): number
  /** Calls `task` once after `delayMs`; unless `keepAlive`, a waiting timer lets the process end. */
  schedule(delayMs: number, task: () => void, options?: { keepAlive?: boolean }): Timer
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, task, options) {
    const handle = setTimeout(task, Math.min(Math.max(delayMs, 0), TIMER_MS_MAX))
    if (options?.keepAlive !== true) handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}
