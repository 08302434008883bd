import { describe, expect, it } from 'vitest'
import { mergeReports, planClean, reportOutcome } from '../../../src/cleanup/index.ts'
import { DAY, log, NOW, segmentsOf } from './fixtures.ts'

const plan = planClean(log(segmentsOf(3, { ageMs: DAY }), { limits: { retentionMs: 0 } }))
const run = { at: NOW, blocked: null, durationMs: 3, failures: [] } as const

describe('reportOutcome', () => {
  it('of nothing done is the plan and nothing else', () => {
    expect(reportOutcome(plan, {})).toEqual({
      at: NOW,
      plans: [plan],
      rolled: false,
      deleted: [],
      bytesFreed: 0,
      startOffset: 0,
      skipped: [],
      failures: [],
      blocked: null,
      durationMs: 0,
    })
  })

  it('sums up what was deleted', () => {
    const report = reportOutcome(plan, { deleted: plan.segments.slice(0, 2), startOffset: 10, rolled: true })
    expect(report).toMatchObject({ bytesFreed: 100, startOffset: 10, rolled: true })
    expect(report.deleted[1]).toEqual({
      topic: 'orders',
      partition: 0,
      baseOffset: 5,
      sizeBytes: 50,
      rule: 'retention.ms',
    })
  })

  it('has both what was done and what stopped it', () => {
    const error = new Error('disk')
    const report = reportOutcome(plan, { deleted: plan.segments.slice(0, 1), error })
    expect(report.deleted).toHaveLength(1)
    expect(report.failures).toEqual([{ topic: 'orders', partition: 0, error }])
  })

  it('repeats a clock jump, which holding back is not', () => {
    expect(reportOutcome({ ...plan, blocked: 'clock-jump' }, {}).blocked).toBe('clock-jump')
    expect(reportOutcome({ ...plan, blocked: 'held' }, {}).blocked).toBeNull()
  })

  it('calls a deleted segment that no rule takes our bug', () => {
    const kept = planClean(log(segmentsOf(1)))
    expect(() => reportOutcome(kept, { deleted: kept.segments })).toThrow(/seglog bug/)
  })
})

describe('mergeReports', () => {
  const one = reportOutcome(plan, { deleted: plan.segments.slice(0, 2), startOffset: 10 })
  const other = reportOutcome(
    { ...plan, topic: 'audit' },
    { deleted: plan.segments.slice(0, 1), rolled: true },
  )

  it('of none is an empty run', () => {
    expect(mergeReports([], run)).toMatchObject({ plans: [], deleted: [], bytesFreed: 0, startOffset: null })
  })

  it('of one keeps its start offset', () => {
    expect(mergeReports([one], run)).toMatchObject({
      startOffset: 10,
      bytesFreed: 100,
      rolled: false,
      durationMs: 3,
    })
  })

  it('of two adds up and has no one start offset', () => {
    const merged = mergeReports([one, other], run)
    expect(merged).toMatchObject({ startOffset: null, bytesFreed: 150, rolled: true })
    expect(merged.deleted).toHaveLength(3)
    expect(merged.plans.map(({ topic }) => topic)).toEqual(['orders', 'audit'])
  })

  it('of one beside a log that gave none has no one start offset either', () => {
    const failures = [{ topic: 'audit', partition: 0, error: new Error('disk') }]
    expect(mergeReports([one], { ...run, failures })).toMatchObject({ startOffset: null, failures })
  })
})
