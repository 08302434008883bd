/* What a group that stands behind records which are gone does about those that came in their place. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type GroupReset, openLog, openStore, type Store, type Topic } from '../../src/index.ts'
import { CrashFileSystem, FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { CollectingLogger } from '../helpers/collecting-logger.ts'
import { openTempStore, reopen } from '../helpers/temp-store.ts'

/** A topic of one partition with ten records, of which group `g` has read nine. */
async function setUp(): Promise<{ store: Store; topic: Topic }> {
  const store = await openTempStore()
  const { topic } = await store.createTopic('orders')
  await append(topic, 10)
  await topic.commit('g', { partition: 0, nextOffset: 9 })
  return { store, topic }
}

async function append(topic: Topic, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await topic.append('x')
}

/** What the group gets, and what it is told. */
async function readOn(topic: Topic, group = 'g'): Promise<{ offsets: number[]; resets: unknown[] }> {
  const resets: GroupReset[] = []
  const offsets: number[] = []
  for await (const { offset } of topic.read({ from: { group }, onReset: (reset) => resets.push(reset) }))
    offsets.push(offset)
  return { offsets, resets: resets.map(({ committed, resumedAt }) => [committed, resumedAt]) }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, slot) => from + slot)

describe('a group that stands behind a truncation', () => {
  it('skips no record that came since, and is told, however far the log has grown', async () => {
    for (const grown of [0, 2, 5, 20]) {
      const { topic } = await setUp()
      await topic.partitions[0]!.truncateTo(4)
      await append(topic, grown)
      expect(await readOn(topic)).toEqual({ offsets: range(4, 4 + grown), resets: [[9, 4]] })
      expect(topic.position('g', 0)).toEqual({ committed: 9, resumesAt: 4 })
    }
  })

  it('knows of it after a restart, and after a partition was truncated by itself', async () => {
    const { store, topic } = await setUp()
    await topic.partitions[0]!.truncateTo(7)
    await append(topic, 20)
    await store.close()
    await using log = await openLog(join(store.directory, 'orders-0'), { cleanup: false })
    await log.truncateTo(5)
    await log.close()
    const again = await openTempStore({}, store.directory)
    await append(again.topic('orders'), 6)
    expect(await readOn(again.topic('orders'))).toEqual({ offsets: range(5, 11), resets: [[9, 5]] })
  })

  it('goes on where it is when the truncation was above it, or before its commit', async () => {
    const { topic } = await setUp()
    await topic.commit('below', { partition: 0, nextOffset: 3 })
    await topic.partitions[0]!.truncateTo(4)
    await append(topic, 8)
    await topic.commit('later', { partition: 0, nextOffset: 9 })
    expect(await readOn(topic, 'below')).toEqual({ offsets: range(3, 12), resets: [] })
    expect(await readOn(topic, 'later')).toEqual({ offsets: range(9, 12), resets: [] })
    await topic.commit('g', { partition: 0, nextOffset: 9 }) // it has read what came, and goes on from there
    expect(await readOn(topic)).toEqual({ offsets: range(9, 12), resets: [] })
  })

  it('goes on at the start where retention has passed the truncation', async () => {
    const { topic } = await setUp()
    await topic.partitions[0]!.truncateTo(4)
    await append(topic, 10)
    await topic.deleteRecordsBefore(6, { partition: 0 })
    expect(await readOn(topic)).toEqual({ offsets: range(6, 14), resets: [[9, 6]] })
  })

  it('is told in a store that is only read, also of a truncation while that is open', async () => {
    const { store, topic } = await setUp()
    await using reader = await openStore(store.directory, { readOnly: true })
    await topic.partitions[0]!.truncateTo(4)
    await append(topic, 8)
    await using late = await openStore(store.directory, { readOnly: true })
    for (const each of [reader, late]) expect((await readOn(each.topic('orders'))).resets).toEqual([[9, 4]])
  })

  it('is told at every reading until it commits, over restarts', async () => {
    const { store, topic } = await setUp()
    await topic.partitions[0]!.truncateTo(4)
    await append(topic, 8)
    await topic.commit('later', { partition: 0, nextOffset: 9 })
    const again = (await reopen(await reopen(store))).topic('orders')
    expect((await readOn(again)).resets).toEqual([[9, 4]])
    expect((await readOn(again, 'later')).resets).toEqual([])
  })
})

const options = (fileSystem: CrashFileSystem, logger = new CollectingLogger()) => ({
  fileSystem,
  logger,
  clock: new ManualClock(),
  cleanup: false,
})

/** Five records on disk, five that are not, and a group that has read nine of them; then the power goes. */
async function losePower(): Promise<CrashFileSystem> {
  const fileSystem = new CrashFileSystem({ seed: 1 })
  const store = await openStore('/store', options(fileSystem))
  const { topic } = await store.createTopic('orders')
  for (const durability of ['disk', 'os'] as const)
    for (let count = 0; count < 5; count++) await topic.append('x', { durability })
  await topic.commit('g', { partition: 0, nextOffset: 9 })
  await topic.commit('behind', { partition: 0, nextOffset: 5 })
  return fileSystem.powerLoss()
}

describe('a group that has read what a power loss took', () => {
  it('skips no record that came since, and is told, however many openings later', async () => {
    const left = await losePower()
    const logger = new CollectingLogger()
    const store = await openStore('/store', options(left, logger))
    expect(store.log('orders', 0).endOffset).toBe(5)
    expect(logger.lines).toContain(
      'warn: a log ends below what a group has committed: the group goes on at this end',
    )
    await append(store.topic('orders'), 10)
    await store.close()
    await using again = await openStore('/store', options(left))
    expect(await readOn(again.topic('orders'))).toEqual({ offsets: range(5, 15), resets: [[9, 5]] })
    expect(await readOn(again.topic('orders'), 'behind')).toEqual({ offsets: range(5, 15), resets: [] })
  })

  it('costs the log one note, not one an opening', async () => {
    const left = await losePower()
    const notes: boolean[] = []
    for (let count = 0; count < 3; count++) {
      const logger = new CollectingLogger()
      await using store = await openStore('/store', options(left, logger))
      notes.push(logger.lines.some((line) => line.includes('goes on at this end')))
      expect((await readOn(store.topic('orders'))).resets).toEqual([[9, 5]])
    }
    expect(notes).toEqual([true, false, false])
  })

  it('keeps no store from opening where the note can not be written', async () => {
    const left = await losePower()
    const fileSystem = new FaultFileSystem(left)
    fileSystem.fail('write', { name: /^topic\.properties/, code: 'ENOSPC', times: Infinity })
    const logger = new CollectingLogger()
    await using store = await openStore('/store', { ...options(left, logger), fileSystem })
    expect(logger.lines).toContain(
      'warn: a log that ends below what a group has committed could not take note of that',
    )
    expect((await readOn(store.topic('orders'))).resets).toEqual([[9, 5]])
    fileSystem.heal()
    await append(store.topic('orders'), 1)
  })
})
