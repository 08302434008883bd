import { describe, expect, it } from 'vitest'
import {
  type CleanInput,
  explainPlan,
  formatBytes,
  formatDuration,
  formatTime,
  planClean,
} from '../../../src/cleanup/index.ts'
import { DAY, HOUR, log, NOW, segmentsOf } from './fixtures.ts'

const summary = (input: CleanInput) => explainPlan(planClean(input)).at(-1)

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [0.9, '0ms'],
    [250, '250ms'],
    [999, '999ms'],
    [1000, '1s'],
    [1500, '1s 500ms'],
    [59_999, '59s 999ms'],
    [60_000, '1m'],
    [HOUR - 1, '59m 59s'],
    [8 * DAY + 2 * HOUR, '8d 2h'],
    [7 * DAY, '7d'],
    [7 * DAY + 59_000, '7d'],
    [-3 * DAY, '-3d'],
    [3650 * DAY, '3650d'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [1024 ** 2, '1.0 MiB'],
    [1024 ** 3, '1.0 GiB'],
    [300 * 1024 ** 2, '300.0 MiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
    [1024 ** 6, '1024.0 PiB'],
    [-2048, '-2.0 KiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('formatTime', () => {
  it('gives UTC, and words for what no date can hold', () => {
    expect(formatTime(0)).toBe('1970-01-01T00:00:00.000Z')
    expect(formatTime(-1)).toBe('1969-12-31T23:59:59.999Z')
    expect(formatTime(8_640_000_000_000_000)).toBe('+275760-09-13T00:00:00.000Z')
    expect(formatTime(8_640_000_000_000_001)).toBe('after the year 275760')
    expect(formatTime(Number.MIN_SAFE_INTEGER)).toBe('before the year -271821')
  })
})

describe('explainPlan', () => {
  it('has an aligned line a segment, oldest first, and one that sums up', () => {
    const input = log([{ ageMs: 8 * DAY + 2 * HOUR }, { ageMs: DAY, bytes: 2048 }, { count: 0 }], {
      limits: { retentionMs: 7 * DAY },
    })
    expect(explainPlan(planClean(input))).toEqual([
      'delete  0-4                   50 B  age 8d 2h is over retention.ms 7d',
      'keep    5-9                2.0 KiB  stays: age 1d is not over retention.ms 7d; due 2024-02-06T00:00:00.001Z',
      'keep    10 (empty) active      0 B  stays: the last segment is empty',
      'orders-0 at 2024-01-31T00:00:00.000Z: deletes 1 of 3 segments, 50 B of 2.0 KiB; start offset 0 becomes 5',
    ])
  })

  it('of a log without segments is the summary alone', () => {
    expect(explainPlan(planClean(log([])))).toEqual([
      'orders-0 at 2024-01-31T00:00:00.000Z: deletes nothing of 0 segments, 0 B',
    ])
  })

  it('sums up a roll, a block and timestamps in the future', () => {
    expect(summary(log(segmentsOf(1, { ageMs: DAY }), { limits: { retentionMs: 0 } }))).toMatch(
      /started first/,
    )
    expect(summary(log([{ firstWriteMs: NOW - DAY }], { limits: { segmentMs: 1 } }))).toMatch(
      /over segment.ms/,
    )
    expect(summary(log(segmentsOf(1), { timeBlocked: 'clock-jump' }))).toMatch(/blocked: clock-jump/)
    expect(summary(log(segmentsOf(1), { otherBlock: 'no' }))).toMatch(/blocked: held/)
    expect(summary(log([{ maxTimestamp: NOW + 1 }]))).toMatch(/1 segment with timestamps in the future/)
  })
})
