/*
 * Kafka compacts a log that is followed. It writes x.log.cleaned, renames it to x.log.swap, renames the segments that
 * it covers to x.log.deleted one by one, and then x.log.swap to x.log: at each of these steps every record that
 * compaction keeps must be there to be read, once.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { nodeFileSystem } from '../../src/fs/index.ts'
import type { FileSystem, Log } from '../../src/index.ts'
import { dataBatch, handMadeLog, segmentName, sparseBatch } from '../helpers/hand-made.ts'
import { fingerprint } from '../helpers/log-files.ts'
import { openTempLog } from '../helpers/temp-log.ts'

const BATCHES = 20
/** 0 to 99, 100 to 199 and 200 to 209: two sealed segments, and the active one. */
const before = [
  Array.from({ length: BATCHES }, (_, slot) => dataBatch(slot * 5, 5, { valueBytes: 300 })),
  Array.from({ length: BATCHES }, (_, slot) => dataBatch(100 + slot * 5, 5, { valueBytes: 300 })),
  [dataBatch(200, 10)],
]
/** What compaction keeps of the sealed ones: one record in ten. */
const kept = Array.from({ length: 20 }, (_, slot) => slot * 10 + 7)
const ACTIVE = Array.from({ length: 10 }, (_, slot) => 200 + slot)
const rewritten = Buffer.concat(kept.map((offset) => sparseBatch([offset], { baseOffset: offset - 7 })))

const STEPS = ['cleaned', 'swap', 'first deleted', 'both deleted', 'in place', 'removed'] as const

/** Does the steps of compaction up to and with `last`, from the one after `done`. */
function compact(directory: string, last: (typeof STEPS)[number], done?: (typeof STEPS)[number]): void {
  const path = (base: number, suffix = '') => join(directory, segmentName(base) + suffix)
  const actions: Record<(typeof STEPS)[number], () => void> = {
    cleaned: () => writeFileSync(path(0, '.cleaned'), rewritten),
    swap: () => renameSync(path(0, '.cleaned'), path(0, '.swap')),
    'first deleted': () => renameSync(path(0), path(0, '.deleted')),
    'both deleted': () => renameSync(path(100), path(100, '.deleted')),
    'in place': () => renameSync(path(0, '.swap'), path(0)),
    removed: () => [0, 100].forEach((base) => rmSync(path(base, '.deleted'))),
  }
  const from = done === undefined ? 0 : STEPS.indexOf(done) + 1
  for (const step of STEPS.slice(from, STEPS.indexOf(last) + 1)) actions[step]()
}

async function offsetsOf(log: Log): Promise<number[]> {
  const offsets: number[] = []
  for await (const { offset } of log.read()) offsets.push(offset)
  return offsets
}

const readOnly = { readOnly: true } as const
const all = Array.from({ length: 210 }, (_, offset) => offset)
const compacted = [...kept, ...ACTIVE]

describe.each(STEPS)('compaction by another process, at the step "%s"', (step) => {
  const expected = step === 'cleaned' ? all : compacted

  it('is opened for reading with every record that it keeps, and nothing is changed', async () => {
    const directory = await handMadeLog(before)
    compact(directory, step)
    const files = fingerprint(directory)
    const log = await openTempLog(readOnly, directory)
    expect([log.startOffset, log.endOffset]).toEqual([0, 210])
    expect(await offsetsOf(log)).toEqual(expected)
    const alone = await openTempLog({}, directory) // not adopted: Kafka wrote it
    expect([alone.state, alone.startOffset, await offsetsOf(alone)]).toEqual(['readonly', 0, expected])
    await alone.close()
    for (const name of ['.lock', 'lock-owner.json', 'ballast']) rmSync(join(directory, name), { force: true })
    expect(fingerprint(directory)).toEqual(files)
  })

  it('is gone through by a log that is open: it sees what compaction kept, and starts where it did', async () => {
    const directory = await handMadeLog(before)
    const log = await openTempLog(readOnly, directory)
    compact(directory, step)
    if (step !== 'cleaned') await vi.waitFor(async () => expect(await offsetsOf(log)).toEqual(compacted))
    compact(directory, 'removed', step)
    const paths = [0, 200].map((base) => join(directory, segmentName(base)))
    await vi.waitFor(() => expect(log.segments().map(({ path }) => path)).toEqual(paths))
    expect(await offsetsOf(log)).toEqual(compacted)
    expect([log.startOffset, log.endOffset]).toEqual([0, 210])
  })

  it.each([0, 3, 50, 99, 104, 150])(
    'is no damage to a reader that has come to offset %i: it goes on with what is left behind it',
    async (reached) => {
      const directory = await handMadeLog(before)
      const log = await openTempLog(readOnly, directory)
      const reader = log.read({ maxBytes: 2048 })
      const offsets: number[] = []
      for (let offset = 0; offset <= reached; offset++) offsets.push((await reader.next()).value!.offset)
      compact(directory, step)
      await vi.waitFor(() => expect(log.segments()).toHaveLength(step === 'cleaned' ? 3 : 2))
      for await (const { offset } of reader) offsets.push(offset)
      expect(offsets.slice(0, reached + 1)).toEqual(all.slice(0, reached + 1))
      const rest = offsets.slice(reached + 1)
      expect(rest).toEqual([...new Set(rest)].sort((a, b) => a - b))
      expect(rest[0]).toBeGreaterThan(reached)
      // What it reads from files it had open already may be more than compaction keeps.
      expect(rest).toEqual(expect.arrayContaining(expected.filter((offset) => offset > reached)))
    },
  )
})

/** The machine's file system, with something to happen right after a listing, or right before a look at a file. */
function interrupted(during: { afterList?: () => void; beforeStat?: (path: string) => void }): FileSystem {
  return {
    ...nodeFileSystem,
    list: async (path) => {
      const entries = await nodeFileSystem.list(path)
      during.afterList?.()
      return entries
    },
    statSync: (path) => {
      during.beforeStat?.(path)
      return nodeFileSystem.statSync(path)
    },
  }
}

/** The machine's file system, but for one listing of `directory` that leaves out `missing`, once it is asked for. */
function halfListing(directory: string, missing: string, listing: { isHalf: boolean }): FileSystem {
  return {
    ...nodeFileSystem,
    list: async (path) => {
      const entries = await nodeFileSystem.list(path)
      if (path !== directory || !listing.isHalf) return entries
      listing.isHalf = false
      return entries.filter(({ name }) => name !== missing)
    },
  }
}

describe('a look', () => {
  it('at segments that go between listing and looking at them does not take them for deleted', async () => {
    const directory = await handMadeLog(before)
    compact(directory, 'cleaned')
    const during: { afterList?: () => void } = {}
    const log = await openTempLog({ ...readOnly, fileSystem: interrupted(during) }, directory)
    during.afterList = () => {
      delete during.afterList
      compact(directory, 'both deleted', 'cleaned')
    }
    writeFileSync(join(directory, segmentName(210)), dataBatch(210, 1))
    await vi.waitFor(() => expect(log.endOffset).toBe(211))
    compact(directory, 'removed', 'both deleted')
    await vi.waitFor(() => expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 200, 210]))
    expect([log.startOffset, await offsetsOf(log)]).toEqual([0, [...compacted, 210]])
  })

  it('at a rewrite that gets to its place while it is looked at does not miss it', async () => {
    const directory = await handMadeLog(before)
    compact(directory, 'both deleted')
    const swap = join(directory, `${segmentName(0)}.swap`)
    let hasMoved = false
    const beforeStat = (path: string): void => {
      if (path !== swap || hasMoved) return
      hasMoved = true
      compact(directory, 'in place', 'both deleted')
    }
    const log = await openTempLog({ ...readOnly, fileSystem: interrupted({ beforeStat }) }, directory)
    expect(hasMoved).toBe(true)
    expect([log.startOffset, await offsetsOf(log)]).toEqual([0, compacted])
  })

  it('that is half from before a rename and half from after it is not believed', async () => {
    const directory = await handMadeLog(before)
    const listing = { isHalf: false }
    const fileSystem = halfListing(directory, segmentName(0), listing)
    const log = await openTempLog({ ...readOnly, fileSystem }, directory)
    listing.isHalf = true
    writeFileSync(join(directory, segmentName(210)), dataBatch(210, 1))
    await vi.waitFor(() => expect(log.endOffset).toBe(211))
    expect(listing.isHalf).toBe(false)
    expect([log.startOffset, (await offsetsOf(log))[0]]).toEqual([0, 0])
  })

  it('at a directory in which two segments are begun meanwhile does not pass the first of them as a hole', async () => {
    const directory = await handMadeLog(before)
    const listing = { isHalf: false }
    const fileSystem = halfListing(directory, segmentName(210), listing)
    const log = await openTempLog({ ...readOnly, fileSystem }, directory)
    const seen: number[] = []
    const reading = (async () => {
      for await (const { offset } of log.read({ from: 205, follow: true })) if (seen.push(offset) === 7) break
    })()
    await vi.waitFor(() => expect(seen).toHaveLength(5))
    listing.isHalf = true
    for (const offset of [210, 211]) writeFileSync(join(directory, segmentName(offset)), dataBatch(offset, 1))
    await reading
    expect([listing.isHalf, seen]).toEqual([false, [205, 206, 207, 208, 209, 210, 211]])
  })
})
