/* A topic that is made begins with nothing, whatever was there under its name before. */
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/index.ts'
import { FaultFileSystem } from '../../src/testing/index.ts'
import { damageFile, segmentName } from '../helpers/hand-made.ts'
import { openTempStore, reopen } from '../helpers/temp-store.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

describe('a topic of the name of one that was deleted', () => {
  it('has no offset of a group whose first commit came while the old one was being deleted', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders')
    await topic.append({ partition: 0, records: ['a', 'b', 'c'] })
    const deleting = store.deleteTopic('orders')
    const committing = topic.commit('g', { partition: 0, nextOffset: 2 })
    await deleting
    await expect(committing).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    const { topic: again } = await store.createTopic('orders')
    expect(again.committed('g', 0)).toBeUndefined()
    expect((await reopen(store)).topic('orders').committed('g', 0)).toBeUndefined()
  })

  it('has no offset of a group that was on its way to the disk when the old one was deleted', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders')
    await topic.append({ partition: 0, records: ['a', 'b', 'c'] })
    await topic.commit('g', { partition: 0, nextOffset: 1 })
    await Promise.allSettled([
      topic.commit('h', { partition: 0, nextOffset: 3 }),
      store.deleteTopic('orders'),
    ])
    const { topic: again } = await store.createTopic('orders')
    expect(['g', 'h'].map((group) => again.committed(group, 0))).toEqual([undefined, undefined])
  })

  it('is refused while a deletion that failed half-way has left something of the old one; opening again ends that', async () => {
    const fileSystem = new FaultFileSystem()
    const store = await openTempStore({ fileSystem, index: 'memory' })
    const { topic } = await store.createTopic('orders', { partitions: 3 })
    for (const partition of [0, 1, 2]) await topic.append({ partition, records: ['old'] })
    await topic.commit('g', { partition: 1, nextOffset: 1 })
    fileSystem.fail('rename', { name: /^orders-1\./, code: 'EIO' })
    await expect(store.deleteTopic('orders')).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(store.topics().map(({ name }) => name)).not.toContain('orders')
    await expect(store.createTopic('orders', { partitions: 2 })).rejects.toMatchObject({
      code: 'TOPIC_INVALID',
    })
    const again = await reopen(store)
    const { topic: fresh } = await again.createTopic('orders', { partitions: 3 })
    expect(fresh.partitions.map(({ endOffset }) => endOffset)).toEqual([0, 0, 0])
    expect(fresh.committed('g', 1)).toBeUndefined()
  })

  it('has no offset of a group that could not be given up with the old one', async () => {
    const fileSystem = new FaultFileSystem()
    const store = await openTempStore({ fileSystem, index: 'memory' })
    const { topic } = await store.createTopic('orders')
    await topic.append({ partition: 0, records: ['a', 'b', 'c'] })
    await topic.commit('g', { partition: 0, nextOffset: 2 })
    fileSystem.fail('write', { name: /\.log$/, code: 'ENOSPC', times: Infinity })
    await store.deleteTopic('orders')
    fileSystem.heal()
    const { topic: again } = await store.createTopic('orders')
    await again.append({ partition: 0, records: ['d', 'e', 'f'] })
    expect([again.committed('g', 0), store.stats().groups]).toEqual([undefined, []])
    const { value } = await again.read({ from: { group: 'g' } }).next()
    expect(value).toMatchObject({ offset: 0 })
    const reopened = await reopen(store)
    expect(reopened.topic('orders').committed('g', 0)).toBeUndefined()
    await reopened.topic('orders').commit('g', { partition: 0, nextOffset: 1 })
    expect((await reopen(reopened)).topic('orders').committed('g', 0)).toBe(1)
  })

  it('can be made after a crash between the deletion and its checkpoints', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders')
    await topic.append({ partition: 0, records: ['a', 'b', 'c'] })
    await topic.deleteRecordsBefore(2, { partition: 0 })
    await store.close()
    const directory = join(store.directory, 'orders-0')
    renameSync(directory, `${directory}.0123456789abcdef0123456789abcdef-delete`)
    const again = await openTempStore({}, store.directory)
    const { topic: fresh } = await again.createTopic('orders')
    expect([fresh.partitions[0]!.startOffset, fresh.partitions[0]!.endOffset]).toEqual([0, 0])
    expect((await fresh.append('new')).baseOffset).toBe(0)
  })
})

describe('a topic', () => {
  it('does not take over a log that a link leads to', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders')
    await topic.append('kept')
    await store.close()
    const elsewhere = join(temporaryDirectory(), 'orders-0')
    renameSync(join(store.directory, 'orders-0'), elsewhere)
    symlinkSync(elsewhere, join(store.directory, 'orders-0'))
    const properties = readFileSync(join(elsewhere, 'topic.properties'), 'utf8')
    const again = await openTempStore({}, store.directory)
    await expect(again.createTopic('orders')).rejects.toMatchObject({ code: 'TOPIC_INVALID' })
    expect(readFileSync(join(elsewhere, 'topic.properties'), 'utf8')).toBe(properties)
  })
})

describe('committed offsets that can not be read', () => {
  it.each<[string, (directory: string) => void]>([
    ['a bit of them is flipped', (directory) => damageFile(join(directory, segmentName(0)), flipLast)],
    ['their log is missing its segments', (directory) => rmSync(join(directory, segmentName(0)))],
    [
      'their log says that it is another',
      (directory) => writeFileSync(join(directory, 'topic.properties'), 'x'),
    ],
  ])('keep nothing else from being served: %s', async (_, damage) => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders')
    await topic.append('a')
    for (const group of ['f', 'g']) await topic.commit(group, { partition: 0, nextOffset: 1 })
    await store.close()
    damage(join(store.directory, '__seglog_offsets-0'))
    const again = await openStore(store.directory)
    const served = again.topic('orders')
    expect((await served.append('b')).baseOffset).toBe(1)
    expect(() => served.committed('g', 0)).toThrow()
    await expect(served.commit('g', { partition: 0, nextOffset: 2 })).rejects.toThrow()
    expect(() => served.read({ from: { group: 'g' } })).toThrow()
    expect(again.stats().groups).toEqual([]) // half of what was committed is not to be taken for all of it
    await again.close()
  })
})

function flipLast(bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[flipped.length - 1]! ^= 1
  return flipped
}
