import { afterEach, describe, expect, it } from 'vitest'
import { type AppendOptions, checkAppendOptions } from '../../../src/log/append-options.ts'

const check = (options: unknown) => checkAppendOptions(options as AppendOptions, 'os')
const invalid = (name: string, message: RegExp) =>
  expect.objectContaining({ name, code: 'ARGUMENT_INVALID', message: expect.stringMatching(message) })

describe('checkAppendOptions', () => {
  afterEach(() => {
    for (const name of ['durability', 'expectedOffset', 'signal', 'polluted'])
      delete (Object.prototype as Record<string, unknown>)[name]
  })

  it("falls back to the log's level", () => {
    expect(check(undefined)).toEqual({ durability: 'os', expectedOffset: undefined })
    expect(check({})).toEqual({ durability: 'os', expectedOffset: undefined })
    expect(check({ durability: undefined, expectedOffset: undefined, signal: undefined })).toEqual(check({}))
  })

  it('takes what it is given', () => {
    expect(check({ durability: 'disk', expectedOffset: 7, signal: new AbortController().signal })).toEqual({
      durability: 'disk',
      expectedOffset: 7,
    })
    expect(Object.is(check({ expectedOffset: -0 }).expectedOffset, 0)).toBe(true)
    expect(check(Object.assign(Object.create(null), { durability: 'memory' })).durability).toBe('memory')
  })

  it.each([null, 5, 'disk', true, () => {}, [], ['disk'], new Map([['durability', 'os']]), new Date(0)])(
    'refuses %s for options',
    (options) => {
      expect(() => check(options)).toThrow(invalid('TypeError', /append options must be an object/))
    },
  )

  it('refuses an unknown option and names the nearest known one', () => {
    expect(() => check({ durabilty: 'disk' })).toThrow(
      invalid('TypeError', /'durabilty'; did you mean 'durability'/),
    )
    expect(() => check({ fsync: undefined })).toThrow(invalid('TypeError', /unknown append option 'fsync'$/))
    expect(() => check({ ['x'.repeat(5000)]: 1 })).toThrow(invalid('TypeError', /^.{1,120}$/))
  })

  it.each([Number.NaN, -1, 1.5, 2 ** 53, Infinity])('refuses %s for expectedOffset', (expectedOffset) => {
    expect(() => check({ expectedOffset })).toThrow(invalid('RangeError', /expectedOffset/))
  })

  it.each([5n, '5', null, {}])('refuses %s for expectedOffset', (expectedOffset) => {
    expect(() => check({ expectedOffset })).toThrow(invalid('TypeError', /expectedOffset/))
  })

  it.each([{}, { aborted: true }, 'abort', null, new AbortController()])(
    'refuses %s for a signal',
    (signal) => {
      expect(() => check({ signal })).toThrow(invalid('TypeError', /signal must be an AbortSignal/))
    },
  )

  it('throws the reason of a signal that was aborted', () => {
    const reason = new Error('never mind')
    expect(() => check({ signal: AbortSignal.abort(reason) })).toThrow(reason)
    expect(() => check({ signal: AbortSignal.abort() })).toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    )
  })

  it('reads own properties only, each once', () => {
    Object.assign(Object.prototype, { durability: 'memory', expectedOffset: 99, signal: 'no', polluted: 1 })
    expect(check({})).toEqual({ durability: 'os', expectedOffset: undefined })
    let reads = 0
    const options = {
      get durability() {
        reads++
        return reads === 1 ? 'disk' : 'nonsense'
      },
    }
    expect([check(options).durability, reads]).toEqual(['disk', 1])
  })
})
