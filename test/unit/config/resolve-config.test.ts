import { describe, expect, it, vi } from 'vitest'
import { type ConfigInput, type ConfigLayer, resolveConfig } from '../../../src/config/index.ts'
import { SeglogError } from '../../../src/core/index.ts'

const resolve = (...layers: (ConfigLayer | undefined)[]) => resolveConfig(layers)

/** The lines of the CONFIG_INVALID error that resolving throws, without its title. */
function problemsOf(...layers: unknown[]): string[] {
  try {
    resolveConfig(layers as ConfigInput[])
  } catch (error) {
    expect(error).toBeInstanceOf(SeglogError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', kind: 'config' })
    return (error as SeglogError).message.split('\n').slice(1)
  }
  return []
}

describe('a resolved configuration', () => {
  it('without input is Kafka’s defaults', () => {
    const { config, explicit, inert } = resolve()
    expect(config['segment.bytes']).toBe(1_073_741_824)
    expect(config['retention.ms']).toBe(604_800_000)
    expect(config['log.retention.check.interval.ms']).toBe(300_000)
    expect(config['log.initial.task.delay.ms']).toBe(30_000)
    expect(config['max.compaction.lag.ms']).toBe(Infinity)
    expect(config['cleanup.policy']).toEqual(['delete'])
    expect(explicit.size).toBe(0)
    expect(inert).toEqual([])
  })

  it('is frozen, lists and all, and has no prototype', () => {
    const { config } = resolve({ 'cleanup.policy': ['compact'] })
    expect(Object.getPrototypeOf(config)).toBeNull()
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config['cleanup.policy'])).toBe(true)
    expect(Object.isFrozen(resolve().config['cleanup.policy'])).toBe(true)
    expect('toString' in config).toBe(false)
  })

  it('takes each key from the first layer that sets it', () => {
    const { config, explicit } = resolve(
      { 'retention.ms': 1 },
      { 'retention.ms': 2, 'segment.ms': 2 },
      { 'retention.ms': 3, 'segment.ms': 3, 'flush.ms': 3 },
    )
    expect([config['retention.ms'], config['segment.ms'], config['flush.ms']]).toEqual([1, 2, 3])
    expect([...explicit]).toEqual([
      ['retention.ms', 1],
      ['segment.ms', 2],
      ['flush.ms', 3],
    ])
  })

  it('lets a synonym in a stronger layer beat the key itself in a weaker one', () => {
    expect(resolve({ 'log.retention.hours': 1 }, { 'retention.ms': 5 }).config['retention.ms']).toBe(
      3_600_000,
    )
  })

  it('treats null and undefined as if the key were absent', () => {
    const { config, explicit } = resolve(
      { 'retention.ms': null, 'segment.ms': undefined } as unknown as ConfigInput,
      { 'retention.ms': 5 },
    )
    expect(config['retention.ms']).toBe(5)
    expect(config['segment.ms']).toBe(604_800_000)
    expect([...explicit.keys()]).toEqual(['retention.ms'])
    expect(problemsOf({ nonsense: null })).toHaveLength(1)
  })

  it('skips a layer that is undefined', () => {
    expect(resolve(undefined, { 'retention.ms': 5 }, undefined).config['retention.ms']).toBe(5)
  })

  it('reads a layer from the entries of a properties file', () => {
    const stored = new Map([
      ['retention.ms', '5'],
      ['cleanup.policy', 'compact,delete'],
    ])
    expect(resolve(stored).config).toMatchObject({
      'retention.ms': 5,
      'cleanup.policy': ['compact', 'delete'],
    })
    expect(problemsOf(new Map([['__proto__', '5']]))).toEqual(['  __proto__: unknown key'])
  })

  it('gives the segment size in effect, and what was set for it', () => {
    const { config, explicit } = resolve({ 'internal.segment.bytes': 4096, 'segment.bytes': '2MiB' })
    expect(config['segment.bytes']).toBe(4096)
    expect(config['internal.segment.bytes']).toBe(4096)
    expect(explicit.get('segment.bytes')).toBe(2_097_152)
    expect(
      resolve({ 'segment.bytes': '2MiB' }, { 'internal.segment.bytes': 4096 }).config['segment.bytes'],
    ).toBe(4096)
    expect(problemsOf({ 'segment.bytes': 4096 })).toHaveLength(1)
  })

  it('resolves itself to itself', () => {
    const { config } = resolve({
      'retention.bytes': '-9223372036854775808',
      'flush.ms': '9223372036854775807',
    })
    expect(resolve({ ...config } as ConfigInput).config).toEqual(config)
  })

  it('names what was given and nothing depends on, as it was given and once', () => {
    const { inert } = resolve(
      {
        'log.local.retention.ms': 5,
        'retention.ms': 10,
        'min.insync.replicas': 2,
        listeners: 'PLAINTEXT://:9092',
      },
      { 'min.insync.replicas': 3, 'num.partitions': null },
    )
    expect(inert).toEqual(['log.local.retention.ms', 'min.insync.replicas', 'listeners'])
  })

  it('checks the values of inert keys all the same', () => {
    expect(problemsOf({ 'min.insync.replicas': 0, 'num.partitions': 'many', listeners: {} })).toHaveLength(3)
  })

  it('accepts a server.properties as Kafka ships it', () => {
    const { config, inert, ofStore } = resolve(
      new Map([
        ['process.roles', 'broker,controller'],
        ['node.id', '1'],
        ['controller.quorum.bootstrap.servers', 'localhost:9093'],
        ['listeners', 'PLAINTEXT://:9092,CONTROLLER://:9093'],
        ['inter.broker.listener.name', 'PLAINTEXT'],
        ['advertised.listeners', 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093'],
        ['controller.listener.names', 'CONTROLLER'],
        ['listener.security.protocol.map', 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT'],
        ['num.network.threads', '3'],
        ['num.io.threads', '8'],
        ['socket.send.buffer.bytes', '102400'],
        ['socket.receive.buffer.bytes', '102400'],
        ['socket.request.max.bytes', '104857600'],
        ['log.dirs', '/var/lib/kafka'],
        ['num.partitions', '1'],
        ['num.recovery.threads.per.data.dir', '2'],
        ['offsets.topic.replication.factor', '1'],
        ['share.coordinator.state.topic.replication.factor', '1'],
        ['share.coordinator.state.topic.min.isr', '1'],
        ['transaction.state.log.replication.factor', '1'],
        ['transaction.state.log.min.isr', '1'],
        ['log.retention.hours', '168'],
        ['log.segment.bytes', '1073741824'],
        ['log.retention.check.interval.ms', '300000'],
      ]),
    )
    expect(config).toEqual({ ...resolve().config, 'log.dirs': ['/var/lib/kafka'] })
    expect(inert).toHaveLength(19)
    expect(ofStore).toEqual(['num.partitions', 'num.recovery.threads.per.data.dir'])
  })
})

describe('what is wrong with a configuration', () => {
  it('is reported all at once, over all layers and all rules, a line each', () => {
    const lines = problemsOf(
      {
        'segment.bytes': 5,
        'retention.mss': 1,
        'min.compaction.lag.ms': '2d',
        'max.compaction.lag.ms': '1d',
      },
      { 'retention.ms': 'soon', preallocate: 1 },
    )
    expect(lines).toEqual([
      "  segment.bytes: found 5, expected a whole number of bytes from 1048576 to 2147483647, or text such as '1MiB'",
      "  retention.mss: unknown key; did you mean 'retention.ms'?",
      "  retention.ms: found 'soon', expected a whole number of ms, at least -1, or text such as '7d'",
      '  preallocate: found 1, expected true or false',
      '  max.compaction.lag.ms: found 86400000, expected at least min.compaction.lag.ms, which is 172800000',
    ])
  })

  it('is a TypeError when a layer is no object', () => {
    for (const layer of [
      null,
      5,
      'retention.ms=5',
      true,
      [],
      [['retention.ms', 5]],
      () => ({}),
      Symbol('x'),
    ]) {
      expect(() => resolveConfig([layer as never])).toThrow(
        expect.objectContaining({ name: 'TypeError', code: 'ARGUMENT_INVALID' }),
      )
    }
    expect(() => resolveConfig({} as never)).toThrow(TypeError)
    expect(() => resolveConfig(undefined as never)).toThrow(TypeError)
  })
})

describe('a hostile configuration object', () => {
  it('gives only its own enumerable properties', () => {
    const inherited = Object.create({ 'retention.ms': 1 }) as ConfigInput
    expect(resolve(inherited).config['retention.ms']).toBe(604_800_000)
    const hidden = Object.defineProperty({}, 'retention.ms', { value: 1, enumerable: false }) as ConfigInput
    expect(resolve(hidden).config['retention.ms']).toBe(604_800_000)
    expect(resolve({ [Symbol('retention.ms')]: 1 } as ConfigInput).explicit.size).toBe(0)
    expect(
      resolve(Object.assign(Object.create(null), { 'retention.ms': 1 }) as ConfigInput).config[
        'retention.ms'
      ],
    ).toBe(1)
  })

  it('has each property read once', () => {
    const reads: string[] = []
    const input = new Proxy({ 'retention.ms': 5, 'log.retention.hours': 1 } as ConfigInput, {
      get: (target, name, receiver) => {
        reads.push(String(name))
        return Reflect.get(target, name, receiver) as unknown
      },
    })
    expect(resolve(input).config['retention.ms']).toBe(5)
    expect(reads.filter((name) => name.includes('.'))).toEqual(['retention.ms', 'log.retention.hours'])
  })

  it('that throws when it is read throws what it threw', () => {
    const failure = new Error('no')
    const input = Object.defineProperty({}, 'retention.ms', {
      enumerable: true,
      get: () => {
        throw failure
      },
    })
    expect(() => resolve(input as ConfigInput)).toThrow(failure)
  })

  it('with names of Object.prototype has unknown keys, and changes no prototype', () => {
    const input = JSON.parse(
      '{"__proto__":{"retention.ms":1},"constructor":1,"toString":2,"hasOwnProperty":3}',
    ) as ConfigInput
    const before = Object.getOwnPropertyNames(Object.prototype)
    expect(problemsOf(input).map((line) => line.split(':')[0])).toEqual([
      '  __proto__',
      '  constructor',
      '  toString',
      '  hasOwnProperty',
    ])
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
    expect(({} as Record<string, unknown>)['retention.ms']).toBeUndefined()
  })

  it('resolves the same under an Object.prototype that was polluted before or after this code was loaded', async () => {
    const clean = outcome(resolveConfig)
    const polluted = {
      'retention.ms': 1,
      'internal.segment.bytes': 1,
      min: 5,
      max: 5,
      also: 7,
      oneOf: ['x'],
      unit: 'hours',
      factor: 2,
      negativeIsUnlimited: true,
      nonEmpty: true,
      distinct: true,
      synonyms: [{ name: 'min' }],
      canonical: 'retention.ms',
      0: 'compact',
    }
    const results: unknown[] = []
    let hole: unknown
    try {
      for (const [name, value] of Object.entries(polluted)) {
        // oxlint-disable-next-line no-extend-native -- what a polluting dependency does is what is tested
        Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
      }
      results.push(outcome(resolveConfig))
      vi.resetModules()
      const fresh = await import('../../../src/config/index.ts')
      results.push(outcome(fresh.resolveConfig))
      try {
        resolveConfig([{ 'cleanup.policy': holes(1) }])
      } catch (error) {
        hole = error
      }
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
    }
    expect(results).toEqual([clean, clean])
    expect(hole).toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

/** What resolving one and the same layer gives, in a shape that two copies of the code can be compared by. */
function outcome(resolveLayers: typeof resolveConfig): unknown {
  const { config, explicit, inert } = resolveLayers([{ 'segment.ms': '1d' }])
  return [Object.entries(config), [...explicit], inert]
}

/** An array with nothing in it, not even `undefined`. */
function holes(length: number): string[] {
  const array: string[] = []
  array.length = length
  return array
}
