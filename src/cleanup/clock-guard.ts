/** Running ahead by more than this between two observations is a jump. */
export const CLOCK_JUMP_MS = 3_600_000

/** Without another jump for this long, the wall clock is believed again. */
export const CLOCK_STEADY_MS = 86_400_000

/** Both clocks, read at one moment. */
export interface ClockReading {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** What is known of the wall clock's honesty after the latest observation. */
export interface ClockGuard {
  readonly last: ClockReading
  /** Monotonic moment at which the latest jump was seen; null when none is pending. */
  readonly jumpSeenMs: number | null
  /** Nothing may be deleted for its age while this is set. */
  readonly timeBlocked: 'clock-jump' | null
}

/** Begins with trust: a clock that was wrong before the process started can't be told from a right one. */
export function startClockGuard(reading: ClockReading): ClockGuard {
  return { last: reading, jumpSeenMs: null, timeBlocked: null }
}

/**
 * Takes the next reading of both clocks into account.
 *
 * A jump is the wall clock gaining more than `CLOCK_JUMP_MS` on the monotonic one since the reading before. It blocks
 * time retention until `CLOCK_STEADY_MS` of monotonic time have gone by without another, or until `acceptClock`.
 * Going back blocks nothing, for no segment gets older by it; nor does it end a block, for which of the two moves was
 * right is not known.
 *
 * A machine that sleeps looks like a jump when its monotonic clock sleeps too, as Linux's does. That costs time, never
 * data: what is due goes a day after waking. A machine that sleeps every night would never have a steady day, so the
 * scheduler can be given a clock that counts sleep (`elapsedMs`); then a night is no jump at all.
 */
export function observeClock(guard: ClockGuard, reading: ClockReading): ClockGuard {
  const wallElapsedMs = reading.wallMs - guard.last.wallMs
  const monotonicElapsedMs = reading.monotonicMs - guard.last.monotonicMs
  if (wallElapsedMs - monotonicElapsedMs > CLOCK_JUMP_MS) {
    return { last: reading, jumpSeenMs: reading.monotonicMs, timeBlocked: 'clock-jump' }
  }
  const isSteady = guard.jumpSeenMs === null || reading.monotonicMs - guard.jumpSeenMs >= CLOCK_STEADY_MS
  return isSteady ? startClockGuard(reading) : { ...guard, last: reading }
}

/** Ends a block: someone who can know says that the wall clock is right as it is. */
export function acceptClock(guard: ClockGuard): ClockGuard {
  return startClockGuard(guard.last)
}
