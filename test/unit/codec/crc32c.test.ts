import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CRC_NATIVE_BYTES_MIN, crc32c, crc32cJavaScript, crc32cNative } from '../../../src/codec/index.ts'
import { seed } from '../../helpers/seed.ts'

const native = crc32cNative ?? crc32cJavaScript

/** The definition, a bit at a time: slow, and nobody's code but the polynomial's. */
function crc32cByDefinition(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0x82f6_3b78)
  }
  return ~crc >>> 0
}

function patterned(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, slot) => (slot * 131 + (slot >> 3)) & 0xff))
}

describe('CRC-32C', () => {
  it.each([
    ['123456789', 0xe3069283],
    ['', 0],
    ['\0'.repeat(32), 0x8a9136aa],
  ])('of %j is the published value', (text, expected) => {
    const bytes = Buffer.from(text)
    expect(crc32c(bytes)).toBe(expected)
    expect(crc32cJavaScript(bytes)).toBe(expected)
    expect(native(bytes)).toBe(expected)
  })

  it('is the same both ways and by definition, at every length up to 600', () => {
    const bytes = patterned(600)
    for (let length = 0; length <= 600; length++) {
      const part = bytes.subarray(0, length)
      const expected = crc32cByDefinition(part)
      expect(crc32cJavaScript(part)).toBe(expected)
      expect(native(part)).toBe(expected)
      expect(crc32c(part)).toBe(expected)
    }
  })

  it('is the same both ways for any bytes, at any alignment', () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 2 * CRC_NATIVE_BYTES_MIN }),
      fc.nat({ max: 8 }),
      (bytes, start) => {
        const part = bytes.subarray(start)
        expect(native(part)).toBe(crc32cJavaScript(part))
        expect(crc32c(part)).toBe(crc32cJavaScript(part))
      },
    )
    fc.assert(property, { seed })
  })

  it('is unsigned', () => {
    expect(crc32c(Buffer.from('123456789'))).toBeGreaterThan(0x7fff_ffff)
  })
})
