import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FileHandle, type FileSystem, nodeFileSystem } from '../../../src/fs/index.ts'
import { inspectSegment } from '../../../src/inspect/index.ts'
import { BATCH, encodeBatch } from '../../../src/record/index.ts'
import { seed } from '../../helpers/seed.ts'
import { golden, resealed } from '../record/batches.ts'
import { legacyMessage, legacyWrapper, withWrongChecksum } from '../../helpers/legacy-messages.ts'
import { batchOf, collect, flipped, inspect, summarize, writeFile } from './segment-file.ts'

const first = batchOf(0, 2)
const second = batchOf(2, 3)
const third = batchOf(5)
const sound = Buffer.concat([first, second, third])
const secondAt = first.length
const thirdAt = first.length + second.length

/** `sound` with one bit of its second batch flipped. */
const damaged = (position: number, bit = 0) => flipped(sound, secondAt + position, bit)

const oldFormat = (magic: number, offset: number) =>
  `a message of the old format, version ${magic}: only version 2 is read (offset ${offset})`

describe('a sound segment', () => {
  it('gives its batches, where they are, and nothing else', async () => {
    expect(summarize(await inspect(sound))).toEqual([
      'batch 0-1 at 0',
      `batch 2-4 at ${secondAt}`,
      `batch 5-5 at ${thirdAt}`,
    ])
  })

  it('may be empty', async () => {
    expect(await inspect(Buffer.alloc(0))).toEqual([])
  })

  it('may have holes, and batches that compaction emptied', async () => {
    const bytes = Buffer.concat([first, golden.empty, batchOf(100)])
    expect(summarize(await inspect(bytes))).toEqual([
      'batch 0-1 at 0',
      `batch 3-4 at ${first.length}`,
      `batch 100-100 at ${first.length + golden.empty.length}`,
    ])
  })

  it('gives batches that span the chunks it is read in', async () => {
    const large = encodeBatch([{ value: Buffer.alloc(700_000) }], { baseOffset: 0 })
    const next = encodeBatch([{ value: Buffer.alloc(1_500_000) }], { baseOffset: 1 })
    expect(summarize(await inspect(Buffer.concat([large, next, batchOf(2)])))).toEqual([
      'batch 0-0 at 0',
      `batch 1-1 at ${large.length}`,
      `batch 2-2 at ${large.length + next.length}`,
    ])
  })

  it('fails with the error of the system when there is no file', async () => {
    await expect(collect(inspectSegment(nodeFileSystem, '/nowhere/0.log'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})

describe('damage inside a batch', () => {
  it.each([
    ['its checksum', BATCH.crc],
    ['its attributes', BATCH.attributes],
    ['its offset delta', BATCH.lastOffsetDelta + 3],
    ['a timestamp', BATCH.maxTimestamp + 7],
    ['its record count', BATCH.recordCount + 3],
    ['a record', BATCH.records + 4],
  ])('in %s gives it as invalid, and what follows as it is', async (_, position) => {
    const found = await inspect(damaged(position))
    expect(found.map(({ kind, position: at }) => [kind, at])).toEqual([
      ['batch', 0],
      ['batch', secondAt],
      ['batch', thirdAt],
    ])
    expect(found[1]).toMatchObject({ isValid: false, problem: expect.stringContaining('checksum') })
    expect(found[2]).toMatchObject({ isValid: true, problem: undefined })
  })

  it('in the leader epoch, which nothing covers, goes unseen', async () => {
    expect(summarize(await inspect(damaged(BATCH.partitionLeaderEpoch + 3)))[1]).toBe(
      `batch 2-4 at ${secondAt}`,
    )
  })

  it('in the base offset is a batch in the wrong place, once', async () => {
    expect(summarize(await inspect(damaged(BATCH.baseOffset + 7, 1)))).toEqual([
      'batch 0-1 at 0',
      `batch 0-2 at ${secondAt} problem`,
      `batch 5-5 at ${thirdAt}`,
    ])
    expect(summarize(await inspect(damaged(BATCH.baseOffset + 6)))).toEqual([
      'batch 0-1 at 0',
      `batch 258-260 at ${secondAt}`,
      `batch 5-5 at ${thirdAt} problem`,
    ])
  })

  it('in the base offset that leaves the safe range is passed over', async () => {
    expect(summarize(await inspect(damaged(BATCH.baseOffset, 7)))).toEqual([
      'batch 0-1 at 0',
      `damage ${secondAt}+${second.length}`,
      `batch 5-5 at ${thirdAt}`,
    ])
  })

  it('in the version byte, which nothing covers either, is told from a batch of another version', async () => {
    const found = await inspect(damaged(BATCH.magic))
    expect(summarize(found)[1]).toBe(`batch 2-4 at ${secondAt} problem`)
    expect(found[1]).toMatchObject({ isValid: true, problem: expect.stringContaining('version') })
  })

  it('with a right checksum over a wrong count is told, and the batch is given', async () => {
    const wrong = resealed(second, (copy) => void copy.writeInt32BE(9, BATCH.recordCount))
    const found = await inspect(Buffer.concat([first, wrong, third]))
    expect(found[1]).toMatchObject({ isValid: true, problem: expect.stringContaining('more records') })
    expect(summarize(found)[2]).toBe(`batch 5-5 at ${thirdAt}`)
  })
})

describe('damage that hides where the next batch is', () => {
  it.each([
    ['shorter', 0],
    ['longer than the file', 7],
  ])('in a length that became %s is searched past', async (_, bit) => {
    const bytes = damaged(BATCH.batchLength + (bit === 0 ? 3 : 1), bit === 0 ? 3 : bit)
    const found = await inspect(bytes)
    expect(summarize(found)).toEqual([
      'batch 0-1 at 0',
      `damage ${secondAt}+${second.length}`,
      `batch 5-5 at ${thirdAt}`,
    ])
    expect(found[1]).toMatchObject({ offset: 2, nextOffset: 5, isUnsupported: false })
  })

  it('as bytes that do not belong there is searched past', async () => {
    const strange = Buffer.from('these bytes are nobody’s batch, whatever came between')
    const found = await inspect(Buffer.concat([first, strange, second, third]))
    expect(summarize(found)).toEqual([
      'batch 0-1 at 0',
      `damage ${secondAt}+${strange.length}`,
      `batch 2-4 at ${secondAt + strange.length}`,
      `batch 5-5 at ${thirdAt + strange.length}`,
    ])
    expect(found[1]).toMatchObject({ offset: 2, nextOffset: 2 })
  })

  it('as zeros in the middle is searched past', async () => {
    const found = await inspect(Buffer.concat([first, Buffer.alloc(5000), second]))
    expect(summarize(found)).toEqual([
      'batch 0-1 at 0',
      `damage ${secondAt}+5000`,
      `batch 2-4 at ${secondAt + 5000}`,
    ])
  })

  it('at the very start is searched past', async () => {
    const bytes = flipped(sound, BATCH.batchLength + 1, 6)
    expect(summarize(await inspect(bytes))).toEqual([
      `damage 0+${first.length}`,
      `batch 2-4 at ${secondAt}`,
      `batch 5-5 at ${thirdAt}`,
    ])
  })

  it('in two places hides nothing of what lies between them', async () => {
    const many = Array.from({ length: 200 }, (_, slot) => batchOf(slot))
    const starts = many.map((_, slot) => Buffer.concat(many.slice(0, slot)).length)
    const bytes = flipped(
      flipped(Buffer.concat(many), starts[10]! + BATCH.batchLength + 1, 6),
      starts[150]! + BATCH.batchLength,
      5,
    )
    const found = await inspect(bytes)
    expect(found.filter(({ kind }) => kind === 'batch')).toHaveLength(198)
    expect(found.filter(({ kind }) => kind === 'damage').map(({ position }) => position)).toEqual([
      starts[10],
      starts[150],
    ])
  })

  it('in two batches, one behind the other, is two findings', async () => {
    const bytes = flipped(flipped(sound, BATCH.records + 3), secondAt + BATCH.records + 3)
    expect(summarize(await inspect(bytes))).toEqual([
      'batch 0-1 at 0 invalid problem',
      `batch 2-4 at ${secondAt} invalid problem`,
      `batch 5-5 at ${thirdAt}`,
    ])
  })
})

describe('what lies behind the last batch', () => {
  it('is torn when it is the head of a batch, however short', async () => {
    for (const length of [1, 16, 17, 60, 61, third.length - 1]) {
      const found = await inspect(sound.subarray(0, thirdAt + length))
      if (length < 8) continue // its first bytes are zeros, as those of any small offset
      expect(summarize(found).at(-1)).toBe(`torn ${thirdAt}+${length}`)
    }
  })

  it('is zeros when nothing was ever written there', async () => {
    for (const length of [1, 16, 17, 61, 3_000_000]) {
      const found = await inspect(Buffer.concat([sound, Buffer.alloc(length)]))
      expect(summarize(found).at(-1)).toBe(`zeros ${sound.length}+${length}`)
    }
  })

  it('is not zeros when a single byte there is none', async () => {
    const almost = Buffer.alloc(5000)
    almost[4999] = 1
    expect(summarize(await inspect(Buffer.concat([sound, almost]))).at(-1)).toBe(
      `invalid ${sound.length}+5000`,
    )
  })

  it('is invalid when it is nothing of the kind', async () => {
    const garbage = Buffer.alloc(300, 0x7f)
    expect(summarize(await inspect(Buffer.concat([sound, garbage]))).at(-1)).toBe(
      `invalid ${sound.length}+300`,
    )
  })

  it('is waited for when it is a batch that is just being written', async () => {
    const path = writeFile('00000000000000000000.log', sound)
    const growing = growingFileSystem(sound.length - 7)
    expect(summarize(await collect(inspectSegment(growing, path)))).toEqual([
      'batch 0-1 at 0',
      `batch 2-4 at ${secondAt}`,
      `batch 5-5 at ${thirdAt}`,
    ])
  })

  it('is not followed further than the end it had at first', async () => {
    const path = writeFile('00000000000000000000.log', sound)
    const growing = growingFileSystem(thirdAt)
    expect(summarize(await collect(inspectSegment(growing, path)))).toEqual([
      'batch 0-1 at 0',
      `batch 2-4 at ${secondAt}`,
    ])
  })
})

describe('bounds', () => {
  it('a batch over the limit is passed over where another follows, and named', async () => {
    const found = await inspect(sound, { batchBytesMax: second.length - 1 })
    expect(summarize(found)).toEqual([
      'batch 0-1 at 0',
      `damage ${secondAt}+${second.length}`,
      `batch 5-5 at ${thirdAt}`,
    ])
    expect(found[1]).toMatchObject({ isUnsupported: true, reason: expect.stringContaining('larger') })
  })

  it('bytesMax ends the pass without a word about the rest', async () => {
    expect(summarize(await inspect(sound, { bytesMax: thirdAt }))).toHaveLength(2)
    expect(summarize(await inspect(sound, { bytesMax: thirdAt + 30 }))).toHaveLength(2)
    expect(summarize(await inspect(sound, { bytesMax: thirdAt + 5 }))).toHaveLength(2)
    expect(await inspect(sound, { bytesMax: 0 })).toEqual([])
    expect(summarize(await inspect(sound, { bytesMax: sound.length }))).toHaveLength(3)
  })

  it('offsets below the name of the file, or in the next segment, are out of place', async () => {
    const found = await inspect(sound, { baseOffset: 1, offsetEnd: 4 })
    expect(summarize(found)).toEqual([
      'batch 0-1 at 0 problem',
      `batch 2-4 at ${secondAt} problem`,
      `batch 5-5 at ${thirdAt} problem`,
    ])
  })

  it('messages of the formats before this one are stepped over, and called unsupported', async () => {
    const old = [
      legacyMessage({ magic: 0, offset: 2, value: 'v' }),
      legacyWrapper(1, [{ offset: 3 }, { offset: 4 }]),
    ]
    const found = await inspect(Buffer.concat([first, ...old, batchOf(5)]))
    const wrapperAt = first.length + old[0]!.length
    expect(summarize(found)).toEqual([
      'batch 0-1 at 0',
      `damage ${first.length}+${old[0]!.length}`,
      `damage ${wrapperAt}+${old[1]!.length}`,
      `batch 5-5 at ${wrapperAt + old[1]!.length}`,
    ])
    expect(found.slice(1, 3)).toEqual([
      expect.objectContaining({ isUnsupported: true, offset: 2, nextOffset: 3, reason: oldFormat(0, 2) }),
      expect.objectContaining({ isUnsupported: true, offset: 3, nextOffset: 5, reason: oldFormat(1, 4) }),
    ])
  })

  it('messages of the formats before this one with a wrong checksum are damage', async () => {
    const wrong = withWrongChecksum(legacyMessage({ magic: 1, offset: 2, value: 'v' }))
    for (const behind of [Buffer.alloc(0), batchOf(3)]) {
      const found = await inspect(Buffer.concat([first, wrong, behind]))
      expect(found[1]).toMatchObject({
        kind: 'damage',
        position: first.length,
        sizeBytes: wrong.length,
        isUnsupported: false,
        reason: expect.stringMatching(
          /old format, version 1, with a checksum that does not match \(/,
        ) as string,
      })
    }
  })

  it('a sound message of an old format is not looked for elsewhere, whatever follows it', async () => {
    const message = legacyMessage({ magic: 1, offset: 2, value: batchOf(2) }) // it holds a whole batch
    const found = await inspect(Buffer.concat([first, message, Buffer.alloc(80, 7)]))
    expect(summarize(found).slice(0, 2)).toEqual([
      'batch 0-1 at 0',
      `damage ${first.length}+${message.length}`,
    ])
    expect(found[1]).toMatchObject({ isUnsupported: true })
    expect(found[2]).toMatchObject({ kind: 'tail', content: 'invalid', sizeBytes: 80 })
  })
})

describe('whatever the bytes', () => {
  const piece = fc.oneof(
    fc.constantFrom(first, second, third, golden.twoRecords, golden.commitMarker, Buffer.alloc(70)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 200, max: 2 }).map((bytes) => Buffer.from(bytes)),
  )

  it('the findings cover the file once, without a gap', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) =>
        expectCover(Buffer.concat(pieces)),
      ),
      { seed, numRuns: 150 },
    )
  })

  it('a length that leads past a sound batch, right to the next one, does not hide it', async () => {
    const pair = Buffer.concat([batchOf(0), batchOf(1), batchOf(2), batchOf(3)])
    const size = batchOf(0).length
    pair.writeInt32BE(2 * size - 12, BATCH.batchLength)
    expect(summarize(await inspect(pair))).toEqual([
      `damage 0+${size}`,
      `batch 1-1 at ${size}`,
      `batch 2-2 at ${2 * size}`,
      `batch 3-3 at ${3 * size}`,
    ])
  })

  it('a flipped bit in whichever byte of a small segment leaves the other batches as they were', async () => {
    for (let position = 0; position < sound.length; position++) {
      for (const bit of [0, 3, 7]) await expectUntouched(position, bit)
    }
  })

  it('a hostile file of 1 MiB costs no more than its size', async () => {
    const random = Buffer.alloc(1 << 20)
    let state = seed >>> 0 || 1
    for (let at = 0; at < random.length; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      random[at] = state >>> 24
    }
    await expectCover(random)
    // A length of 2 GiB at its head, and another every 61 bytes, each with the version of a batch.
    for (let at = 0; at + 61 <= random.length; at += 61) {
      random.fill(0, at, at + 8)
      random.writeInt32BE(0x7fff_ffff, at + 8)
      random.writeInt8(2, at + 16)
    }
    await expectCover(random)
  })
})

/** Every byte of the file is in one finding, and the findings come in the order of the file. */
async function expectCover(bytes: Buffer): Promise<void> {
  let position = 0
  for (const item of await inspect(bytes)) {
    expect(item.position).toBe(position)
    position += item.kind === 'batch' ? item.batch.sizeBytes : item.sizeBytes
  }
  expect(position).toBe(bytes.length)
}

async function expectUntouched(position: number, bit: number): Promise<void> {
  const found = await inspect(flipped(sound, position, bit))
  const given = found.filter((item) => item.kind === 'batch' && item.isValid).map((item) => item.position)
  const ends = [secondAt, thirdAt, sound.length]
  const untouched = [0, secondAt, thirdAt].filter(
    (start, slot) => position < start || position >= ends[slot]!,
  )
  expect(given, `bit ${bit} of byte ${position}`).toEqual(expect.arrayContaining(untouched))
}

/** The machine's file system, whose files are first found to have `sizeBytes`, and their real size from then on. */
function growingFileSystem(sizeBytes: number): FileSystem {
  return {
    ...nodeFileSystem,
    openSync(path, mode) {
      const handle = nodeFileSystem.openSync(path, mode)
      let looks = 0
      const growing: FileHandle = {
        path,
        readSync: (into, position) => handle.readSync(into, position),
        read: (into, position) => handle.read(into, position),
        appendSync: (bytes, position) => handle.appendSync(bytes, position),
        extend: (zeroBytes) => handle.extend(zeroBytes),
        overwriteSync: (bytes, position) => handle.overwriteSync(bytes, position),
        truncateSync: (size) => handle.truncateSync(size),
        sizeSync: () => (looks++ === 0 ? sizeBytes : handle.sizeSync()),
        syncData: () => handle.syncData(),
        syncDataSync: () => handle.syncDataSync(),
        close: () => handle.close(),
      }
      return growing
    },
  }
}
