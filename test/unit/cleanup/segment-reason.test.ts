import { describe, expect, it } from 'vitest'
import { type CleanInput, planClean } from '../../../src/cleanup/index.ts'
import { DAY, HOUR, log, NOW, segmentsOf } from './fixtures.ts'

const GIB = 1024 ** 3
const reasons = (input: CleanInput) => planClean(input).segments.map(({ reason }) => reason)

describe('a segment that goes says which limit it is over', () => {
  it('by age', () => {
    const input = log([{ ageMs: 8 * DAY + 2 * HOUR }, {}], { limits: { retentionMs: 7 * DAY } })
    expect(reasons(input)[0]).toBe('age 8d 2h is over retention.ms 7d')
  })

  it('by how little, when age and limit read the same', () => {
    const input = log([{ ageMs: 7 * DAY + 1 }, {}], { limits: { retentionMs: 7 * DAY } })
    expect(reasons(input)[0]).toBe('age 7d is over retention.ms 7d by 1ms')
  })

  it('by size', () => {
    const input = log([{ bytes: GIB }, { bytes: 2 * GIB }], { limits: { retentionBytes: GIB } })
    expect(reasons(input)[0]).toBe('without it 2.0 GiB remain, and retention.bytes needs 1.0 GiB')
  })

  it('by the start offset', () => {
    expect(reasons(log(segmentsOf(2), { startOffset: 7 }))[0]).toBe(
      'every record is below the log start offset 7',
    )
  })
})

describe('a segment that stays says why', () => {
  it('with both limits: how old it is and how much would be missing', () => {
    const input = log([{ bytes: GIB / 2, ageMs: HOUR }, { bytes: (724 / 1024) * GIB }], {
      limits: { retentionMs: DAY, retentionBytes: GIB },
    })
    expect(reasons(input)[0]).toBe(
      'stays: age 1h is not over retention.ms 1d; retention.bytes keeps at least 1.0 GiB, 300.0 MiB would be missing',
    )
  })

  it('counting as missing only from what the start offset leaves', () => {
    const input = log(segmentsOf(4), { startOffset: 5, limits: { retentionBytes: 140 } })
    expect(reasons(input)[1]).toBe('stays: retention.bytes keeps at least 140 B, 40 B would be missing')
  })

  it('with no limit', () => {
    expect(reasons(log(segmentsOf(1)))).toEqual(['stays: retention.ms and retention.bytes are unlimited'])
  })

  it('when it is the empty last one', () => {
    expect(reasons(log([{ count: 0 }], { limits: { retentionMs: 0 } }))).toEqual([
      'stays: the last segment is empty',
    ])
  })

  it('when both its times are ahead of the clock', () => {
    const input = log([{ maxTimestamp: NOW + 3 * DAY, appendedAtMs: NOW + DAY }], {
      limits: { retentionMs: DAY },
    })
    expect(reasons(input)[0]).toMatch(/^stays: its time is 1d ahead of the clock \(its largest timestamp/)
  })

  it('under a policy without delete, whatever its age', () => {
    const compact = log([{ ageMs: DAY }, {}], { limits: { policy: ['compact'], retentionMs: HOUR } })
    expect(reasons(compact)).toEqual([
      'stays: age 1d is over retention.ms 1h, but cleanup.policy compact deletes only below the log start offset',
      'stays: cleanup.policy compact deletes only below the log start offset',
    ])
    const empty = log([{}], { limits: { policy: [] } })
    expect(reasons(empty)).toEqual(['stays: an empty cleanup.policy deletes only below the log start offset'])
  })

  it('while an older one is not due, naming the one that will be due last', () => {
    const input = log([{ ageMs: 6 * DAY }, { ageMs: DAY }, { ageMs: 2 * DAY }, { ageMs: 9 * DAY }, {}], {
      limits: { retentionMs: 7 * DAY },
    })
    expect(reasons(input)[3]).toBe('stays: age 9d is over retention.ms 7d, but waits for the older segment 5')
  })

  it('while its records are not acknowledged, from the first such offset on', () => {
    const input = log(segmentsOf(2, { ageMs: DAY }), { readableEndOffset: 3, limits: { retentionMs: HOUR } })
    expect(reasons(input)).toEqual([
      'stays: age 1d is over retention.ms 1h, but records from offset 3 on are not acknowledged yet',
      'stays: age 1d is over retention.ms 1h, but records from offset 5 on are not acknowledged yet',
    ])
  })

  it('while the clock is in doubt', () => {
    const input = log([{ ageMs: DAY }], { timeBlocked: 'clock-jump', limits: { retentionMs: HOUR } })
    expect(reasons(input)).toEqual([
      'stays: age 1d is over retention.ms 1h, but the wall clock jumped ahead: waits for a steady day or force',
    ])
  })

  it('while the log holds cleaning back, in the log’s words', () => {
    const input = log(segmentsOf(2), { startOffset: 5, otherBlock: 'the topic is adopted' })
    expect(reasons(input)[0]).toBe(
      'stays: every record is below the log start offset 5, but cleaning is held back: the topic is adopted',
    )
  })
})

it('a timestamp in the future is named, even one no date can hold', () => {
  const input = log([{ maxTimestamp: Number.MAX_SAFE_INTEGER, appendedAtMs: NOW - DAY }, {}], {
    limits: { retentionMs: HOUR },
  })
  expect(reasons(input)[0]).toBe(
    'age 1d is over retention.ms 1h (its largest timestamp, after the year 275760, is in the future: the append time counts)',
  )
})
