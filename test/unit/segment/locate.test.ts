import { FaultFileSystem } from '../../../src/testing/index.ts'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBatch } from '../../../src/index.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import type { IndexEntry } from '../../../src/offset-index/index.ts'
import {
  type BatchPlace,
  isBatchAt,
  runAsync,
  runSync,
  searchOffset,
  searchWindow,
} from '../../../src/segment/index.ts'
import {
  damageFile,
  dataBatch,
  emptyBatch,
  flipped,
  type HandMadeSegment,
  marker,
  sparseBatch,
  viewOf,
} from '../../helpers/hand-made.ts'
import { legacyMessage } from '../../helpers/legacy-messages.ts'
import { seed } from '../../helpers/seed.ts'

interface Found {
  readonly place: BatchPlace | undefined
  readonly wrongEntries: number
}

/** Searches both ways, which must agree. */
async function search(view: LogState, offset: number, entry?: IndexEntry): Promise<Found> {
  const segment = view.segments.last!
  const run = async (go: (search: ReturnType<typeof searchOffset>) => unknown): Promise<unknown> => {
    let wrongEntries = 0
    const options = { entry, dense: view.dense, onWrongEntry: () => void wrongEntries++ }
    try {
      return { place: await go(searchOffset(segment, offset, options)), wrongEntries }
    } catch (error) {
      return { error, wrongEntries }
    }
  }
  const source = view.files.source(segment)
  const found = await run((steps) => runSync(steps, source))
  expect(await run((steps) => runAsync(steps, searchWindow(segment, source)))).toEqual(found)
  const { error } = found as { error?: unknown }
  if (error !== undefined) throw error as Error
  return found as Found
}

const batches = [dataBatch(40, 3), dataBatch(43, 1), marker(44, 7, 'COMMIT'), dataBatch(45, 30)]
const positions = batches.map((_, slot) => Buffer.concat(batches.slice(0, slot)).length)

const entryAt = (offset: number, position: number): IndexEntry => ({ offset, position, timestamp: -1 })

describe('searching from the head', () => {
  it('finds the batch that holds each offset', async () => {
    const view = viewOf([batches])
    for (let offset = 30; offset < 75; offset++) {
      const slot = offset < 43 ? 0 : offset === 43 ? 1 : offset === 44 ? 2 : 3
      const { place } = await search(view, offset)
      expect(place).toMatchObject({ position: positions[slot], sizeBytes: batches[slot]!.length })
    }
    expect((await search(view, 75)).place).toBeUndefined()
    expect((await search(viewOf([{ baseOffset: 40, batches: [] }]), 40)).place).toBeUndefined()
  })

  it('finds the first batch after a hole, emptied batches included', async () => {
    const holed: HandMadeSegment = {
      baseOffset: 40,
      batches: [sparseBatch([45, 47], { lastOffset: 49 }), emptyBatch(52, 55), sparseBatch([60])],
    }
    const view = viewOf([holed], { dense: false })
    const bases = await Promise.all([40, 46, 49, 50, 53, 56, 60].map((offset) => search(view, offset)))
    expect(bases.map(({ place }) => place?.baseOffset)).toEqual([45, 45, 45, 52, 52, 60, 60])
    expect((await search(view, 61)).place).toBeUndefined()
  })

  it('goes over batches larger than what it reads at once, and over thousands of small ones', async () => {
    const large = [
      dataBatch(0, 2, { valueBytes: 60_000 }),
      dataBatch(2, 1),
      dataBatch(3, 1, { valueBytes: 20_000 }),
    ]
    expect((await search(viewOf([large]), 3)).place).toMatchObject({ baseOffset: 3 })
    const small = Array.from({ length: 3000 }, (_, offset) => dataBatch(offset, 1))
    const view = viewOf([small])
    for (const offset of [0, 1, 231, 232, 233, 1500, 2999])
      expect((await search(view, offset)).place).toMatchObject({ baseOffset: offset, lastOffset: offset })
  })

  it('fails at a header that it can not follow, and not at one behind what it looks for', async () => {
    for (const at of [3, 9, 16, 23]) {
      const view = viewOf([batches])
      const { path } = view.segments.last!
      damageFile(path, (bytes) => flipped(bytes, positions[1]! + at, 7))
      await expect(search(view, 60)).rejects.toMatchObject({
        code: 'BATCH_CORRUPT',
        path,
        position: positions[1],
        offset: 43,
      })
      expect((await search(view, 41)).place).toMatchObject({ baseOffset: 40 })
    }
  })

  it('fails at a hole where there are none', async () => {
    const view = viewOf([[dataBatch(0, 3), dataBatch(5, 3)]])
    await expect(search(view, 6)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 3 })
    await expect(search(view, 4)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 3 })
  })

  it('calls an older format by its name, unless the log is one of ours', async () => {
    const old = Buffer.from(dataBatch(0, 3))
    old[16] = 0
    old.writeInt32BE(14, 8) // the least a message of that format has: less than a header of this one
    const segments = [[old, dataBatch(3, 3)]]
    await expect(search(viewOf(segments, { dense: false }), 4)).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
    })
    await expect(search(viewOf(segments), 4)).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
  })

  it('goes past messages of an older format to what lies behind them, and says where they are else', async () => {
    const old = [
      legacyMessage({ magic: 0, offset: 2 }),
      legacyMessage({ magic: 1, offset: 5, value: 'v'.repeat(99) }),
    ]
    const at = dataBatch(0, 2).length
    const segments = [[dataBatch(0, 2), ...old, dataBatch(6, 2)]]
    const view = viewOf(segments, { dense: false })
    const behind = at + Buffer.concat(old).length
    expect((await search(view, 7)).place).toMatchObject({ position: behind, baseOffset: 6 })
    expect((await search(view, 1)).place).toMatchObject({ position: 0 })
    for (const offset of [2, 3, 5])
      await expect(search(view, offset)).rejects.toMatchObject({
        code: 'FORMAT_UNSUPPORTED',
        position: offset === 2 ? at : at + old[0]!.length,
        message: expect.stringContaining(`old format, version ${offset === 2 ? 0 : 1}: `) as string,
      })
    const last = viewOf([[dataBatch(0, 2), legacyMessage({ magic: 1, offset: 2, value: 'v' })]], {
      dense: false,
    })
    await expect(search(last, 2)).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED', position: at })
    await expect(search(viewOf(segments), 7)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', position: at })
  })

  it('fails as the disk does', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([batches], { fileSystem })
    fileSystem.fail('read', { code: 'EIO', times: 2 })
    await expect(search(view, 60)).rejects.toMatchObject({ code: 'IO_FAILED' })
  })
})

describe('searching from an index entry', () => {
  it('starts there when it is right', async () => {
    const view = viewOf([batches])
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, 9)) // the way from the head is barred
    const found = await search(view, 60, entryAt(44, positions[2]!))
    expect(found).toMatchObject({ place: { baseOffset: 45 }, wrongEntries: 0 })
  })

  it.each([
    ['the place of another batch', entryAt(43, positions[3]!)],
    ['the offset of another batch', entryAt(41, positions[0]!)],
    ['the middle of a batch', entryAt(43, positions[1]! + 5)],
    ['the last bytes', entryAt(43, positions[3]! + batches[3]!.length - 60)],
    ['the end', entryAt(43, positions[3]! + batches[3]!.length)],
    ['past the end', entryAt(43, 1_000_000)],
  ])('starts at the head, and says so, when it leads to %s', async (_, entry) => {
    const found = await search(viewOf([batches]), 60, entry)
    expect(found).toEqual({ place: expect.objectContaining({ position: positions[3] }), wrongEntries: 1 })
  })

  it('starts at the head when it leads to a batch inside a record, and what follows is none', async () => {
    const fake = dataBatch(3, 1)
    const outer = dataBatch(0, 1, {})
    const holder = Buffer.concat([outer, holderOf(1, fake), dataBatch(2, 5)])
    const view = viewOf([[outer, holderOf(1, fake), dataBatch(2, 5)]])
    const found = await search(view, 5, entryAt(3, holder.indexOf(fake)))
    expect(found).toMatchObject({ place: { baseOffset: 2 }, wrongEntries: 1 })
  })

  it('leaves the index alone where the log is damaged', async () => {
    const view = viewOf([batches])
    damageFile(view.segments.last!.path, (bytes) => flipped(bytes, positions[2]! + 9))
    const told: unknown[] = []
    const options = { entry: entryAt(43, positions[1]!), dense: true, onWrongEntry: () => told.push('wrong') }
    const last = view.segments.last!
    const steps = searchOffset(last, 60, options)
    await expect(runAsync(steps, searchWindow(last, view.files.source(last)))).rejects.toMatchObject({
      code: 'BATCH_CORRUPT',
      offset: 44,
    })
    expect(told).toEqual([])
  })

  it('is checked by the header it leads to', async () => {
    const segment = viewOf([batches]).segments.last!
    const view = viewOf([batches])
    const source = view.files.source(view.segments.last!)
    const check = (entry: IndexEntry) => runSync(isBatchAt(segment, entry), source)
    expect(check(entryAt(43, positions[1]!))).toBe(true)
    expect(check(entryAt(44, positions[1]!))).toBe(false)
    expect(check(entryAt(43, positions[1]! + 1))).toBe(false)
    expect(check(entryAt(43, segment.sizeBytes - 60))).toBe(false)
    expect(check(entryAt(43, segment.sizeBytes + 60))).toBe(false)
  })
})

describe('a search that does not block', () => {
  const bytes = Buffer.concat(batches)

  /** Answers from `bytes`, and tells `asked` of each read once it has been made. */
  const sourceOf = (asked: (position: number, sizeBytes: number) => void) => ({
    async read(target: Buffer, position: number): Promise<number> {
      const count = bytes.copy(target, 0, position, position + target.length)
      asked(position, target.length)
      return count
    },
  })

  it('reads what the index leads to and what follows it at once', async () => {
    const segment = viewOf([batches]).segments.last!
    const reads: number[][] = []
    const entry = entryAt(43, positions[1]!)
    const steps = searchOffset(segment, 60, { entry, dense: true, onWrongEntry: () => {} })
    const source = sourceOf((...read) => reads.push(read))
    const found = await runAsync(steps, searchWindow(segment, source))
    expect(found).toMatchObject({ position: positions[3], baseOffset: 45 })
    expect(reads).toEqual([[positions[1], bytes.length - positions[1]!]])
  })

  it('reads again what was not written yet when it read what the index led to', async () => {
    const segment = viewOf([batches.slice(0, 2)]).segments.last!
    const reads: number[][] = []
    const entry = entryAt(43, positions[1]!)
    const steps = searchOffset(segment, 60, { entry, dense: true, onWrongEntry: () => {} })
    const source = sourceOf((...read) => {
      reads.push(read)
      segment.sizeBytes = bytes.length
    })
    expect(await runAsync(steps, searchWindow(segment, source))).toMatchObject({
      position: positions[3],
      baseOffset: 45,
    })
    const [first, second] = [positions[2]! - positions[1]!, bytes.length - positions[1]!]
    expect(reads).toEqual([
      [positions[1], first],
      [positions[1], second],
    ])
  })
})

it('finds the same with and without the index, in logs with and without holes (property)', async () => {
  const step = fc.record({ hole: fc.nat(3), count: fc.integer({ min: 1, max: 5 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), fc.boolean(), async (steps, dense) => {
      let [next, position] = [0, 0]
      const entries: IndexEntry[] = []
      const made = steps.map(({ hole, count }) => {
        const base = next + (dense ? 0 : hole)
        const batch = dataBatch(base, count)
        entries.push({ offset: base, position, timestamp: -1 })
        next = base + count
        position += batch.length
        return batch
      })
      const view = viewOf([{ baseOffset: 0, batches: made }], { dense })
      for (let offset = 0; offset <= next; offset++) {
        const wanted =
          offset < next
            ? entries.find(({ offset: base }, slot) => offset < base + steps[slot]!.count)
            : undefined
        const plain = await search(view, offset)
        expect(plain.place?.baseOffset).toBe(wanted?.offset)
        const entry = entries.findLast(({ offset: base }) => base <= offset)
        expect(await search(view, offset, entry)).toEqual(plain)
      }
      view.files.closeAll()
    }),
    { seed, numRuns: 30 },
  )
})

function holderOf(offset: number, value: Buffer): Buffer {
  return encodeBatch([{ offset, timestamp: 1, value: Buffer.concat([value, Buffer.alloc(40, 1)]) }], {})
}
