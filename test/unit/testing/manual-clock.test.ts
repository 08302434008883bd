import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/testing/index.ts'

const DAY = 86_400_000

describe('ManualClock', () => {
  it('stands still until it is moved', async () => {
    const clock = new ManualClock({ wallMs: 1000, monotonicMs: 7 })
    await new Promise((resolve) => setImmediate(resolve))
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 7])
  })

  it('moves both clocks on by the same time', async () => {
    const clock = new ManualClock({ wallMs: 1000, monotonicMs: 7 })
    await clock.advance(DAY)
    expect([clock.now(), clock.monotonic()]).toEqual([1000 + DAY, 7 + DAY])
  })

  it('jumps and sets the wall clock alone, firing nothing', async () => {
    const clock = new ManualClock({ wallMs: 1000 })
    let fired = 0
    clock.schedule(10, () => fired++)
    clock.jumpWall(3650 * DAY)
    expect([clock.now(), clock.monotonic()]).toEqual([1000 + 3650 * DAY, 0])
    clock.jumpWall(-3660 * DAY)
    expect(clock.now()).toBe(1000 - 10 * DAY)
    clock.setWall(5)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([5, 0, 0])
  })

  it('fires timers in the order they are due, and those due together as they were set', async () => {
    const clock = new ManualClock()
    const fired: string[] = []
    clock.schedule(20, () => fired.push('third'))
    clock.schedule(10, () => fired.push('first'))
    clock.schedule(10, () => fired.push('second'))
    await clock.advance(20)
    expect(fired).toEqual(['first', 'second', 'third'])
  })

  it('stands at the moment a timer is due while it fires', async () => {
    const clock = new ManualClock({ wallMs: 500 })
    const seen: number[][] = []
    clock.schedule(10, () => seen.push([clock.now(), clock.monotonic()]))
    await clock.advance(1000)
    expect(seen).toEqual([[510, 10]])
  })

  it('fires a timer at its moment and not a millisecond sooner', async () => {
    const clock = new ManualClock()
    let fired = 0
    clock.schedule(10, () => fired++)
    await clock.advance(9)
    expect(fired).toBe(0)
    await clock.advance(1)
    expect(fired).toBe(1)
    await clock.advance(100)
    expect(fired).toBe(1)
  })

  it('fires within one advance what a promise chain behind a timer sets', async () => {
    const clock = new ManualClock()
    const at: number[] = []
    const again = async () => {
      at.push(clock.monotonic())
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.resolve()
      clock.schedule(10, again)
    }
    clock.schedule(10, again)
    await clock.advance(45)
    expect(at).toEqual([10, 20, 30, 40])
    expect(clock.monotonic()).toBe(45)
  })

  it('does not fire a cancelled timer, not even one cancelled by a timer due at the same moment', async () => {
    const clock = new ManualClock()
    let fired = 0
    const early = clock.schedule(5, () => fired++)
    early.cancel()
    early.cancel()
    clock.schedule(10, () => late.cancel())
    const late = clock.schedule(10, () => fired++)
    await clock.advance(10)
    expect(fired).toBe(0)
    expect(clock.timers).toEqual([])
  })

  it('shows the timers that wait, and which would keep the process alive', () => {
    const clock = new ManualClock({ monotonicMs: 100 })
    clock.schedule(20, () => {}, { keepAlive: true })
    clock.schedule(10, () => {})
    expect(clock.timers).toEqual([
      { dueMs: 110, keepAlive: false },
      { dueMs: 120, keepAlive: true },
    ])
  })

  it('takes a delay under 0 for none and clamps one that Node would fire at once', async () => {
    const clock = new ManualClock()
    clock.schedule(-5, () => {})
    clock.schedule(2 ** 40, () => {})
    expect(clock.timers.map(({ dueMs }) => dueMs)).toEqual([0, 2 ** 31 - 1])
    await clock.advance(0)
    expect(clock.timers).toHaveLength(1)
  })

  it('takes advances made together one after another', async () => {
    const clock = new ManualClock()
    const at: number[] = []
    clock.schedule(5, () => at.push(clock.monotonic()))
    clock.schedule(15, () => at.push(clock.monotonic()))
    await Promise.all([clock.advance(10), clock.advance(10)])
    expect(at).toEqual([5, 15])
    expect(clock.monotonic()).toBe(20)
  })

  it('rejects with what a timer threw, and goes on afterwards', async () => {
    const clock = new ManualClock()
    let fired = 0
    clock.schedule(5, () => {
      throw new Error('from the timer')
    })
    clock.schedule(6, () => fired++)
    await expect(clock.advance(10)).rejects.toThrow('from the timer')
    expect(clock.monotonic()).toBe(5)
    await clock.advance(10)
    expect(fired).toBe(1)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses to advance by %d', async (ms) => {
    await expect(new ManualClock().advance(ms)).rejects.toThrow(RangeError)
  })

  it('refuses a delay that is no number', () => {
    expect(() => new ManualClock().schedule(Number.NaN, () => {})).toThrow(RangeError)
  })

  it('gives up on a timer that sets itself again without delay', async () => {
    const clock = new ManualClock({ settleTurns: 0 })
    const again = () => void clock.schedule(0, again)
    again()
    await expect(clock.advance(1)).rejects.toThrow(/without delay/)
  })
})
