import { FaultFileSystem } from '../../../src/testing/index.ts'
import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeBatch } from '../../../src/index.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import { PointReader } from '../../../src/log/point-reader.ts'
import type { LogRecord } from '../../../src/record/index.ts'
import {
  compressedBatch,
  damageFile,
  dataBatch,
  emptyBatch,
  flipped,
  marker,
  referencesOf,
  sparseBatch,
  viewOf,
} from '../../helpers/hand-made.ts'

/** Both ways to read, which must agree: from the start with nothing remembered, then once more. */
async function read(view: LogState, offset: number): Promise<LogRecord | undefined> {
  const [sync, async] = [new PointReader(view), new PointReader(view)]
  const record = sync.getSync(offset)
  for (const again of [
    sync.getSync(offset),
    await sync.get(offset),
    await async.get(offset),
    async.getSync(offset),
  ])
    expect(again).toEqual(record)
  return record
}

async function expectBoth(view: LogState, offset: number, error: object): Promise<void> {
  const reader = new PointReader(view)
  expect(() => reader.getSync(offset)).toThrow(expect.objectContaining(error))
  await expect(reader.get(offset)).rejects.toMatchObject(error)
  expect(referencesOf(view)).toBe(0)
}

describe('a record by its offset', () => {
  it('is found in any segment and batch', async () => {
    const view = viewOf([[dataBatch(5, 3), dataBatch(8, 1)], [dataBatch(9, 200)], [dataBatch(209, 1)]])
    for (const offset of [5, 6, 7, 8, 9, 100, 208, 209])
      expect(await read(view, offset)).toMatchObject({ offset, value: Buffer.from(`r${offset}`) })
  })

  it('is nothing at and past the end', async () => {
    const view = viewOf([[dataBatch(0, 9)]], { readableEndOffset: 5 })
    expect(await read(view, 4)).toBeDefined()
    for (const offset of [5, 8, 9, Number.MAX_SAFE_INTEGER]) expect(await read(view, offset)).toBeUndefined()
  })

  it('is refused below the start, with the range', async () => {
    const view = viewOf([[dataBatch(0, 9)]], { startOffset: 3 })
    expect(await read(view, 3)).toMatchObject({ offset: 3 })
    for (const offset of [0, 2])
      await expectBoth(view, offset, { code: 'OFFSET_OUT_OF_RANGE', offset, expected: [3, 9] })
  })

  it('is nothing in a hole, in a control batch, or in one that compaction emptied', async () => {
    const view = viewOf(
      [
        [sparseBatch([1, 4], { baseOffset: 0, lastOffset: 6 }), marker(9, 7, 'COMMIT')],
        { baseOffset: 20, batches: [emptyBatch(21, 25)] },
        { baseOffset: 30, batches: [] },
        { baseOffset: 40, batches: [compressedBatch(sparseBatch([44]), 4)] },
      ],
      { dense: false },
    )
    for (let offset = 0; offset < 45; offset++) {
      if ([1, 4, 44].includes(offset)) expect(await read(view, offset)).toMatchObject({ offset })
      else expect(await read(view, offset)).toBeUndefined()
    }
  })

  it('is damage where a log without holes has none', async () => {
    const view = viewOf([[dataBatch(0, 3)], [dataBatch(5, 3)]])
    await expectBoth(view, 4, { code: 'BATCH_CORRUPT', offset: 4, path: view.segments.first!.path })
    const inside = viewOf([[dataBatch(0, 3), dataBatch(5, 3)]])
    await expectBoth(inside, 4, { code: 'BATCH_CORRUPT', offset: 3 })
    expect(await read(inside, 2)).toMatchObject({ offset: 2 })
  })

  it('is LOG_CLOSED once the log is', async () => {
    const view = viewOf([[dataBatch(0, 3)]])
    view.close()
    await expectBoth(view, 1, { code: 'LOG_CLOSED' })
  })

  it('names the codec that is not there', async () => {
    await expectBoth(viewOf([[compressedBatch(dataBatch(0, 3), 2)]]), 1, { code: 'COMPRESSION_UNSUPPORTED' })
  })
})

describe('what is remembered', () => {
  it('makes the next record of the batch one small read', () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([[dataBatch(0, 100)]], { fileSystem })
    const reader = new PointReader(view)
    reader.getSync(50)
    const cold = fileSystem.calls.length
    for (let offset = 0; offset < 100; offset++) reader.getSync(offset)
    const warm = fileSystem.calls.slice(cold)
    expect(warm).toHaveLength(100)
    expect(Math.max(...warm.map(({ sizeBytes }) => sizeBytes ?? 0))).toBeLessThan(20)
  })

  it('is not believed any more when the file says something else', async () => {
    const view = viewOf([[dataBatch(0, 50), dataBatch(50, 10)]])
    const { path } = view.segments.last!
    const reader = new PointReader(view)
    reader.getSync(20)
    damageFile(path, (bytes) => flipped(bytes, dataBatch(0, 20).length + 3, 1))
    expect(() => reader.getSync(20)).toThrow(
      expect.objectContaining({ code: 'BATCH_CORRUPT', path, offset: 0 }),
    )
    await expect(reader.get(20)).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    expect(reader.getSync(55)).toMatchObject({ offset: 55 })
  })

  it('is nothing of a batch that reaches past the end, which is being cut', async () => {
    const view = viewOf([[dataBatch(0, 5), dataBatch(5, 5)]])
    const reader = new PointReader(view)
    const { path } = view.segments.last!
    view.cut(7)
    expect(reader.getSync(6)).toMatchObject({ offset: 6 }) // the file has not been cut yet
    expect(await reader.get(6)).toMatchObject({ offset: 6 })
    writeFileSync(
      path,
      Buffer.concat([dataBatch(0, 5), dataBatch(5, 2), dataBatch(7, 3, { timestamps: [1, 2, 3] })]),
    )
    view.segments.last!.sizeBytes = dataBatch(0, 5).length + dataBatch(5, 2).length + dataBatch(7, 3).length
    view.setReadableEnd(10)
    for (const offset of [5, 6, 7, 8, 9]) expect(reader.getSync(offset)).toMatchObject({ offset })
    expect(reader.getSync(7)?.timestamp).toBe(1)
  })

  it('is forgotten when asked to', () => {
    const fileSystem = new FaultFileSystem()
    const reader = new PointReader(viewOf([[dataBatch(0, 100)]], { fileSystem }))
    reader.getSync(1)
    reader.clear()
    const before = fileSystem.count('read')
    reader.getSync(2)
    expect(fileSystem.count('read') - before).toBeGreaterThan(1)
  })
})

describe('an index that is wrong', () => {
  const batches = Array.from({ length: 50 }, (_, slot) => dataBatch(10 * slot, 10))
  const position = (slot: number): number => Buffer.concat(batches.slice(0, slot)).length

  it.each([
    ['another batch', { offset: 200, position: position(30), timestamp: -1 }],
    ['the middle of a batch', { offset: 200, position: position(20) + 9, timestamp: -1 }],
    ['past the end', { offset: 200, position: 1_000_000, timestamp: -1 }],
    ['a batch further on', { offset: 210, position: position(20), timestamp: -1 }],
  ])('gives right answers all the same, and is built anew: it leads to %s', async (_, entry) => {
    const view = viewOf([batches, [dataBatch(500, 1)]])
    view.index.addEntry(0, entry)
    for (const offset of [0, 199, 200, 205, 210, 250, 499, 500])
      expect(await read(view, offset)).toMatchObject({ offset })
    await view.ensureFacts()
    await view.idle()
    expect(view.index.floorByOffset(0, 499)).not.toEqual(entry)
    expect(await read(view, 250)).toMatchObject({ offset: 250 })
  })

  it('gives right answers when it leads to a batch inside a record', async () => {
    const fake = dataBatch(3, 1, { timestamps: [666] })
    const view = viewOf([[dataBatch(0, 1), around(1, fake), dataBatch(2, 5)], [dataBatch(7, 1)]])
    const bytes = Buffer.concat([dataBatch(0, 1), around(1, fake), dataBatch(2, 5)])
    view.index.addEntry(0, { offset: 3, position: bytes.indexOf(fake), timestamp: -1 })
    for (const offset of [4, 5, 6])
      expect(await read(view, offset)).toMatchObject({ offset, timestamp: 1000 + offset })
  })
})

describe('the disk', () => {
  it('failing is IO_FAILED with the cause, cold and warm, and no damage', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([[dataBatch(0, 10, { valueBytes: 2000 })]], { fileSystem }) // more than is read to find it
    const reader = new PointReader(view)
    for (const skip of [0, 1]) {
      fileSystem.fail('read', { code: 'EIO', skip })
      expect(() => reader.getSync(5)).toThrow(expect.objectContaining({ code: 'IO_FAILED' }))
      fileSystem.fail('read', { code: 'EIO', skip })
      await expect(reader.get(5)).rejects.toMatchObject({ code: 'IO_FAILED', cause: { code: 'EIO' } })
    }
    expect(reader.getSync(5)).toMatchObject({ offset: 5 })
    fileSystem.fail('read', { code: 'EIO', times: 2 }) // the small read and the whole one after it
    expect(() => reader.getSync(5)).toThrow(expect.objectContaining({ code: 'IO_FAILED' }))
    expect(reader.getSync(5)).toMatchObject({ offset: 5 })
    expect(referencesOf(view)).toBe(0)
  })

  it('gives records that keep little more in memory than their batches, of small batches as well', async () => {
    const batches = Array.from({ length: 400 }, (_, slot) => dataBatch(slot, 1, { valueBytes: 100 }))
    const reader = new PointReader(viewOf([batches]))
    const kept = new Set<ArrayBufferLike>()
    for (let offset = 0; offset < batches.length; offset++)
      kept.add((await reader.get(offset))!.value!.buffer)
    const keptBytes = [...kept].reduce((sum, { byteLength }) => sum + byteLength, 0)
    expect(keptBytes).toBeLessThan(2 * Buffer.concat(batches).length + 4 * Buffer.poolSize)
  })

  it('is read once where what finds the batch has read it already', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([[dataBatch(0, 10), dataBatch(10, 10)]], { fileSystem })
    const before = fileSystem.calls.length
    expect(await new PointReader(view).get(15)).toMatchObject({ offset: 15 })
    const reads = fileSystem.calls
      .slice(before)
      .filter(({ kind, ended }) => kind === 'read' && ended !== true)
    expect(reads).toHaveLength(1)
  })

  it('having lost the file or its end is an error', async () => {
    const view = viewOf([[dataBatch(0, 10), dataBatch(10, 10)]])
    truncateSync(view.segments.last!.path, dataBatch(0, 10).length + 70)
    await expectBoth(view, 15, { code: 'BATCH_CORRUPT' })
    expect(await read(view, 5)).toMatchObject({ offset: 5 })
    const gone = viewOf([[dataBatch(0, 10)]])
    rmSync(gone.segments.last!.path)
    await expectBoth(gone, 5, { code: 'IO_FAILED', cause: expect.objectContaining({ code: 'ENOENT' }) })
  })

  it('having lost a file that another process has deleted is no failure of the disk', async () => {
    const view = viewOf([[dataBatch(0, 10)], [dataBatch(10, 10)]])
    const record = new PointReader(view).get(5)
    rmSync(view.segments.first!.path) // in the same turn: the file was to be opened, and is gone
    view.setStart(10)
    const result = await record.catch((error: unknown) => error)
    if (result instanceof Error)
      expect(result).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', expected: [10, 20] })
    else expect(result).toMatchObject({ offset: 5 })
  })

  it('holding a file that is deleted meanwhile lets the read end', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([[dataBatch(0, 10)], [dataBatch(10, 1)]], { fileSystem })
    const segment = view.segments.first!
    const hold = fileSystem.hold('read')
    const record = new PointReader(view).get(5)
    await hold.reached
    let removed = false
    segment.whenUnused(() => {
      removed = true
      rmSync(segment.path)
    })
    view.segments.remove(new Set([segment]))
    view.setStart(10)
    expect(removed).toBe(false)
    hold.release()
    expect(await record).toMatchObject({ offset: 5 })
    expect(removed).toBe(true)
  })
})

function around(offset: number, value: Buffer): Buffer {
  const record = { offset, timestamp: 1, value: Buffer.concat([value, Buffer.alloc(40, 1)]) }
  return encodeBatch([record], {})
}
