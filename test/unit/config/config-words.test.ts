import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { specOf } from '../../../src/config/config-keys.ts'
import {
  describeExpected,
  describeFound,
  describeValid,
  printable,
} from '../../../src/config/config-words.ts'

describe('text in a message', () => {
  it('is shown as it is when it is short and plain', () => {
    expect(printable('größe 7 🙂')).toBe('größe 7 🙂')
    expect(printable('')).toBe('')
    expect(printable('x'.repeat(79))).toBe('x'.repeat(79))
  })

  it('is cut to 80 characters', () => {
    expect(printable('x'.repeat(80))).toBe(`${'x'.repeat(79)}…`)
    expect(printable('x'.repeat(1_000_000))).toBe(`${'x'.repeat(79)}…`)
    expect(printable(`${'x'.repeat(78)}🙂`)).toBe(`${'x'.repeat(78)}…`)
  })

  it.each([
    ['\n', '\\u000a'],
    ['\u0000', '\\u0000'],
    ['\u001b[2J', '\\u001b[2J'],
    ['\u007f', '\\u007f'],
    ['\u0085', '\\u0085'],
    ['\u2028', '\\u2028'],
    ['\u202e', '\\u202e'],
    ['\u2066', '\\u2066'],
    ['\ufeff', '\\ufeff'],
    ['\ud800', '\\ud800'],
    ['\u{e0001}', '\\udb40\\udc01'],
  ])('has %j escaped', (text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  it('is one line of at most 80 characters that any terminal can show, whatever it was', () => {
    const seed = 0x7e87
    console.info(`words seed ${seed}`)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 90 }), (text) => {
        const shown = printable(text)
        expect(shown.length).toBeLessThanOrEqual(80)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e]/u)
      }),
      { seed },
    )
  })
})

describe('what was found', () => {
  it.each([
    ['soon', "'soon'"],
    [5, '5'],
    [Number.NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [true, 'true'],
    [5n, '5n'],
    [1n << 200n, 'a larger bigint'],
    [[1, 2], 'an array of 2'],
    [{ secret: 1 }, 'Object'],
    [new Map(), 'Map'],
    [Object.create(null), 'object'],
    [() => 1, 'function'],
    [Symbol('x'), 'symbol'],
    [Object.create({ constructor: { name: 'a\nb' } }), 'a\\u000ab'],
    [Object.create({ constructor: { name: 5 } }), 'object'],
  ])('is said in a few words: %#', (raw, expected) => {
    expect(describeFound(raw)).toBe(expected)
  })
})

describe('what was expected', () => {
  it.each([
    ['retention.ms', "a whole number of ms, at least -1, or text such as '7d'", 'at least -1'],
    ['retention.bytes', "a whole number of bytes, or text such as '1MiB'", ''],
    ['flush.messages', 'a whole number, at least 1', 'at least 1'],
    ['log.retention.hours', 'a whole number of hours from -2147483648 to 2147483647', ''],
    ['compression.gzip.level', 'a whole number from 1 to 9, or -1', 'at least 1, at most 9, or -1'],
    ['min.cleanable.dirty.ratio', 'a number from 0 to 1', 'at least 0, at most 1'],
    ['log.cleaner.io.buffer.load.factor', 'a number', ''],
    ['preallocate', 'true or false', ''],
    ['message.timestamp.type', 'one of CreateTime, LogAppendTime', 'CreateTime, LogAppendTime'],
    ['cleanup.policy', 'a list of any of delete, compact', 'any of delete, compact'],
    [
      'leader.replication.throttled.replicas',
      "'*', or a list of partition:broker",
      "'*', or a list of partition:broker",
    ],
    ['log.dirs', 'a list of at least one entry, none twice', 'at least one, none twice'],
    ['cordoned.log.dirs', 'a list, none twice', 'none twice'],
    ['listeners', 'text, a number, true or false', ''],
  ])('of %s: %s', (key, expected, valid) => {
    expect(describeExpected(specOf(key))).toBe(expected)
    expect(describeValid(specOf(key))).toBe(valid)
  })
})
