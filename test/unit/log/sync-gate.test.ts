import { describe, expect, it } from 'vitest'
import type { FileHandle } from '../../../src/fs/index.ts'
import { SyncGate } from '../../../src/log/sync-gate.ts'

/** A file whose syncs end when the test says so. */
class SlowFile {
  readonly waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  started = 0

  get handle(): FileHandle {
    return { syncData: () => this.syncData() } as unknown as FileHandle
  }

  syncData(): Promise<void> {
    this.started++
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
    })
  }
}

const silent = { syncStarted: () => undefined, synced: () => {} }

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('SyncGate', () => {
  it('says that bytes are durable only after the sync that covers them has returned', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(5, silent)
    const done = gate.sync(file.handle, 8)
    await turn()
    expect([gate.durableOffset, gate.isSyncing]).toEqual([5, true])
    file.waiting.shift()!.resolve()
    await done
    expect([gate.durableOffset, gate.isSyncing]).toEqual([8, false])
  })

  it('syncs nothing that is durable already', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(5, silent)
    await gate.sync(file.handle, 5)
    await gate.sync(file.handle, 3)
    expect([file.started, gate.durableOffset]).toEqual([0, 5])
  })

  it('has one sync under way at a time, and none for those whom an earlier one has covered', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(0, silent)
    const all = [1, 4, 2, 3].map((offset) => gate.sync(file.handle, offset))
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
    const gate = new SyncGate(5, silent)
    const all = [gate.sync(file.handle, 8), gate.syncCut(file.handle, 8)]
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
    const gate = new SyncGate(0, silent)
    const first = gate.sync(file.handle, 1)
    const second = gate.sync(file.handle, 2) // written while the first was under way
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
    const gate = new SyncGate(0, silent)
    const both = [gate.sync(file.handle, 1), gate.sync(file.handle, 1)]
    file.waiting.shift()!.reject(new Error('EIO'))
    const results = await Promise.allSettled(both)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect([gate.durableOffset, gate.isSyncing, file.started]).toEqual([0, false, 1])
  })

  it('forgets after a cut what it knew of offsets that are gone', async () => {
    const file = new SlowFile()
    const gate = new SyncGate(10, silent)
    gate.lower(4)
    gate.lower(7)
    expect(gate.durableOffset).toBe(4)
    const done = gate.sync(file.handle, 6)
    file.waiting.shift()!.resolve()
    await done
    expect(gate.durableOffset).toBe(6)
  })

  it('tells who wants to know of each sync that succeeded, once nothing is under way', async () => {
    const file = new SlowFile()
    const told: unknown[] = []
    const gate: SyncGate = new SyncGate(5, {
      syncStarted: () => 70,
      synced: (durableOffset, startedMs) =>
        void told.push({ durableOffset, startedMs, isSyncing: gate.isSyncing }),
    })
    const syncs = [gate.sync(file.handle, 8), gate.sync(file.handle, 8)]
    await turn()
    expect(told).toEqual([])
    file.waiting.shift()!.resolve()
    await Promise.all(syncs)
    expect(told).toEqual([{ durableOffset: 8, startedMs: 70, isSyncing: false }])
    const failing = gate.sync(file.handle, 9)
    await turn()
    file.waiting.shift()!.reject(new Error('EIO'))
    await expect(failing).rejects.toThrow('EIO')
    expect(told).toHaveLength(1)
  })
})
