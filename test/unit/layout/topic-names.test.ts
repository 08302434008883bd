import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isPartition,
  parsePartitionDirectoryName,
  partitionDirectoryName,
  quoteName,
  topicNameProblem,
} from '../../../src/layout/index.ts'
import { parseDecimal } from '../../../src/layout/topic-names.ts'
import { seed } from '../../helpers/seed.ts'

const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))
const topicName = fc.stringMatching(/^[a-zA-Z0-9._-]{1,249}$/).filter((name) => name !== '.' && name !== '..')

describe('topic names', () => {
  it.each(['valid', 'TOPIC', '_0-9_.', '...', 'a'.repeat(249), '-', '__consumer_offsets'])(
    '%s is one',
    (name) => {
      expect(topicNameProblem(name)).toBeUndefined()
    },
  )

  it.each([
    ['', 'empty'],
    ['.', 'named'],
    ['..', 'named'],
    ['foo bar', 'only ASCII'],
    ['foo:bar', 'only ASCII'],
    ['../x', 'only ASCII'],
    ['a/b', 'only ASCII'],
    ['a\\b', 'only ASCII'],
    ['a\0', 'only ASCII'],
    ['a\n', 'only ASCII'],
    ['é', 'only ASCII'],
    ['e\u0301', 'only ASCII'],
    ['\u202Eabc', 'only ASCII'],
    ['a\u200Bb', 'only ASCII'],
    ['a'.repeat(250), 'at most 249'],
    [7, 'found number'],
    [null, 'found null'],
    [undefined, 'found undefined'],
    [['a'], 'found array'],
  ])('%j is none, and the reason is said', (name, reason) => {
    expect(topicNameProblem(name)).toContain(reason)
  })

  it('never bring a control character into the reason', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit, maxLength: 300 }), (name) => {
        expect(topicNameProblem(name) ?? '').toMatch(/^[\x20-\x7e…]*$/)
      }),
      { seed },
    )
  })
})

describe('partition directories', () => {
  it('are named <topic>-<partition> and come back as both', () => {
    fc.assert(
      fc.property(topicName, fc.nat(), (topic, partition) => {
        expect(parsePartitionDirectoryName(partitionDirectoryName({ topic, partition }))).toEqual({
          topic,
          partition,
        })
      }),
      { seed },
    )
  })

  it('are split at the last dash', () => {
    expect(parsePartitionDirectoryName('foo.bar-baz-42')).toEqual({ topic: 'foo.bar-baz', partition: 42 })
    expect(parsePartitionDirectoryName('foo--1')).toEqual({ topic: 'foo-', partition: 1 })
    expect(parsePartitionDirectoryName(`${'a'.repeat(249)}-2147483647`)?.partition).toBe(2_147_483_647)
  })

  it.each([
    '',
    '-',
    'foo',
    'foo-',
    '-0',
    '1999a',
    'foo-01',
    'foo-+1',
    'foo-1.0',
    'foo-1e3',
    'foo-0x1',
    'foo- 1',
    'foo-1 ',
    'foo-2147483648',
    'foo-99999999999999999999',
    '.-0',
    '..-0',
    'foo bar-0',
    'foo/bar-0',
    'foo-3.0123456789abcdef0123456789abcdef-delete',
    'foo-3.0123456789abcdef0123456789abcdef-stray',
    `${'a'.repeat(250)}-0`,
  ])('are not %j', (name) => {
    expect(parsePartitionDirectoryName(name)).toBeUndefined()
  })

  it.each([-1, 1.5, Number.NaN, 2 ** 31])('have no partition %s', (partition) => {
    expect(isPartition(partition)).toBe(false)
    expect(() => partitionDirectoryName({ topic: 'orders', partition })).toThrow('seglog bug')
  })

  it('have no topic that leaves the store', () => {
    expect(() => partitionDirectoryName({ topic: '../orders', partition: 0 })).toThrow('seglog bug')
  })
})

describe('parseDecimal', () => {
  it('reads exactly what String writes for a whole number', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(parseDecimal(String(value))).toBe(value)
      }),
      { seed },
    )
  })

  it.each([
    '',
    ' 1',
    '1 ',
    '-0',
    '-1',
    '+1',
    '01',
    '1.0',
    '1e3',
    '0x1',
    '1n',
    '١',
    '9007199254740992',
    '1'.repeat(400),
  ])('refuses %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined()
  })
})

describe('quoteName', () => {
  it('cuts a long name and escapes what a terminal would act on', () => {
    expect(quoteName('orders')).toBe('"orders"')
    expect(quoteName('a\u001b[31m\u202e"\u{1f600}')).toBe(String.raw`"a\u001b[31m\u202e\"\ud83d\ude00"`)
    expect(quoteName('x'.repeat(65))).toBe(`"${'x'.repeat(64)}"…`)
    expect(quoteName('x'.repeat(64))).toBe(`"${'x'.repeat(64)}"`)
  })
})
