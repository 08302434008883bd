import { describe, expect, it } from 'vitest'
import { CleanupScheduler, type CleanupSchedulerOptions } from '../../../src/cleanup/index.ts'
import { type Clock, silentLogger, systemClock, TIMER_MS_MAX } from '../../../src/core/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { DAY, gate, HOUR, log, MemoryTarget, NOW, SECOND, segmentsOf } from './fixtures.ts'

const MINUTE = 60 * SECOND
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

describe('when a log runs', () => {
  it('is first after the initial delay, then after every interval', async () => {
    const { clock, target } = setUp()
    await clock.advance(30 * SECOND - 1)
    expect(runsOf(target)).toEqual([])
    await clock.advance(1 + 2 * 5 * MINUTE)
    expect(runsOf(target)).toEqual([30, 330, 630].map((seconds) => seconds * SECOND))
  })

  it('counts from when it was added', async () => {
    const { clock, scheduler } = setUp()
    const late = new MemoryTarget('late', log([]))
    await clock.advance(10 * SECOND)
    scheduler.add(late)
    await clock.advance(30 * SECOND)
    expect(runsOf(late)).toEqual([40 * SECOND])
  })

  it('is each log’s own matter, and one timer waits for the first', async () => {
    const { clock, targets } = setUp(['often', 'seldom'])
    const [often, seldom] = targets as [MemoryTarget, MemoryTarget]
    often.intervalMs = MINUTE
    seldom.intervalMs = 3 * MINUTE
    await clock.advance(30 * SECOND + 3 * MINUTE)
    expect(often.plannedAt).toHaveLength(4)
    expect(seldom.plannedAt).toHaveLength(2)
    expect(clock.timers).toHaveLength(1)
  })

  it('is sooner for a log added with a shorter delay than all others', async () => {
    const { clock, scheduler } = setUp()
    const hasty = new MemoryTarget('hasty', log([]))
    hasty.initialDelayMs = SECOND
    scheduler.add(hasty)
    expect(clock.timers).toEqual([{ dueMs: SECOND, keepAlive: false }])
    await clock.advance(SECOND)
    expect(runsOf(hasty)).toEqual([SECOND])
  })

  it('is not moved when the log is added again', async () => {
    const { clock, scheduler, target } = setUp()
    await clock.advance(20 * SECOND)
    scheduler.add(target)
    await clock.advance(10 * SECOND)
    expect(runsOf(target)).toEqual([30 * SECOND])
  })

  it('follows a changed interval from the next run, and at once after reschedule', async () => {
    const { clock, scheduler, target } = setUp()
    await clock.advance(30 * SECOND)
    target.intervalMs = MINUTE
    scheduler.reschedule()
    await clock.advance(MINUTE)
    expect(target.plannedAt).toHaveLength(2)
    target.intervalMs = 10 * MINUTE
    await clock.advance(MINUTE)
    expect(target.plannedAt).toHaveLength(2)
    await clock.advance(9 * MINUTE)
    expect(target.plannedAt).toHaveLength(3)
  })

  it('is not hurried or held up by the wall clock (R 107)', async () => {
    const { clock, target } = setUp()
    clock.jumpWall(-3 * DAY)
    await clock.advance(30 * SECOND)
    clock.jumpWall(30 * MINUTE)
    await clock.advance(5 * MINUTE - 1)
    expect(target.plannedAt).toHaveLength(1)
    await clock.advance(1)
    expect(target.plannedAt).toHaveLength(2)
  })

  it('may be never on its own, when there is to be no timer', async () => {
    const { clock, scheduler, target } = setUp(['orders'], { timer: false })
    await clock.advance(DAY)
    expect(clock.timers).toEqual([])
    expect(target.plannedAt).toEqual([])
    await scheduler.runOnce()
    expect(target.plannedAt).toHaveLength(1)
  })
})

describe('timers', () => {
  it('never keep the process alive', async () => {
    const { clock } = setUp(['orders', 'audit'])
    expect(clock.timers).toEqual([{ dueMs: 30 * SECOND, keepAlive: false }])
    await clock.advance(10 * MINUTE)
    expect(clock.timers).toEqual([{ dueMs: 10.5 * MINUTE, keepAlive: false }])
  })

  it('are never set for longer than Node can wait, and a log due later still does not run early (R 111)', async () => {
    const manual = new ManualClock({ wallMs: NOW })
    const asked: number[] = []
    const clock: Clock = {
      now: () => manual.now(),
      monotonic: () => manual.monotonic(),
      schedule(delayMs, task) {
        asked.push(delayMs)
        return manual.schedule(delayMs, task)
      },
    }
    const scheduler = new CleanupScheduler({ clock })
    const target = new MemoryTarget('orders', log(segmentsOf(1)))
    target.initialDelayMs = 2 * TIMER_MS_MAX + 1000
    scheduler.add(target)
    await manual.advance(2 * TIMER_MS_MAX + 999)
    expect(target.plannedAt).toEqual([])
    await manual.advance(1)
    expect(target.plannedAt).toHaveLength(1)
    expect(asked.slice(0, 3)).toEqual([TIMER_MS_MAX, TIMER_MS_MAX, 1000])
    target.intervalMs = Number.MAX_SAFE_INTEGER
    scheduler.reschedule()
    expect(asked.at(-1)).toBe(TIMER_MS_MAX)
  })

  it('wait for whole milliseconds, so that none fires a fraction too early and finds nothing due', async () => {
    const clock = new ManualClock({ wallMs: NOW, monotonicMs: 0.5 })
    const scheduler = new CleanupScheduler({ clock })
    scheduler.add(new MemoryTarget('orders', log([])))
    await clock.advance(0.25)
    scheduler.reschedule()
    expect(clock.timers[0]!.dueMs).toBe(30_000.75)
  })

  it('are not even set for an interval that is no number, and the other logs keep theirs', async () => {
    const { clock, targets } = setUp(['broken', 'sound'])
    targets[0]!.initialDelayMs = Number.NaN
    await clock.advance(30 * SECOND)
    expect(targets.map(({ plannedAt }) => plannedAt.length)).toEqual([0, 1])
  })

  it('of a thousand logs are one, and all of them run', async () => {
    const clock = new ManualClock({ wallMs: NOW, settleTurns: 2500 })
    const scheduler = new CleanupScheduler({ clock })
    const targets = Array.from({ length: 1000 }, (_, slot) => new MemoryTarget(`t${slot}`, log([])))
    for (const target of targets) scheduler.add(target)
    expect(clock.timers).toHaveLength(1)
    await clock.advance(30 * SECOND)
    expect(targets.every(({ plannedAt }) => plannedAt.length === 1)).toBe(true)
    expect(clock.timers).toHaveLength(1)
  })

  it('on the machine’s own clock run a log that is due', async () => {
    const scheduler = new CleanupScheduler({ clock: systemClock })
    const target = new MemoryTarget('orders', log(segmentsOf(1)))
    const ran = gate()
    target.initialDelayMs = 1
    target.beforePlan = async () => ran.open()
    scheduler.add(target)
    await ran.opened
    await scheduler.close()
    expect(target.plannedAt).toHaveLength(1)
  })
})

describe('a run', () => {
  it('deletes what is due and reports it', async () => {
    const { clock, scheduler, target } = setUp()
    await clock.advance(8 * DAY)
    expect(target.input.segments).toHaveLength(1)
    const run = target.executed[0]!
    expect(run).toMatchObject({ deleteCount: 3, roll: 'all-expired' })
    expect(scheduler.lastReport).toMatchObject({ deleted: [], failures: [] })
  })

  it('carries out no plan that asks for nothing', async () => {
    const { clock, target } = setUp()
    await clock.advance(HOUR)
    expect(target.plannedAt.length).toBeGreaterThan(5)
    expect(target.executed).toEqual([])
  })

  it('carries out a plan that only rolls', async () => {
    const { scheduler, target } = setUp()
    target.input = log([{ firstWriteMs: NOW - DAY }], { limits: { segmentMs: HOUR } })
    expect(await scheduler.runOnce()).toMatchObject({ rolled: true, deleted: [], bytesFreed: 0 })
    expect(target.input.segments).toHaveLength(2)
  })

  it('takes one log after another, and gives the event loop a turn between them', async () => {
    const { scheduler, targets } = setUp(['a', 'b', 'c'])
    const events: string[] = []
    for (const target of targets) {
      target.beforePlan = async () => {
        events.push(`${target.topic} planned`)
        setImmediate(() => events.push(`turn after ${target.topic}`))
      }
    }
    await scheduler.runOnce()
    expect(events).toEqual([
      'a planned',
      'turn after a',
      'b planned',
      'turn after b',
      'c planned',
      'turn after c',
    ])
  })

  it('goes by one moment and one verdict on the clock for all its logs', async () => {
    const { clock, scheduler, targets } = setUp(['a', 'b'])
    targets[0]!.beforePlan = async () => clock.jumpWall(3650 * DAY)
    const report = await scheduler.runOnce()
    expect(targets[1]!.plannedAt).toEqual([{ nowMs: NOW, timeBlocked: null }])
    expect(report.deleted).toEqual([])
    expect(scheduler.checkClock()).toBe('clock-jump')
  })

  it('keeps idle plans in the report of a call and drops them from that of the timer', async () => {
    const { clock, scheduler, targets } = setUp(['idle', 'busy'])
    targets[1]!.input = log(segmentsOf(2), { startOffset: 5 })
    await clock.advance(30 * SECOND)
    expect(scheduler.lastReport!.plans.map(({ deleteCount }) => deleteCount)).toEqual([1])
    const report = await scheduler.runOnce()
    expect(report.plans).toHaveLength(2)
    expect(scheduler.lastReport).toBe(report)
  })

  it('says how long it took on the monotonic clock', async () => {
    const { clock, scheduler, target } = setUp()
    const slow = gate()
    target.beforePlan = () => slow.opened
    const report = scheduler.runOnce()
    await clock.advance(7 * SECOND)
    clock.jumpWall(DAY)
    slow.open()
    expect((await report).durationMs).toBe(7 * SECOND)
  })
})

describe('runs never overlap', () => {
  it('when one takes longer than the interval: the next comes a full interval after its end', async () => {
    const { clock, target } = setUp()
    const slow = gate()
    target.beforePlan = () => slow.opened
    await clock.advance(30 * SECOND + 20 * MINUTE)
    expect(target.plannedAt).toHaveLength(1)
    expect(clock.timers).toEqual([])
    slow.open()
    await clock.advance(5 * MINUTE - 1)
    expect(target.plannedAt).toHaveLength(1)
    await clock.advance(1)
    expect(target.plannedAt).toHaveLength(2)
  })

  it('when a tick is asked for during a tick: it joins the one under way', async () => {
    const { clock, scheduler, target } = setUp()
    const slow = gate()
    target.beforePlan = () => slow.opened
    await clock.advance(30 * SECOND)
    const joined = scheduler.tick()
    expect(scheduler.tick()).toBe(joined)
    slow.open()
    await joined
    expect(target.plannedAt).toHaveLength(1)
  })

  it('when calls and the timer meet: one waits for the other, and the interval counts from the later', async () => {
    const { clock, scheduler, target } = setUp()
    let running = 0
    let most = 0
    const slow = gate()
    target.beforePlan = async () => {
      most = Math.max(most, ++running)
      await slow.opened
      running--
    }
    const calls = [scheduler.runOnce(), scheduler.runOnce()]
    await clock.advance(30 * SECOND)
    slow.open()
    await Promise.all(calls)
    await clock.advance(0)
    expect(most).toBe(1)
    expect(target.plannedAt).toHaveLength(2)
    await clock.advance(5 * MINUTE)
    expect(target.plannedAt).toHaveLength(3)
  })

  it('a tick when nothing is due runs nothing and leaves the timer', async () => {
    const { clock, scheduler, target } = setUp()
    await scheduler.tick()
    expect(target.plannedAt).toEqual([])
    expect(clock.timers).toEqual([{ dueMs: 30 * SECOND, keepAlive: false }])
    expect(scheduler.lastReport).toBeUndefined()
  })
})

function broken(): never {
  throw new Error('logger')
}

describe('a failing log', () => {
  const failure = new Error('the disk is gone')

  it('does not stop the others, is reported, and is tried again', async () => {
    const errors: object[] = []
    const logger = { ...silentLogger, error: (fields: object) => errors.push(fields) }
    const { clock, scheduler, targets } = setUp(['a', 'broken', 'c'], { logger })
    targets[1]!.beforePlan = () => Promise.reject(failure)
    await clock.advance(30 * SECOND)
    expect(targets.map(({ plannedAt }) => plannedAt.length)).toEqual([1, 1, 1])
    expect(scheduler.lastReport!.failures).toEqual([{ topic: 'broken', partition: 0, error: failure }])
    expect(errors).toEqual([{ topic: 'broken', partition: 0, error: failure }])
    targets[1]!.beforePlan = async () => {}
    await clock.advance(5 * MINUTE)
    expect(targets.map(({ plannedAt }) => plannedAt.length)).toEqual([2, 2, 2])
    expect(scheduler.lastReport!.failures).toEqual([])
  })

  it('may fail while its plan is carried out, or throw before it gives a promise', async () => {
    const { scheduler, targets } = setUp(['late', 'early', 'sound'])
    targets[0]!.input = log(segmentsOf(2), { startOffset: 5 })
    targets[0]!.beforeExecute = () => Promise.reject(failure)
    targets[1]!.plan = () => {
      throw failure
    }
    const report = await scheduler.runOnce()
    expect(report.failures.map(({ topic }) => topic)).toEqual(['late', 'early'])
    expect(report.plans.map(({ topic }) => topic)).toEqual(['sound'])
  })

  it('that reports its failure itself keeps what it did in the report', async () => {
    const { scheduler, target } = setUp()
    target.input = log(segmentsOf(3), { startOffset: 10 })
    const execute = target.execute.bind(target)
    target.execute = async (plan) => {
      const report = await execute(plan)
      return { ...report, failures: [{ topic: 'orders', partition: 0, error: failure }] }
    }
    const report = await scheduler.runOnce()
    expect(report.deleted).toHaveLength(2)
    expect(report.failures).toEqual([{ topic: 'orders', partition: 0, error: failure }])
    expect(report.startOffset).toBe(10)
  })

  it('is outlived even when the logger fails too', async () => {
    const { clock, targets } = setUp(['broken', 'sound'], {
      logger: { debug: broken, info: broken, warn: broken, error: broken },
    })
    targets[0]!.beforePlan = () => Promise.reject(failure)
    await clock.advance(30 * SECOND + 5 * MINUTE)
    expect(targets.map(({ plannedAt }) => plannedAt.length)).toEqual([2, 2])
  })
})

describe('runOnce', () => {
  it('runs every log at once and counts the intervals from there', async () => {
    const { clock, scheduler, target } = setUp()
    await clock.advance(10 * SECOND)
    await scheduler.runOnce()
    expect(runsOf(target)).toEqual([10 * SECOND])
    await clock.advance(5 * MINUTE - 1)
    expect(target.plannedAt).toHaveLength(1)
    await clock.advance(1)
    expect(target.plannedAt).toHaveLength(2)
  })

  it('plans for another moment when given one', async () => {
    const { scheduler, target } = setUp()
    const report = await scheduler.runOnce({ now: NOW + 8 * DAY })
    expect(report).toMatchObject({
      at: NOW + 8 * DAY,
      bytesFreed: 150,
      rolled: true,
      startOffset: 15,
      blocked: null,
    })
    expect(target.input.segments).toHaveLength(1)
  })

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'rejects %d as a moment and runs nothing',
    async (now) => {
      const { scheduler, target } = setUp()
      await expect(scheduler.runOnce({ now })).rejects.toThrow(RangeError)
      await expect(scheduler.runOnce({ now: '5' as unknown as number })).rejects.toThrow(TypeError)
      expect(target.plannedAt).toEqual([])
    },
  )

  it('without logs is an empty report', async () => {
    const { scheduler } = setUp([])
    expect(await scheduler.runOnce()).toMatchObject({
      plans: [],
      deleted: [],
      startOffset: null,
      failures: [],
    })
  })
})

/** A log that ran once, then a jump of the wall clock, then the next tick. */
async function jumped(options?: Omit<CleanupSchedulerOptions, 'clock'>) {
  const set = setUp(['orders'], options)
  await set.clock.advance(30 * SECOND)
  set.clock.jumpWall(3650 * DAY)
  await set.clock.advance(5 * MINUTE)
  return set
}

describe('a clock that jumps ten years ahead', () => {
  it('deletes nothing, and says clock-jump (R 108)', async () => {
    const { scheduler, target } = await jumped()
    expect(target.input.segments).toHaveLength(3)
    expect(target.plannedAt.at(-1)!.timeBlocked).toBe('clock-jump')
    expect(scheduler.lastReport).toMatchObject({ deleted: [], blocked: 'clock-jump' })
    expect(scheduler.checkClock()).toBe('clock-jump')
  })

  it('deletes nothing in a call without force either, whatever moment it names', async () => {
    const { clock, scheduler } = await jumped()
    expect(await scheduler.runOnce()).toMatchObject({ deleted: [], blocked: 'clock-jump' })
    expect(await scheduler.runOnce({ now: clock.now() })).toMatchObject({
      deleted: [],
      blocked: 'clock-jump',
    })
  })

  it('deletes with force, and later runs go on without', async () => {
    const { clock, scheduler, target } = await jumped()
    expect(await scheduler.runOnce({ force: true })).toMatchObject({
      rolled: true,
      bytesFreed: 150,
      blocked: null,
    })
    await clock.advance(5 * MINUTE)
    expect(target.plannedAt.at(-1)!.timeBlocked).toBeNull()
  })

  it('deletes after a steady day and not before (R 108)', async () => {
    const { clock, target } = await jumped()
    await clock.advance(DAY - 1)
    expect(target.input.segments).toHaveLength(3)
    await clock.advance(5 * MINUTE)
    expect(target.input.segments).toHaveLength(1)
  })

  it('is noticed by a call before the next tick', async () => {
    const { clock, scheduler } = setUp()
    clock.jumpWall(3650 * DAY)
    expect(await scheduler.runOnce()).toMatchObject({ deleted: [], blocked: 'clock-jump' })
  })

  it('does not stop retention.bytes', async () => {
    const { clock, target } = await jumped()
    target.input = { ...target.input, limits: { ...target.input.limits, retentionBytes: 100 } }
    await clock.advance(5 * MINUTE)
    expect(target.input.segments).toHaveLength(2)
  })

  it('is no jump but a sleep when elapsedMs counted it', async () => {
    const clock = new ManualClock({ wallMs: NOW })
    let sleptMs = 0
    const elapsedMs = () => clock.monotonic() + sleptMs
    const scheduler = new CleanupScheduler({ clock, elapsedMs })
    const target = new MemoryTarget('orders', log(segmentsOf(3), { limits }))
    scheduler.add(target)
    clock.jumpWall(8 * DAY)
    sleptMs = 8 * DAY
    await clock.advance(30 * SECOND)
    expect(target.plannedAt).toMatchObject([{ timeBlocked: null }])
    expect(target.input.segments).toHaveLength(1)
  })
})

it('a clock that goes back three days deletes nothing and blocks nothing (R 107)', async () => {
  const { clock, scheduler, target } = setUp()
  await clock.advance(6 * DAY)
  clock.jumpWall(-3 * DAY)
  await clock.advance(2 * DAY)
  expect(target.input.segments).toHaveLength(3)
  expect(scheduler.checkClock()).toBeNull()
  await clock.advance(2 * DAY + 5 * MINUTE)
  expect(target.input.segments).toHaveLength(1)
})
