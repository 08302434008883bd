import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BudgetLog, planBudget } from '../../../src/cleanup/budget-plan.ts'
import { seed } from '../../helpers/seed.ts'

/** A log of segments of ten records each; its active one, which never goes, has `activeBytes`. */
function log(segments: readonly { bytes: number; at: number }[], activeBytes = 0): BudgetLog {
  return {
    sizeBytes: segments.reduce((sum, { bytes }) => sum + bytes, activeBytes),
    segments: segments.map(({ bytes, at }, slot) => ({
      nextOffset: (slot + 1) * 10,
      sizeBytes: bytes,
      maxTimestamp: at,
      appendedAt: at,
    })),
  }
}

const sum = (list: readonly { sizeBytes: number }[]) =>
  list.reduce((bytes, each) => bytes + each.sizeBytes, 0)

describe('a budget over all logs', () => {
  const old = log([
    { bytes: 100, at: 1 },
    { bytes: 100, at: 4 },
  ])
  const young = log([
    { bytes: 100, at: 2 },
    { bytes: 100, at: 3 },
  ])

  it('takes nothing while everything fits, to the byte', () => {
    expect(planBudget([old, young], 400)).toEqual([null, null])
    expect(planBudget([], 0)).toEqual([])
  })

  it('takes the oldest segment first, whichever log it is in', () => {
    expect(planBudget([old, young], 399)).toEqual([10, null])
    expect(planBudget([old, young], 299)).toEqual([10, 10])
    expect(planBudget([old, young], 199)).toEqual([10, 20])
    expect(planBudget([old, young], 0)).toEqual([20, 20])
  })

  it('leaves active segments, even where the budget is not met then', () => {
    expect(planBudget([log([], 500), log([{ bytes: 10, at: 9 }], 500)], 100)).toEqual([null, 10])
  })

  it('takes a prefix of each log, although a later segment of it may look older', () => {
    const outOfOrder = log([
      { bytes: 100, at: 50 },
      { bytes: 100, at: 1 },
    ])
    expect(planBudget([outOfOrder, log([{ bytes: 100, at: 10 }])], 250)).toEqual([null, 10])
    expect(planBudget([outOfOrder, log([{ bytes: 100, at: 10 }])], 150)).toEqual([10, 10])
  })

  it('goes by the time of the last append where a timestamp lies in the future', () => {
    const future = {
      sizeBytes: 100,
      segments: [{ nextOffset: 10, sizeBytes: 100, maxTimestamp: 9e15, appendedAt: 1 }],
    }
    expect(planBudget([log([{ bytes: 100, at: 5 }]), future], 100)).toEqual([null, 10])
  })

  it('takes no more than it has to, and nothing older stays in any log', () => {
    const segments = fc.array(
      fc.record({ bytes: fc.integer({ min: 1, max: 100 }), at: fc.integer({ min: 1, max: 50 }) }),
    )
    const logs = fc.array(fc.tuple(segments, fc.nat(100)), { maxLength: 6 })
    fc.assert(
      fc.property(logs, fc.nat(3000), (shapes, limit) => {
        const all = shapes.map(([list, active]) =>
          log(
            list.toSorted((a, b) => a.at - b.at),
            active,
          ),
        )
        const plan = planBudget(all, limit)
        const going = all.map(({ segments: list }, slot) =>
          list.filter(({ nextOffset }) => nextOffset <= (plan[slot] ?? 0)),
        )
        const staying = all.flatMap(({ segments: list }, slot) => list.slice(going[slot]!.length))
        const gone = going.flat()
        const left = sum(all) - sum(gone)
        expect(left <= limit || staying.length === 0).toBe(true)
        if (gone.length === 0) return
        const newest = Math.max(...gone.map(({ maxTimestamp }) => maxTimestamp))
        for (const { maxTimestamp } of staying) expect(maxTimestamp).toBeGreaterThanOrEqual(newest)
        const last = gone.filter(({ maxTimestamp }) => maxTimestamp === newest)
        expect(left + Math.max(...last.map(({ sizeBytes }) => sizeBytes))).toBeGreaterThan(limit)
      }),
      { seed },
    )
  })
})
