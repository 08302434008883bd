import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { checkIndexSanity, inspectOffsetIndex, inspectTimeIndex } from '../../../src/inspect/index.ts'
import { batchOf, collect } from './segment-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'seglog-index-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const BASE = 1000
const batches = [batchOf(BASE, 2), batchOf(BASE + 2, 3), batchOf(BASE + 5)]
const secondAt = batches[0]!.length
const thirdAt = secondAt + batches[1]!.length
const segmentPath = join(directory, '00000000000000001000.log')
writeFileSync(segmentPath, Buffer.concat(batches))

function offsetEntry(relativeOffset: number, position: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32BE(relativeOffset, 0)
  bytes.writeInt32BE(position, 4)
  return bytes
}

function timeEntry(timestamp: bigint, relativeOffset: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigInt64BE(timestamp, 0)
  bytes.writeInt32BE(relativeOffset, 8)
  return bytes
}

let count = 0
function indexFile(...entries: Buffer[]) {
  const path = join(directory, `${count++}.index`)
  writeFileSync(path, Buffer.concat(entries))
  return { path, segmentPath, baseOffset: BASE }
}

const inspectOffsets = (...entries: Buffer[]) =>
  collect(inspectOffsetIndex(nodeFileSystem, indexFile(...entries)))

const inspectTimes = (...entries: Buffer[]) =>
  collect(inspectTimeIndex(nodeFileSystem, indexFile(...entries)))

const offsets = (...entries: Buffer[]) =>
  checkIndexSanity(nodeFileSystem, { ...indexFile(...entries), kind: 'index' })

const times = (...entries: Buffer[]) =>
  checkIndexSanity(nodeFileSystem, { ...indexFile(...entries), kind: 'timeindex' })

describe('inspectOffsetIndex', () => {
  it('gives each entry with the last offset of the batch at its position', async () => {
    expect(await inspectOffsets(offsetEntry(4, secondAt), offsetEntry(5, thirdAt))).toEqual([
      { offset: 1004, position: secondAt, foundOffset: 1004, previousOffset: undefined },
      { offset: 1005, position: thirdAt, foundOffset: 1005, previousOffset: 1004 },
    ])
  })

  it('gives what is there where it is not what the entry says, and nothing where no batch can be', async () => {
    const found = await inspectOffsets(
      offsetEntry(3, secondAt),
      offsetEntry(4, secondAt + 1),
      offsetEntry(5, 1_000_000),
      offsetEntry(6, -5),
    )
    expect(found.map(({ foundOffset }) => foundOffset)).toEqual([1004, undefined, undefined, undefined])
  })

  it('ends at zeros that were never written, and before a piece of an entry', async () => {
    expect(await inspectOffsets(offsetEntry(4, secondAt), Buffer.alloc(800))).toHaveLength(1)
    expect(await inspectOffsets(offsetEntry(4, secondAt), Buffer.alloc(7))).toHaveLength(1)
    expect(await inspectOffsets()).toEqual([])
  })

  it('gives the entries alone when the segment is not there', async () => {
    const file = { ...indexFile(offsetEntry(4, secondAt)), segmentPath: join(directory, 'none.log') }
    expect(await collect(inspectOffsetIndex(nodeFileSystem, file))).toEqual([
      { offset: 1004, position: secondAt, foundOffset: undefined },
    ])
  })

  it('reads files of many chunks', async () => {
    const entries = Array.from({ length: 20_000 }, (_, slot) => offsetEntry(slot + 1, slot))
    const found = await inspectOffsets(...entries)
    expect(found).toHaveLength(20_000)
    expect(found.at(-1)).toMatchObject({ offset: BASE + 20_000, position: 19_999 })
  })
})

describe('inspectTimeIndex', () => {
  it('gives each entry with the batch that ends with its offset', async () => {
    const found = await inspectTimes(timeEntry(2004n, 4), timeEntry(2005n, 5))
    expect(found).toMatchObject([
      { timestamp: 2004n, offset: 1004, found: { baseOffset: 1002, lastOffset: 1004, maxTimestamp: 2004n } },
      { timestamp: 2005n, offset: 1005, found: { lastOffset: 1005 }, previousTimestamp: 2004n },
    ])
  })

  it('gives the batch around an offset inside one, and none for an offset past the last', async () => {
    const found = await inspectTimes(timeEntry(2003n, 3), timeEntry(3000n, 9))
    expect(found.map((entry) => entry.found?.lastOffset)).toEqual([1004, undefined])
  })

  it('keeps timestamps exact that no number can hold', async () => {
    expect(await inspectTimes(timeEntry(2n ** 63n - 1n, 1))).toMatchObject([{ timestamp: 2n ** 63n - 1n }])
  })

  it('reads the segment once, however wildly the entries jump', async () => {
    const wild = Array.from({ length: 1000 }, (_, slot) => timeEntry(BigInt(slot), slot % 2 === 0 ? 5 : 1))
    expect(await inspectTimes(...wild)).toHaveLength(1000)
  })
})

describe('checkIndexSanity', () => {
  it('finds nothing wrong with rising entries, none at all, and zeros behind them', () => {
    const sane = { remainderBytes: 0, problem: undefined }
    expect(offsets(offsetEntry(4, 1), offsetEntry(5, 2))).toEqual({ ...sane, entryCount: 2 })
    expect(offsets()).toEqual({ ...sane, entryCount: 0 })
    expect(offsets(offsetEntry(4, 1), Buffer.alloc(80))).toEqual({ ...sane, entryCount: 11 })
    expect(times(timeEntry(5n, 1), timeEntry(6n, 2))).toEqual({ ...sane, entryCount: 2 })
  })

  it('names an offset below the base, a timestamp below the first, and a size that is no number of entries', () => {
    expect(offsets(offsetEntry(4, 1), offsetEntry(-1, 2)).problem).toContain('below the base offset 1000')
    expect(times(timeEntry(5n, 1), timeEntry(4n, 2)).problem).toContain('below the first, 5')
    expect(times(timeEntry(5n, 1), timeEntry(6n, -2)).problem).toContain('below the base offset')
    expect(offsets(offsetEntry(4, 1), Buffer.alloc(3)).problem).toContain('no multiple of 8')
    expect(offsets(offsetEntry(4, 1), Buffer.alloc(3)).remainderBytes).toBe(3)
    expect(times(timeEntry(4n, 1), Buffer.alloc(11)).problem).toContain('no multiple of 12')
  })
})
