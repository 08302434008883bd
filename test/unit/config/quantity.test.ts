import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatQuantity, parseQuantity } from '../../../src/config/quantity.ts'

describe('a quantity', () => {
  it.each([
    ['0', 0n],
    ['-1', -1n],
    ['+5', 5n],
    [' 42\n', 42n],
    ['007', 7n],
    ['9223372036854775807', 9_223_372_036_854_775_807n],
  ])('reads the whole number %j without a unit', (text, expected) => {
    expect(parseQuantity(text, undefined)).toBe(expected)
    expect(parseQuantity(text, 'ms')).toBe(expected)
    expect(parseQuantity(text, 'hours')).toBe(expected)
  })

  it.each(['', ' ', '-', '+', '1.0', '1e3', '0x10', '1_000', '１', '5 5', 'NaN', 'Infinity', '--1', '1n'])(
    'is not %j, whatever the unit',
    (text) => {
      for (const unit of [undefined, 'ms', 'bytes', 'hours', 'minutes'] as const) {
        expect(parseQuantity(text, unit)).toBeUndefined()
      }
    },
  )

  it.each([
    ['7d', 604_800_000n],
    ['12h', 43_200_000n],
    ['30m', 1_800_000n],
    ['45s', 45_000n],
    ['250ms', 250n],
    ['1.5h', 5_400_000n],
    ['1.1s', 1100n],
    ['0.25s', 250n],
    ['5 M', 300_000n],
    ['1D', 86_400_000n],
    ['250MS', 250n],
  ])('reads the duration %j', (text, expected) => {
    expect(parseQuantity(text, 'ms')).toBe(expected)
  })

  it.each([
    ['512B', 512n],
    ['10kB', 10_000n],
    ['10KB', 10_000n],
    ['64KiB', 65_536n],
    ['64kib', 65_536n],
    ['1MB', 1_000_000n],
    ['1MiB', 1_048_576n],
    ['1.5GiB', 1_610_612_736n],
    ['2TB', 2_000_000_000_000n],
    ['1TiB', 1_099_511_627_776n],
  ])('reads the size %j', (text, expected) => {
    expect(parseQuantity(text, 'bytes')).toBe(expected)
  })

  it.each([
    '0.5ms',
    '1.0001s',
    '1.5w',
    '1w',
    '-1d',
    '+1d',
    '1h30m',
    '.5h',
    '1.h',
    'd',
    '1 d d',
    '1KiB',
    '1 K',
  ])('in ms is not %j', (text) => {
    expect(parseQuantity(text, 'ms')).toBeUndefined()
  })

  it.each(['0.5B', '1.3KiB', '1K', '1M', '1G', '-1MiB', '1d', 'MiB', '1 MiB 1', '1\u212Ab'])(
    'in bytes is not %j',
    (text) => {
      expect(parseQuantity(text, 'bytes')).toBeUndefined()
    },
  )

  it('takes no unit where the key counts hours, minutes or nothing', () => {
    expect(parseQuantity('7d', 'hours')).toBeUndefined()
    expect(parseQuantity('7d', 'minutes')).toBeUndefined()
    expect(parseQuantity('7d', undefined)).toBeUndefined()
    expect(parseQuantity('1KiB', undefined)).toBeUndefined()
  })

  it('of a million digits is refused without being read', () => {
    expect(parseQuantity('9'.repeat(1_000_000), 'ms')).toBeUndefined()
    expect(parseQuantity(' '.repeat(1_000_000), 'ms')).toBeUndefined()
    expect(parseQuantity('1'.repeat(40), 'ms')).toBeDefined()
    expect(parseQuantity('1'.repeat(41), 'ms')).toBeUndefined()
  })

  it('written with its largest unit reads back as the same number', () => {
    const seed = 0x5e61
    console.info(`quantity seed ${seed}`)
    fc.assert(
      fc.property(
        fc.constantFrom('ms', 'bytes'),
        fc.nat(1000),
        fc.constantFrom(1, 1000, 60_000, 1024, 86_400_000),
        (unit, count, size) => {
          const value = count * size
          const text = formatQuantity(value, unit)
          if (text !== undefined) expect(parseQuantity(text, unit)).toBe(BigInt(value))
        },
      ),
      { seed },
    )
  })

  it('has no larger unit when it is zero, negative, unlimited or odd', () => {
    for (const value of [0, -1, Number.POSITIVE_INFINITY, 1001, 0.5]) {
      expect(formatQuantity(value, 'ms')).toBeUndefined()
      expect(formatQuantity(value, 'bytes')).toBeUndefined()
    }
    expect(formatQuantity(604_800_000, 'ms')).toBe('7d')
    expect(formatQuantity(10_485_760, 'bytes')).toBe('10MiB')
  })
})
