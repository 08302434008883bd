import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeWatermark,
  encodeWatermark,
  WATERMARK_BYTES,
  type Watermark,
} from '../../../src/layout/index.ts'
import { seed } from '../../helpers/seed.ts'

const watermark: Watermark = {
  generation: 3,
  readableEndOffset: 2 ** 32 + 5,
  startOffset: 7,
  session: Buffer.from('0123456789abcdef', 'hex'),
  sequence: 99,
  truncatedTo: 6,
}
const golden =
  '534c574d00010000' + // magic, version, zero
  '0000000000000003' +
  '0000000100000005' +
  '0000000000000007' +
  '0123456789abcdef' +
  '0000000000000063' +
  '0000000000000006' +
  '00000000'

function encoded(value: Watermark): Buffer {
  const bytes = Buffer.alloc(WATERMARK_BYTES, 0xee)
  encodeWatermark(bytes, value)
  return bytes
}

describe('the watermark', () => {
  it('has the layout its table says', () => {
    expect(encoded(watermark).toString('hex').slice(0, 120)).toBe(golden)
    expect(encoded(watermark)).toHaveLength(64)
  })

  it('comes back whatever the offsets are', () => {
    const arbitrary = fc.record({
      generation: fc.maxSafeNat(),
      readableEndOffset: fc.integer({ min: 2 ** 31, max: Number.MAX_SAFE_INTEGER }),
      startOffset: fc.nat(),
      session: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      sequence: fc.maxSafeNat(),
      truncatedTo: fc.maxSafeNat(),
    })
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decodeWatermark(encoded(value))).toEqual({ ...value, session: Buffer.from(value.session) })
      }),
      { seed },
    )
  })

  it('keeps no view of the bytes it was read from', () => {
    const bytes = encoded(watermark)
    const decoded = decodeWatermark(bytes)
    bytes.fill(0)
    expect(Buffer.from(decoded!.session).toString('hex')).toBe('0123456789abcdef')
  })

  it('with any one bit flipped is none', () => {
    const bytes = encoded(watermark)
    for (let bit = 0; bit < WATERMARK_BYTES * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect(decodeWatermark(bytes)).toBeUndefined()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
    expect(decodeWatermark(bytes)).toEqual(watermark)
  })

  it('of another size, empty or all zeros is none', () => {
    const bytes = encoded(watermark)
    expect(decodeWatermark(bytes.subarray(0, 63))).toBeUndefined()
    expect(decodeWatermark(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined()
    expect(decodeWatermark(Buffer.alloc(0))).toBeUndefined()
    expect(decodeWatermark(Buffer.alloc(WATERMARK_BYTES))).toBeUndefined()
  })

  it('met half way between two writes is none', () => {
    const before = encoded(watermark)
    const after = encoded({ ...watermark, readableEndOffset: 2 ** 40, sequence: 100 })
    for (let cut = 1; cut < WATERMARK_BYTES; cut++) {
      const torn = Buffer.concat([after.subarray(0, cut), before.subarray(cut)])
      if (torn.equals(before) || torn.equals(after)) continue
      expect(decodeWatermark(torn)).toBeUndefined()
    }
  })

  it('with a sound checksum over another version or an impossible offset is none', () => {
    const forge = (change: (bytes: Buffer) => void) => {
      const bytes = encoded(watermark)
      change(bytes)
      let hash = 0x811c_9dc5
      for (const byte of bytes.subarray(0, 60)) hash = Math.imul(hash ^ byte, 0x0100_0193)
      bytes.writeUInt32BE(hash >>> 0, 60)
      return decodeWatermark(bytes)
    }
    expect(forge(() => {})).toEqual(watermark)
    expect(forge((bytes) => bytes.writeUInt16BE(2, 4))).toBeUndefined()
    expect(forge((bytes) => bytes.writeUInt32BE(1, 0))).toBeUndefined()
    for (const position of [8, 16, 24, 40]) {
      expect(forge((bytes) => bytes.writeUInt32BE(0x20_0000, position))).toBeUndefined() // 2^53 or more
    }
    expect(forge((bytes) => bytes.writeUInt32BE(2, 24))).toBeUndefined() // starts above its end
  })

  it.each([
    [{ generation: -1 }],
    [{ sequence: 1.5 }],
    [{ readableEndOffset: 2 ** 53 }],
    [{ startOffset: Number.NaN }],
    [{ startOffset: 2 ** 33 }], // above the end
    [{ session: Buffer.alloc(7) }],
  ])('is never written with %j', (fields) => {
    expect(() => encoded({ ...watermark, ...fields })).toThrow('seglog bug')
  })

  it('is never written into too small a buffer', () => {
    expect(() => encodeWatermark(Buffer.alloc(63), watermark)).toThrow('seglog bug')
  })
})
