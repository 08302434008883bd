import { describe, expect, it } from 'vitest'
import { type CleanPlan, narrowPlan, planClean } from '../../../src/cleanup/index.ts'
import { carryOut, DAY, HOUR, log, NOW, segmentsOf } from './fixtures.ts'

const expired = segmentsOf(3, { ageMs: DAY })
const input = log(expired, { limits: { retentionMs: HOUR } })

describe('narrowPlan', () => {
  it('changes nothing when the log has not changed', () => {
    const planned = planClean(input)
    expect(narrowPlan({ planned, fresh: planClean(input) })).toEqual({ plan: planned, skipped: [] })
  })

  it('takes a plan that has been through JSON', () => {
    const planned = JSON.parse(JSON.stringify(planClean(input))) as CleanPlan
    expect(narrowPlan({ planned, fresh: planClean(input) }).plan.deleteCount).toBe(3)
  })

  it('carried out twice, skips everything the second time', () => {
    const planned = planClean(input)
    const { plan, skipped } = narrowPlan({ planned, fresh: planClean(carryOut(input, planned)) })
    expect(plan).toMatchObject({ deleteCount: 0, deleteBytes: 0, roll: null, newStartOffset: 15 })
    expect(skipped.map(({ baseOffset, why }) => [baseOffset, why])).toEqual([
      [0, 'it is no longer there'],
      [5, 'it is no longer there'],
      [10, 'it is no longer there'],
    ])
  })

  it('keeps an active segment that was appended to, and does not roll', () => {
    const planned = planClean(input)
    const [first, second, last] = input.segments
    const appended = { ...last!, nextOffset: 16, sizeBytes: 60, maxTimestamp: NOW, appendedAtMs: NOW }
    const fresh = planClean({
      ...input,
      segments: [first!, second!, appended],
      endOffset: 16,
      readableEndOffset: 16,
    })
    const { plan, skipped } = narrowPlan({ planned, fresh })
    expect(plan).toMatchObject({ deleteCount: 2, roll: null, newStartOffset: 10 })
    expect(skipped).toEqual([
      { topic: 'orders', partition: 0, baseOffset: 10, why: 'it has changed since the plan' },
    ])
  })

  it('keeps a segment that was appended to even when the rule still asks for it', () => {
    const planned = planClean(input)
    const [first, second, last] = input.segments
    const appended = { ...last!, nextOffset: 16, sizeBytes: 60 }
    const fresh = planClean({
      ...input,
      segments: [first!, second!, appended],
      endOffset: 16,
      readableEndOffset: 16,
    })
    expect(fresh.roll).toBe('all-expired')
    expect(narrowPlan({ planned, fresh }).plan).toMatchObject({
      deleteCount: 2,
      roll: null,
      deleteBytes: 100,
    })
  })

  it('keeps a segment of the same size that holds other records', () => {
    const other = input.segments.map((segment, slot) =>
      slot === 0 ? { ...segment, nextOffset: 4 } : segment,
    )
    const fresh = planClean({ ...input, segments: other })
    expect(narrowPlan({ planned: planClean(input), fresh }).plan.deleteCount).toBe(0)
  })

  it('never deletes what only the fresh plan asks for', () => {
    const planned = planClean(log([{ ageMs: DAY }, {}, {}], { limits: { retentionMs: HOUR } }))
    const { plan, skipped } = narrowPlan({ planned, fresh: planClean(input) })
    expect(plan.segments.map(({ action }) => action)).toEqual(['delete', 'keep', 'keep'])
    expect(plan).toMatchObject({ deleteCount: 1, newStartOffset: 5, roll: null })
    expect(plan.segments[1]).toMatchObject({ rule: null, blockedBy: null })
    expect(skipped).toEqual([])
  })

  it('never deletes what the fresh plan keeps, and says in its words why', () => {
    const fresh = planClean({ ...input, limits: { ...input.limits, retentionMs: -1 } })
    const { plan, skipped } = narrowPlan({ planned: planClean(input), fresh })
    expect(plan.deleteCount).toBe(0)
    expect(skipped).toHaveLength(3)
    expect(skipped[0]!.why).toBe('stays: retention.ms and retention.bytes are unlimited')
  })

  it('leaves no hole: behind a changed segment everything stays', () => {
    const changed = input.segments.map((segment, slot) =>
      slot === 1 ? { ...segment, sizeBytes: 49 } : segment,
    )
    const { plan, skipped } = narrowPlan({
      planned: planClean(input),
      fresh: planClean({ ...input, segments: changed }),
    })
    expect(plan.deleteCount).toBe(1)
    expect(skipped.map(({ why }) => why)).toEqual(['it has changed since the plan', 'an older segment stays'])
  })

  it('rolls by segment.ms only when both plans say so', () => {
    const timed = log([{ firstWriteMs: NOW - DAY }], { limits: { segmentMs: HOUR } })
    const planned = planClean(timed)
    expect(narrowPlan({ planned, fresh: planClean(timed) }).plan.roll).toBe('segment.ms')
    const idle = planClean({ ...timed, limits: { ...timed.limits, segmentMs: 2 * DAY } })
    expect(narrowPlan({ planned, fresh: idle }).plan.roll).toBeNull()
    expect(narrowPlan({ planned: idle, fresh: planned }).plan.roll).toBeNull()
  })

  it.each([
    ['another topic', { ...planClean(input), topic: 'audit' }],
    ['another partition', { ...planClean(input), partition: 1 }],
    ['no plan', {} as CleanPlan],
  ])('refuses %s', (_, planned) => {
    const refused = () => narrowPlan({ planned, fresh: planClean(input) })
    expect(refused).toThrow(TypeError)
    expect(refused).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })
})
