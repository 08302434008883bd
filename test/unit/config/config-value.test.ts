import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { configKeyNames, type KeySpec, RESOLVED_SPECS, specOf } from '../../../src/config/config-keys.ts'
import type { ConfigValue } from '../../../src/config/config-row.ts'
import { formatValue, parseValue } from '../../../src/config/config-value.ts'

const parse = (key: string, raw: unknown) => parseValue(specOf(key), raw)

describe('an int or a long', () => {
  it('is a whole number, a bigint, or text', () => {
    expect(parse('segment.bytes', 2_097_152)).toBe(2_097_152)
    expect(parse('segment.bytes', 2_097_152n)).toBe(2_097_152)
    expect(parse('segment.bytes', '2097152')).toBe(2_097_152)
    expect(parse('segment.bytes', '2MiB')).toBe(2_097_152)
    expect(parse('segment.ms', '12h')).toBe(43_200_000)
  })

  it.each([
    Number.NaN,
    1.5,
    '1.5',
    true,
    [],
    [2_097_152],
    {},
    () => 1,
    Symbol('1'),
    new Date(),
    Object(5),
    '',
    null,
  ])('is not %s', (raw) => {
    expect(parse('segment.bytes', raw)).toBeUndefined()
    expect(parse('segment.ms', raw)).toBeUndefined()
  })

  it('has both ends of its range and nothing beyond', () => {
    expect(parse('segment.bytes', 1_048_576)).toBe(1_048_576)
    expect(parse('segment.bytes', 1_048_575)).toBeUndefined()
    expect(parse('segment.bytes', 2_147_483_647)).toBe(2_147_483_647)
    expect(parse('segment.bytes', 2_147_483_648)).toBeUndefined()
    expect(parse('segment.bytes', '2GiB')).toBeUndefined()
    expect(parse('retention.ms', -1)).toBe(-1)
    expect(parse('retention.ms', -2)).toBeUndefined()
    expect(parse('log.retention.hours', -2_147_483_648)).toBe(-2_147_483_648)
    expect(parse('log.retention.hours', -2_147_483_649)).toBeUndefined()
  })

  it('may have one value outside its range where the table says so', () => {
    expect(parse('compression.gzip.level', -1)).toBe(-1)
    expect(parse('compression.gzip.level', 1)).toBe(1)
    expect(parse('compression.gzip.level', 9)).toBe(9)
    for (const level of [-2, 0, 10]) expect(parse('compression.gzip.level', level)).toBeUndefined()
  })

  it('over 2^53 - 1 is Infinity when it is a long, up to Long.MAX and no further', () => {
    const key = 'retention.ms'
    expect(parse(key, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
    expect(parse(key, Number.MAX_SAFE_INTEGER + 1)).toBe(Infinity)
    expect(parse(key, '9007199254740992')).toBe(Infinity)
    expect(parse(key, '9223372036854775807')).toBe(Infinity)
    expect(parse(key, 9_223_372_036_854_775_807n)).toBe(Infinity)
    expect(parse(key, Infinity)).toBe(Infinity)
    // The literal of Long.MAX is 2^63 once JavaScript has read it.
    expect(parse(key, Number('9223372036854775807'))).toBe(Infinity)
    expect(parse(key, '9223372036854775808')).toBeUndefined()
    expect(parse(key, 9_223_372_036_854_775_808n)).toBeUndefined()
    expect(parse(key, 1e30)).toBeUndefined()
    expect(parse(key, '200000000000d')).toBeUndefined()
    expect(parse(key, -Infinity)).toBeUndefined()
    expect(parse('segment.bytes', Infinity)).toBeUndefined()
  })

  it('below -(2^53 - 1) is -Infinity where negative values are valid', () => {
    expect(parse('retention.bytes', '-9223372036854775808')).toBe(-Infinity)
    expect(parse('retention.bytes', '-9223372036854775809')).toBeUndefined()
  })

  it('is never minus zero', () => {
    expect(Object.is(parse('retention.ms', -0), 0)).toBe(true)
    expect(Object.is(parse('retention.ms', '-0'), 0)).toBe(true)
    expect(Object.is(parse('min.cleanable.dirty.ratio', -0), 0)).toBe(true)
  })

  it('may be an enormous bigint without taking long to refuse', () => {
    expect(parse('retention.ms', 1n << 5_000_000n)).toBeUndefined()
  })
})

describe('a double', () => {
  it('is a finite number or text', () => {
    expect(parse('min.cleanable.dirty.ratio', 0.25)).toBe(0.25)
    expect(parse('min.cleanable.dirty.ratio', ' .25 ')).toBe(0.25)
    expect(parse('min.cleanable.dirty.ratio', '25e-2')).toBe(0.25)
    expect(parse('min.cleanable.dirty.ratio', 1n)).toBe(1)
    expect(parse('log.cleaner.io.max.bytes.per.second', '1.7976931348623157E308')).toBe(Number.MAX_VALUE)
  })

  it.each([
    -0.1,
    1.1,
    Number.NaN,
    Infinity,
    '0,5',
    '',
    '1e999',
    '0x1',
    'half',
    true,
    [0.5],
    '0.5'.padEnd(500, '0'),
  ])('between 0 and 1 is not %s', (raw) => {
    expect(parse('min.cleanable.dirty.ratio', raw)).toBeUndefined()
  })
})

describe('a boolean', () => {
  it('is a boolean or its name in any case', () => {
    for (const raw of [true, 'true', 'TRUE', ' True ']) expect(parse('preallocate', raw)).toBe(true)
    for (const raw of [false, 'false', 'False']) expect(parse('preallocate', raw)).toBe(false)
  })

  it.each([0, 1, '0', '1', 'yes', 'no', '', 'truе', {}, []])('is not %s', (raw) => {
    expect(parse('preallocate', raw)).toBeUndefined()
  })
})

describe('a string of a closed set', () => {
  it('is one of the set, exactly', () => {
    expect(parse('message.timestamp.type', 'LogAppendTime')).toBe('LogAppendTime')
    expect(parse('compression.type', ' zstd ')).toBe('zstd')
  })

  it.each(['logappendtime', 'ZSTD', '', 'none', 5, true, ['zstd'], 'toString'])('is not %s', (raw) => {
    expect(parse('message.timestamp.type', raw)).toBeUndefined()
    expect(parse('compression.type', raw)).toBeUndefined()
  })
})

describe('a list', () => {
  it('is an array or text with commas, and may be empty', () => {
    expect(parse('cleanup.policy', 'compact,delete')).toEqual(['compact', 'delete'])
    expect(parse('cleanup.policy', [' compact ', 'delete'])).toEqual(['compact', 'delete'])
    for (const raw of ['', '  ', []]) expect(parse('cleanup.policy', raw)).toEqual([])
  })

  it('of a closed set is read in any case, each entry once', () => {
    expect(parse('cleanup.policy', 'Delete, COMPACT ,delete')).toEqual(['delete', 'compact'])
  })

  it.each([
    'delete,',
    ',delete',
    'delete,,compact',
    'delete;compact',
    'none',
    ['delete,compact'],
    ['delete', ''],
    ['delete', 5],
    ['delete', null],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
    ['delete', , 'compact'],
    { 0: 'delete', length: 1 },
    new Set(['delete']),
    true,
  ])('of policies is not %j', (raw) => {
    expect(parse('cleanup.policy', raw)).toBeUndefined()
  })

  it('is copied, frozen, and takes each entry once', () => {
    let reads = 0
    const given = ['']
    Object.defineProperty(given, 0, { enumerable: true, get: () => (reads++ === 0 ? 'delete' : 'nonsense') })
    const parsed = parse('cleanup.policy', given)
    expect(parsed).toEqual(['delete'])
    expect(reads).toBe(1)
    expect(Object.isFrozen(parsed)).toBe(true)
  })

  it('has the form the table asks for', () => {
    const key = 'leader.replication.throttled.replicas'
    expect(parse(key, '*')).toEqual(['*'])
    expect(parse(key, '0:1,1:2')).toEqual(['0:1', '1:2'])
    for (const raw of ['*,0:1', '0', '0:', 'a:b', '0:1:2']) expect(parse(key, raw)).toBeUndefined()
  })

  it('of directories names at least one, and none twice', () => {
    expect(parse('log.dirs', '/a,/b')).toEqual(['/a', '/b'])
    expect(parse('log.dirs', '')).toBeUndefined()
    expect(parse('log.dirs', '/a,/a')).toBeUndefined()
    expect(parse('cordoned.log.dirs', '')).toEqual([])
    expect(parse('cordoned.log.dirs', ['/a,/b'])).toBeUndefined()
    expect(parse('cordoned.log.dirs', '/a,/a')).toBeUndefined()
  })

  it('of too many entries is refused', () => {
    expect(
      parse(
        'cordoned.log.dirs',
        Array.from({ length: 10_001 }, (_, index) => `/${index}`),
      ),
    ).toBeUndefined()
    expect(
      parse('cordoned.log.dirs', Array.from({ length: 10_001 }, (_, index) => `/${index}`).join(',')),
    ).toBeUndefined()
    expect(
      parse(
        'cordoned.log.dirs',
        Array.from({ length: 10_000 }, (_, index) => `/${index}`),
      ),
    ).toHaveLength(10_000)
  })
})

describe('a key that is left unread', () => {
  it('may be any text, number, boolean or list, and nothing else', () => {
    expect(parse('listeners', 'PLAINTEXT://:9092')).toBe('PLAINTEXT://:9092')
    expect(parse('node.id', 1)).toBe(1)
    expect(parse('node.id', 1n)).toBe('1')
    expect(parse('delete.topic.enable', true)).toBe(true)
    expect(parse('process.roles', ['broker', 'controller'])).toEqual(['broker', 'controller'])
    for (const raw of [{}, Symbol('x'), 1n << 100n, () => 1]) expect(parse('listeners', raw)).toBeUndefined()
  })
})

describe('every key', () => {
  const seed = 0xc0f1
  console.info(`config value seed ${seed}`)

  it.each([...configKeyNames()])(
    '%s: a value that is written reads back the same, and is written the same',
    (name) => {
      const spec = specOf(name)
      fc.assert(
        fc.property(anyRaw(spec), (raw) => {
          const value = parseValue(spec, raw)
          if (value === undefined) return
          const text = formatValue(value)
          const again = spec.kind === 'unread' ? text : parseValue(spec, text)
          expect(again).toStrictEqual(spec.kind === 'unread' ? formatValue(value) : value)
          expect(formatValue(again as ConfigValue)).toBe(text)
          if (spec.kind !== 'unread') expect(parseValue(spec, value)).toStrictEqual(value)
        }),
        { seed, numRuns: 60 },
      )
    },
  )

  it.each(RESOLVED_SPECS.filter((spec) => spec.default !== null))(
    '$name: its default is a value it can have, and is written as one',
    (spec) => {
      expect(parseValue(spec, spec.default)).toStrictEqual(spec.default)
      expect(parseValue(spec, formatValue(spec.default!))).toStrictEqual(spec.default)
    },
  )
})

/** Values of all kinds, most of them near the ends of the key's range. */
function anyRaw(spec: KeySpec): fc.Arbitrary<unknown> {
  const ends = [spec.min, spec.max, 0, -1, 1, 2 ** 31, 2 ** 53, 2 ** 63].filter(Number.isFinite)
  const near = fc
    .tuple(fc.constantFrom(...ends), fc.integer({ min: -2, max: 2 }))
    .map(([end, step]) => end + step)
  const words = spec.oneOf ?? ['a', 'b', '0:1', '*', '/x y']
  return fc.oneof(
    near,
    near.map(String),
    near.filter(Number.isInteger).map(BigInt),
    fc.double(),
    fc.double().map(String),
    fc.boolean(),
    fc
      .tuple(fc.nat(5000), fc.constantFrom('ms', 's', 'm', 'h', 'd', 'B', 'kB', 'KiB', 'MiB'))
      .map(([n, unit]) => `${n}${unit}`),
    fc.constantFrom(...words),
    fc.array(fc.constantFrom(...words), { maxLength: 3 }),
    fc.array(fc.constantFrom(...words), { maxLength: 3 }).map((list) => list.join(' , ')),
    fc.string(),
    fc.array(fc.string(), { maxLength: 3 }),
    fc.anything(),
  )
}
