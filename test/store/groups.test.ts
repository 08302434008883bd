import { describe, expect, it } from 'vitest'
import type { Store, Topic, TopicReadOptions } from '../../src/index.ts'
import { GroupOffsets, OFFSETS_TOPIC } from '../../src/store/group-offsets.ts'
import { FaultFileSystem } from '../../src/testing/index.ts'
import { openTempLog } from '../helpers/temp-log.ts'
import { openTempStore, reopen } from '../helpers/temp-store.ts'

async function storeOf(partitions: number): Promise<{ store: Store; topic: Topic }> {
  const store = await openTempStore()
  const { topic } = await store.createTopic('orders', {
    partitions,
    config: { 'internal.segment.bytes': 400 },
  })
  for (let partition = 0; partition < partitions; partition++)
    for (let count = 0; count < 10; count++)
      await topic.append({ partition, records: `${partition}:${count}`.padEnd(60) })
  return { store, topic }
}

async function read(topic: Topic, options?: TopicReadOptions): Promise<string[]> {
  const values: string[] = []
  for await (const { partition, offset } of topic.read(options)) values.push(`${partition}:${offset}`)
  return values
}

const ofPartition = (values: readonly string[], partition: number) =>
  values.filter((value) => value.startsWith(`${partition}:`))
const range = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, slot) => `${partition}:${from + slot}`)

const position = (nextOffset: number) => ({ nextOffset, generation: nextOffset % 7 })

const quiet = (): void => {}

describe('reading a topic', () => {
  it('gives every record of every partition once, in order within each', async () => {
    const { topic } = await storeOf(3)
    const values = await read(topic)
    expect(values).toHaveLength(30)
    for (const partition of [0, 1, 2]) expect(ofPartition(values, partition)).toEqual(range(partition, 0, 10))
  })

  it('ends at once where it is left while it waits for more', async () => {
    const { topic } = await storeOf(2)
    const reader = topic.read({ from: 'latest', follow: true })
    const waiting = reader.next()
    expect(await reader.return!()).toMatchObject({ done: true })
    expect(await waiting).toMatchObject({ done: true })
    expect(await reader.next()).toMatchObject({ done: true })
  })

  it('follows: what is appended to any partition comes', async () => {
    const { topic } = await storeOf(2)
    const reader = topic.read({ from: 'latest', follow: true })
    const next = reader.next()
    await topic.append({ partition: 1, records: 'new' })
    expect((await next).value).toMatchObject({ partition: 1, offset: 10 })
    const after = reader.next()
    await topic.append({ partition: 0, records: 'new' })
    expect((await after).value).toMatchObject({ partition: 0, offset: 10 })
    await reader.return?.()
  })

  it('begins at a time in each partition, and ends before an offset in each', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    for (const partition of [0, 1])
      for (let at = 0; at < 5; at++)
        await topic.append({
          partition,
          records: { value: 'x', timestamp: Date.now() - 10_000 + at * 1000 + partition },
        })
    const from = { timestamp: Number((await topic.partitions[0]!.get(3))!.timestamp) }
    expect((await read(topic, { from })).sort()).toEqual(['0:3', '0:4', '1:3', '1:4'])
    expect((await read(topic, { from, until: 4 })).sort()).toEqual(['0:3', '1:3'])
  })

  it('lets go of every segment when it is left, aborted or failed', async () => {
    const { topic } = await storeOf(2)
    for await (const record of topic.read()) if (record.offset === 3) break
    const abort = new AbortController()
    const reader = topic.read({ from: 'latest', follow: true, signal: abort.signal })
    const waiting = reader.next()
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(await reader.next()).toEqual({ done: true, value: undefined })
  })

  it('refuses what is no place to begin, and options that nobody knows', async () => {
    const { topic } = await storeOf(1)
    for (const from of [5, null, {}, 'first', { group: '' }, { group: 7 }, { group: 'x'.repeat(256) }])
      expect(() => topic.read({ from } as never)).toThrow(
        expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
      )
    expect(() => topic.read({ form: 'latest' } as never)).toThrow(/did you mean 'from'/)
    expect(() => topic.read({ onReset: 'x' } as never)).toThrow(TypeError)
  })
})

describe('a group', () => {
  it('begins at the start, and goes on behind what it has committed, after a restart too', async () => {
    const { store, topic } = await storeOf(2)
    expect(await read(topic, { from: { group: 'billing' } })).toHaveLength(20)
    await topic.commit('billing', { partition: 0, nextOffset: 4 })
    await topic.commit('billing', { partition: 1, nextOffset: 10 })
    const again = (await reopen(store)).topic('orders')
    expect(await read(again, { from: { group: 'billing' } })).toEqual(range(0, 4, 10))
    expect([again.committed('billing', 0), again.committed('billing', 1)]).toEqual([4, 10])
  })

  it('knows nothing of other groups, topics and partitions', async () => {
    const { store, topic } = await storeOf(2)
    const { topic: other } = await store.createTopic('payments', { partitions: 2 })
    await topic.commit('a', { partition: 0, nextOffset: 3 })
    expect([topic.committed('b', 0), topic.committed('a', 1), other.committed('a', 0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(store.stats().groups).toEqual([
      { group: 'a', topic: 'orders', partition: 0, committed: 3, lag: 7 },
    ])
  })

  it('deletes nothing by reading, and may go back', async () => {
    const { topic } = await storeOf(1)
    await topic.commit('a', { partition: 0, nextOffset: 9 })
    await topic.commit('a', { partition: 0, nextOffset: 2 })
    expect(await read(topic, { from: { group: 'a' } })).toEqual(range(0, 2, 10))
    expect(await read(topic)).toEqual(range(0, 0, 10))
  })

  it('whose records retention has taken goes on at the start, and says so', async () => {
    const warnings: unknown[] = []

    const logger = {
      debug: quiet,
      info: quiet,
      error: quiet,
      warn: (details: object) => void warnings.push(details),
    }
    const store = await openTempStore({ logger })
    const { topic } = await store.createTopic('orders')
    for (let count = 0; count < 10; count++) await topic.append('x')
    await topic.commit('a', { partition: 0, nextOffset: 2 })
    await topic.deleteRecordsBefore(5, { partition: 0 })
    const resets: unknown[] = []
    const values = await read(topic, { from: { group: 'a' }, onReset: (reset) => resets.push(reset) })
    expect(values).toEqual(range(0, 5, 10))
    const reset = { group: 'a', topic: 'orders', partition: 0, committed: 2, resumedAt: 5 }
    expect([resets, warnings]).toEqual([[reset], [reset]])
    expect(topic.committed('a', 0)).toBe(2)
  })

  it('that was further than a truncation goes on at the end, and says so', async () => {
    const { topic } = await storeOf(1)
    await topic.commit('a', { partition: 0, nextOffset: 9 })
    await topic.partitions[0]!.truncateTo(4)
    const resets: unknown[] = []
    expect(await read(topic, { from: { group: 'a' }, onReset: (reset) => resets.push(reset) })).toEqual([])
    expect(resets).toEqual([{ group: 'a', topic: 'orders', partition: 0, committed: 9, resumedAt: 4 }])
  })

  it('that can not commit keeps what it had committed, and says why', async () => {
    const fileSystem = new FaultFileSystem()
    const store = await openTempStore({ fileSystem, index: 'memory' })
    const { topic } = await store.createTopic('orders')
    await topic.commit('a', { partition: 0, nextOffset: 1 })
    fileSystem.fail('write', { name: /\.log$/, code: 'ENOSPC' })
    await expect(topic.commit('a', { partition: 0, nextOffset: 2 })).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    expect(topic.committed('a', 0)).toBe(1)
    await topic.commit('a', { partition: 0, nextOffset: 3 })
    expect((await reopen(store, { fileSystem, index: 'memory' })).topic('orders').committed('a', 0)).toBe(3)
  })

  it('commits no nonsense', async () => {
    const { topic } = await storeOf(1)
    for (const given of [undefined, null, 5, {}, { partition: 0 }, { partition: 0, nextOfset: 1 }] as never[])
      await expect(topic.commit('a', given)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    for (const options of [undefined, null, 0, {}, { partition: 0, offset: 1 }] as never[])
      await expect(topic.deleteRecordsBefore(1, options)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    for (const [group, partition, nextOffset] of [
      ['', 0, 1],
      [undefined, 0, 1],
      ['a', 1, 1],
      ['a', -1, 1],
      ['a', 0, -1],
      ['a', 0, 1.5],
      ['a', 0, 2 ** 53],
      ['a', 0, '1'],
    ] as never[][])
      await expect(
        topic.commit(group!, { partition: partition!, nextOffset: nextOffset! }),
      ).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
      })
    expect(() => topic.committed('a', 9)).toThrow(RangeError)
  })
})

describe('the log of committed offsets', () => {
  it('is made by the first commit, at the level disk, and is written anew when most of it is stale', async () => {
    const log = await openTempLog({ config: { 'internal.segment.bytes': 4000 } })
    const offsets = new GroupOffsets({ now: () => 5, log, openLog: async () => log, staleRecordsMin: 50 })
    for (let round = 0; round < 200; round++)
      await offsets.commit(
        { group: `g${round % 3}`, topic: 'orders', topicId: 'id', partition: 0 },
        position(round),
      )
    expect(log.endOffset - log.startOffset).toBeLessThan(80)
    expect(log.durableOffset).toBe(log.endOffset)
    const again = new GroupOffsets({ now: () => 5, log, openLog: async () => log })
    await again.load()
    expect(
      ['g0', 'g1', 'g2'].map((group) =>
        again.committed({ group, topic: 'orders', topicId: 'id', partition: 0 }),
      ),
    ).toMatchObject([position(198), position(199), position(197)])
  })

  it('says the same after being written anew while commits are under way', async () => {
    const log = await openTempLog()
    const offsets = new GroupOffsets({ now: () => 5, log, openLog: async () => log, staleRecordsMin: 10 })
    const commits = Array.from({ length: 300 }, (_, round) =>
      offsets.commit(
        { group: `g${round % 2}`, topic: 'orders', topicId: 'id', partition: round % 5 },
        position(round),
      ),
    )
    await Promise.all(commits)
    const again = new GroupOffsets({ now: () => 5, log, openLog: async () => log })
    await again.load()
    const keys = [0, 1, 2, 3, 4].flatMap((partition) =>
      ['g0', 'g1'].map((group) => ({ group, topic: 'orders', topicId: 'id', partition })),
    )
    expect(keys.map((key) => again.committed(key))).toEqual(keys.map((key) => offsets.committed(key)))
    expect(Math.max(...keys.map((key) => again.committed(key)!.nextOffset))).toBe(299)
  })

  it('that can not be written anew says nothing of the commits, and is not tried again at once', async () => {
    const log = await openTempLog({ config: { 'cleanup.policy': 'compact' } }) // its start can't be moved
    const said: string[] = []
    const logger = { warn: (_: unknown, text?: string) => void said.push(String(text)) }
    const offsets = new GroupOffsets({
      now: () => 5,
      log,
      openLog: async () => log,
      staleRecordsMin: 10,
      logger,
    })
    const key = { group: 'g', topic: 'orders', topicId: 'id', partition: 0 }
    for (let count = 0; count < 30; count++) await offsets.commit(key, position(count))
    expect([offsets.committed(key)?.nextOffset, said.length]).toEqual([29, 2])
  })

  it('is an internal topic of one partition that keeps everything but what was written anew', async () => {
    const { store, topic } = await storeOf(1)
    await topic.commit('a', { partition: 0, nextOffset: 1 })
    const { partitions } = store.topic(OFFSETS_TOPIC)
    expect(partitions).toHaveLength(1)
    expect(partitions[0]!.config).toMatchObject({ 'retention.ms': -1, 'retention.bytes': -1 })
  })

  it('is not to be appended to, changed or deleted by anybody else', async () => {
    const { store, topic } = await storeOf(1)
    await topic.commit('a', { partition: 0, nextOffset: 1 })
    const offsets = store.topic(OFFSETS_TOPIC)
    for (const call of [
      () => offsets.append('x'),
      () => offsets.updateConfig({ 'retention.ms': 1 }),
      () => offsets.deleteRecordsBefore(1, { partition: 0 }),
      () => store.deleteTopic(OFFSETS_TOPIC),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'POLICY_VIOLATION' })
    expect((await reopen(store)).topic('orders').committed('a', 0)).toBe(1)
  })

  it('may hold what is no committed offset: it is passed over', async () => {
    const { store, topic } = await storeOf(1)
    await topic.commit('a', { partition: 0, nextOffset: 1 })
    const log = store.log(OFFSETS_TOPIC, 0)
    await log.append([
      { key: 'junk', value: 'junk' },
      { value: 'no key' },
      { key: Buffer.from([0, 1, 0, 9]), value: null },
    ])
    expect((await reopen(store)).topic('orders').committed('a', 0)).toBe(1)
  })
})
