import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  type ConfigKey,
  describeConfigKeys,
  formatConfigValue,
  overlayConfigUpdate,
  planConfigUpdate,
  resolveConfig,
} from '../../../src/config/index.ts'

const plan = (stored: Record<string, string>, update: Record<string, unknown>) =>
  Object.fromEntries(planConfigUpdate(new Map(Object.entries(stored)), update as ConfigInput))

describe('an update of a stored configuration', () => {
  it('adds, replaces and keeps, in Kafka’s notation and in alphabetical order', () => {
    const planned = planConfigUpdate(
      new Map([
        ['segment.ms', '5'],
        ['retention.ms', '1'],
      ]),
      {
        'retention.ms': '7d',
        'cleanup.policy': ['Compact', 'delete'],
        preallocate: true,
        'flush.ms': Infinity,
      },
    )
    expect([...planned]).toEqual([
      ['cleanup.policy', 'compact,delete'],
      ['flush.ms', '9223372036854775807'],
      ['preallocate', 'true'],
      ['retention.ms', '604800000'],
      ['segment.ms', '5'],
    ])
  })

  it('removes what is null, and nothing when there is nothing', () => {
    expect(plan({ 'retention.ms': '1', 'segment.ms': '2' }, { 'retention.ms': null })).toEqual({
      'segment.ms': '2',
    })
    expect(plan({}, { 'retention.ms': null })).toEqual({})
    expect(plan({ 'retention.ms': '1' }, { 'retention.ms': undefined })).toEqual({ 'retention.ms': '1' })
    expect(plan({ 'retention.ms': '1' }, {})).toEqual({ 'retention.ms': '1' })
  })

  it('changes neither of its arguments', () => {
    const stored = new Map([['retention.ms', '1']])
    const update = Object.freeze({ 'retention.ms': null, 'segment.ms': 5 })
    planConfigUpdate(stored, update)
    expect([...stored]).toEqual([['retention.ms', '1']])
  })

  it('stores a broker’s synonym as the key it stands for', () => {
    expect(plan({}, { 'log.retention.hours': 24 })).toEqual({ 'retention.ms': '86400000' })
    expect(plan({}, { 'log.retention.hours': 24, 'retention.ms': 5 })).toEqual({ 'retention.ms': '5' })
    expect(plan({ 'log.retention.hours': '24' }, {})).toEqual({ 'retention.ms': '86400000' })
  })

  it('replaces and removes what is stored under any name of the key', () => {
    expect(plan({ 'log.retention.ms': '1', 'log.retention.hours': '2' }, { 'retention.ms': 5 })).toEqual({
      'retention.ms': '5',
    })
    expect(plan({ 'retention.ms': '1' }, { 'log.retention.hours': 1 })).toEqual({ 'retention.ms': '3600000' })
    expect(plan({ 'retention.ms': '1' }, { 'log.retention.hours': null })).toEqual({})
    expect(plan({ 'retention.ms': '1' }, { 'retention.ms': null, 'log.retention.hours': 1 })).toEqual({
      'retention.ms': '3600000',
    })
  })

  it('stores topic-level keys, inert ones too, and the broker-level keys a log goes by', () => {
    const stored = plan(
      {},
      {
        'min.insync.replicas': 2,
        'internal.segment.bytes': 4096,
        'log.retention.check.interval.ms': '1m',
        'log.initial.task.delay.ms': 0,
      },
    )
    expect(stored).toEqual({
      'internal.segment.bytes': '4096',
      'log.initial.task.delay.ms': '0',
      'log.retention.check.interval.ms': '60000',
      'min.insync.replicas': '2',
    })
  })

  it.each(['num.partitions', 'log.dirs', 'log.dir', 'log.cleaner.threads', 'node.id'])(
    'refuses to store %s, and removes it where it stands',
    (key) => {
      expect(() => plan({}, { [key]: '1' })).toThrow(
        `${key}: concerns a broker or a store, and can't be stored with a log`,
      )
      expect(plan({ [key]: '1', 'retention.ms': '1' }, { [key]: null })).toEqual({ 'retention.ms': '1' })
    },
  )

  it('leaves alone what stands there and could not be stored now', () => {
    expect(plan({ 'num.partitions': '3', 'node.id': '1' }, { 'retention.ms': 5 })).toEqual({
      'node.id': '1',
      'num.partitions': '3',
      'retention.ms': '5',
    })
  })

  it('is refused with all its problems, and those of what would be stored', () => {
    expect(() =>
      plan(
        { 'segment.ms': 'x', 'min.compaction.lag.ms': '10' },
        {
          'retention.ms': 'y',
          nonsense: null,
          'max.compaction.lag.ms': 5,
        },
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: [
          'invalid configuration, 4 problems',
          "  retention.ms: found 'y', expected a whole number of ms, at least -1, or text such as '7d'",
          '  nonsense: unknown key',
          "  segment.ms: found 'x', expected a whole number of ms, at least 1, or text such as '7d'",
          '  max.compaction.lag.ms: found 5, expected at least min.compaction.lag.ms, which is 10',
        ].join('\n'),
      }),
    )
  })

  it('repairs a stored value that is invalid', () => {
    expect(plan({ 'segment.ms': 'x' }, { 'segment.ms': 5 })).toEqual({ 'segment.ms': '5' })
    expect(plan({ 'segment.ms': 'x' }, { 'segment.ms': null })).toEqual({})
  })

  it('is a TypeError when it is no object', () => {
    for (const update of [null, 5, 'x', []]) {
      expect(() => planConfigUpdate(new Map(), update as never)).toThrow(TypeError)
    }
  })

  it('stores what the log then resolves to, and a second time changes nothing', () => {
    const seed = 0x9a7c
    console.info(`update seed ${seed}`)
    const value = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constantFrom('7d', '1h', Infinity, null))
    const keys = [
      'retention.ms',
      'log.retention.ms',
      'log.roll.ms',
      'segment.ms',
      'flush.ms',
      'log.flush.interval.ms',
    ] as const
    const update = fc.dictionary(fc.constantFrom(...keys), value) as fc.Arbitrary<ConfigInput>
    fc.assert(
      fc.property(update, update, (first, second) => {
        const stored = planConfigUpdate(new Map(), first)
        const planned = planConfigUpdate(stored, second)
        expect(resolveConfig([planned]).config).toEqual(resolveConfig([withoutResets(second, stored)]).config)
        expect([...planConfigUpdate(planned, second)]).toEqual([...planned])
        expect([...planConfigUpdate(planned, {})]).toEqual([...planned])
      }),
      { seed },
    )
  })
})

describe('a value to be stored', () => {
  it('is written in the unit of its key, as Kafka writes it', () => {
    expect(formatConfigValue('retention.ms', -1)).toBe('-1')
    expect(formatConfigValue('log.retention.hours', 168)).toBe('168')
    expect(formatConfigValue('segment.bytes', '1GiB')).toBe('1073741824')
    expect(formatConfigValue('min.cleanable.dirty.ratio', 0.5)).toBe('0.5')
    expect(formatConfigValue('preallocate', false)).toBe('false')
    expect(formatConfigValue('cleanup.policy', [])).toBe('')
    expect(formatConfigValue('cleanup.policy', ['compact', 'delete'])).toBe('compact,delete')
    expect(formatConfigValue('flush.ms', Infinity)).toBe('9223372036854775807')
    expect(formatConfigValue('retention.bytes', -Infinity)).toBe('-9223372036854775808')
  })

  it('that the key can’t have is refused', () => {
    expect(() => formatConfigValue('retention.ms', 1.5)).toThrow(
      "retention.ms: found 1.5, expected a whole number of ms, at least -1, or text such as '7d'",
    )
  })

  it('reads back as the same configuration, for every key', () => {
    const { config } = resolveConfig([])
    for (const { name } of describeConfigKeys()) {
      const value = config[name]
      if (value === null) continue
      const stored = new Map([[name, formatConfigValue(name as ConfigKey, value)]])
      expect(resolveConfig([stored]).config).toEqual(config)
      expect(resolveConfig([stored]).explicit.get(name)).toEqual(value)
    }
  })
})

describe('updates over one another', () => {
  it('keep each key that was set last, under its own name', () => {
    const first = overlayConfigUpdate(new Map(), { 'retention.ms': '1h', 'segment.bytes': '2MiB' })
    expect(Object.fromEntries(first)).toEqual({ 'retention.ms': '3600000', 'segment.bytes': '2097152' })
    const second = overlayConfigUpdate(first, { 'log.retention.minutes': 5 })
    expect(Object.fromEntries(second)).toEqual({ 'retention.ms': '300000', 'segment.bytes': '2097152' })
    expect(Object.fromEntries(first)).toEqual({ 'retention.ms': '3600000', 'segment.bytes': '2097152' })
  })

  it('lose what is reset under any of its names', () => {
    const first = overlayConfigUpdate(new Map(), { 'retention.ms': 1, 'retention.bytes': 2 })
    expect([...overlayConfigUpdate(first, { 'log.retention.hours': null })]).toEqual([
      ['retention.bytes', '2'],
    ])
    expect([...overlayConfigUpdate(first, {})]).toEqual([...first])
  })

  it('are refused when one is wrong', () => {
    expect(() => overlayConfigUpdate(new Map(), { 'retention.ms': 1.5 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    expect(() => overlayConfigUpdate(new Map(), null as unknown as ConfigInput)).toThrow(TypeError)
  })
})

/** The layer that an update amounts to over what is stored: worked out key by key, the slow and obvious way. */
function withoutResets(update: ConfigInput, stored: ReadonlyMap<string, string>): ConfigInput {
  const names = {
    'retention.ms': ['retention.ms', 'log.retention.ms'],
    'segment.ms': ['segment.ms', 'log.roll.ms'],
    'flush.ms': ['flush.ms', 'log.flush.interval.ms'],
  } as const
  const result: Record<string, string | number> = {}
  for (const [key, [own, synonym]] of Object.entries(names)) {
    const value = update[own] ?? update[synonym]
    if (value !== undefined && value !== null) result[key] = value as string | number
    else if (update[own] === undefined && update[synonym] === undefined && stored.has(key))
      result[key] = stored.get(key)!
  }
  return result
}
