import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type FileHandle, type OpenMode, openLog, openStore, type Store } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { damageFile, flipped } from '../helpers/hand-made.ts'
import { readValues } from '../helpers/temp-log.ts'
import { openTempStore, reopen } from '../helpers/temp-store.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const directoriesOf = (path: string) =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()

describe('a topic', () => {
  it('has its partitions on disk as Kafka has them, with one id, once it was made', async () => {
    const store = await openTempStore()
    const { topic, warnings } = await store.createTopic('orders', { partitions: 3 })
    expect(warnings).toEqual([])
    expect(directoriesOf(store.directory)).toEqual(['orders-0', 'orders-1', 'orders-2'])
    expect(topic.partitions.map(({ directory }) => directory)).toEqual(
      [0, 1, 2].map((partition) => join(store.directory, `orders-${partition}`)),
    )
    for (const name of ['orders-0', 'orders-1', 'orders-2']) {
      const metadata = readFileSync(join(store.directory, name, 'partition.metadata'), 'utf8')
      expect(metadata).toBe(`version: 0\ntopic_id: ${topic.id}`)
    }
    expect([store.topic('orders'), store.log('orders', 2)]).toEqual([topic, topic.partitions[2]])
  })

  it('is there with all it holds when the store is opened again, without a scan', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await topic.append({ partition: 1, records: ['a', 'b'] })
    await store.createTopic('payments')
    const again = await reopen(store)
    expect(again.topics().map(({ name, id, partitions }) => [name, id.length, partitions.length])).toEqual([
      ['orders', 22, 2],
      ['payments', 22, 1],
    ])
    expect(again.topic('orders').id).toBe(topic.id)
    expect(await readValues(again.log('orders', 1))).toEqual(['a', 'b'])
    expect(again.report.logs.map(({ recovery }) => recovery.clean)).toEqual([true, true, true])
  })

  it('has as many partitions as num.partitions says, where its creator does not', async () => {
    const store = await openTempStore({ config: { 'num.partitions': 4 } })
    expect((await store.createTopic('orders')).topic.partitions).toHaveLength(4)
    expect((await store.createTopic('one', { partitions: 1 })).topic.partitions).toHaveLength(1)
  })

  it('is not made twice, unless that is what its creator wants', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await expect(store.createTopic('orders')).rejects.toMatchObject({ code: 'TOPIC_EXISTS' })
    const again = await store.createTopic('orders', { partitions: 5, ifNotExists: true })
    expect(again.topic).toBe(topic)
    const [first, second] = await Promise.allSettled([store.createTopic('x'), store.createTopic('x')])
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
  })

  it('comes with a warning where its name has a dot or an underscore', async () => {
    const store = await openTempStore()
    expect((await store.createTopic('to.pic')).warnings).toHaveLength(1)
    await expect(store.createTopic('to_pic')).rejects.toMatchObject({ code: 'TOPIC_INVALID' })
  })

  it.each(['', '.', '..', 'a b', 'a/b', '../../etc', 'x'.repeat(250), '__internal', 'ä'])(
    'called %j is refused, and nothing is made',
    async (name) => {
      const store = await openTempStore()
      await expect(store.createTopic(name)).rejects.toMatchObject({ code: 'TOPIC_INVALID' })
      expect(directoriesOf(store.directory)).toEqual([])
    },
  )

  it('has no partitions out of range, and no options that nobody knows', async () => {
    const store = await openTempStore()
    for (const partitions of [0, -1, 1.5, 1e9, '3' as never])
      await expect(store.createTopic('orders', { partitions })).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
      })
    await expect(store.createTopic('orders', { partition: 3 } as never)).rejects.toThrow(
      /did you mean 'partitions'/,
    )
    expect(() => store.log('orders', 0)).toThrow(expect.objectContaining({ code: 'TOPIC_NOT_FOUND' }))
    for (const call of [
      () => store.createTopic('orders', { ifNotExists: 'no' } as never),
      () => store.clean({ force: 'no' } as never),
      () => store.plan({ onFailure: 'throw' } as never),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await store.createTopic('orders')
    expect(() => store.log('orders', 1)).toThrow(RangeError)
    expect(() => store.topic('order')).toThrow(expect.objectContaining({ code: 'TOPIC_NOT_FOUND' }))
  })

  it('whose configuration is wrong is not made, and every problem is told', async () => {
    const store = await openTempStore()
    const config = { 'retention.mss': 1, 'segment.bytes': 5 } as never
    const failure = store.createTopic('orders', { config })
    await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(failure).rejects.toThrow(/retention\.mss[^]*segment\.bytes|segment\.bytes[^]*retention\.mss/)
    expect(directoriesOf(store.directory)).toEqual([])
  })
})

describe('deleting a topic', () => {
  it('renames its partitions at once, and removes them after file.delete.delay.ms', async () => {
    const clock = new ManualClock()
    const store = await openTempStore({ clock })
    const { topic } = await store.createTopic('orders', {
      partitions: 2,
      config: { 'file.delete.delay.ms': 5000 },
    })
    await topic.append('a')
    await store.deleteTopic('orders')
    expect(store.topics()).toEqual([])
    expect(directoriesOf(store.directory)).toEqual([
      expect.stringMatching(/^orders-0\.[0-9a-f]{32}-delete$/),
      expect.stringMatching(/^orders-1\.[0-9a-f]{32}-delete$/),
    ])
    await expect(topic.append('b')).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    await clock.advance(5000)
    await store.close()
    expect(directoriesOf(store.directory)).toEqual([])
  })

  it('is finished by the next opening', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await topic.append('a')
    await store.deleteTopic('orders')
    await store.close()
    expect(directoriesOf(store.directory)).toHaveLength(2)
    const clock = new ManualClock()
    const again = await openTempStore({ clock }, store.directory)
    expect([again.topics(), again.report.finishedDeletions.length]).toEqual([[], 2])
    await clock.advance(1)
    await again.close()
    expect(directoriesOf(store.directory)).toEqual([])
  })

  it('leaves the name to a new topic, of which nothing is old', async () => {
    const store = await openTempStore()
    const { topic: old } = await store.createTopic('orders')
    await old.append({ partition: 0, records: ['a', 'b'] })
    await old.commit('billing', { partition: 0, nextOffset: 2 })
    await store.deleteTopic('orders')
    const { topic } = await store.createTopic('orders')
    expect([topic.id === old.id, topic.partitions[0]!.endOffset, topic.committed('billing', 0)]).toEqual([
      false,
      0,
      undefined,
    ])
    const again = await reopen(store)
    expect([again.log('orders', 0).endOffset, again.topic('orders').committed('billing', 0)]).toEqual([
      0,
      undefined,
    ])
  })

  it('that is not there, or is internal, is refused', async () => {
    const store = await openTempStore()
    await expect(store.deleteTopic('orders')).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' })
    const { topic } = await store.createTopic('orders')
    await topic.commit('g', { partition: 0, nextOffset: 0 })
    await expect(store.deleteTopic('__seglog_offsets')).rejects.toMatchObject({ code: 'POLICY_VIOLATION' })
  })

  it('that fails before it has begun leaves the topic as it was', async () => {
    const fileSystem = new FaultFileSystem()
    const store = await openTempStore({ fileSystem, index: 'memory' })
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await topic.append({ partition: 1, records: 'a' })
    fileSystem.fail('rename', { name: /-delete$/, code: 'EACCES' })
    await expect(store.deleteTopic('orders')).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(await readValues(store.log('orders', 1))).toEqual(['a'])
    await store.topic('orders').append({ partition: 1, records: 'b' })
    expect(await readValues(store.log('orders', 1))).toEqual(['a', 'b'])
  })
})

describe('a log of a store that can not be opened', () => {
  it('stays in its topic, rejects with its own error, is named in the report, and takes no other with it', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', {
      partitions: 3,
      config: { 'internal.segment.bytes': 200 },
    })
    for (const partition of [0, 1, 2])
      for (let count = 0; count < 5; count++) await topic.append({ partition, records: 'x'.repeat(100) })
    await store.close()
    const segments = readdirSync(join(store.directory, 'orders-1')).filter((name) => name.endsWith('.log'))
    rmSync(join(store.directory, 'orders-1', segments[2]!))
    const again = await openTempStore({}, store.directory)
    const failed = again.log('orders', 1)
    await expect(failed.append('y')).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    await expect(failed.read().next()).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    expect(() => failed.getSync(0)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
    expect(again.report.logs.map(({ partition, error }) => [partition, error === undefined])).toEqual([
      [0, true],
      [1, false],
      [2, true],
    ])
    expect((await again.topic('orders').append({ partition: 2, records: 'y' })).baseOffset).toBe(5)
    expect(again.stats()).toMatchObject({ partitions: 3, failed: 1 })
    await again.close()
  })

  it('gets no records that have no key and could go elsewhere', async () => {
    const store = await openTempStore()
    await store.createTopic('orders', { partitions: 2 })
    await store.close()
    writeFileSync(join(store.directory, 'orders-1', 'topic.properties'), 'seglog.log.id=wrong\n')
    const again = await openTempStore({}, store.directory)
    for (let count = 0; count < 20; count++)
      expect((await again.topic('orders').append('a')).partition).toBe(0)
  })

  it.each<[number, string]>([
    [0, 'partition.metadata'],
    [0, 'topic.properties'],
    [1, 'partition.metadata'],
    [1, 'topic.properties'],
  ])(
    'may be one of which something can not be read (%i: %s): the others open, and nothing is removed',
    async (partition, name) => {
      const store = await openTempStore()
      const { topic } = await store.createTopic('orders', { partitions: 3 })
      await topic.append({ partition: 2, records: 'kept' }, { durability: 'disk' })
      await store.close()
      const fileSystem = new UnreadableFile(join(store.directory, `orders-${partition}`, name))
      const again = await openTempStore({ fileSystem, index: 'memory' }, store.directory)
      expect(again.report.logs.filter(({ error }) => error !== undefined)).toMatchObject([
        { topic: 'orders', partition, error: { code: 'EACCES' } },
      ])
      await expect(again.log('orders', partition).append('a')).rejects.toMatchObject({ code: 'EACCES' })
      expect([await readValues(again.log('orders', 2)), again.report.discarded]).toEqual([['kept'], []])
      await again.close()
      const whole = await openTempStore({}, store.directory)
      expect(whole.topic('orders').partitions.map(({ state }) => state)).toEqual(['open', 'open', 'open'])
    },
  )

  it('may be one that is only read: flush makes what the others took durable', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', {
      partitions: 2,
      config: { 'internal.segment.bytes': 300 },
    })
    for (let count = 0; count < 6; count++) await topic.append({ partition: 1, records: 'x'.repeat(200) })
    const [, sealed] = store.log('orders', 1).segments()
    await store.close()
    damageFile(sealed!.path, (bytes) => bytes.subarray(0, 100))
    const again = await openTempStore({ onCorruption: 'readonly', durability: 'memory' }, store.directory)
    expect(again.log('orders', 1).state).toBe('readonly')
    await again.topic('orders').append({ partition: 0, records: 'a' })
    await again.flush()
    expect(again.log('orders', 0).durableOffset).toBe(1)
  })

  it('may be one whose directory is missing', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 3 })
    await topic.append({ partition: 2, records: 'a' })
    await store.close()
    rmSync(join(store.directory, 'orders-1'), { recursive: true })
    const again = await openTempStore({}, store.directory)
    expect(again.topic('orders').partitions).toHaveLength(3)
    await expect(again.log('orders', 1).append('a')).rejects.toMatchObject({ code: 'LOG_NOT_FOUND' })
    expect(await readValues(again.log('orders', 2))).toEqual(['a'])
  })

  it('may be a partition of another topic that somebody put there', async () => {
    const store = await openTempStore()
    await store.createTopic('orders', { partitions: 2 })
    await store.createTopic('payments', { partitions: 2 })
    await store.close()
    rmSync(join(store.directory, 'orders-1'), { recursive: true })
    renameSync(join(store.directory, 'payments-1'), join(store.directory, 'orders-1'))
    const again = await openTempStore({}, store.directory)
    await expect(again.log('orders', 1).append('a')).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      found: again.topic('payments').id,
      expected: again.topic('orders').id,
    })
  })

  it('is recovered with the others after a kill, each by itself', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    for (const partition of [0, 1])
      await topic.append({ partition, records: ['a', 'b'] }, { durability: 'disk' })
    await store.close()
    rmSync(join(store.directory, '.kafka_cleanshutdown'))
    const torn = join(store.directory, 'orders-1', '00000000000000000000.log')
    damageFile(torn, (bytes) => Buffer.concat([bytes, flipped(bytes, 30)]))
    const again = await openTempStore({}, store.directory)
    expect(again.report.logs.map(({ recovery }) => [recovery.clean, recovery.cut?.kind])).toEqual([
      [false, undefined],
      [false, 'TAIL_TORN'],
    ])
    expect(await readValues(again.log('orders', 1))).toEqual(['a', 'b'])
  })
})

describe('the directory of a store', () => {
  it('is refused where it is neither empty nor a store, and nothing is made in it', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'STORE_INVALID', path: directory })
    await expect(openStore(directory)).rejects.toThrow(/"notes\.txt"/)
    expect(readdirSync(directory)).toEqual(['notes.txt'])
  })

  it('is refused where it is a log, with a word on what to do', async () => {
    const directory = temporaryDirectory()
    const log = await openLog(directory)
    await log.close()
    const before = readdirSync(directory)
    await expect(openStore(directory)).rejects.toThrow(/is a log: open it with openLog/)
    expect(readdirSync(directory)).toEqual(before)
  })

  it('is refused where something is not a directory', async () => {
    const path = join(temporaryDirectory(), 'file')
    writeFileSync(path, '')
    await expect(openStore(path)).rejects.toMatchObject({ code: 'STORE_INVALID' })
  })

  it('is not made with create: false, nor for reading only', async () => {
    const directory = join(temporaryDirectory(), 'new')
    for (const options of [{ create: false }, { readOnly: true }])
      await expect(openStore(directory, options)).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' })
    expect(existsSync(directory)).toBe(false)
    mkdirSync(directory)
    await expect(openStore(directory, { create: false })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' })
  })

  it('has a meta.properties as a broker has it, with ids that stay', async () => {
    const store = await openTempStore()
    const path = join(store.directory, 'meta.properties')
    const text = readFileSync(path, 'utf8')
    const id = /[A-Za-z0-9_-]{22}/.source
    expect(text).toMatch(
      new RegExp(`^version=1\ncluster\\.id=${id}\nnode\\.id=1\ndirectory\\.id=${id}\nseglog\\.version=1\n$`),
    )
    expect(text).toContain(`cluster.id=${store.clusterId}\n`)
    await (await reopen(store)).close()
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect((await openTempStore()).clusterId).not.toBe(store.clusterId)
  })

  it('belongs to one cluster', async () => {
    const store = await openTempStore({ clusterId: 'first' })
    expect(store.clusterId).toBe('first')
    await store.close()
    const failure = openStore(store.directory, { clusterId: 'second' })
    await expect(failure).rejects.toMatchObject({
      code: 'INCONSISTENT_CLUSTER_ID',
      found: 'first',
      expected: 'second',
      path: join(store.directory, 'meta.properties'),
    })
    await expect(failure).rejects.toThrow(/expected second, found first/)
    expect((await openTempStore({}, store.directory)).clusterId).toBe('first')
  })

  it.each<[string, string, string]>([
    ['empty', '', 'LOG_CORRUPT'],
    ['half-written', 'vers', 'LOG_CORRUPT'],
    ['garbage', '\0\u0001\u0002'.repeat(50), 'LOG_CORRUPT'],
    ['of another version', 'version=7\ncluster.id=x\nnode.id=1\n', 'FORMAT_UNSUPPORTED'],
    ['of a later seglog', 'version=1\ncluster.id=x\nnode.id=1\nseglog.version=2\n', 'FORMAT_UNSUPPORTED'],
    ['huge', 'x'.repeat(100_000), 'LOG_CORRUPT'],
  ])('is not opened where meta.properties is %s, and nothing is changed', async (_, text, code) => {
    const store = await openTempStore()
    await store.createTopic('orders')
    await store.close()
    const path = join(store.directory, 'meta.properties')
    writeFileSync(path, text)
    const before = readdirSync(store.directory)
    await expect(openStore(store.directory)).rejects.toMatchObject({ code, path })
    expect([readFileSync(path, 'utf8'), readdirSync(store.directory)]).toEqual([text, before])
  })

  it('opens once: for two stores, and for a log inside it', async () => {
    const store = await openTempStore()
    await store.createTopic('orders')
    await expect(openStore(store.directory)).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    const path = join(store.directory, 'orders-0')
    await expect(openLog(path)).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    await store.close()
    const log = await openLog(path)
    await expect(openStore(store.directory)).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    await log.append('a')
    await log.close()
    expect(await readValues((await openTempStore({}, store.directory)).log('orders', 0))).toEqual(['a'])
  })

  it('opens for reading only beside the store that is written, and keeps up with it', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders', { partitions: 2 })
    await topic.append({ partition: 0, records: 'a' })
    await topic.commit('g', { partition: 0, nextOffset: 1 })
    const reader = await openTempStore({ readOnly: true }, store.directory)
    const seen = reader.topic('orders')
    expect([await readValues(seen.partitions[0]!), seen.committed('g', 0)]).toEqual([['a'], 1])
    await topic.append({ partition: 0, records: 'b' })
    await vi.waitFor(() => expect(seen.partitions[0]!.readableEndOffset).toBe(2))
    expect(await readValues(seen.partitions[0]!)).toEqual(['a', 'b'])
    for (const call of [
      () => reader.createTopic('x'),
      () => reader.deleteTopic('orders'),
      () => reader.flush(),
      () => reader.clean(),
      () => seen.append('c'),
      () => seen.commit('g', { partition: 0, nextOffset: 2 }),
      () => seen.updateConfig({ 'retention.ms': 1 }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'LOG_READONLY' })
    expect(await reader.plan()).toHaveLength(3)
  })

  it('may hold what is not recognised: it is left alone and reported', async () => {
    const store = await openTempStore()
    await store.createTopic('orders')
    await store.close()
    mkdirSync(join(store.directory, 'lost+found'))
    writeFileSync(join(store.directory, 'README'), '')
    const again = await openTempStore({}, store.directory)
    expect(again.report.unrecognised).toEqual(['README', 'lost+found'])
    expect(again.topics().map(({ name }) => name)).toEqual(['orders'])
  })

  it('is closed once; everything after that is refused', async () => {
    const store = await openTempStore()
    const { topic } = await store.createTopic('orders')
    await Promise.all([store.close(), store.close()])
    for (const call of [
      () => store.createTopic('x'),
      () => store.plan(),
      () => topic.append('a'),
      () => store.flush(),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    for (const call of [
      () => store.stats(),
      () => store.topics(),
      () => store.topic('orders'),
      () => topic.read(),
    ])
      expect(call).toThrow(expect.objectContaining({ code: 'STORE_CLOSED' }))
  })
})

/** The machine's file system, but for one file that may not be opened. */
class UnreadableFile extends FaultFileSystem {
  readonly #path: string

  constructor(path: string) {
    super()
    this.#path = path
  }

  override openSync(path: string, mode: OpenMode): FileHandle {
    if (path === this.#path) throw Object.assign(new Error(`EACCES: ${path}`), { code: 'EACCES' })
    return super.openSync(path, mode)
  }
}

/** A store one of whose two partitions has been taken away. */
async function takenAway(level: 'disk' | 'os') {
  const store = await openTempStore({ durability: level })
  const { topic } = await store.createTopic('orders', { partitions: 2 })
  for (const partition of [0, 1]) await topic.append({ partition, records: 'kept' }, { durability: 'disk' })
  renameSync(join(store.directory, 'orders-1'), join(store.directory, 'elsewhere'))
  return { store, topic }
}

describe('a partition whose directory somebody takes away while it is open', () => {
  it('acknowledges nothing at the level disk any more, and says why; the others go on', async () => {
    const { topic } = await takenAway('disk')
    const failure = topic.append({ partition: 1, records: 'lost' })
    await expect(failure).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await expect(failure).rejects.toThrow(/orders-1 is not the directory that was opened any more/)
    expect(topic.partitions[1]!.state).toBe('poisoned')
    expect((await topic.append({ partition: 0, records: 'fine' })).baseOffset).toBe(1)
  })

  it.each<[string, (store: Store) => Promise<unknown>]>([
    ['flushing', (store) => store.log('orders', 1).flush()],
    ['rolling', (store) => store.log('orders', 1).roll()],
    ['closing', (store) => store.close()],
  ])('is noticed by %s', async (_, call) => {
    const { store, topic } = await takenAway('os')
    await topic.append({ partition: 1, records: 'lost' })
    await expect(call(store)).rejects.toMatchObject({ code: 'LOG_POISONED' })
  })

  it('is not taken for the one that somebody puts there instead', async () => {
    const { store, topic } = await takenAway('disk')
    mkdirSync(join(store.directory, 'orders-1'))
    await expect(topic.append({ partition: 1, records: 'lost' })).rejects.toMatchObject({
      code: 'LOG_POISONED',
    })
    expect(readdirSync(join(store.directory, 'orders-1'))).toEqual([])
    await store.close()
    const again = await openTempStore({}, store.directory)
    expect(again.log('orders', 0).endOffset).toBe(1)
  })
})
