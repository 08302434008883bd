import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../src/codec/index.ts'

function cursorOver(hex: string, range?: { start: number; end: number }): ByteCursor {
  const bytes = Buffer.from(hex, 'hex')
  return new ByteCursor(bytes, range ?? { start: 0, end: bytes.length }, (what, position) => {
    throw new RangeError(`${what} @${position}`)
  })
}

describe('a cursor', () => {
  it('reads fields one behind another', () => {
    const cursor = cursorOver('06616263028001ffff')
    expect(cursor.readBytes(cursor.readVarint()).toString()).toBe('abc')
    expect(cursor.readVarint()).toBe(1)
    expect(cursor.readVarlong()).toBe(64)
    cursor.skip(2)
    expect(cursor.position).toBe(9)
  })

  it('gives views, not copies', () => {
    const cursor = cursorOver('616263')
    const view = cursor.readBytes(3)
    cursor.bytes[0] = 0x7a
    expect(view.toString()).toBe('zbc')
  })

  it('reads nothing beyond its end, even when there are bytes', () => {
    const cursor = cursorOver('000102030405', { start: 2, end: 4 })
    expect(() => cursor.readBytes(3)).toThrow('3 bytes expected where 2 are left @2')
    expect(() => cursor.readText(3)).toThrow('3 bytes expected where 2 are left @2')
    expect(() => cursor.skip(3)).toThrow('3 bytes expected where 2 are left @2')
    expect(cursor.readText(2)).toBe('\u0002\u0003')
    expect(cursor.readBytes(0)).toHaveLength(0)
    expect(() => cursor.readBytes(1)).toThrow('1 bytes expected where 0 are left @4')
  })

  it('reads an integer in the last byte before its end', () => {
    expect(cursorOver('7e80', { start: 0, end: 1 }).readVarint()).toBe(63)
    expect(cursorOver('7e80', { start: 0, end: 1 }).readVarlong()).toBe(63)
    expect(cursorOver('800180', { start: 0, end: 2 }).readVarint()).toBe(64)
    expect(cursorOver('800180', { start: 0, end: 2 }).readVarlong()).toBe(64)
  })

  it('makes text of any bytes', () => {
    expect(cursorOver('e282ac').readText(3)).toBe('€')
    expect(cursorOver('ff61').readText(2)).toBe('\ufffda')
  })
})

describe.each([
  ['varint', (cursor: ByteCursor) => cursor.readVarint(), 5],
  ['varlong', (cursor: ByteCursor) => cursor.readVarlong(), 10],
] as const)('reading a %s', (_name, read, bytesMax) => {
  it('that is cut off at any length is damage', () => {
    for (let length = 0; length < bytesMax; length++) {
      expect(() => read(cursorOver('80'.repeat(length)))).toThrow('an integer expected where 0 are left')
    }
  })

  it('that is cut off by the end is damage though more bytes follow', () => {
    expect(() => read(cursorOver('8001', { start: 0, end: 1 }))).toThrow(
      'an integer expected where 0 are left',
    )
    expect(() => read(cursorOver('808001', { start: 0, end: 2 }))).toThrow(
      'an integer expected where 0 are left',
    )
  })

  it('with one byte too many is damage', () => {
    expect(() => read(cursorOver(`${'80'.repeat(bytesMax)}00`))).toThrow(`of more than ${bytesMax} bytes @0`)
  })

  it('takes longer forms of a value than are needed', () => {
    expect(read(cursorOver(`${'80'.repeat(bytesMax - 1)}00`))).toBe(0)
    expect(read(cursorOver('82808000'))).toBe(1)
    expect(read(cursorOver('8200'))).toBe(1)
  })
})

describe('an integer that passes its bits', () => {
  it('is damage from the fifth byte of a varint', () => {
    expect(cursorOver('ffffffff0f').readVarint()).toBe(-(2 ** 31))
    for (const last of ['10', '1f', '40', '7f']) {
      expect(() => cursorOver(`ffffffff${last}`).readVarint()).toThrow('passes 32 bits @0')
    }
  })

  it('is damage from the tenth byte of a varlong', () => {
    expect(cursorOver('ffffffffffffffffff01').readVarlong()).toBe(-(2n ** 63n))
    for (const last of ['02', '03', '40', '7f']) {
      expect(() => cursorOver(`ffffffffffffffffff${last}`).readVarlong()).toThrow('passes 64 bits @0')
    }
  })
})
