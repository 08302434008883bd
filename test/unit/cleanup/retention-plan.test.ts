import { describe, expect, it } from 'vitest'
import {
  type CleanInput,
  effectiveTimestamp,
  planClean,
  planCleanInSteps,
  retentionSizePercent,
} from '../../../src/cleanup/index.ts'
import { carryOut, DAY, HOUR, log, NOW, SECOND, segmentsOf } from './fixtures.ts'

const remaining = (input: CleanInput) => carryOut(input, planClean(input)).segments
const rules = (input: CleanInput) => planClean(input).segments.map(({ rule }) => rule)
const blocks = (input: CleanInput) => planClean(input).segments.map(({ blockedBy }) => blockedBy)
const dueOf = (input: CleanInput) => planClean(input).segments.map(({ dueAt }) => dueAt)
const activeSince = (firstWriteMs: number) => log([{ firstWriteMs }], { limits: { segmentMs: DAY } })
const compactWith = (retentionBytes: number) =>
  log(segmentsOf(2), { limits: { policy: ['compact'], retentionBytes } })
const pausesOf = (input: CleanInput) => [...planCleanInSteps(input)].length
const expiredLog = (count: number) =>
  log(segmentsOf(count, { ageMs: DAY }), { limits: { retentionMs: HOUR } })
const percentOf100 = (sizeBytes: number) => retentionSizePercent({ sizeBytes, retentionBytes: 100 })

describe('retention.bytes', () => {
  it('keeps two segments of three when it has room for ten records of fifteen (K 113)', () => {
    expect(remaining(log(segmentsOf(3), { limits: { retentionBytes: 100 } }))).toHaveLength(2)
  })

  it('keeps all three when it has room for all fifteen records (K 113)', () => {
    expect(remaining(log(segmentsOf(3), { limits: { retentionBytes: 150 } }))).toHaveLength(3)
  })

  it('leaves exactly six of twenty segments at five segments and ten bytes (K 126)', () => {
    expect(remaining(log(segmentsOf(20), { limits: { retentionBytes: 5 * 50 + 10 } }))).toHaveLength(6)
  })

  it('lets a segment go when exactly retention.bytes stay, and keeps it when a byte would be missing', () => {
    expect(planClean(log(segmentsOf(2), { limits: { retentionBytes: 50 } })).deleteCount).toBe(1)
    expect(planClean(log(segmentsOf(2), { limits: { retentionBytes: 51 } })).deleteCount).toBe(0)
  })

  it('stops at the first segment that does not fit, though a later one would', () => {
    const input = log([{ bytes: 10 }, { bytes: 100 }, { bytes: 1 }, { bytes: 50 }], {
      limits: { retentionBytes: 140 },
    })
    expect(rules(input)).toEqual(['retention.bytes', null, null, null])
  })

  it('takes an oldest segment without bytes from a log of exactly that size, for nothing is missing then', () => {
    expect(
      planClean(log([{ bytes: 0 }, { bytes: 50 }], { limits: { retentionBytes: 50 } })).deleteCount,
    ).toBe(1)
  })

  it('takes nothing from a log smaller than it', () => {
    expect(
      planClean(log([{ bytes: 0 }, { bytes: 50 }], { limits: { retentionBytes: 51 } })).deleteCount,
    ).toBe(0)
  })

  it('at 0 deletes everything, and rolls first because the active segment goes too', () => {
    const plan = planClean(log(segmentsOf(3), { limits: { retentionBytes: 0 } }))
    expect(plan).toMatchObject({ deleteCount: 3, roll: 'all-expired', newStartOffset: 15, deleteBytes: 150 })
  })

  it('at 0 leaves an empty active segment alone and does not roll', () => {
    const plan = planClean(log([{}, {}, { count: 0 }], { limits: { retentionBytes: 0 } }))
    expect(plan).toMatchObject({ deleteCount: 2, roll: null, newStartOffset: 10 })
  })

  it('at -1 is off', () => {
    expect(planClean(log(segmentsOf(3), { limits: { retentionBytes: -1 } })).deleteCount).toBe(0)
  })
})

describe('retention.ms', () => {
  it('empties a log whose records are all stamped 10 and leaves one empty segment (K 114)', () => {
    const input = log(segmentsOf(3, { maxTimestamp: 10 }), { limits: { retentionMs: 10 * SECOND } })
    const after = carryOut(input, planClean(input))
    expect(after.segments).toHaveLength(1)
    expect(after.segments[0]).toMatchObject({ sizeBytes: 0, baseOffset: 15, active: true })
  })

  it('keeps all three segments when none is expired (K 114)', () => {
    expect(remaining(log(segmentsOf(3), { limits: { retentionMs: 10 * SECOND } }))).toHaveLength(3)
  })

  it('keeps a segment that is exactly that old and takes one that is a millisecond older', () => {
    expect(planClean(log([{ ageMs: DAY }, {}], { limits: { retentionMs: DAY } })).deleteCount).toBe(0)
    expect(planClean(log([{ ageMs: DAY + 1 }, {}], { limits: { retentionMs: DAY } })).deleteCount).toBe(1)
  })

  it('never takes a segment from behind one that stays', () => {
    const input = log([{ ageMs: 8 * DAY }, { ageMs: DAY }, { ageMs: 8 * DAY }, {}], {
      limits: { retentionMs: 7 * DAY },
    })
    expect(rules(input)).toEqual(['retention.ms', null, null, null])
    expect(blocks(input)).toEqual([null, null, 'earlier-segment', null])
  })

  it('takes a non-empty active segment when its largest timestamp is expired, rolling first (K 13 #3)', () => {
    const plan = planClean(
      log([{ ageMs: 9 * DAY }, { ageMs: 8 * DAY }], { limits: { retentionMs: 7 * DAY } }),
    )
    expect(plan).toMatchObject({ deleteCount: 2, roll: 'all-expired', newStartOffset: 10 })
  })

  it('keeps the expired records of an active segment whose newest record is not expired (K 13 #1, #3)', () => {
    const plan = planClean(
      log([{ ageMs: 9 * DAY }, { ageMs: 6 * DAY }], { limits: { retentionMs: 7 * DAY } }),
    )
    expect(plan).toMatchObject({ deleteCount: 1, roll: null, newStartOffset: 5 })
  })

  it('at 0 takes all that is older than now, and keeps what is stamped now', () => {
    expect(planClean(log([{ ageMs: 1 }, { ageMs: 0 }], { limits: { retentionMs: 0 } })).deleteCount).toBe(1)
  })

  it('at -1 is off', () => {
    expect(planClean(log(segmentsOf(3, { ageMs: 999 * DAY }))).deleteCount).toBe(0)
  })

  it.each([
    [0, 0],
    [1, 1],
    [25, 5],
  ])(
    'with %i expired records leaves one segment at the old end, and a second run deletes nothing (K 118)',
    (records) => {
      const full = segmentsOf(Math.floor(records / 5), { ageMs: DAY })
      const last =
        records % 5 === 0 ? (records === 0 ? [{ count: 0 }] : []) : [{ count: records % 5, ageMs: DAY }]
      const input = log([...full, ...last], { limits: { retentionMs: HOUR } })
      const after = carryOut(input, planClean(input))
      expect(after.segments).toHaveLength(1)
      expect(after.endOffset).toBe(records)
      expect(after.segments[0]!.baseOffset).toBe(records)
      expect(planClean(after)).toMatchObject({ deleteCount: 0, roll: null })
    },
  )
})

describe('the log start offset', () => {
  it.each([
    [1, 3],
    [6, 2],
    [15, 1],
  ])('at %i leaves %i segments of three (K 122)', (startOffset, count) => {
    expect(remaining(log(segmentsOf(3), { startOffset }))).toHaveLength(count)
  })

  it('takes a segment whose last record lies just below it, and not one whose last record is the first to be read', () => {
    expect(planClean(log(segmentsOf(3), { startOffset: 5 })).deleteCount).toBe(1)
    expect(planClean(log(segmentsOf(3), { startOffset: 4 })).deleteCount).toBe(0)
  })

  it('never takes the last segment, even with every record below it', () => {
    const plan = planClean(log(segmentsOf(1), { startOffset: 5 }))
    expect(plan).toMatchObject({ deleteCount: 0, roll: null, newStartOffset: 5 })
  })

  it('does not move back to the base of the first segment that stays', () => {
    expect(planClean(log(segmentsOf(3), { startOffset: 7 })).newStartOffset).toBe(7)
  })

  it('leaves six segments fewer of ten at 6, one record a segment (K 120)', () => {
    expect(planClean(log(segmentsOf(10, { count: 1 }), { startOffset: 6 })).deleteCount).toBe(6)
  })
})

describe('the three rules together', () => {
  it('go one after another over what the one before left, and say which took what', () => {
    const input = log([{}, {}, { ageMs: 9 * DAY }, { ageMs: DAY }, {}], {
      startOffset: 5,
      limits: { retentionBytes: 150, retentionMs: 7 * DAY },
    })
    expect(rules(input)).toEqual(['log-start-offset', 'retention.bytes', 'retention.ms', null, null])
  })

  it('count what the start offset took out of the log size before retention.bytes looks', () => {
    const input = log(segmentsOf(4), { startOffset: 10, limits: { retentionBytes: 100 } })
    expect(rules(input)).toEqual(['log-start-offset', 'log-start-offset', null, null])
  })

  it('a segment stamped in the future blocks two behind it until the start offset passes it; then both go at once (K 119)', () => {
    const future = { maxTimestamp: NOW + HOUR, appendedAtMs: NOW }
    const input = log([future, { ageMs: SECOND }, { count: 0 }], { limits: { retentionMs: 900 } })
    expect(planClean(input).deleteCount).toBe(0)
    const raised = { ...input, startOffset: 5 }
    expect(rules(raised)).toEqual(['log-start-offset', 'retention.ms', null])
    expect(planClean(carryOut(raised, planClean(raised))).deleteCount).toBe(0)
  })

  it('all taken: nine of ten when the active segment is empty, ten of ten when it is not (K 120)', () => {
    const nine = log([...segmentsOf(9, { count: 1, ageMs: DAY }), { count: 0 }], {
      limits: { retentionMs: 0 },
    })
    expect(planClean(nine)).toMatchObject({ deleteCount: 9, roll: null })
    const ten = log(segmentsOf(10, { count: 1, ageMs: DAY }), { limits: { retentionMs: 0 } })
    expect(planClean(ten)).toMatchObject({ deleteCount: 10, roll: 'all-expired' })
  })
})

describe('the acknowledged end', () => {
  const expired = segmentsOf(20, { ageMs: DAY })

  it('at 0 lets nothing go (K 116)', () => {
    const input = log(expired, { readableEndOffset: 0, limits: { retentionMs: 0 } })
    expect(planClean(input)).toMatchObject({ deleteCount: 0, roll: null })
    expect(new Set(blocks(input))).toEqual(new Set(['not-acknowledged']))
  })

  it.each([25, 26, 27, 28, 29, 30])(
    'at %i is never passed, and all segments but the first left start above it (K 116)',
    (end) => {
      const input = log(expired, { readableEndOffset: end, limits: { retentionMs: 0 } })
      const after = carryOut(input, planClean(input))
      expect(after.startOffset).toBeLessThanOrEqual(end)
      for (const segment of after.segments.slice(1)) expect(segment.baseOffset).toBeGreaterThan(end)
    },
  )

  it('from 0 to 100 drags the start offset along and never lets it pass; at 100 one empty segment is left (K 117)', () => {
    let input = log(expired, { limits: { retentionMs: 0 } })
    for (let end = 0; end <= 100; end++) {
      const plan = planClean({ ...input, readableEndOffset: end })
      expect(plan.newStartOffset).toBeLessThanOrEqual(end)
      input = carryOut(input, plan)
    }
    expect(input.startOffset).toBe(100)
    expect(input.segments).toMatchObject([{ baseOffset: 100, sizeBytes: 0 }])
  })

  it('one record short of the end keeps the active segment from going', () => {
    const input = log(segmentsOf(2, { ageMs: DAY }), { readableEndOffset: 9, limits: { retentionMs: 0 } })
    expect(planClean(input)).toMatchObject({ deleteCount: 1, roll: null })
    expect(blocks(input)).toEqual([null, 'not-acknowledged'])
  })

  it('bounds retention.bytes and the start offset as well', () => {
    expect(
      planClean(log(segmentsOf(3), { readableEndOffset: 4, limits: { retentionBytes: 0 } })).deleteCount,
    ).toBe(0)
    expect(
      planClean(log(segmentsOf(3), { readableEndOffset: 5, limits: { retentionBytes: 0 } })).deleteCount,
    ).toBe(1)
    expect(planClean(log(segmentsOf(3), { readableEndOffset: 9, startOffset: 10 })).deleteCount).toBe(1)
  })
})

describe('cleanup.policy', () => {
  const limits = { retentionMs: HOUR, retentionBytes: 0 }
  const expired = segmentsOf(3, { ageMs: DAY })

  it('compact deletes nothing by age or size (K 115, 127)', () => {
    const input = log(expired, { limits: { ...limits, policy: ['compact'] } })
    expect(planClean(input).deleteCount).toBe(0)
    expect(blocks(input)).toEqual(['policy', 'policy', 'policy'])
  })

  it('compact blocks a segment that exactly retention.bytes could spare, and none that it could not', () => {
    expect(blocks(compactWith(50))).toEqual(['policy', null])
    expect(blocks(compactWith(51))).toEqual([null, null])
  })

  it('compact is not what keeps a segment below the start offset that is not acknowledged', () => {
    const input = log(segmentsOf(3), {
      startOffset: 10,
      readableEndOffset: 9,
      limits: { policy: ['compact'] },
    })
    expect(blocks(input)).toEqual([null, 'not-acknowledged', null])
  })

  it('compact deletes what lies below the start offset (K 115)', () => {
    const input = log(expired, { startOffset: 5, limits: { ...limits, policy: ['compact'] } })
    expect(remaining(input)).toHaveLength(2)
  })

  it('compact,delete deletes as delete does (K 115)', () => {
    expect(remaining(log(expired, { limits: { ...limits, policy: ['compact', 'delete'] } }))).toHaveLength(1)
  })

  it('empty deletes nothing but what lies below the start offset (K 129)', () => {
    expect(planClean(log(expired, { limits: { ...limits, policy: [] } })).deleteCount).toBe(0)
    expect(rules(log(expired, { startOffset: 10, limits: { ...limits, policy: [] } }))).toEqual([
      'log-start-offset',
      'log-start-offset',
      null,
    ])
  })
})

describe('timestamps that say nothing', () => {
  const limits = { retentionMs: 7 * DAY }

  it('nanoseconds given as milliseconds do not pin the log: the append time counts, and it is reported (R 109, K 13 #4)', () => {
    const nanoseconds = { maxTimestamp: Number.MAX_SAFE_INTEGER, appendedAtMs: NOW - 8 * DAY }
    const plan = planClean(log([nanoseconds, { ageMs: 8 * DAY }, {}], { limits }))
    expect(plan).toMatchObject({ deleteCount: 2, futureTimestamps: 1 })
    expect(plan.segments.map(({ futureTimestamp }) => futureTimestamp)).toEqual([true, false, false])
    expect(plan.segments[0]).toMatchObject({ ageMs: 8 * DAY, maxTimestamp: Number.MAX_SAFE_INTEGER })
  })

  it('year 9999 does not take a fresh segment either', () => {
    const plan = planClean(
      log([{ maxTimestamp: Date.UTC(9999, 0), appendedAtMs: NOW - DAY }, {}], { limits }),
    )
    expect(plan).toMatchObject({ deleteCount: 0, futureTimestamps: 1 })
  })

  it('a timestamp of now is not in the future, one a millisecond later is', () => {
    expect(planClean(log([{ maxTimestamp: NOW }])).futureTimestamps).toBe(0)
    expect(planClean(log([{ maxTimestamp: NOW + 1 }])).futureTimestamps).toBe(1)
  })

  it.each([0, -1, -DAY])(
    '%i is no timestamp: a fresh segment stays and an old one goes, by append time (R 110)',
    (maxTimestamp) => {
      expect(planClean(log([{ maxTimestamp }, {}], { limits })).deleteCount).toBe(0)
      const old = { maxTimestamp, appendedAtMs: NOW - 8 * DAY }
      expect(planClean(log([old, {}], { limits })).deleteCount).toBe(1)
    },
  )

  it('old records appended just now go by their own time, as in Kafka (K 13 #5)', () => {
    const replayed = { maxTimestamp: NOW - 8 * DAY, appendedAtMs: NOW }
    expect(planClean(log([replayed, {}], { limits })).deleteCount).toBe(1)
  })

  it('a file restored without its times does not make fresh records old', () => {
    expect(planClean(log([{ maxTimestamp: NOW - HOUR, appendedAtMs: 0 }, {}], { limits })).deleteCount).toBe(
      0,
    )
    expect(effectiveTimestamp({ maxTimestamp: 5000, appendedAtMs: 0 })).toBe(5000)
  })

  it('after the clock went back three days nothing is older than it was, and nothing is blocked (R 107)', () => {
    const input = log([{ ageMs: 6 * DAY }, { ageMs: HOUR }], { limits })
    const plan = planClean({ ...input, nowMs: NOW - 3 * DAY })
    expect(plan).toMatchObject({ deleteCount: 0, blocked: null, roll: null, futureTimestamps: 1 })
    expect(plan.segments.map(({ ageMs }) => ageMs)).toEqual([3 * DAY, HOUR - 3 * DAY])
  })
})

describe('a clock jump', () => {
  const tenYearsAhead = log(segmentsOf(3), {
    nowMs: NOW + 3650 * DAY,
    timeBlocked: 'clock-jump',
    limits: { retentionMs: 7 * DAY },
  })
  // The segments are as old as NOW; only the clock moved on.
  const input = { ...tenYearsAhead, segments: log(segmentsOf(3)).segments }

  it('deletes nothing by age, and says clock-jump (R 108)', () => {
    const plan = planClean(input)
    expect(plan).toMatchObject({ deleteCount: 0, roll: null, blocked: 'clock-jump' })
    expect(blocks(input)).toEqual(['clock-jump', 'clock-jump', 'clock-jump'])
  })

  it('stops neither retention.bytes nor the start offset', () => {
    const limited = { ...input, limits: { ...input.limits, retentionBytes: 50 }, startOffset: 5 }
    expect(rules(limited)).toEqual(['log-start-offset', 'retention.bytes', null])
  })

  it('does not roll by segment.ms', () => {
    const first = { ...input.segments[2]!, firstWriteMs: NOW }
    const segments = [...input.segments.slice(0, 2), first]
    const timed = { ...input, segments, limits: { ...input.limits, retentionMs: -1, segmentMs: DAY } }
    expect(planClean(timed).roll).toBeNull()
    expect(planClean({ ...timed, timeBlocked: null }).roll).toBe('segment.ms')
  })

  it('taken for right, takes all (R 108)', () => {
    expect(planClean({ ...input, timeBlocked: null })).toMatchObject({ deleteCount: 3, roll: 'all-expired' })
  })
})

describe('segment.ms on the clock', () => {
  it('rolls a non-empty active segment when it has passed since our first write to it (K 13 #2)', () => {
    expect(planClean(activeSince(NOW - DAY - 1)).roll).toBe('segment.ms')
  })

  it('does not when exactly that long has passed', () => {
    expect(planClean(activeSince(NOW - DAY)).roll).toBeNull()
  })

  it('comes earlier by the jitter', () => {
    const jittered = log([{ firstWriteMs: NOW - 40 * 60_000 - 1 }], {
      limits: { segmentMs: HOUR, rollJitterMs: 20 * 60_000 },
    })
    expect(planClean(jittered).roll).toBe('segment.ms')
    expect(planClean({ ...jittered, nowMs: NOW - 1 }).roll).toBeNull()
  })

  it('leaves an empty active segment and one this process never wrote to', () => {
    expect(
      planClean(log([{}, { count: 0, firstWriteMs: 0 }], { limits: { segmentMs: DAY } })).roll,
    ).toBeNull()
    expect(planClean(log([{ ageMs: 9 * DAY }], { limits: { segmentMs: DAY } })).roll).toBeNull()
  })

  it('applies under every policy', () => {
    const input = log([{ firstWriteMs: NOW - 2 * DAY }], { limits: { segmentMs: DAY, policy: ['compact'] } })
    expect(planClean(input).roll).toBe('segment.ms')
  })

  it('gives way to all-expired', () => {
    const input = log([{ ageMs: 2 * DAY, firstWriteMs: NOW - 2 * DAY }], {
      limits: { segmentMs: HOUR, retentionMs: DAY },
    })
    expect(planClean(input).roll).toBe('all-expired')
  })

  it('does not roll because the clock went back', () => {
    expect(planClean(activeSince(NOW + 9 * DAY)).roll).toBeNull()
  })
})

describe('dueAt', () => {
  it('is the first moment at which the plan takes the segment', () => {
    const input = log([{ ageMs: 3 * DAY }, { ageMs: 5 * DAY }, { ageMs: DAY }], {
      limits: { retentionMs: 7 * DAY },
    })
    const due = planClean(input).segments.map(({ dueAt }) => dueAt)
    expect(due).toEqual([NOW + 4 * DAY + 1, NOW + 4 * DAY + 1, NOW + 6 * DAY + 1])
    for (const [slot, dueAt] of due.entries()) {
      expect(planClean({ ...input, nowMs: dueAt! - 1 }).deleteCount).toBeLessThanOrEqual(slot)
      expect(planClean({ ...input, nowMs: dueAt! }).deleteCount).toBeGreaterThan(slot)
    }
  })

  it('lies in the past for what goes by age now', () => {
    const plan = planClean(log([{ ageMs: 8 * DAY }, {}], { limits: { retentionMs: 7 * DAY } }))
    expect(plan.segments[0]!.dueAt).toBe(NOW - DAY + 1)
  })

  it('is null when age never takes the segment', () => {
    expect(dueOf(log(segmentsOf(1)))).toEqual([null])
    expect(dueOf(log(segmentsOf(1), { limits: { retentionMs: DAY, policy: ['compact'] } }))).toEqual([null])
    expect(dueOf(log([{}, { count: 0 }], { limits: { retentionMs: DAY } }))).toEqual([NOW + DAY + 1, null])
    expect(dueOf(log(segmentsOf(2), { limits: { retentionMs: DAY, retentionBytes: 50 } }))).toEqual([
      null,
      NOW + DAY + 1,
    ])
    expect(dueOf(log(segmentsOf(1), { limits: { retentionMs: Number.MAX_SAFE_INTEGER } }))).toEqual([null])
    expect(dueOf(log(segmentsOf(1), { limits: { retentionMs: DAY }, otherBlock: 'read-only' }))).toEqual([
      null,
    ])
  })
})

describe('a plan', () => {
  it('held back by the log does nothing at all', () => {
    const input = log(segmentsOf(3, { ageMs: DAY, firstWriteMs: 0 }), {
      startOffset: 5,
      otherBlock: 'the topic is adopted and has no configuration of its own',
      limits: { retentionMs: 0, retentionBytes: 0, segmentMs: 1 },
    })
    expect(planClean(input)).toMatchObject({ deleteCount: 0, roll: null, blocked: 'held', newStartOffset: 5 })
    expect(blocks(input)).toEqual(['held', 'held', 'held'])
  })

  it('of a log without segments is empty, as after the log was deleted (K 128)', () => {
    const plan = planClean(log([], { limits: { retentionMs: 0 } }))
    expect(plan).toMatchObject({ deleteCount: 0, roll: null, sizeBytes: 0, segments: [] })
  })

  it('survives JSON unchanged', () => {
    const input = log([{ ageMs: DAY }, { maxTimestamp: Number.MAX_SAFE_INTEGER }, { count: 0 }], {
      limits: { retentionMs: HOUR, retentionBytes: 60 },
    })
    const plan = planClean(input)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  it('leaves its input as it was', () => {
    const input = log(segmentsOf(3, { ageMs: DAY }), { limits: { retentionMs: 0 } })
    const before = structuredClone(input)
    planClean(input)
    expect(input).toEqual(before)
  })

  it('is refused as our bug when segments are out of order, twice the same or active before the end', () => {
    const input = log(segmentsOf(2))
    const [first, last] = input.segments as [CleanInput['segments'][0], CleanInput['segments'][0]]
    expect(() => planClean({ ...input, segments: [last, first] })).toThrow(/seglog bug/)
    expect(() => planClean({ ...input, segments: [first, first] })).toThrow(/seglog bug/)
    expect(() => planClean({ ...input, segments: [{ ...first, active: true }, last] })).toThrow(/seglog bug/)
  })
})

describe('planCleanInSteps', () => {
  it('does not pause for a log of few segments', () => {
    expect(pausesOf(log([]))).toBe(0)
    expect(pausesOf(expiredLog(250))).toBe(0)
  })

  it('pauses every 250 segments of a log of many, and comes to the same plan', () => {
    expect(pausesOf(expiredLog(251))).toBe(2)
    expect(pausesOf(expiredLog(1000))).toBe(4)
    const steps = planCleanInSteps(expiredLog(1000))
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    expect(step.value).toEqual(planClean(expiredLog(1000)))
    expect(step.value).toMatchObject({ deleteCount: 1000, roll: 'all-expired' })
  })
})

describe('retentionSizePercent', () => {
  it('is 150 before and 100 after the deletion that retention.bytes asks for (K 129)', () => {
    const input = log(segmentsOf(3), { limits: { retentionBytes: 100 } })
    const plan = planClean(input)
    expect(percentOf100(plan.sizeBytes)).toBe(150)
    expect(percentOf100(plan.sizeBytes - plan.deleteBytes)).toBe(100)
  })

  it('is 0 when there is no limit to fill, and rounds down', () => {
    expect(retentionSizePercent({ sizeBytes: 150, retentionBytes: -1 })).toBe(0)
    expect(retentionSizePercent({ sizeBytes: 150, retentionBytes: 0 })).toBe(0)
    expect(retentionSizePercent({ sizeBytes: 199, retentionBytes: 200 })).toBe(99)
  })
})
