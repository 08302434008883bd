import { describe, expect, it } from 'vitest'
import { CleanupScheduler, planAll as planAllOf } from '../../../src/cleanup/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { DAY, HOUR, log, MemoryTarget, NOW, segmentsOf } from './fixtures.ts'

async function planAll(...args: Parameters<typeof planAllOf<MemoryTarget>>) {
  return (await planAllOf(...args)).map(({ plan }) => plan)
}

/** Two logs of sealed segments of 100 bytes each and an active one: the first has the older ones. */
function setUp(budgetBytes: number | undefined) {
  const clock = new ManualClock({ wallMs: NOW })
  const limits = { retentionMs: 7 * DAY }
  const older = new MemoryTarget('older', log(segmentsOf(4, { bytes: 100, ageMs: 2 * DAY }), { limits }))
  const newer = new MemoryTarget('newer', log(segmentsOf(4, { bytes: 100, ageMs: HOUR }), { limits }))
  const scheduler = new CleanupScheduler({ clock, budgetBytes: () => budgetBytes })
  for (const target of [older, newer]) scheduler.add(target)
  return { clock, scheduler, older, newer }
}

describe('a budget over all logs', () => {
  it('plans for the oldest segments of all, by name of the rule, and leaves the rest alone', async () => {
    const { older, newer } = setUp(undefined)
    const plans = await planAll([older, newer], NOW, { timeBlocked: null, budgetBytes: 650 })
    expect(plans.map(({ deleteCount, deleteBytes }) => [deleteCount, deleteBytes])).toEqual([
      [2, 200],
      [0, 0],
    ])
    expect(plans[0]!.segments[0]).toMatchObject({
      action: 'delete',
      rule: 'seglog.retention.total.bytes',
      dueAt: null,
      reason: expect.stringContaining('seglog.retention.total.bytes') as string,
    })
    expect(plans[1]!.segments[0]).toMatchObject({ action: 'keep', rule: null })
  })

  it('counts what the own rules of each log leave', async () => {
    const { older, newer } = setUp(undefined)
    older.input = { ...older.input, limits: { ...older.input.limits, retentionMs: DAY } }
    const plans = await planAll([older, newer], NOW, { timeBlocked: null, budgetBytes: 400 })
    expect(plans.map(({ deleteCount, budgetBelow }) => [deleteCount, budgetBelow])).toEqual([
      [4, null],
      [0, null],
    ])
  })

  it('takes nothing of a log whose policy does not delete, and does not count it', async () => {
    const { older, newer } = setUp(undefined)
    older.isBudgeted = false
    const plans = await planAll([older, newer], NOW, { timeBlocked: null, budgetBytes: 350 })
    expect(plans.map(({ deleteCount }) => deleteCount)).toEqual([0, 1])
  })

  it('is kept by the scheduler at every run, and is nothing that a run of one log looks at', async () => {
    const { clock, scheduler, older, newer } = setUp(650)
    expect((await scheduler.runOnce({ only: newer })).deleted).toEqual([])
    await clock.advance(30_000)
    expect([older.input.segments.length, newer.input.segments.length]).toEqual([2, 4])
    expect(scheduler.lastReport?.deleted.map(({ topic, rule }) => [topic, rule])).toEqual([
      ['older', 'seglog.retention.total.bytes'],
      ['older', 'seglog.retention.total.bytes'],
    ])
    expect((await scheduler.runOnce()).deleted).toEqual([])
  })

  it('passes over a log that goes away before the budget takes of it', async () => {
    const { older, newer } = setUp(undefined)
    let plans = 0
    older.beforePlan = async () => {
      if (++plans > 1) throw new TypeError('closed')
    }
    const failures: string[] = []
    const onFailure = ({ topic }: { topic: string }) => void failures.push(topic)
    const options = { timeBlocked: null, budgetBytes: 650, onFailure }
    expect((await planAll([older, newer], NOW, options)).map(({ topic }) => topic)).toEqual(['newer'])
    expect(failures).toEqual(['older'])
    plans = 0
    await expect(planAll([older, newer], NOW, { timeBlocked: null, budgetBytes: 650 })).rejects.toThrow(
      'closed',
    )
  })

  it('passes over a log that can not be planned for, and tells of it, where it is asked to', async () => {
    const { older, newer } = setUp(undefined)
    older.beforePlan = async () => {
      throw new TypeError('damaged')
    }
    const options = { timeBlocked: null, budgetBytes: 250 } as const
    await expect(planAll([older, newer], NOW, options)).rejects.toThrow('damaged')
    const failures: unknown[] = []
    const planned = await planAllOf([older, newer], NOW, {
      ...options,
      onFailure: (failure) => void failures.push(failure),
    })
    expect(planned.map(({ target, plan }) => [target, plan.deleteCount])).toEqual([[newer, 2]])
    expect(failures).toEqual([{ topic: 'older', partition: 0, error: new TypeError('damaged') }])
  })

  it('is kept over the other logs when one can not be planned for', async () => {
    const { scheduler, older, newer } = setUp(250)
    older.beforePlan = async () => {
      throw new TypeError('damaged')
    }
    const report = await scheduler.runOnce()
    expect(report.failures).toEqual([{ topic: 'older', partition: 0, error: new TypeError('damaged') }])
    expect([older.input.segments.length, newer.input.segments.length]).toEqual([4, 2])
  })

  it('leaves the active segments, however small it is', async () => {
    const { scheduler, older, newer } = setUp(0)
    await scheduler.runOnce()
    expect([older.input.segments.length, newer.input.segments.length]).toEqual([1, 1])
  })
})
