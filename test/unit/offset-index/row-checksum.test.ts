import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHECKSUM_SEED, hashInteger, hashText } from '../../../src/offset-index/row-checksum.ts'
import { decodeSegmentRow, encodeSegmentRow } from '../../../src/offset-index/segment-row.ts'
import { seed } from '../../helpers/seed.ts'
import { factsOf } from './model.ts'

const integer = fc.oneof(
  fc.constantFrom(-1, 0, 127, 128, 32_767, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 47 - 1, 2 ** 53 - 1),
  fc.maxSafeNat(),
  fc.nat(),
)
const row = fc.array(integer, { minLength: 1, maxLength: 9 })
const hash = (values: readonly number[]) => values.reduce(hashInteger, CHECKSUM_SEED.entry)

describe('the checksum of a row', () => {
  it('changes with any one bit of any value, or the value is one that no row has', () => {
    fc.assert(
      fc.property(row, fc.nat(8), fc.nat(63), (values, which, bit) => {
        const column = which % values.length
        const flipped = Number(BigInt.asIntN(64, BigInt(values[column]!) ^ (1n << BigInt(bit))))
        if (!Number.isSafeInteger(flipped) || flipped < -1) return
        expect(hash(values.with(column, flipped))).not.toBe(hash(values))
      }),
      { seed, numRuns: 5000 },
    )
  })

  it('changes with the order and the number of the values', () => {
    fc.assert(
      fc.property(row, (values) => {
        expect(hash([...values, 0])).not.toBe(hash(values))
        const [first, second, ...others] = values
        if (second === undefined || first === second) return
        expect(hash([second, first!, ...others])).not.toBe(hash(values))
      }),
      { seed, numRuns: 2000 },
    )
  })

  it('is a signed 32-bit number, and not 0 for a row of zeros', () => {
    fc.assert(
      fc.property(row, (values) => {
        expect(hash(values)).toBe(hash(values) | 0)
      }),
      { seed },
    )
    expect([0, 1, 2, 3, 4].map((count) => hash(Array.from({ length: count }, () => 0)))).not.toContain(0)
  })

  it('spreads rows that differ by little over all numbers', () => {
    const seen = new Set<number>()
    const buckets = new Uint32Array(64)
    for (let value = 0; value < 64_000; value++) {
      const result = hash([7, value * 41, value * 4123, 1_700_000_000_000 + value])
      seen.add(result)
      buckets[result >>> 26]!++
    }
    expect(seen.size).toBeGreaterThan(63_990) // 64,000² / 2³³ is half a pair
    for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(250)
  })

  it('tells texts apart, also where one goes on as the other begins', () => {
    expect(hashText(hashText(1, 'ab'), 'c')).not.toBe(hashText(hashText(1, 'a'), 'bc'))
    expect(hashText(1, '')).not.toBe(1)
    expect(hashText(1, 'orders-0')).not.toBe(hashText(1, 'orders-1'))
  })
})

describe('the row of a segment', () => {
  const segments = [
    { id: 7, baseOffset: 1000, liveBelow: Number.POSITIVE_INFINITY, facts: factsOf(1000, 5) },
    { id: 7, baseOffset: 1000, liveBelow: 1041, facts: undefined },
    { id: 1, baseOffset: 0, liveBelow: 0, facts: { ...factsOf(0, 0), maxTimestamp: -1 } },
  ]

  it('says what was put into it', () => {
    for (const segment of segments) expect(decodeSegmentRow(encodeSegmentRow(3, segment))).toEqual(segment)
  })

  it('says nothing once one bit of it is another', () => {
    for (const segment of segments) {
      const written: number[] = encodeSegmentRow(3, segment)
      for (let column = 0; column < written.length; column++) {
        for (let bit = 0n; bit < 64n; bit++) {
          const flipped = Number(BigInt.asIntN(64, BigInt(written[column]!) ^ (1n << bit)))
          expect(decodeSegmentRow(written.with(column, flipped))).toBeUndefined()
        }
      }
    }
  })

  it('says nothing with a value of another type, or too few of them', () => {
    const written: unknown[] = encodeSegmentRow(3, segments[0]!)
    for (const wrong of [null, '7', 7.5, Number.NaN, 7n, Buffer.alloc(1)]) {
      for (let column = 0; column < written.length; column++) {
        expect(decodeSegmentRow(written.with(column, wrong))).toBeUndefined()
      }
    }
    expect(decodeSegmentRow(written.slice(0, -1))).toBeUndefined()
    expect(decodeSegmentRow([...written, 0])).toBeUndefined()
  })
})
