import { describe, expect, it } from 'vitest'
import { FileBytes } from '../../../src/testing/file-bytes.ts'

const text = (bytes: FileBytes): string => bytes.view.toString('latin1')

describe('the bytes of a simulated file', () => {
  it('are what was written, with zeros where nothing was', () => {
    const bytes = new FileBytes()
    bytes.write(2, Buffer.from('ab'))
    expect([text(bytes), bytes.length]).toEqual(['\0\0ab', 4])
    bytes.write(0, Buffer.from('xy'))
    expect(text(bytes)).toBe('xyab')
    bytes.write(4, Buffer.alloc(1000, 'z'))
    expect(bytes.length).toBe(1004)
    expect(text(bytes).slice(0, 6)).toBe('xyabzz')
  })

  it('are cut, and extended with zeros even where there were bytes once', () => {
    const bytes = new FileBytes(Buffer.from('abcdef'))
    bytes.resize(2)
    bytes.resize(4)
    expect(text(bytes)).toBe('ab\0\0')
    bytes.resize(1)
    bytes.write(3, Buffer.from('x'))
    expect(text(bytes)).toBe('a\0\0x')
  })

  it('are zeroed within the file only', () => {
    const bytes = new FileBytes(Buffer.from('abcdef'))
    bytes.zero(1, 3)
    bytes.zero(5, 99)
    bytes.zero(50, 99)
    bytes.zero(3, 3)
    expect(text(bytes)).toBe('a\0\0de\0')
  })

  it('of two copies are apart, whichever is written first', () => {
    const first = new FileBytes(Buffer.from('abc'))
    const second = first.copy()
    const third = second.copy()
    first.write(3, Buffer.from('1'))
    second.write(3, Buffer.from('2'))
    second.zero(0, 1)
    third.resize(5)
    expect([first, second, third].map(text)).toEqual(['abc1', '\0bc2', 'abc\0\0'])
  })
})
