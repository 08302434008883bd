import { describe, expect, it } from 'vitest'
import { UsageError } from '../../../src/cli/failures.ts'
import {
  moment,
  nameAndValue,
  oneOf,
  quote,
  repeated,
  toConfig,
  wholeNumber,
} from '../../../src/cli/option-values.ts'

describe('wholeNumber', () => {
  const read = wholeNumber('-c', { min: 1, max: 100 })

  it('reads what is in range', () => {
    expect(read('1')).toBe(1)
    expect(read('100')).toBe(100)
    expect(read('007')).toBe(7)
  })

  it('refuses everything else, naming the option', () => {
    for (const text of ['0', '101', '-1', '1.5', '1e3', '', ' 1', '0x10', '99999999999999999999', 'NaN']) {
      expect(() => read(text), text).toThrow(UsageError)
      expect(() => read(text), text).toThrow('-c takes a whole number from 1 to 100')
    }
  })
})

describe('oneOf', () => {
  it('reads a choice, and names them all for anything else', () => {
    const read = oneOf('--level', ['os', 'disk'])
    expect(read('os')).toBe('os')
    expect(() => read('Disk')).toThrow('--level takes os, disk, found "Disk"')
  })
})

describe('name=value', () => {
  it('is split at the first sign, and may have an empty value', () => {
    const read = nameAndValue('-H')
    expect(read('a=b=c')).toEqual(['a', 'b=c'])
    expect(read('a=')).toEqual(['a', ''])
  })

  it('needs a name and a sign', () => {
    for (const text of ['', '=', '=b', 'a'])
      expect(() => nameAndValue('-H')(text)).toThrow('-H takes name=value')
  })

  it('may be repeated', () => {
    const collect = repeated(nameAndValue('-H'))
    expect(collect('b=2', collect('a=1', undefined))).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
  })

  it('makes a configuration, in which __proto__ is a key like any other', () => {
    expect(toConfig([['retention.ms', '7d']])).toEqual({ 'retention.ms': '7d' })
    expect(Object.keys(toConfig([['__proto__', 'x']]))).toEqual(['__proto__'])
    expect(toConfig(undefined)).toEqual({})
  })
})

describe('moment', () => {
  const read = moment('--now')

  it('reads ms, a date, and a time that says where it is meant', () => {
    expect(read('1700000000000')).toBe(1_700_000_000_000)
    expect(read('0')).toBe(0)
    expect(read('2026-01-31')).toBe(Date.UTC(2026, 0, 31))
    expect(read('2026-01-31T12:00:00Z')).toBe(Date.UTC(2026, 0, 31, 12))
    expect(read('2026-01-31T12:00+02:00')).toBe(Date.UTC(2026, 0, 31, 10))
    expect(read('2026-01-31T12:00:00.250Z')).toBe(Date.UTC(2026, 0, 31, 12, 0, 0, 250))
  })

  it('refuses what is no moment, or could be one of many', () => {
    for (const text of [
      '',
      'now',
      '-1',
      '2026-1',
      '31.1.2026',
      '2026-13-01',
      '2026-01-31T12:00:00',
      '1e12',
    ]) {
      expect(() => read(text), text).toThrow('--now takes ms since 1970 or a date')
    }
  })
})

describe('quote', () => {
  it('escapes and shortens what someone typed', () => {
    expect(quote('a"b\u001b')).toBe('"a\\"b\\u001b"')
    expect(quote('x'.repeat(100))).toHaveLength(63)
  })
})
