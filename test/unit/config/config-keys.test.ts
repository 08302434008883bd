import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { ConfigStatus } from '../../../src/config/config-row.ts'
import {
  CONFIG_ROWS,
  type ConfigInput,
  type ConfigKey,
  configKeyNames,
  findSpec,
  isConfigKey,
  RESOLVED_SPECS,
  type ResolvedConfig,
  specOf,
} from '../../../src/config/config-keys.ts'

/** Kafka's defaults as kafka-configs prints them: written down apart from the table, so that a slip in either shows. */
const DEFAULTS: Readonly<Record<string, string | null>> = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'compression.gzip.level': '-1',
  'compression.lz4.level': '9',
  'compression.zstd.level': '3',
  'delete.retention.ms': '86400000',
  'file.delete.delay.ms': '60000',
  'flush.messages': 'Infinity',
  'flush.ms': 'Infinity',
  'index.interval.bytes': '4096',
  'max.message.bytes': '1048588',
  'max.decompressed.message.bytes': '2147483639',
  'max.compaction.lag.ms': 'Infinity',
  'min.compaction.lag.ms': '0',
  'min.cleanable.dirty.ratio': '0.5',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': 'Infinity',
  'message.timestamp.after.max.ms': '3600000',
  preallocate: 'false',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
  'segment.bytes': '1073741824',
  'internal.segment.bytes': null,
  'segment.ms': '604800000',
  'segment.jitter.ms': '0',
  'segment.index.bytes': '10485760',
  'min.insync.replicas': '1',
  'unclean.leader.election.enable': 'false',
  'leader.replication.throttled.replicas': '',
  'follower.replication.throttled.replicas': '',
  'remote.storage.enable': 'false',
  'local.retention.ms': '-2',
  'local.retention.bytes': '-2',
  'remote.log.copy.disable': 'false',
  'remote.log.delete.on.disable': 'false',
  'remote.copy.lag.ms': '0',
  'remote.copy.lag.bytes': '-1',
  'errors.deadletterqueue.group.enable': 'false',
  'message.downconversion.enable': 'true',
  'log.dirs': null,
  'cordoned.log.dirs': '',
  'log.retention.check.interval.ms': '300000',
  'log.initial.task.delay.ms': '30000',
  'log.flush.offset.checkpoint.interval.ms': '60000',
  'log.flush.start.offset.checkpoint.interval.ms': '60000',
  'log.dir.failure.timeout.ms': '30000',
  'num.recovery.threads.per.data.dir': '2',
  'num.partitions': '1',
  'auto.create.topics.enable': 'true',
  'log.cleaner.enable': 'true',
  'log.cleaner.threads': '1',
  'log.cleaner.dedupe.buffer.size': '134217728',
  'log.cleaner.io.buffer.size': '524288',
  'log.cleaner.io.buffer.load.factor': '0.9',
  'log.cleaner.io.max.bytes.per.second': '1.7976931348623157e+308',
  'log.cleaner.backoff.ms': '15000',
  'producer.id.expiration.ms': '86400000',
  'producer.id.expiration.check.interval.ms': '600000',
}

const OF_STORE = ['num.partitions', 'num.recovery.threads.per.data.dir', 'seglog.retention.total.bytes']

const INERT = [
  'auto.create.topics.enable',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'cordoned.log.dirs',
  'delete.retention.ms',
  'errors.deadletterqueue.group.enable',
  'follower.replication.throttled.replicas',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'log.cleaner.backoff.ms',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.enable',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.buffer.size',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.threads',
  'log.dir.failure.timeout.ms',
  'log.dirs',
  'log.flush.offset.checkpoint.interval.ms',
  'log.flush.start.offset.checkpoint.interval.ms',
  'message.downconversion.enable',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'producer.id.expiration.check.interval.ms',
  'producer.id.expiration.ms',
  'remote.copy.lag.bytes',
  'remote.copy.lag.ms',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
  'unclean.leader.election.enable',
]

const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  'cleanup.policy': ['log.cleanup.policy'],
  'retention.ms': ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  'retention.bytes': ['log.retention.bytes'],
  'file.delete.delay.ms': ['log.segment.delete.delay.ms'],
  'delete.retention.ms': ['log.cleaner.delete.retention.ms'],
  'min.cleanable.dirty.ratio': ['log.cleaner.min.cleanable.ratio'],
  'min.compaction.lag.ms': ['log.cleaner.min.compaction.lag.ms'],
  'max.compaction.lag.ms': ['log.cleaner.max.compaction.lag.ms'],
  'segment.bytes': ['log.segment.bytes'],
  'segment.ms': ['log.roll.ms', 'log.roll.hours'],
  'segment.jitter.ms': ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  'segment.index.bytes': ['log.index.size.max.bytes'],
  'index.interval.bytes': ['log.index.interval.bytes'],
  preallocate: ['log.preallocate'],
  'flush.messages': ['log.flush.interval.messages'],
  'flush.ms': ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  'max.message.bytes': ['message.max.bytes'],
  'message.timestamp.type': ['log.message.timestamp.type'],
  'message.timestamp.before.max.ms': ['log.message.timestamp.before.max.ms'],
  'message.timestamp.after.max.ms': ['log.message.timestamp.after.max.ms'],
  'local.retention.ms': ['log.local.retention.ms'],
  'local.retention.bytes': ['log.local.retention.bytes'],
  'remote.copy.lag.ms': ['log.remote.copy.lag.ms'],
  'remote.copy.lag.bytes': ['log.remote.copy.lag.bytes'],
  'message.downconversion.enable': ['log.message.downconversion.enable'],
  'log.dirs': ['log.dir'],
}

/** What `src` says apart from its table of keys. */
function sourceOutsideOfConfig(): string {
  const root = fileURLToPath(new URL('../../../src', import.meta.url))
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const code = paths.filter((path) => path.endsWith('.ts') && !path.startsWith('config/'))
  return code.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')
}

const isOwn = ({ name }: { name: string }) => name.startsWith('seglog.')
const namesOf = (status: ConfigStatus) =>
  RESOLVED_SPECS.filter((spec) => spec.status === status).map((spec) => spec.name)

describe('the table of keys', () => {
  it('has Kafka’s keys with Kafka’s defaults, and one of its own', () => {
    expect(RESOLVED_SPECS.filter(isOwn).map((spec) => [spec.name, spec.default])).toEqual([
      ['seglog.retention.total.bytes', -1],
    ])
    const defaults = RESOLVED_SPECS.filter((spec) => !isOwn(spec)).map((spec) => [
      spec.name,
      spec.default === null ? null : String(spec.default),
    ])
    expect(Object.fromEntries(defaults)).toEqual(DEFAULTS)
  })

  it('has Kafka’s synonyms, the one that wins first', () => {
    const synonyms: Record<string, string[]> = {}
    for (const name of configKeyNames()) {
      const { canonical, rank } = specOf(name)
      if (canonical === undefined || rank === 0) continue
      synonyms[canonical] ??= []
      expect(synonyms[canonical].push(name)).toBe(rank)
    }
    expect(synonyms).toEqual(SYNONYMS)
  })

  it('calls inert exactly what nothing depends on, and store what a single log has no use for', () => {
    expect(namesOf('inert').toSorted()).toEqual(INERT)
    expect(namesOf('store').toSorted()).toEqual(OF_STORE)
  })

  it('has no key that is not inert and that no code outside the table asks for, and none that is and is asked for', () => {
    const source = sourceOutsideOfConfig()
    const isAsked = (name: string) => source.includes(`'${name}'`) || source.includes(`config.${name} `)
    expect(RESOLVED_SPECS.filter(({ status, name }) => status === 'inert' && isAsked(name))).toEqual([])
    expect(RESOLVED_SPECS.filter(({ status, name }) => status !== 'inert' && !isAsked(name))).toEqual([])
  })

  it('has no row that contradicts itself', () => {
    for (const row of CONFIG_ROWS) {
      const spec = specOf(row.name)
      expect(spec.min, row.name).toBeLessThanOrEqual(spec.max)
      expect(row.doc, row.name).toMatch(/^[A-Z].*[^.]\.$/)
      if (row.name.endsWith('.ms')) expect(row.unit, row.name).toBe('ms')
      if (row.name.endsWith('.bytes')) expect(row.unit, row.name).toBe('bytes')
    }
  })

  it('converts the ends of every synonym’s range into the range of its key', () => {
    for (const name of configKeyNames()) {
      const spec = specOf(name)
      if (spec.canonical === undefined || spec.factor === 1) continue
      const key = specOf(spec.canonical)
      expect(spec.max * spec.factor, name).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER)
      if (!spec.negativeIsUnlimited) expect(spec.min * spec.factor, name).toBeGreaterThanOrEqual(key.min)
    }
  })

  it('knows a key from what is none', () => {
    for (const name of ['retention.ms', 'log.retention.hours', 'listeners']) {
      expect(isConfigKey(name)).toBe(true)
      expect(findSpec(name)?.name).toBe(name)
    }
    for (const name of ['', 'retention', 'RETENTION.MS', '__proto__', 'constructor', 'toString', 'size']) {
      expect(isConfigKey(name)).toBe(false)
      expect(findSpec(name)).toBeUndefined()
    }
  })
})

describe('the types made from the table', () => {
  it('give every key the type of its value', () => {
    expectTypeOf<ResolvedConfig['segment.bytes']>().toEqualTypeOf<number>()
    expectTypeOf<ResolvedConfig['min.cleanable.dirty.ratio']>().toEqualTypeOf<number>()
    expectTypeOf<ResolvedConfig['preallocate']>().toEqualTypeOf<boolean>()
    expectTypeOf<ResolvedConfig['cleanup.policy']>().toEqualTypeOf<readonly ('delete' | 'compact')[]>()
    expectTypeOf<ResolvedConfig['message.timestamp.type']>().toEqualTypeOf<'CreateTime' | 'LogAppendTime'>()
    expectTypeOf<ResolvedConfig['log.retention.check.interval.ms']>().toEqualTypeOf<number>()
    expectTypeOf<ResolvedConfig['internal.segment.bytes']>().toEqualTypeOf<number | null>()
    expectTypeOf<ResolvedConfig['log.dirs']>().toEqualTypeOf<readonly string[] | null>()
    expectTypeOf<ResolvedConfig>().not.toHaveProperty('log.retention.hours')
  })

  it('accept every name as input, and no other', () => {
    expectTypeOf<'log.retention.hours'>().toExtend<ConfigKey>()
    expectTypeOf<'listeners'>().toExtend<ConfigKey>()
    expectTypeOf<'retention.mss'>().not.toExtend<ConfigKey>()
    expectTypeOf<{
      'retention.ms': '7d'
      'cleanup.policy': readonly string[]
      preallocate: null
    }>().toExtend<ConfigInput>()
    // @ts-expect-error -- a misspelt key is found before it runs
    const misspelt: ConfigInput = { 'retention.mss': 1 }
    expect(misspelt).toBeDefined()
  })
})
