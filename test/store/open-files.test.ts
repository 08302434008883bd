/* What becomes of a store with more logs than it may hold files open. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { yieldToEventLoop } from '../../src/core/index.ts'
import { openStore, type Store } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const OPEN_FILES_MAX = 128
const PARTITIONS = 140

async function openMany(): Promise<{ store: Store; fileSystem: FaultFileSystem }> {
  const fileSystem = new FaultFileSystem()
  const store = await openStore(temporaryDirectory(), { fileSystem, cleanup: false, durability: 'os' })
  onTestFinished(() => store.close())
  await store.createTopic('many', { partitions: PARTITIONS })
  return { store, fileSystem }
}

describe('a store with more logs than files it may hold open', () => {
  it('takes appends to all of them at once, and never holds more', async () => {
    const { store } = await openMany()
    const { partitions } = store.topic('many')
    let most = 0
    const append = async (slot: number): Promise<void> => {
      expect(await partitions[slot]!.append(`value ${slot}`)).toMatchObject({ baseOffset: 0 })
      most = Math.max(most, store.stats().openFiles)
    }
    await Promise.all(partitions.map((_, slot) => append(slot)))
    expect(most).toBeLessThanOrEqual(OPEN_FILES_MAX + 1) // to tell followers, it does not wait
    const found = await Promise.all(partitions.map(async (log) => (await log.get(0))?.value?.toString()))
    expect(found).toEqual(partitions.map((_, slot) => `value ${slot}`))
    expect(store.stats().openFiles).toBeLessThanOrEqual(OPEN_FILES_MAX)
  })

  it('makes segments of all of them at once', async () => {
    const { store } = await openMany()
    const { partitions } = store.topic('many')
    await Promise.all(partitions.map((log) => log.append('a')))
    await Promise.all(partitions.map((log) => log.roll()))
    await Promise.all(partitions.map((log) => log.append('b')))
    expect(partitions.map((log) => log.segments().length)).toEqual(partitions.map(() => 2))
    expect(store.stats().openFiles).toBeLessThanOrEqual(OPEN_FILES_MAX + 1)
  })

  it('refuses an append for which there is no descriptor, and goes on once there is', async () => {
    const { store, fileSystem } = await openMany()
    const { partitions } = store.topic('many')
    for (const log of partitions) await log.append('a', { durability: 'disk' })
    const log = partitions[0]! // closed for the others
    fileSystem.fail('open', { name: /\.log$/, code: 'EMFILE', times: 2 })
    const failing = log.append('b')
    await expect(failing).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
    expect([log.state, log.endOffset]).toEqual(['open', 1])
    expect(await log.append('c')).toMatchObject({ baseOffset: 1 })
  })

  it('does not write on in a log whose file is gone or another one by the time it is opened again', async () => {
    const { store, fileSystem } = await openMany()
    const { partitions } = store.topic('many')
    for (const log of partitions) await log.append('a', { durability: 'disk' })
    const { path } = partitions[0]!.segments()[0]!
    await fileSystem.rename(path, `${path}.elsewhere`)
    await expect(partitions[0]!.append('b')).rejects.toMatchObject({
      code: 'LOG_POISONED',
      cause: { code: 'ENOENT' },
    })
    expect(partitions[0]!.state).toBe('poisoned')
    expect(await partitions[1]!.append('b')).toMatchObject({ baseOffset: 1 })
  })
})

describe('a store with many logs that is opened for reading only', () => {
  it('reads what its logs have in common once, not once a log', async () => {
    const { store: writer } = await openMany()
    await Promise.all(writer.topic('many').partitions.map((log) => log.append('a')))
    await writer.close()
    const fileSystem = new FaultFileSystem()
    const clock = new ManualClock({ wallMs: Date.now() + 60_000 }) // the files have been left alone for a minute
    const options = { readOnly: true, fileSystem, index: 'memory', clock } as const
    await using reader = await openStore(writer.directory, options)
    expect(reader.stats().logs.filter((log) => log.readableEndOffset === 1)).toHaveLength(PARTITIONS)
    const counts = ['recovery-point-offset-checkpoint', '.kafka_cleanshutdown'].map((name) =>
      fileSystem.count('open', new RegExp(name)),
    )
    expect(counts).toEqual([1, 1])
  })
})

/** The machine's file system, on which looking at a directory takes a few turns; how many are looked at together is counted. */
class SlowLists extends FaultFileSystem {
  most = 0
  #underWay = 0

  override async list(directory: string): ReturnType<FaultFileSystem['list']> {
    this.most = Math.max(this.most, ++this.#underWay)
    try {
      for (let turn = 0; turn < 5; turn++) await yieldToEventLoop()
      return await super.list(directory)
    } finally {
      this.#underWay--
    }
  }
}

describe('the logs of a store', () => {
  it.each([1, 3])(
    'are opened %i at a time where num.recovery.threads.per.data.dir is that',
    async (threads) => {
      const { store: writer } = await openMany()
      await writer.close()
      for (const readOnly of [false, true]) {
        const fileSystem = new SlowLists()
        const config = { 'num.recovery.threads.per.data.dir': threads }
        const options = { fileSystem, index: 'memory', cleanup: false, readOnly, config } as const
        await using store = await openStore(writer.directory, options)
        expect([store.stats().partitions, fileSystem.most]).toEqual([PARTITIONS, threads])
      }
    },
  )
})
