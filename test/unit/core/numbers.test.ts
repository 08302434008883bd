import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkInteger, checkOffset, isOffset, toSafeInteger, typeName } from '../../../src/core/index.ts'
import { seed } from '../../helpers/seed.ts'

const wrongTypes = ['5', 4n, null, undefined, [], {}, true, Symbol('x'), new Number(5)]
const wrongNumbers = [Number.NaN, -1, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

const halves = (value: bigint) =>
  [Number(BigInt.asIntN(32, value >> 32n)), Number(value & 0xffff_ffffn)] as const

describe('isOffset', () => {
  it('takes whole numbers from 0 to 2^53 - 1 and nothing else', () => {
    for (const value of [0, -0, 1, Number.MAX_SAFE_INTEGER]) expect(isOffset(value)).toBe(true)
    for (const value of [...wrongTypes, ...wrongNumbers]) expect(isOffset(value)).toBe(false)
  })
})

describe('checkOffset', () => {
  it('gives an offset back, and 0 for -0', () => {
    for (const value of [0, 1, Number.MAX_SAFE_INTEGER]) expect(checkOffset(value, 'from')).toBe(value)
    expect(Object.is(checkOffset(-0, 'from'), 0)).toBe(true)
  })

  it.each(wrongTypes)('throws a TypeError that names the argument: %#', (value) => {
    expect(() => checkOffset(value, 'from')).toThrow(TypeError)
    expect(() => checkOffset(value, 'from')).toThrow(/^from must be a number, found /)
  })

  it.each(wrongNumbers)('throws a RangeError that names the argument and the range: %s', (value) => {
    expect(() => checkOffset(value, 'from')).toThrow(RangeError)
    expect(() => checkOffset(value, 'from')).toThrow(
      `from must be a whole number from 0 to 9007199254740991, found ${value}`,
    )
  })
})

describe('checkInteger', () => {
  it('takes both ends of the range and nothing past them', () => {
    const range = { name: 'maxBytes', min: -2, max: 3 }
    for (const value of [-2, 0, 3]) expect(checkInteger(value, range)).toBe(value)
    for (const value of [-3, 4]) expect(() => checkInteger(value, range)).toThrow(RangeError)
    expect(() => checkInteger(4, range)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(() => checkInteger('4', range)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })
})

describe('toSafeInteger', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

  it('is the number where a number can be, and else the nearest safe one, said to be inexact', () => {
    const safe = fc.maxSafeInteger().map(BigInt)
    fc.assert(
      fc.property(fc.oneof(int64, safe), (exactly) => {
        const [high, low] = halves(exactly)
        const { value, exact } = toSafeInteger(high, low)
        const isSafe =
          exactly >= BigInt(Number.MIN_SAFE_INTEGER) && exactly <= BigInt(Number.MAX_SAFE_INTEGER)
        expect(exact).toBe(isSafe)
        expect(value).toBe(
          isSafe ? Number(exactly) : exactly > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER,
        )
      }),
      { seed },
    )
  })

  it.each([
    [0n, 0, true],
    [-1n, -1, true],
    [2n ** 53n - 1n, Number.MAX_SAFE_INTEGER, true],
    [2n ** 53n, Number.MAX_SAFE_INTEGER, false],
    [2n ** 53n + 1n, Number.MAX_SAFE_INTEGER, false],
    [-(2n ** 53n) + 1n, Number.MIN_SAFE_INTEGER, true],
    [-(2n ** 53n), Number.MIN_SAFE_INTEGER, false],
    [2n ** 63n - 1n, Number.MAX_SAFE_INTEGER, false],
    [-(2n ** 63n), Number.MIN_SAFE_INTEGER, false],
  ])('reads %s as %s, exact: %s', (exactly, value, exact) => {
    expect(toSafeInteger(...halves(exactly))).toEqual({ value, exact })
  })
})

describe('typeName', () => {
  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    ['secret', 'string'],
    [4n, 'bigint'],
    [[], 'array'],
    [{}, 'Object'],
    [new Map(), 'Map'],
    [Buffer.alloc(1), 'Buffer'],
    [Object.create(null), 'object'],
    [() => {}, 'function'],
  ])('says of %o only its type, %s', (value, name) => {
    expect(typeName(value)).toBe(name)
  })
})
