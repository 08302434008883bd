import { describe, expect, it } from 'vitest'
import {
  acceptClock,
  CLOCK_JUMP_MS,
  CLOCK_STEADY_MS,
  type ClockGuard,
  observeClock,
  startClockGuard,
} from '../../../src/cleanup/index.ts'
import { DAY, HOUR, NOW } from './fixtures.ts'

const TICK = 300_000
const start = startClockGuard({ wallMs: NOW, monotonicMs: 5000 })

/** The guard after the wall clock moved by `wall` and the monotonic one by `monotonic` since it last looked. */
function after(guard: ClockGuard, moved: { wall: number; monotonic: number }): ClockGuard {
  return observeClock(guard, {
    wallMs: guard.last.wallMs + moved.wall,
    monotonicMs: guard.last.monotonicMs + moved.monotonic,
  })
}

const steadily = (guard: ClockGuard, ms: number) => after(guard, { wall: ms, monotonic: ms })
const jumped = after(start, { wall: TICK + 3650 * DAY, monotonic: TICK })

describe('the clock guard', () => {
  it('trusts both clocks at the start, and as long as they go together', () => {
    expect(start.timeBlocked).toBeNull()
    expect(steadily(start, 30 * DAY).timeBlocked).toBeNull()
  })

  it('blocks when the wall clock runs over an hour ahead, not when it is an hour to the millisecond', () => {
    expect(after(start, { wall: TICK + CLOCK_JUMP_MS, monotonic: TICK }).timeBlocked).toBeNull()
    expect(after(start, { wall: TICK + CLOCK_JUMP_MS + 1, monotonic: TICK }).timeBlocked).toBe('clock-jump')
  })

  it('does not mind a jump back of three days (R 107)', () => {
    expect(after(start, { wall: TICK - 3 * DAY, monotonic: TICK }).timeBlocked).toBeNull()
  })

  it('takes the way forward again after that for a jump', () => {
    const back = after(start, { wall: TICK - 3 * DAY, monotonic: TICK })
    expect(after(back, { wall: TICK + 3 * DAY, monotonic: TICK }).timeBlocked).toBe('clock-jump')
  })

  it('is believed again after a steady day, and not a millisecond sooner (R 108)', () => {
    expect(steadily(jumped, CLOCK_STEADY_MS - 1).timeBlocked).toBe('clock-jump')
    expect(steadily(jumped, CLOCK_STEADY_MS).timeBlocked).toBeNull()
  })

  it('counts the steady day over many observations', () => {
    let guard = jumped
    for (let tick = 1; tick < CLOCK_STEADY_MS / TICK; tick++) guard = steadily(guard, TICK)
    expect(guard.timeBlocked).toBe('clock-jump')
    expect(steadily(guard, TICK).timeBlocked).toBeNull()
  })

  it('starts the day anew at another jump', () => {
    const again = after(steadily(jumped, 23 * HOUR), { wall: 3 * HOUR, monotonic: HOUR })
    expect(again.timeBlocked).toBe('clock-jump')
    expect(steadily(again, 23 * HOUR).timeBlocked).toBe('clock-jump')
    expect(steadily(again, DAY).timeBlocked).toBeNull()
  })

  it('starts the day anew when the jump falls into the observation that would have ended it', () => {
    expect(after(jumped, { wall: 3 * DAY, monotonic: DAY }).timeBlocked).toBe('clock-jump')
  })

  it('does not take going back for another jump, nor for the end of the block', () => {
    const back = after(jumped, { wall: HOUR - 3650 * DAY, monotonic: HOUR })
    expect(back.timeBlocked).toBe('clock-jump')
    expect(steadily(back, 23 * HOUR).timeBlocked).toBeNull()
  })

  it('is unblocked by acceptance at once, and watches on', () => {
    const accepted = acceptClock(jumped)
    expect(accepted.timeBlocked).toBeNull()
    expect(steadily(accepted, TICK).timeBlocked).toBeNull()
    expect(after(accepted, { wall: 2 * HOUR, monotonic: 0 }).timeBlocked).toBe('clock-jump')
  })

  it('takes eight hours of sleep for a jump when the monotonic clock slept too, and not when it counted them', () => {
    expect(after(start, { wall: 8 * HOUR, monotonic: TICK }).timeBlocked).toBe('clock-jump')
    expect(after(start, { wall: 8 * HOUR, monotonic: 8 * HOUR }).timeBlocked).toBeNull()
  })

  it('leaves the guard it was given as it was', () => {
    const before = structuredClone(jumped)
    steadily(jumped, DAY)
    acceptClock(jumped)
    expect(jumped).toEqual(before)
  })
})
