import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planZeros } from '../../../src/log/preallocation.ts'
import { seed } from '../../helpers/seed.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

describe('zeros ahead of the records', () => {
  it.each([
    // records end at, the file at, segment.bytes, zeros
    [0, 0, GIB, 256 * KIB],
    [1_000, 1_000, GIB, 256 * KIB],
    [1_000, 1_000 + 128 * KIB - 1, GIB, 256 * KIB],
    [1_000, 1_000 + 128 * KIB, GIB, 0],
    [1_000, 1_000 + MIB, GIB, 0],
    [MIB, MIB + MIB / 2 - 1, GIB, MIB],
    [MIB, MIB + MIB / 2, GIB, 0],
    [100 * MIB, 102 * MIB - 1, GIB, 4 * MIB],
    [100 * MIB, 102 * MIB, GIB, 0],
    [7 * MIB, 7 * MIB, 8 * MIB, MIB],
    [1_000, 1_000, MIB, MIB / 8],
    [1_000, 1_000, 8, 0],
    [1_000, 1_000, 0, 0],
    [GIB - 100, GIB - 100, GIB, 100],
    [GIB - 100, GIB, GIB, 0],
    [GIB + 100, GIB + 100, GIB, 0],
  ])(
    'records up to %i in a file of %i, segments of %i: %i more',
    (sizeBytes, fileBytes, segmentBytes, zeros) => {
      expect(planZeros({ sizeBytes, fileBytes }, segmentBytes)).toBe(zeros)
    },
  )

  it('are never more than a step and a half, nor past the size at which a segment is closed', () => {
    const sizes = fc.record({
      segmentBytes: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      sizeBytes: fc.nat(2 ** 31 - 1),
      aheadBytes: fc.nat(7 * MIB),
    })
    fc.assert(
      fc.property(sizes, ({ segmentBytes, sizeBytes, aheadBytes }) => {
        const fileBytes = sizeBytes + aheadBytes
        const zeros = planZeros({ sizeBytes, fileBytes }, segmentBytes)
        if (zeros === 0) return
        const stepBytes = Math.min(4 * MIB, Math.max(256 * KIB, sizeBytes), segmentBytes / 8)
        expect(zeros).toBeLessThanOrEqual(stepBytes)
        expect(aheadBytes + zeros).toBeLessThan(1.5 * stepBytes)
        expect(fileBytes + zeros).toBeLessThanOrEqual(segmentBytes)
      }),
      { seed },
    )
  })
})
