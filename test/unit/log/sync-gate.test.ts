import { describe, expect, it } from 'vitest'
import type { FileHandle } from '../../../src/fs/index.ts'
import { SyncGate } from '../../../src/log/sync-gate.ts'
import { SyncPace } from '../../../src/log/sync-pace.ts'

/** A file whose syncs end when the test says so. */
class SlowFile {
  readonly waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  started = 0
  /** Syncs that blocked, and what they fail with. */
  blocked = 0
  failure: Error | undefined

  get handle(): FileHandle {
    return {
      syncData: () => this.syncData(),
      syncDataSync: () => this.syncDataSync(),
    } as unknown as FileHandle
  }

  syncDataSync(): void {
    this.blocked++
    if (this.failure !== undefined) throw this.failure
  }

  syncData(): Promise<void> {
    this.started++
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
    })
  }
}

const silent = { monotonic: () => 0, synced: () => {} }
const never = new SyncPace(0)
const mayBlock = { mayBlock: true }

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A gate after as many syncs as it takes, which went through the pool. */
async function quickGate(file: SlowFile): Promise<SyncGate> {
  const gate = new SyncGate(0, silent, new SyncPace(1))
  for (let offset = 1; offset <= 8; offset++) {
    const done = gate.sync(file.handle, offset, mayBlock)
    file.waiting.shift()!.resolve()
    await done
  }
  expect([file.started, file.blocked]).toEqual([8, 0])
  return gate
}

describe('SyncGate', () => {
  it('says that bytes are durable only after the sync that covers them has returned', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(5, silent, never)
    const done = gate.sync(file.handle, 8, mayBlock)
    await turn()
    expect([gate.durableOffset, gate.isSyncing]).toEqual([5, true])
    file.waiting.shift()!.resolve()
    await done
    expect([gate.durableOffset, gate.isSyncing]).toEqual([8, false])
  })

  it('syncs nothing that is durable already', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(5, silent, never)
    await gate.sync(file.handle, 5, mayBlock)
    await gate.sync(file.handle, 3, mayBlock)
    expect([file.started, gate.durableOffset]).toEqual([0, 5])
  })

  it('has one sync under way at a time, and none for those whom an earlier one has covered', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(0, silent, never)
    const all = [1, 4, 2, 3].map((offset) => gate.sync(file.handle, offset, mayBlock))
    await turn()
    expect(file.started).toBe(1)
    file.waiting.shift()!.resolve()
    await turn()
    expect([file.started, gate.durableOffset]).toEqual([2, 1])
    file.waiting.shift()!.resolve()
    await Promise.all(all)
    expect([file.started, gate.durableOffset]).toEqual([2, 4])
  })

  it('syncs a cut although nothing was written, after the sync under way', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(5, silent, never)
    const all = [gate.sync(file.handle, 8, mayBlock), gate.syncCut(file.handle, 8)]
    await turn()
    expect(file.started).toBe(1)
    file.waiting.shift()!.resolve()
    await turn()
    expect([file.started, gate.isSyncing]).toEqual([2, true])
    file.waiting.shift()!.resolve()
    await Promise.all(all)
    expect([gate.durableOffset, gate.isSyncing]).toEqual([8, false])
  })

  it('does not count a sync for bytes written after it began', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(0, silent, never)
    const first = gate.sync(file.handle, 1, mayBlock)
    const second = gate.sync(file.handle, 2, mayBlock) // written while the first was under way
    file.waiting.shift()!.resolve()
    await first
    await turn()
    expect([file.started, gate.durableOffset]).toEqual([2, 1])
    file.waiting.shift()!.resolve()
    await second
    expect(gate.durableOffset).toBe(2)
  })

  it('hands a failure to everyone who waited for it, and counts nothing', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(0, silent, never)
    const both = [gate.sync(file.handle, 1, mayBlock), gate.sync(file.handle, 1, mayBlock)]
    file.waiting.shift()!.reject(new Error('EIO'))
    const results = await Promise.allSettled(both)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect([gate.durableOffset, gate.isSyncing, file.started]).toEqual([0, false, 1])
  })

  it('forgets after a cut what it knew of offsets that are gone', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(10, silent, never)
    gate.lower(4)
    gate.lower(7)
    expect(gate.durableOffset).toBe(4)
    const done = gate.sync(file.handle, 6, mayBlock)
    file.waiting.shift()!.resolve()
    await done
    expect(gate.durableOffset).toBe(6)
  })

  it('tells who wants to know of each sync that succeeded, once nothing is under way', async () => {
    const file = new SlowFile()
    const told: unknown[] = []
    let nowMs = 70
    const observer = {
      monotonic: () => nowMs,
      synced: (durableOffset: number, ms: number) =>
        void told.push({ durableOffset, ms, isSyncing: gate.isSyncing }),
    }
    const gate: SyncGate = new SyncGate(5, observer, never)
    const syncs = [gate.sync(file.handle, 8, mayBlock), gate.sync(file.handle, 8, mayBlock)]
    await turn()
    expect(told).toEqual([])
    nowMs = 73
    file.waiting.shift()!.resolve()
    await Promise.all(syncs)
    expect(told).toEqual([{ durableOffset: 8, ms: 3, isSyncing: false }])
    const failing = gate.sync(file.handle, 9, mayBlock)
    await turn()
    file.waiting.shift()!.reject(new Error('EIO'))
    await expect(failing).rejects.toThrow('EIO')
    expect(told).toHaveLength(1)
  })

  describe('once syncs have been quick', () => {
    it('blocks until the bytes are durable, and says so before anyone else has a turn', async () => {
      const file = new SlowFile()
      const gate = await quickGate(file)
      const done = gate.sync(file.handle, 20, mayBlock)
      expect([gate.durableOffset, gate.isSyncing, file.blocked, file.started]).toEqual([20, false, 1, 8])
      await done
    })

    it('goes through the pool for whoever does not wait for it, and where much was written', async () => {
      const file = new SlowFile()
      const gate = await quickGate(file)
      const quiet = gate.sync(file.handle, 20, { mayBlock: false })
      file.waiting.shift()!.resolve()
      await quiet
      gate.wrote(256 * 1024)
      gate.wrote(1)
      const large = gate.sync(file.handle, 21, mayBlock)
      file.waiting.shift()!.resolve()
      await large
      expect([file.started, file.blocked]).toEqual([10, 0])
      await gate.sync(file.handle, 22, mayBlock) // what was written is synced by now
      expect([file.started, file.blocked]).toEqual([10, 1])
    })

    it('waits for a sync under way first, like any other', async () => {
      const file = new SlowFile()
      const gate = await quickGate(file)
      const first = gate.sync(file.handle, 20, { mayBlock: false })
      const second = gate.sync(file.handle, 21, mayBlock)
      expect(file.blocked).toBe(0)
      file.waiting.shift()!.resolve()
      await Promise.all([first, second])
      expect([gate.durableOffset, file.blocked]).toEqual([21, 1])
    })

    it('rejects with what a blocking sync failed with, and nothing is durable because of it', async () => {
      const file = new SlowFile()
      const gate = await quickGate(file)
      file.failure = new Error('EIO')
      await expect(gate.sync(file.handle, 20, mayBlock)).rejects.toThrow('EIO')
      expect([gate.durableOffset, gate.isSyncing]).toEqual([8, false])
    })
  })
})
