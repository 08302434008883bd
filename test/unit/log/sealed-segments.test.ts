import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { checkSealed, logCorrupt, missingHead, type SealedOptions } from '../../../src/log/sealed-segments.ts'
import type { OpenDamage } from '../../../src/log/recovery-report.ts'
import { openMemoryIndex } from '../../../src/offset-index/index.ts'
import { Segment, SegmentFiles } from '../../../src/segment/index.ts'
import { dataBatch, flipped, segmentName } from '../../helpers/hand-made.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const bytesOf: Record<number, Buffer> = {
  0: Buffer.concat([dataBatch(0, 2), dataBatch(2, 3)]),
  5: Buffer.concat([dataBatch(5, 1), dataBatch(6, 4)]),
  10: dataBatch(10, 1),
}

/** Segments at 0, 5 and 10, with other bytes where `spoiled` has some, and an index that knows them as they were. */
function make(spoiled: Record<number, Buffer> = {}, more: Partial<SealedOptions> = {}) {
  const directory = temporaryDirectory()
  const index = openMemoryIndex().log('log', 'x')
  const files = new SegmentFiles(nodeFileSystem)
  onTestFinished(() => files.closeAll())
  const all: Record<number, Buffer> = { ...bytesOf, ...spoiled }
  const segments = Object.entries(all).map(([base, bytes]) => {
    const baseOffset = Number(base)
    const path = join(directory, segmentName(baseOffset))
    writeFileSync(path, bytes)
    return new Segment({ baseOffset, path, sizeBytes: bytes.length, nextOffset: baseOffset, appendedAtMs: 0 })
  })
  for (const [base, nextOffset] of [
    [0, 5],
    [5, 10],
  ] as const) {
    const sizeBytes = bytesOf[base]!.length
    index.putFacts({
      baseOffset: base,
      sizeBytes,
      nextOffset,
      maxTimestamp: 1,
      batchCount: 2,
      recordCount: 5,
    })
  }
  const options = {
    files,
    index,
    dense: true,
    batchBytesMax: 1 << 20,
    indexIntervalBytes: 100,
    startOffset: 0,
    ...more,
  }
  return { segments, index, files, check: () => checkSealed(segments, options) }
}

describe('sealed segments', () => {
  it('that are as the index knows them are believed without a look at their bytes', async () => {
    const { segments, files, check } = make()
    expect(await check()).toEqual([])
    expect(segments.map(({ nextOffset, facts }) => [nextOffset, facts])).toEqual([
      [5, 'stored'],
      [10, 'stored'],
      [10, 'unknown'],
    ])
    expect(files.openCount).toBe(0)
  })

  it('that the index does not know are left for later', async () => {
    const { segments, index, files, check } = make({ 5: Buffer.alloc(300, 1) })
    index.clear()
    expect(await check()).toEqual([])
    expect(segments.map(({ facts }) => facts)).toEqual(['unknown', 'unknown', 'unknown'])
    expect(files.openCount).toBe(0)
  })

  it('that the index knows wrong, and that are sound, put the index right', async () => {
    const { segments, index, check } = make()
    index.putFacts({
      baseOffset: 5,
      sizeBytes: 7,
      nextOffset: 6,
      maxTimestamp: 1,
      batchCount: 1,
      recordCount: 1,
    })
    expect(await check()).toEqual([])
    expect(segments[1]).toMatchObject({ nextOffset: 10, facts: 'fresh', maxTimestamp: 1009 })
    expect(index.facts(5)).toMatchObject({ sizeBytes: bytesOf[5]!.length, nextOffset: 10 })
  })

  it.each<[string, Buffer, object]>([
    ['empty', Buffer.alloc(0), { kind: 'gap', position: 0, firstLostOffset: 5, nextGoodOffset: 10 }],
    ['short of a batch', dataBatch(5, 1), { kind: 'gap', firstLostOffset: 6, nextGoodOffset: 10 }],
    ['torn', bytesOf[5]!.subarray(0, -1), { kind: 'damaged', firstLostOffset: 6, nextGoodOffset: 10 }],
    [
      'damaged in its first batch, with something behind it',
      Buffer.concat([flipped(bytesOf[5]!, 65), Buffer.alloc(3)]),
      { kind: 'damaged', position: 0, firstLostOffset: 5 },
    ],
    [
      'longer than it was',
      Buffer.concat([bytesOf[5]!, dataBatch(10, 2)]),
      { kind: 'gap', firstLostOffset: 10 },
    ],
    ['of another log', dataBatch(500, 5), { kind: 'damaged', position: 0, firstLostOffset: 5 }],
  ])('that are %s are damage, told at every opening', async (_, bytes, expected) => {
    const { check, index } = make({ 5: bytes })
    const known = index.facts(5)
    for (let opening = 0; opening < 2; opening++) {
      const damage = await check()
      expect(damage).toMatchObject([expected])
      expect(damage[0]?.path).toContain(segmentName(5))
      expect(index.facts(5)).toEqual(known)
    }
  })

  it('may end early where offsets have holes, and never late', async () => {
    expect(await make({ 5: dataBatch(5, 1) }, { dense: false }).check()).toEqual([])
    const late = Buffer.concat([bytesOf[5]!, dataBatch(10, 2)])
    expect(await make({ 5: late }, { dense: false }).check()).toMatchObject([
      { kind: 'gap', firstLostOffset: 10 },
    ])
  })

  it("that lie below the start offset are nobody's loss", async () => {
    for (const [startOffset, count] of [
      [9, 1],
      [10, 0],
    ] as const)
      expect(await make({ 5: Buffer.alloc(0) }, { startOffset }).check()).toHaveLength(count)
  })

  it('in between can be missing altogether', async () => {
    const { segments, index, files } = make()
    const options = {
      files,
      index,
      dense: true,
      batchBytesMax: 1 << 20,
      indexIntervalBytes: 100,
      startOffset: 0,
    }
    const damage = await checkSealed([segments[0]!, segments[2]!], options)
    expect(damage).toMatchObject([{ kind: 'gap', firstLostOffset: 5, nextGoodOffset: 10 }])
  })
})

describe('the error of a damaged log', () => {
  const damage: OpenDamage = {
    kind: 'damaged',
    path: '/log/x',
    position: 4711,
    firstLostOffset: 12,
    nextGoodOffset: 15,
    message: 'a checksum that does not match',
  }

  it('says where it is, what is lost and what comes next', () => {
    const error = logCorrupt(damage)
    expect(error).toMatchObject({
      code: 'LOG_CORRUPT',
      path: '/log/x',
      position: 4711,
      offset: 12,
      found: 15,
    })
    expect(error.message).toContain(
      'a checksum that does not match; offset 12 is lost, offset 15 is the next good one',
    )
    expect(logCorrupt({ ...damage, nextGoodOffset: undefined }).message).toContain('nothing sound follows')
  })

  it('names the offsets that are missing at the head', () => {
    const head = missingHead({ path: '/log/x', baseOffset: 9 }, 3)
    expect(head).toMatchObject({ kind: 'missing-head', position: 0, firstLostOffset: 3, nextGoodOffset: 9 })
  })
})
