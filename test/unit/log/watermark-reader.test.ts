import { FaultFileSystem } from '../../../src/testing/index.ts'
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem, OpenFileLimit } from '../../../src/fs/index.ts'
import { encodeWatermark, WATERMARK_BYTES, type Watermark } from '../../../src/layout/index.ts'
import { cutBetween, isSameWatermark, WatermarkReader } from '../../../src/log/watermark-reader.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const NEVER = Number.MAX_SAFE_INTEGER
const session = Buffer.alloc(8, 1)
const base: Watermark = {
  generation: 4,
  readableEndOffset: 100,
  startOffset: 10,
  session,
  sequence: 7,
  truncatedTo: NEVER,
}
const other = { session: Buffer.alloc(8, 2) }

function encoded(mark: Watermark): Buffer {
  const bytes = Buffer.alloc(WATERMARK_BYTES)
  encodeWatermark(bytes, mark)
  return bytes
}

describe('reading a watermark', () => {
  it('keeps the file open, and finds another one that takes its place', () => {
    const path = join(temporaryDirectory(), 'watermark')
    const fileSystem = new FaultFileSystem(nodeFileSystem)
    const reader = new WatermarkReader(fileSystem, path)
    expect([reader.read(base), reader.readAgain()]).toEqual([undefined, undefined])
    writeFileSync(path, encoded(base))
    for (let round = 0; round < 3; round++) expect(reader.read(undefined)).toEqual(base)
    expect(fileSystem.count('open')).toBe(1)
    writeFileSync(`${path}.x`, encoded({ ...base, sequence: 8 }))
    renameSync(`${path}.x`, path)
    expect(reader.readAgain()).toEqual(base)
    expect(reader.read(undefined)).toMatchObject({ sequence: 8 })
    rmSync(path)
    expect([reader.read(base), reader.readAgain()]).toEqual([undefined, undefined])
    reader.close()
    reader.close()
    expect([fileSystem.count('open'), fileSystem.count('close')]).toEqual([2, 2])
  })

  it('of many logs keeps few files open, and reads each all the same', () => {
    const directory = temporaryDirectory()
    const fileSystem = new FaultFileSystem(nodeFileSystem)
    const limit = new OpenFileLimit(2)
    const readers = Array.from({ length: 5 }, (_, slot) => {
      const path = join(directory, String(slot))
      writeFileSync(path, encoded({ ...base, sequence: slot }))
      return new WatermarkReader(fileSystem, path, limit)
    })
    const openNow = () => fileSystem.count('open') - fileSystem.count('close')
    for (const [slot, reader] of readers.entries()) {
      expect(reader.read(undefined)).toMatchObject({ sequence: slot })
      expect(openNow()).toBeLessThanOrEqual(2)
    }
    for (const [slot, reader] of readers.entries()) {
      expect(reader.readAgain()).toMatchObject({ sequence: slot })
      expect(openNow()).toBeLessThanOrEqual(2)
    }
    renameSync(join(directory, '1'), join(directory, '0'))
    expect([readers[0]!.readAgain(), readers[1]!.readAgain()]).toEqual([undefined, undefined])
    expect(readers[0]!.read(undefined)).toMatchObject({ sequence: 1 })
    for (const reader of readers) reader.close()
    expect([openNow(), limit.openCount]).toEqual([0, 0])
    expect(readers[2]!.readAgain()).toBe(undefined)
  })

  it('that is not whole gives what was known before, and never follows a link', () => {
    const path = join(temporaryDirectory(), 'watermark')
    const reader = new WatermarkReader(nodeFileSystem, path)
    writeFileSync(path, encoded(base).subarray(0, 60))
    expect([reader.read(base), reader.read(undefined), reader.readAgain()]).toEqual([
      base,
      undefined,
      undefined,
    ])
    rmSync(path)
    symlinkSync('/dev/zero', path)
    expect(reader.read(base)).toBeUndefined()
    reader.close()
  })
})

describe('what was cut between two watermarks', () => {
  it.each<[string, Partial<Watermark>, Partial<Watermark>, number | undefined]>([
    ['nothing, where the end has moved', {}, { readableEndOffset: 120, sequence: 9 }, undefined],
    ['what a truncation under way cuts', {}, { generation: 5, readableEndOffset: 80, truncatedTo: 20 }, 80],
    [
      'what a truncation that was under way cut',
      { generation: 5, readableEndOffset: 80, truncatedTo: 20 },
      { generation: 6, readableEndOffset: 300, truncatedTo: 20 },
      80,
    ],
    [
      'the lowest of the session, of one that came and went',
      {},
      { generation: 6, readableEndOffset: 300, truncatedTo: 20 },
      20,
    ],
    [
      'the lowest of the session, of several',
      { generation: 5, readableEndOffset: 80, truncatedTo: 20 },
      { generation: 7, readableEndOffset: 90, truncatedTo: 20 },
      20,
    ],
    ['nothing, by a new writer', {}, other, undefined],
    ['what a new writer cut', {}, { ...other, generation: 4, truncatedTo: 30 }, 30],
    ['perhaps everything, where a writer came and went', {}, { ...other, generation: 6 }, 0],
    [
      'nothing, where a writer that had begun to cut was killed before it did',
      { generation: 5, readableEndOffset: 80, truncatedTo: 80 },
      { ...other, generation: 4 },
      undefined,
    ],
  ])('%s', (_, before, after, cut) => {
    expect(cutBetween({ ...base, ...before }, { ...base, ...after })).toBe(cut)
  })

  it('is nothing that can be known without two of them', () => {
    expect([cutBetween(undefined, base), cutBetween(base, undefined)]).toEqual([undefined, undefined])
  })

  it('is looked for only where something was written', () => {
    expect(isSameWatermark(base, { ...base })).toBe(true)
    expect(isSameWatermark(base, { ...base, sequence: 8 })).toBe(false)
    expect(isSameWatermark(base, { ...base, ...other })).toBe(false)
    expect(isSameWatermark(undefined, undefined)).toBe(true)
    expect(isSameWatermark(base, undefined)).toBe(false)
  })
})
