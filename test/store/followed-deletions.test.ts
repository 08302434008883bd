/*
 * A store that is open for reading only, and what its writer deletes and makes again, or somebody moves away. The clock stands
 * still unless a test says otherwise: watches tell of it.
 */
import { cpSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import type { Store, Topic } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { readValues } from '../helpers/temp-log.ts'
import { openTempStore } from '../helpers/temp-store.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const GONE = { code: 'LOG_NOT_FOUND' }

/** A store with the topics `t` and `other`, and one that reads it. */
async function setUp() {
  const directory = join(temporaryDirectory(), 'store')
  const store = await openTempStore({}, directory)
  for (const name of ['t', 'other']) {
    const { topic } = await store.createTopic(name, { partitions: 2 })
    for (const partition of [0, 1]) await topic.append({ partition, records: [`old ${partition}`, 'old'] })
    await topic.commit('g', { partition: 0, nextOffset: 1 })
  }
  const warn = vi.fn<(...words: unknown[]) => void>()
  const logger = { debug: () => {}, info: () => {}, warn, error: warn }
  const clock = new ManualClock()
  const reader = await openTempStore({ readOnly: true, clock, logger }, directory)
  return { store, reader, clock, warn, topic: reader.topic('t') }
}

/** What a read gives that waits for more in all partitions of a topic, and is left then. */
async function waitsFor(topic: Topic): Promise<unknown> {
  for await (const { partition, offset } of topic.read({ from: 'latest', follow: true }))
    return { partition, offset }
  return 'end'
}

async function expectGone(reader: Store, topic: Topic, partitions: readonly number[]): Promise<void> {
  for (const partition of partitions) {
    await vi.waitFor(() =>
      expect(() => topic.partitions[partition]!.stats()).toThrow(expect.objectContaining(GONE)),
    )
    await expect(topic.partitions[partition]!.get(0)).rejects.toMatchObject(GONE)
  }
  await expect(topic.read().next()).rejects.toMatchObject(GONE)
  await expect(topic.read({ from: { group: 'g' } }).next()).rejects.toMatchObject(GONE)
  const failed = reader.stats().failedLogs.filter(({ topic: name }) => name === topic.name)
  expect(failed).toEqual(
    partitions.map((partition) => ({ topic: topic.name, partition, error: expect.objectContaining(GONE) })),
  )
  expect(reader.stats().groups).toContainEqual(expect.objectContaining({ topic: topic.name, lag: undefined }))
  expect((await reader.plan()).filter(({ topic: name }) => name === topic.name)).toHaveLength(
    2 - partitions.length,
  )
}

it('a topic that is deleted ends what reads it, and nothing else', async () => {
  const { store, reader, topic, warn } = await setUp()
  const waiting = expect(waitsFor(topic)).rejects.toMatchObject(GONE)
  const other = waitsFor(reader.topic('other'))
  await store.deleteTopic('t')
  await waiting
  await expectGone(reader, topic, [0, 1])
  await store.topic('other').append({ partition: 1, records: 'new' })
  expect(await other).toEqual({ partition: 1, offset: 2 })
  const complaints = warn.mock.calls.filter(([about]) => (about as { topic?: string }).topic === 't')
  expect(complaints).toHaveLength(2) // one for each partition
  expect(warn).toHaveBeenCalledTimes(2)
})

it('a topic that is deleted and made again is another one, of which the old one’s readers see nothing', async () => {
  const { store, reader, topic } = await setUp()
  const waiting = expect(waitsFor(topic)).rejects.toMatchObject(GONE)
  await store.deleteTopic('t')
  const { topic: again } = await store.createTopic('t', { partitions: 2 })
  for (const partition of [0, 1]) await again.append({ partition, records: ['new', 'new', 'new', 'new'] })
  await waiting
  await expectGone(reader, topic, [0, 1])
  await again.partitions[0]!.truncateTo(0) // no truncation of the log that the group was in
  expect(topic.position('g', 0)).toEqual({ committed: 1, resumesAt: 1 })
  const late = await openTempStore({ readOnly: true }, store.directory)
  expect(await readValues(late.log('t', 1))).toEqual(['new', 'new', 'new', 'new'])
})

it('a store whose directory is replaced ends all its readers', async () => {
  const { store, reader, clock, topic, warn } = await setUp()
  const waiting = ['t', 'other'].map((name) =>
    expect(waitsFor(reader.topic(name))).rejects.toMatchObject(GONE),
  )
  await store.close()
  cpSync(store.directory, `${store.directory}.copy`, { recursive: true })
  renameSync(store.directory, `${store.directory}.old`)
  renameSync(`${store.directory}.copy`, store.directory)
  await clock.advance(1_000) // nothing tells those who watch a directory of what becomes of the one above it
  await Promise.all(waiting)
  await expectGone(reader, topic, [0, 1])
  await expectGone(reader, reader.topic('other'), [0, 1])
  const logs = warn.mock.calls.map(([about]) => (about as { directory: string }).directory)
  expect(new Set(logs).size).toBe(logs.length)
})

it('a partition whose directory is renamed and has its name again goes on', async () => {
  const { store, reader, topic, warn } = await setUp()
  const waiting = waitsFor(topic)
  const path = join(store.directory, 't-1')
  renameSync(path, `${path}.away`)
  renameSync(`${path}.away`, path)
  await store.topic('t').append({ partition: 1, records: 'new' })
  expect(await waiting).toEqual({ partition: 1, offset: 2 })
  expect(await readValues(reader.log('t', 1))).toEqual(['old 1', 'old', 'new'])
  expect(warn).not.toHaveBeenCalled()
})
