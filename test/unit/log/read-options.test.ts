import { describe, expect, it } from 'vitest'
import { checkReadOptions, checkTimestamp, type ReadOptions } from '../../../src/log/read-options.ts'

const checkedFrom = (from: unknown): unknown => checkReadOptions({ from } as ReadOptions).from
const invalid = (type: string) => expect.objectContaining({ name: type, code: 'ARGUMENT_INVALID' })

describe('reading options', () => {
  it('are all optional', () => {
    const defaults = {
      from: 'earliest',
      until: Infinity,
      follow: false,
      signal: undefined,
      maxBytes: 2 * 1024 * 1024,
      onDamage: undefined,
      isolation: 'uncommitted',
    }
    expect(checkReadOptions(undefined)).toEqual(defaults)
    expect(checkReadOptions({})).toEqual(defaults)
    expect(checkReadOptions({ onDamage: 'throw' })).toEqual(defaults)
  })

  it('are no others, and none of a prototype', () => {
    // oxlint-disable-next-line no-extend-native -- what a hostile library would do
    Object.defineProperty(Object.prototype, 'follow', { value: true, configurable: true })
    try {
      expect(checkReadOptions({}).follow).toBe(false)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'follow')
    }
    const polluted = JSON.parse('{"__proto__":{"follow":true}}') as ReadOptions
    expect(() => checkReadOptions(polluted)).toThrow("unknown read option '__proto__'")
  })

  it('take every place to start from, and -0 is 0', () => {
    for (const from of [0, 7, Number.MAX_SAFE_INTEGER, 'earliest', 'latest', { timestamp: 5 }, { last: 3 }])
      expect(checkedFrom(from)).toEqual(from)
    expect(Object.is(checkedFrom(-0), 0)).toBe(true)
    expect(checkedFrom({ timestamp: -5 })).toEqual({ timestamp: -5 })
    expect(checkedFrom({ last: 0 })).toEqual({ last: 0 })
  })

  it.each([Number.NaN, -1, 1.5, 2 ** 53, Infinity, -Infinity])('refuse %d as an offset', (offset) => {
    expect(() => checkedFrom(offset)).toThrow(invalid('RangeError'))
    expect(() => checkReadOptions({ until: offset })).toThrow(invalid('RangeError'))
    expect(() => checkedFrom({ last: offset })).toThrow(invalid('RangeError'))
  })

  it.each([5n, '5', 'newest', '', null, true, Symbol('x'), [], [5], new Map(), () => 5])(
    'refuse %s as a place to start from',
    (from) => {
      expect(() => checkedFrom(from)).toThrow(invalid('TypeError'))
    },
  )

  it.each([
    {},
    { timestamp: 5, last: 5 },
    { timestamp: undefined },
    { timestamp: 5n },
    { timestamp: new Date(5) },
    { timestamp: '5' },
    { last: null },
    { latest: 5 },
    Object.create({ timestamp: 5 }),
    { timestamp: 5, unknown: 1 },
  ])('refuse %o as a place to start from', (from) => {
    expect(() => checkedFrom(from)).toThrow(invalid('TypeError'))
  })

  it('refuse times that are no whole number of ms', () => {
    for (const timestamp of [Number.NaN, 1.5, Infinity, 2 ** 53])
      expect(() => checkedFrom({ timestamp })).toThrow(invalid('RangeError'))
    for (const time of [5n, '5', null, undefined, new Date(5)])
      expect(() => checkTimestamp(time)).toThrow(invalid('TypeError'))
    for (const time of [-1, 0, 1e15, Number.MIN_SAFE_INTEGER]) expect(checkTimestamp(time)).toBe(time)
  })

  it.each([
    ['until', '5', 'TypeError'],
    ['until', 5n, 'TypeError'],
    ['until', null, 'TypeError'],
    ['follow', 'yes', 'TypeError'],
    ['follow', 1, 'TypeError'],
    ['follow', null, 'TypeError'],
    ['signal', {}, 'TypeError'],
    ['signal', new AbortController(), 'TypeError'],
    ['signal', null, 'TypeError'],
    ['maxBytes', 0, 'RangeError'],
    ['maxBytes', -1, 'RangeError'],
    ['maxBytes', Number.NaN, 'RangeError'],
    ['maxBytes', 1.5, 'RangeError'],
    ['maxBytes', '1', 'TypeError'],
    ['maxBytes', null, 'TypeError'],
    ['onDamage', 'skip', 'TypeError'],
    ['onDamage', null, 'TypeError'],
    ['onDamage', {}, 'TypeError'],
    ['isolation', 'read_committed', 'TypeError'],
    ['isolation', null, 'TypeError'],
  ])('refuse %s: %o', (name, value, type) => {
    expect(() => checkReadOptions({ [name]: value } as ReadOptions)).toThrow(invalid(type))
  })

  it.each([
    ['form', 'from'],
    ['untill', 'until'],
    ['Follow', 'follow'],
    ['maxbytes', 'maxBytes'],
    ['ondamage', 'onDamage'],
    ['isolatoin', 'isolation'],
  ])('name the option that %s was meant to be', (name, meant) => {
    expect(() => checkReadOptions({ [name]: 1 } as ReadOptions)).toThrow(
      `unknown read option '${name}'; did you mean '${meant}'?`,
    )
  })

  it.each([null, 5, 'earliest', [], new Map(), () => {}])('must be an object: %s', (options) => {
    expect(() => checkReadOptions(options as ReadOptions)).toThrow(invalid('TypeError'))
  })
})
