import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSafeInt64, readInexactInt64, readInt64, writeInt64 } from '../../../src/codec/index.ts'
import { seed } from '../../helpers/seed.ts'

const int64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger().map(BigInt))

describe('an int64', () => {
  it('is written as Node writes it, from a number and from a bigint', () => {
    const property = fc.property(fc.maxSafeInteger(), (value) => {
      const expected = Buffer.alloc(11)
      expected.writeBigInt64BE(BigInt(value), 2)
      const bytes = Buffer.alloc(11)
      writeInt64(bytes, 2, value)
      expect(bytes).toEqual(expected)
      writeInt64(bytes, 2, BigInt(value))
      expect(bytes).toEqual(expected)
    })
    fc.assert(property, { seed })
  })

  it('reads as the nearest safe integer, and says when that is not it', () => {
    const property = fc.property(int64, (value) => {
      const bytes = Buffer.alloc(9)
      bytes.writeBigInt64BE(value, 1)
      const isSafe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)
      const nearest = value > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER
      const read = readInt64(bytes, 1)
      expect(read).toBe(isSafe ? Number(value) : nearest)
      expect(isSafeInt64(bytes, 1)).toBe(isSafe)
      expect(readInexactInt64(bytes, 1, read)).toBe(isSafe ? undefined : value)
    })
    fc.assert(property, { seed })
  })

  it.each([2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n) + 1n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)])(
    'of %s is told from its neighbours',
    (value) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(value)
      const isSafe = Number.isSafeInteger(Number(value))
      expect(isSafeInt64(bytes, 0)).toBe(isSafe)
      expect(readInexactInt64(bytes, 0, readInt64(bytes, 0))).toBe(isSafe ? undefined : value)
    },
  )

  it('of -1 keeps all its bits', () => {
    const bytes = Buffer.alloc(8)
    writeInt64(bytes, 0, -1)
    expect(bytes.toString('hex')).toBe('ffffffffffffffff')
    expect(readInt64(bytes, 0)).toBe(-1)
  })
})
