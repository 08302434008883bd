/* What an opening that fails after some of its work leaves behind: nothing that is open, and no lock. */
import { describe, expect, it } from 'vitest'
import type { FileHandle, OpenMode, Watcher } from '../../src/fs/index.ts'
import { openStore, type StoreOptions } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** The machine's file system, which knows what of it is open. */
class CountingFileSystem extends FaultFileSystem {
  readonly #open = new Map<object, string>()

  /** Paths of the files that are open, and of the directories that are watched. */
  get held(): string[] {
    return [...this.#open.values()]
  }

  override openSync(path: string, mode: OpenMode): FileHandle {
    return this.#hold(super.openSync(path, mode), path)
  }

  override watch(...watch: Parameters<FaultFileSystem['watch']>): Watcher {
    return this.#hold(super.watch(...watch), watch[0])
  }

  #hold<T extends FileHandle | Watcher>(thing: T, path: string): T {
    this.#open.set(thing, path)
    const close = thing.close.bind(thing)
    thing.close = () => {
      this.#open.delete(thing)
      close()
    }
    return thing
  }
}

/** A clock that stops working after so many calls. */
class FailingClock extends ManualClock {
  calls = 0
  readonly #callsMax: number

  constructor(callsMax: number) {
    super()
    this.#callsMax = callsMax
  }

  override monotonic(): number {
    if (++this.calls > this.#callsMax) throw new Error('no time')
    return super.monotonic()
  }
}

async function twoTopics(): Promise<string> {
  const directory = temporaryDirectory()
  await using store = await openStore(directory, { cleanup: false, durability: 'os' })
  for (const name of ['jobs', 'orders']) {
    const { topic } = await store.createTopic(name, { partitions: 2 })
    for (const partition of [0, 1]) await topic.append({ partition, records: ['a', 'b'] })
    await topic.commit('g', { partition: 1, nextOffset: 1 })
  }
  return directory
}

const WAYS: [string, StoreOptions][] = [
  ['for writing', { cleanup: false, index: 'memory' }],
  ['for reading only', { cleanup: false, index: 'memory', readOnly: true }],
]

describe.each(WAYS)('an opening of a store that fails, %s', (_, options) => {
  it('once its logs are open, closes them all, and has no lock', async () => {
    const directory = await twoTopics()
    const healthy = new FailingClock(Infinity)
    await using store = await openStore(directory, { ...options, clock: healthy })
    const { calls } = healthy // the last of them comes when every log is open
    await store.close()
    const fileSystem = new CountingFileSystem()
    const opening = openStore(directory, { ...options, fileSystem, clock: new FailingClock(calls - 1) })
    await expect(opening).rejects.toThrow('no time')
    expect(fileSystem.count('open', /\.log$|watermark$/)).toBeGreaterThan(4)
    expect(fileSystem.held).toEqual([])
    await using again = await openStore(directory, options)
    expect(again.stats()).toMatchObject({ failed: 0, groups: [{ lag: 1 }, { lag: 1 }] })
  })

  it('at whatever call of the file system, leaves nothing open, and no lock', async () => {
    const directory = await twoTopics()
    for (let skip = 0, hasFailed = true; hasFailed; skip++) {
      const fileSystem = new CountingFileSystem()
      fileSystem.fail('any', { code: 'EIO', skip })
      const outcome = await openStore(directory, { ...options, fileSystem }).catch(() => undefined)
      hasFailed = fileSystem.hasFailed
      fileSystem.heal()
      await outcome?.close().catch(() => {}) // it says what failed in a log; here it is only what stays open that counts
      expect([skip, fileSystem.held]).toEqual([skip, []])
      await using again = await openStore(directory, { cleanup: false, index: 'memory' })
      expect([skip, again.stats().groups.length]).toEqual([skip, 2])
    }
  })
})
