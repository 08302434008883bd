import { describe, expect, it } from 'vitest'
import { INT32_MAX } from '../../../src/core/index.ts'
import { type IncomingBatch, planRoll, type RollState } from '../../../src/log/roll-plan.ts'

const limits = { segmentBytes: 1000, segmentMs: 3_600_000 }
const active: RollState = {
  baseOffset: 100,
  sizeBytes: 400,
  firstTimestamp: 10_000,
  createdMs: 50_000,
  rollJitterMs: 0,
  indexFull: false,
}
const incoming: IncomingBatch = { sizeBytes: 100, lastOffset: 109, maxTimestamp: 11_000 }

const plan = (state: Partial<RollState>, batch: Partial<IncomingBatch> = {}, nowMs = 60_000) =>
  planRoll({ ...active, ...state }, { ...incoming, ...batch }, limits, nowMs)

describe('planRoll', () => {
  it('keeps a segment that nothing speaks against', () => {
    expect(plan({})).toBeNull()
  })

  it('lets a segment end exactly at segment.bytes, and not a byte later', () => {
    expect(plan({ sizeBytes: 900 })).toBeNull()
    expect(plan({ sizeBytes: 901 })).toBe('segment.bytes')
  })

  it('puts a batch larger than segment.bytes into an empty segment, and nothing behind it', () => {
    expect(plan({ sizeBytes: 0 }, { sizeBytes: 5000 })).toBeNull()
    expect(plan({ sizeBytes: 5000 }, { sizeBytes: 1 })).toBe('segment.bytes')
  })

  it('never lets a segment pass 2 GiB, whatever segment.bytes says', () => {
    const huge = { segmentBytes: 2 ** 40, segmentMs: 1 }
    const state = { ...active, sizeBytes: INT32_MAX - 100 }
    expect(planRoll(state, { ...incoming, maxTimestamp: 10_000 }, huge, 0)).toBeNull()
    expect(planRoll(state, { ...incoming, maxTimestamp: 10_000, sizeBytes: 101 }, huge, 0)).toBe(
      'segment.bytes',
    )
  })

  it('waits for more than segment.ms of record time, strictly', () => {
    expect(plan({}, { maxTimestamp: 10_000 + 3_600_000 })).toBeNull()
    expect(plan({}, { maxTimestamp: 10_001 + 3_600_000 })).toBe('segment.ms')
  })

  it('does not go by the wall clock where the first batch has a time, so that old data rolls as it first did', () => {
    expect(plan({}, {}, 10 ** 12)).toBeNull()
    expect(plan({ firstTimestamp: 10 ** 12 }, { maxTimestamp: 11_000 }, 10 ** 15)).toBeNull()
  })

  it('goes by the wall clock where the first batch has no time', () => {
    for (const firstTimestamp of [-1, undefined]) {
      expect(plan({ firstTimestamp }, {}, 50_000 + 3_600_000)).toBeNull()
      expect(plan({ firstTimestamp }, {}, 50_001 + 3_600_000)).toBe('segment.ms')
    }
  })

  it('rolls earlier by the jitter: not after 40 of 60 minutes with 20 of jitter, but a moment later', () => {
    const rollJitterMs = 1_200_000
    expect(plan({ rollJitterMs }, { maxTimestamp: 10_000 + 2_400_000 })).toBeNull()
    expect(plan({ rollJitterMs }, { maxTimestamp: 10_001 + 2_400_000 })).toBe('segment.ms')
  })

  it('never rolls an empty segment for its size, its age or its index', () => {
    expect(plan({ sizeBytes: 0, firstTimestamp: undefined, indexFull: true }, {}, 10 ** 12)).toBeNull()
  })

  it('rolls when Kafka could not write another index entry', () => {
    expect(plan({ indexFull: true })).toBe('segment.index.bytes')
  })

  it('rolls when an offset is out of the reach of 31 bits from the base, even an empty segment', () => {
    expect(plan({}, { lastOffset: 100 + INT32_MAX })).toBeNull()
    expect(plan({}, { lastOffset: 101 + INT32_MAX })).toBe('offset-range')
    expect(plan({ sizeBytes: 0 }, { lastOffset: 101 + INT32_MAX })).toBe('offset-range')
    expect(plan({}, { lastOffset: 99 })).toBe('offset-range')
  })
})
