import { describe, expect, it } from 'vitest'
import { CleanupScheduler, type CleanupSchedulerOptions } from '../../../src/cleanup/index.ts'
import { isSeglogError } from '../../../src/core/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { DAY, gate, HOUR, log, MemoryTarget, NOW, SECOND, segmentsOf } from './fixtures.ts'

const limits = { retentionMs: 7 * DAY }

/** A scheduler on a clock of our own, with logs whose segments are fresh now and go after seven days. */
function setUp(topics: readonly string[] = ['orders'], options: Omit<CleanupSchedulerOptions, 'clock'> = {}) {
  const clock = new ManualClock({ wallMs: NOW })
  const scheduler = new CleanupScheduler({ clock, ...options })
  const targets = topics.map((topic) => new MemoryTarget(topic, log(segmentsOf(3), { limits })))
  for (const target of targets) scheduler.add(target)
  return { clock, scheduler, targets, target: targets[0]! }
}

const runsOf = (target: MemoryTarget) => target.plannedAt.map(({ nowMs }) => nowMs - NOW)

describe('remove', () => {
  it('stops the runs of a log and leaves no timer for it', async () => {
    const { clock, scheduler, target } = setUp()
    await scheduler.remove(target)
    expect(clock.timers).toEqual([])
    await clock.advance(HOUR)
    expect(target.plannedAt).toEqual([])
  })

  it('waits for a run under way on the log, and so does a second call', async () => {
    const { scheduler, target } = setUp()
    const slow = gate()
    target.beforePlan = () => slow.opened
    const report = scheduler.runOnce()
    const done: string[] = []
    const removals = ['first', 'second'].map(async (name) => {
      await Promise.resolve()
      await scheduler.remove(target)
      done.push(name)
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(done).toEqual([])
    slow.open()
    await Promise.all(removals)
    expect(done).toHaveLength(2)
    await report
  })

  it('does not wait for a run on another log, and takes the removed one out of the round', async () => {
    const { scheduler, targets } = setUp(['slow', 'removed', 'last'])
    const slow = gate()
    targets[0]!.beforePlan = () => slow.opened
    const report = scheduler.runOnce()
    await new Promise((resolve) => setImmediate(resolve))
    expect(targets[0]!.plannedAt).toHaveLength(1)
    await scheduler.remove(targets[1]!)
    slow.open()
    expect((await report).plans.map(({ topic }) => topic)).toEqual(['slow', 'last'])
    expect(targets[1]!.plannedAt).toEqual([])
  })

  it('of a log that is not there does nothing', async () => {
    const { clock, scheduler } = setUp()
    await scheduler.remove(new MemoryTarget('stranger', log([])))
    expect(clock.timers).toHaveLength(1)
  })

  it('lets the log be added again, as a new one', async () => {
    const { clock, scheduler, target } = setUp()
    await clock.advance(20 * SECOND)
    await scheduler.remove(target)
    scheduler.add(target)
    await clock.advance(30 * SECOND)
    expect(runsOf(target)).toEqual([50 * SECOND])
  })
})

describe('close', () => {
  it('with a timer that waits cancels it at once', async () => {
    const { clock, scheduler, target } = setUp()
    const closing = scheduler.close()
    expect(clock.timers).toEqual([])
    await closing
    await clock.advance(DAY)
    expect(target.plannedAt).toEqual([])
  })

  it('waits for the log being cleaned and gives the ones after it no turn', async () => {
    const { scheduler, targets } = setUp(['slow', 'next'])
    const slow = gate()
    targets[0]!.input = log(segmentsOf(2), { startOffset: 5 })
    targets[0]!.beforeExecute = () => slow.opened
    const report = scheduler.runOnce()
    await new Promise((resolve) => setImmediate(resolve))
    let isClosed = false
    const close = async () => {
      await scheduler.close()
      isClosed = true
    }
    const closing = close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(isClosed).toBe(false)
    slow.open()
    await closing
    expect(targets[0]!.input.segments).toHaveLength(1)
    expect(targets[1]!.plannedAt).toEqual([])
    const { deleted, failures } = await report
    expect(deleted).toHaveLength(1)
    expect(failures).toHaveLength(1)
    expect(isSeglogError(failures[0]!.error, 'LOG_CLOSED')).toBe(true)
  })

  it('during a tick waits for it and sets no timer afterwards', async () => {
    const { clock, scheduler, target } = setUp()
    const slow = gate()
    target.beforePlan = () => slow.opened
    await clock.advance(30 * SECOND)
    const closing = scheduler.close()
    slow.open()
    await closing
    expect(clock.timers).toEqual([])
    expect(target.plannedAt).toHaveLength(1)
  })

  it('twice, and together, is the same as once', async () => {
    const { scheduler } = setUp()
    await Promise.all([scheduler.close(), scheduler.close()])
    await scheduler.close()
  })

  it('is final: add throws and runOnce rejects with LOG_CLOSED, tick and reschedule do nothing', async () => {
    const { clock, scheduler, target } = setUp()
    await scheduler.close()
    const closed = expect.objectContaining({ code: 'LOG_CLOSED' })
    expect(() => scheduler.add(new MemoryTarget('late', log([])))).toThrow(closed)
    await expect(scheduler.runOnce()).rejects.toThrow(closed)
    await scheduler.tick()
    scheduler.reschedule()
    await scheduler.remove(target)
    expect(clock.timers).toEqual([])
    expect(target.plannedAt).toEqual([])
  })
})
