import { describe, expect, it } from 'vitest'
import { ExpectedSize } from '../../../src/fs/expected-size.ts'

/** The sizes from 0 up that are allowed. */
const allowed = (size: ExpectedSize): number[] =>
  Array.from({ length: 40 }, (_, bytes) => bytes).filter((bytes) => size.allows(bytes))

describe('the size that a file is expected to have', () => {
  it('is the one it had, and then where the last write ended', () => {
    const size = new ExpectedSize(10)
    expect(allowed(size)).toEqual([10])
    size.writing(12)
    size.written(12)
    expect(allowed(size)).toEqual([10, 11, 12].slice(2))
    size.writing(5) // inside it
    size.written(5)
    expect(allowed(size)).toEqual([12])
  })

  it('is anything up to the end of a write that failed, until the file is cut', () => {
    const size = new ExpectedSize(10)
    size.writing(12)
    expect(allowed(size)).toEqual([10, 11, 12])
    size.cutTo(10)
    expect(allowed(size)).toEqual([10])
  })

  it('is anything up to the end of an extension, until that is over', () => {
    const size = new ExpectedSize(10)
    size.extending(3)
    expect(allowed(size)).toEqual([10, 11, 12, 13])
    size.extended(3, 12) // it failed half-way
    expect(allowed(size)).toEqual([12])
  })

  it('has room for an extension that comes before a write, behind it, or in two parts', () => {
    const size = new ExpectedSize(10)
    size.extending(3)
    size.writing(15)
    size.written(15)
    expect(allowed(size)).toEqual([15, 16, 17, 18])
    size.cutTo(4)
    expect(allowed(size)).toEqual([4, 5, 6, 7])
    size.extending(2)
    size.extended(3, 7)
    expect(allowed(size)).toEqual([4, 5, 6, 7, 8, 9])
    size.extended(2, 9)
    expect(allowed(size)).toEqual([9])
  })

  it('is not what an extension finds that cannot have come from here', () => {
    const size = new ExpectedSize(10)
    size.extending(3)
    size.extended(3, 20)
    expect(size.allows(20)).toBe(false)
  })
})
