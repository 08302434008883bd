import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ByteCursor,
  VARINT_BYTES_MAX,
  VARLONG_BYTES_MAX,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../../../src/codec/index.ts'
import { seed } from '../../helpers/seed.ts'

const varints: [value: number, hex: string][] = [
  [0, '00'],
  [-1, '01'],
  [1, '02'],
  [-64, '7f'],
  [64, '8001'],
  [-65, '8101'],
  [8191, 'fe7f'],
  [8192, '808001'],
  [-8193, '818001'],
  [1_048_575, 'feff7f'],
  [1_048_576, '80808001'],
  [134_217_727, 'feffff7f'],
  [134_217_728, '8080808001'],
  [2_147_483_647, 'feffffff0f'],
  [-2_147_483_648, 'ffffffff0f'],
]

const varlongs: [value: number | bigint, hex: string][] = [
  [2_147_483_648, '8080808010'],
  [-2_147_483_649, '8180808010'],
  [-282_609, 'e1bf22'],
  [2 ** 34, '808080808001'],
  [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
  [Number.MIN_SAFE_INTEGER, 'fdffffffffffff1f'],
  [-(2n ** 53n), 'ffffffffffffff1f'],
  [2n ** 53n, '8080808080808020'],
  [2n ** 63n - 1n, 'feffffffffffffffff01'],
  [-(2n ** 63n), 'ffffffffffffffffff01'],
]

function encoded(write: (bytes: Buffer, at: number) => number): Buffer {
  const bytes = Buffer.alloc(16, 0xee)
  const end = write(bytes, 2)
  expect(bytes.subarray(0, 2)).toEqual(Buffer.from('eeee', 'hex'))
  expect(bytes.subarray(end).every((byte) => byte === 0xee)).toBe(true)
  return bytes.subarray(2, end)
}

function cursor(bytes: Buffer): ByteCursor {
  return new ByteCursor(bytes, { start: 0, end: bytes.length }, (what, position) => {
    throw new Error(`${what} at ${position}`)
  })
}

describe('a varint', () => {
  it.each(varints)('of %d is %s', (value, hex) => {
    const bytes = encoded((into, at) => writeVarint(into, at, value))
    expect(bytes.toString('hex')).toBe(hex)
    expect(varintSize(value)).toBe(bytes.length)
    expect(cursor(bytes).readVarint()).toBe(value)
  })

  it('takes one byte from -64 to 63 and five at the most', () => {
    expect([-65, -64, 63, 64].map(varintSize)).toEqual([2, 1, 1, 2])
    expect(varintSize(-(2 ** 31))).toBe(VARINT_BYTES_MAX)
  })

  it('comes back whatever 32 bits it holds, in as many bytes as its size says', () => {
    const property = fc.property(fc.oneof(fc.integer(), fc.integer({ min: -9000, max: 9000 })), (value) => {
      const bytes = encoded((into, at) => writeVarint(into, at, value))
      expect(bytes).toHaveLength(varintSize(value))
      const reader = cursor(bytes)
      expect(reader.readVarint()).toBe(value)
      expect(reader.position).toBe(bytes.length)
    })
    fc.assert(property, { seed })
  })
})

describe('a varlong', () => {
  it.each(varints)('of %d is the varint %s', (value, hex) => {
    const bytes = encoded((into, at) => writeVarlong(into, at, value))
    expect(bytes.toString('hex')).toBe(hex)
    expect(varlongSize(value)).toBe(bytes.length)
    expect(cursor(bytes).readVarlong()).toBe(value)
  })

  it.each(varlongs)('of %s is %s', (value, hex) => {
    const bytes = encoded((into, at) => writeVarlong(into, at, value))
    expect(bytes.toString('hex')).toBe(hex)
    expect(varlongSize(value)).toBe(bytes.length)
    expect(cursor(bytes).readVarlong()).toBe(value)
  })

  it('takes ten bytes at the most', () => {
    expect(varlongSize(-(2n ** 63n))).toBe(VARLONG_BYTES_MAX)
  })

  it('is written alike from a number and from a bigint', () => {
    const property = fc.property(fc.maxSafeInteger(), (value) => {
      const fromNumber = encoded((into, at) => writeVarlong(into, at, value))
      expect(encoded((into, at) => writeVarlong(into, at, BigInt(value)))).toEqual(fromNumber)
      expect(varlongSize(BigInt(value))).toBe(varlongSize(value))
    })
    fc.assert(property, { seed })
  })

  it('comes back whatever 64 bits it holds, as a bigint only when it is no safe integer', () => {
    const property = fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = encoded((into, at) => writeVarlong(into, at, value))
      expect(bytes).toHaveLength(varlongSize(value))
      const read = cursor(bytes).readVarlong()
      expect(BigInt(read)).toBe(value)
      expect(typeof read).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint')
    })
    fc.assert(property, { seed })
  })
})
