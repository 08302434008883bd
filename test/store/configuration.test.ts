import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openLog, openStore } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { openTempStore, reopen } from '../helpers/temp-store.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

function propertiesFile(text: string): string {
  const path = join(temporaryDirectory(), 'server.properties')
  writeFileSync(path, text)
  return path
}

describe('the configuration of a topic', () => {
  it('goes before that of the store, and that before server.properties, and that before the defaults', async () => {
    const properties = propertiesFile(
      'log.retention.hours=2\nlog.segment.bytes=2097152\nmessage.max.bytes=2000\n',
    )
    const store = await openTempStore({
      config: { 'log.retention.hours': 1, 'log.segment.bytes': '4MiB' },
      properties,
    })
    const { topic } = await store.createTopic('orders', { config: { 'retention.ms': '5m' } })
    expect(topic.partitions[0]!.config).toMatchObject({
      'retention.ms': 300_000,
      'segment.bytes': 4 * 1024 * 1024,
      'max.message.bytes': 2000,
      'index.interval.bytes': 4096,
    })
    await topic.updateConfig({ 'retention.ms': null })
    expect(topic.partitions[0]!.config['retention.ms']).toBe(3_600_000)
  })

  it('is stored for every partition, and changes at once and for later openings', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 3, config: { 'retention.ms': 5 } })
    await topic.updateConfig({ 'retention.ms': 7, 'retention.bytes': '1MiB' })
    const wanted = { 'retention.ms': 7, 'retention.bytes': 1024 * 1024 }
    for (const { config } of topic.partitions) expect(config).toMatchObject(wanted)
    for (const { config } of (await reopen(store)).topic('orders').partitions)
      expect(config).toMatchObject(wanted)
  })

  it('that is wrong is refused whole, and nothing changes', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await expect(topic.updateConfig({ 'retention.ms': 7, 'segment.bytes': 3 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
    for (const { config } of topic.partitions) expect(config['retention.ms']).toBe(604_800_000)
  })

  it('is that of partition 0 where a change came to some partitions only', async () => {
    const fileSystem = new FaultFileSystem()
    const store = await openTempStore({ fileSystem, index: 'memory' })
    const { topic } = await store.createTopic('orders', { partitions: 3 })
    fileSystem.fail('rename', { name: /topic\.properties/, code: 'EACCES', skip: 1, times: 1 })
    await expect(topic.updateConfig({ 'retention.ms': 7 })).rejects.toMatchObject({ code: 'IO_FAILED' })
    const again = await reopen(store, { fileSystem, index: 'memory' })
    for (const { config } of again.topic('orders').partitions) expect(config['retention.ms']).toBe(7)
  })

  it('is not taken from options of the store that only a single log has', async () => {
    await expect(openStore(temporaryDirectory(), { conifg: {} } as never)).rejects.toThrow(
      /did you mean 'config'/,
    )
    for (const properties of ['', 5, null] as never[])
      await expect(openStore(temporaryDirectory(), { properties })).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
      })
    for (const clusterId of ['', 'a b', 5, null] as never[])
      await expect(openStore(temporaryDirectory(), { clusterId })).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
      })
  })
})

describe('a server.properties', () => {
  it('as Kafka ships it is taken as it is, and what nothing depends on is reported', async () => {
    const properties = propertiesFile(
      [
        '# The role of this server',
        'process.roles=broker,controller',
        'node.id=1',
        'listeners=PLAINTEXT://:9092,CONTROLLER://:9093',
        'num.network.threads = 3',
        'log.dirs=/tmp/kafka-logs',
        'num.partitions:2',
        'log.retention.hours=\\',
        '   168',
        'log.retention.check.interval.ms=300000',
      ].join('\n'),
    )
    const store = await openTempStore({ properties })
    expect((await store.createTopic('orders')).topic.partitions).toHaveLength(2)
    expect(store.report.inertConfig).toEqual(
      expect.arrayContaining(['process.roles', 'listeners', 'num.network.threads', 'log.dirs']),
    )
    expect(store.report.inertConfig).not.toContain('num.partitions')
  })

  it('that is wrong is refused with every problem, before anything is made', async () => {
    const directory = join(temporaryDirectory(), 'store')
    const properties = propertiesFile('log.retention.hour=1\nlog.segment.bytes=lots\n')
    const failure = openStore(directory, { properties, config: { 'num.partitions': 0 } })
    await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(failure).rejects.toThrow(/log\.retention\.hours/)
    await expect(failure).rejects.toThrow(/log\.segment\.bytes/)
    await expect(failure).rejects.toThrow(/num\.partitions/)
    expect(existsSync(directory)).toBe(false)
  })

  it.each<[string, string]>([
    ['a malformed escape', 'log.retention.hours=\\u12\n'],
    ['more than 1 MiB', `#${'x'.repeat(1024 * 1024)}\n`],
  ])('with %s is refused', async (_, text) => {
    const properties = propertiesFile(text)
    const failure = openStore(temporaryDirectory(), { properties })
    await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID', path: properties })
    await expect(failure).rejects.toThrow(properties)
  })

  it('that is no file is no damage', async () => {
    const properties = temporaryDirectory()
    await expect(openStore(temporaryDirectory(), { properties })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      path: properties,
    })
  })

  it('that is not there is told by its path', async () => {
    const properties = join(temporaryDirectory(), 'none.properties')
    await expect(openStore(temporaryDirectory(), { properties })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      path: properties,
    })
  })
})

describe('cleaning a store', () => {
  const config = { 'internal.segment.bytes': 300, 'retention.ms': -1 }

  it('is one scheduler’s work: every log on time, and plan() says what would happen', async () => {
    const clock = new ManualClock()
    const store = await openTempStore({ clock, cleanup: true })
    for (const name of ['a', 'b']) {
      const { topic } = await store.createTopic(name, { config: { ...config, 'retention.bytes': 0 } })
      for (let count = 0; count < 5; count++) await topic.append('x'.repeat(200))
    }
    const plans = await store.plan()
    expect(plans.map(({ topic, deleteCount }) => [topic, deleteCount])).toEqual([
      ['a', 5],
      ['b', 5],
    ])
    await clock.advance(30_000)
    await vi.waitFor(() =>
      expect([store.log('a', 0).startOffset, store.log('b', 0).startOffset]).toEqual([5, 5]),
    )
  })

  it('keeps all topics together within seglog.retention.total.bytes, the oldest segment first', async () => {
    const clock = new ManualClock()
    const store = await openTempStore({ clock, config: { 'seglog.retention.total.bytes': 1500 } })
    for (const name of ['a', 'b', 'a', 'b']) {
      const { topic } = await store.createTopic(name, { config, ifNotExists: true })
      for (let count = 0; count < 4; count++) await topic.append('x'.repeat(200))
      await clock.advance(60_000)
    }
    expect(store.stats().sizeBytes).toBeGreaterThan(3000)
    const planned = await store.plan()
    const report = await store.clean()
    expect(report.deleted.map(({ topic, baseOffset }) => [topic, baseOffset]).sort()).toEqual(
      planned
        .flatMap(({ topic, segments }) =>
          segments.filter(({ action }) => action === 'delete').map(({ baseOffset }) => [topic, baseOffset]),
        )
        .sort(),
    )
    expect(new Set(report.deleted.map(({ rule }) => rule))).toEqual(new Set(['seglog.retention.total.bytes']))
    expect(store.stats().sizeBytes).toBeLessThanOrEqual(1500)
    expect(store.log('a', 0).startOffset).toBeGreaterThan(store.log('b', 0).startOffset)
    expect((await store.clean()).deleted).toEqual([])
  })

  it('keeps the budget with the others where the log with the oldest segments is poisoned', async () => {
    const fileSystem = new FaultFileSystem()
    const clock = new ManualClock()
    const store = await openTempStore({
      clock,
      fileSystem,
      index: 'memory',
      config: { 'seglog.retention.total.bytes': 3000 },
    })
    for (const name of ['old', 'new']) {
      const { topic } = await store.createTopic(name, { config })
      for (let count = 0; count < 8; count++) await topic.append('x'.repeat(200))
      clock.jumpWall(1000)
    }
    fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(store.log('old', 0).append('y', { durability: 'disk' })).rejects.toMatchObject({
      code: 'LOG_POISONED',
    })
    expect(store.stats().sizeBytes).toBeGreaterThan(4000) // what is over is less than the old log has
    const report = await store.clean()
    expect(report.failures).toEqual([])
    expect(new Set(report.deleted.map(({ topic }) => topic))).toEqual(new Set(['new']))
    expect(store.stats().sizeBytes).toBeLessThanOrEqual(3000)
  })

  it('of a poisoned log is held back, and plan() says why', async () => {
    const fileSystem = new FaultFileSystem()
    const store = await openTempStore({ fileSystem, index: 'memory' })
    const { topic } = await store.createTopic('orders', { config: { ...config, 'retention.bytes': 0 } })
    for (let count = 0; count < 3; count++) await topic.append('x'.repeat(200))
    fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(topic.append('y', { durability: 'disk' })).rejects.toMatchObject({ code: 'LOG_POISONED' })
    const [plan] = await store.plan()
    expect(plan).toMatchObject({ blocked: 'held', deleteCount: 0, roll: null })
    expect(plan!.segments[0]!.reason).toContain('the log is poisoned')
    expect(await store.clean()).toMatchObject({ deleted: [], failures: [] })
  })

  it('of one log leaves the others alone', async () => {
    const store = await openTempStore()
    for (const name of ['a', 'b']) {
      const { topic } = await store.createTopic(name, { config: { ...config, 'retention.bytes': 0 } })
      for (let count = 0; count < 5; count++) await topic.append('x'.repeat(200))
    }
    await store.log('a', 0).clean()
    expect([store.log('a', 0).startOffset, store.log('b', 0).startOffset]).toEqual([5, 0])
  })
})

describe('the files of a store', () => {
  it('are as good as before without the index, and without the checkpoints', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await topic.append({ partition: 1, records: ['a', 'b', 'c'] })
    await topic.deleteRecordsBefore(1, { partition: 1 })
    await store.close()
    rmSync(join(store.directory, 'index.db'))
    rmSync(join(store.directory, 'recovery-point-offset-checkpoint'))
    const again = await openTempStore({}, store.directory)
    expect([again.log('orders', 1).startOffset, again.log('orders', 1).endOffset]).toEqual([1, 3])
    expect(readFileSync(join(store.directory, 'log-start-offset-checkpoint'), 'utf8')).toBe(
      '0\n1\norders 1 1\n',
    )
  })

  it.each(['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint', '.kafka_cleanshutdown'])(
    'may be half-written: a store opens with an unreadable %s, and says so where it matters',
    async (name) => {
      const store = await openTempStore()
      const { topic } = await store.createTopic('orders')
      await topic.append('a', { durability: 'disk' })
      await topic.deleteRecordsBefore(0, { partition: 0 })
      await store.close()
      writeFileSync(join(store.directory, name), '0\n5\nord')
      const again = await openTempStore({}, store.directory)
      expect(again.log('orders', 0).endOffset).toBe(1)
      if (name.includes('checkpoint')) expect(again.report.notes.join()).toContain(name)
    },
  )

  it('say of a topic’s partition what openLog says of it', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { config: { 'retention.ms': 5 } })
    await topic.append('a')
    await store.close()
    const log = await openLog(join(store.directory, 'orders-0'), { cleanup: false })
    expect([log.recovery.clean, log.config['retention.ms'], log.endOffset]).toEqual([true, 5, 1])
    await log.close()
  })
})
