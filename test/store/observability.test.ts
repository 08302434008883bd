/* What a store tells of itself while it works: to its logger, in its figures, and on its channels. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { formatPrometheus, openStore, type Store, type StoreOptions } from '../../src/index.ts'
import { FaultFileSystem } from '../../src/testing/index.ts'
import { CollectingLogger } from '../helpers/collecting-logger.ts'
import { readPrometheus, type ReadMetric } from '../helpers/prometheus-reader.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

async function open(
  options: StoreOptions = {},
  directory = temporaryDirectory(),
): Promise<{ store: Store; logger: CollectingLogger; directory: string }> {
  const logger = new CollectingLogger()
  const store = await openStore(directory, { logger, cleanup: false, ...options })
  onTestFinished(() => store.close().catch(() => {})) // a poisoned log says so once more
  return { store, logger, directory }
}

/** A store with two topics, one of whose partitions can't be opened. */
async function openBroken(): ReturnType<typeof open> {
  const { store, directory } = await open()
  await store.createTopic('jobs')
  await store.createTopic('orders', { partitions: 3 })
  for (const partition of [0, 1, 2]) await store.topic('orders').append({ partition, records: ['a', 'b'] })
  await store.close()
  rmSync(join(directory, '.kafka_cleanshutdown'))
  const path = join(directory, 'orders-1', '00000000000000000000.log')
  writeFileSync(path, Buffer.concat([Buffer.alloc(30, 7), readFileSync(path).subarray(30)]))
  appendFileSync(join(directory, 'orders-2', '00000000000000000000.log'), 'torn')
  return open({}, directory)
}

describe('the logger of a store', () => {
  it('hears which log it is of each message that is of a log', async () => {
    const fileSystem = new FaultFileSystem()
    const { store, logger } = await open({
      fileSystem,
      config: { 'internal.segment.bytes': 150, 'retention.ms': -1, 'retention.bytes': 0 },
    })
    await store.createTopic('orders', { partitions: 2 })
    const log = store.log('orders', 1)
    for (const value of ['x'.repeat(50), 'y'.repeat(50), 'z'.repeat(50)]) await log.append(value)
    await store.clean()
    await log.append('cut off')
    await log.truncateTo(log.startOffset)
    await store.topic('orders').updateConfig({ 'retention.ms': 5 })
    await store.topic('orders').commit('g', { partition: 1, nextOffset: 50 })
    for await (const _ of store.topic('orders').read({ from: { group: 'g' } })) break
    fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(log.append('poison')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await store.createTopic('gone')
    await store.deleteTopic('gone')
    expect(logger.lines).toEqual([
      'info: a topic was made',
      'info: segment rolled',
      'info: segment rolled',
      'info: segment rolled',
      expect.stringMatching(/^info: orders-1: \d segments? deleted, /) as string,
      'info: the log was truncated',
      'info: the configuration of a topic was changed',
      'warn: a group can not go on where it was: the records there are gone',
      'error: the log is poisoned: it takes no more appends',
      'info: a topic was made',
      'info: a topic was deleted',
    ])
    const ofLogs = logger.loud.filter(({ message }) => !/topic/.test(message))
    expect(ofLogs).toHaveLength(7)
    for (const { details, message } of ofLogs)
      expect([message, details]).toEqual([
        message,
        expect.objectContaining({ topic: 'orders', partition: 1 }),
      ])
    for (const { details, message } of logger.loud)
      expect([message, details]).toEqual([
        message,
        expect.objectContaining({ topic: expect.any(String) as string }),
      ])
  })

  it('hears of every log that could not be opened, or lost what was not written whole', async () => {
    const { logger } = await openBroken()
    const heard = logger.loud.map(({ level, details, message }) => {
      const { topic, partition, err } = details
      return [level, message, topic, partition, (err as { code?: string } | undefined)?.code]
    })
    expect(heard).toContainEqual(['error', 'a log could not be opened', 'orders', 1, 'LOG_CORRUPT'])
    const cut = 'log opened; what was not written whole was cut off its end'
    expect(heard).toContainEqual(['warn', cut, 'orders', 2, undefined])
    expect(heard).toContainEqual([
      'info',
      'log opened; it had not been closed in order',
      'orders',
      0,
      undefined,
    ])
    expect(heard).toHaveLength(3)
  })

  it('hears nothing above debug of a store that is closed and opened in order', async () => {
    const { store, directory } = await open()
    await store.createTopic('orders', { partitions: 2 })
    await store.topic('orders').append('a')
    await store.close()
    const { store: again, logger } = await open({}, directory)
    await again.close()
    expect(logger.lines).toEqual([])
    const opened = logger.said.filter(({ message }) => message === 'log opened')
    expect(opened.map(({ details }) => details['partition']).sort()).toEqual([0, 1])
  })

  it('is nobody unless one is given: nothing is printed, whatever happens', async () => {
    const { directory, store: broken } = await openBroken()
    await broken.close()
    const printed = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write'))
    const spoken = (['debug', 'info', 'log', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name))
    onTestFinished(() => void vi.restoreAllMocks())
    await using store = await openStore(directory, { cleanup: false })
    expect(store.stats().failed).toBe(1)
    await store.createTopic('more')
    await store.deleteTopic('more')
    await store.close()
    expect([...printed, ...spoken].map((spy) => spy.mock.calls)).toEqual([[], [], [], [], [], [], []])
  })

  it('may throw in every message without anything of it coming to harm', async () => {
    const { store } = await open({ logger: { debug: fail, info: fail, warn: fail, error: fail } })
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await topic.append('a')
    await topic.partitions[0]!.roll()
    await store.clean()
    await store.deleteTopic('orders')
    await store.close()
  })
})

describe('the figures of a store', () => {
  it('name the logs that could not be opened, and come to the same as a scraper reads', async () => {
    const { store } = await openBroken()
    await store.topic('orders').append({ partition: 0, records: 'c' }, { durability: 'os' })
    await store.topic('orders').commit('"b"\n', { partition: 2, nextOffset: 1 })
    await store.topic('orders').commit('a', { partition: 0, nextOffset: 1 })
    const stats = store.stats()
    const failed = {
      topic: 'orders',
      partition: 1,
      error: expect.objectContaining({ code: 'LOG_CORRUPT' }) as unknown,
    }
    expect([stats.failed, stats.failedLogs]).toEqual([1, [failed]])
    expect(stats.groups).toEqual([
      { group: '"b"\n', topic: 'orders', partition: 2, committed: 1, lag: 1 },
      { group: 'a', topic: 'orders', partition: 0, committed: 1, lag: 2 },
    ])
    const metrics = readPrometheus(formatPrometheus(stats))
    expect(sum(metrics, 'seglog_log_size_bytes')).toBe(stats.sizeBytes)
    expect(sum(metrics, 'seglog_log_segments')).toBe(stats.segmentCount)
    expect(sum(metrics, 'seglog_log_writable')).toBe(stats.partitions - 1)
    expect(sum(metrics, 'seglog_store_failed_logs')).toBe(1)
    expect(sum(metrics, 'seglog_group_lag_records')).toBe(3)
    const down = metrics
      .find(({ name }) => name === 'seglog_log_writable')!
      .samples.filter(({ value }) => value === 0)
    expect(down.map(({ labels }) => labels)).toEqual([{ topic: 'orders', partition: '1' }])
  })

  it('do not say how far a group is behind in a log that could not be opened', async () => {
    const { store, directory } = await open()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    for (const partition of [0, 1]) {
      await topic.append({ partition, records: ['a', 'b'] })
      await topic.commit('g', { partition, nextOffset: 1 })
    }
    await store.close()
    rmSync(join(directory, 'orders-1'), { recursive: true })
    const stats = (await open({}, directory)).store.stats()
    expect(stats.groups).toEqual([
      { group: 'g', topic: 'orders', partition: 0, committed: 1, lag: 1 },
      { group: 'g', topic: 'orders', partition: 1, committed: 1, lag: undefined },
    ])
    const metrics = readPrometheus(formatPrometheus(stats))
    const partitionsOf = (name: string) =>
      metrics
        .find((metric) => metric.name === name)!
        .samples.map(({ labels, value }) => [labels['partition'], value])
    expect(partitionsOf('seglog_group_committed_offset')).toEqual([
      ['0', 1],
      ['1', 1],
    ])
    expect(partitionsOf('seglog_group_lag_records')).toEqual([['0', 1]])
  })

  it('say that a log is poisoned', async () => {
    const fileSystem = new FaultFileSystem()
    const { store } = await open({ fileSystem })
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(topic.partitions[0]!.append('a')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    expect(store.stats().logs.map(({ state }) => state)).toEqual(['poisoned', 'open'])
  })

  it('of a store that is only read say so, log by log', async () => {
    const { store, directory } = await open()
    await store.createTopic('orders')
    await store.topic('orders').append('a')
    const { store: reader } = await open({ readOnly: true }, directory)
    expect(reader.stats().logs).toMatchObject([{ topic: 'orders', state: 'readonly', readableEndOffset: 1 }])
  })

  it('can be asked for while a topic is being deleted', async () => {
    const { store } = await open()
    await store.createTopic('orders', { partitions: 2 })
    await store.createTopic('jobs')
    const deleting = store.deleteTopic('orders')
    for (let isOver = false; !isOver; ) {
      const { logs, failed } = store.stats()
      expect(failed).toBe(0)
      expect(logs.some(({ topic }) => topic === 'jobs')).toBe(true)
      isOver = await Promise.race([deleting.then(() => true), nextTurn().then(() => false)])
    }
    expect(store.stats()).toMatchObject({ topics: 1, partitions: 1 })
  })
})

const fail = (): never => {
  throw new RangeError('no room for messages')
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

function sum(metrics: readonly ReadMetric[], name: string): number {
  const { samples } = metrics.find((metric) => metric.name === name)!
  return samples.reduce((total, { value }) => total + value, 0)
}
