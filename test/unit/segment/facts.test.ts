import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { type LogIndex, openMemoryIndex } from '../../../src/offset-index/index.ts'
import { adoptFacts, rebuildFacts, Segment, SegmentFiles } from '../../../src/segment/index.ts'
import { dataBatch, flipped, segmentName } from '../../helpers/hand-made.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const options = { dense: true, batchBytesMax: 1 << 20, indexIntervalBytes: 100 }

interface Made {
  readonly segment: Segment
  readonly files: SegmentFiles
  readonly index: LogIndex
}

function make(batches: readonly Buffer[], appendedAtMs = 5_000): Made {
  const bytes = Buffer.concat(batches)
  const path = join(temporaryDirectory(), segmentName(10))
  writeFileSync(path, bytes)
  const segment = new Segment({ baseOffset: 10, path, sizeBytes: bytes.length, nextOffset: 10, appendedAtMs })
  const files = new SegmentFiles(nodeFileSystem)
  onTestFinished(() => files.closeAll())
  return { segment, files, index: openMemoryIndex().log('log', 'x') }
}

const rebuild = ({ segment, files, index }: Made, more: Partial<typeof options> = {}) =>
  rebuildFacts(segment, files, index, { ...options, ...more })

const sound = [
  dataBatch(10, 2, { timestamps: [70, 90] }),
  dataBatch(12, 1, { timestamps: [80] }),
  dataBatch(13, 3),
]

describe('facts', () => {
  it('are learned from the headers, told to the index, and its entries made anew', async () => {
    const made = make(sound)
    expect(await rebuild(made)).toBeUndefined()
    const { segment, index } = made
    expect(segment).toMatchObject({ nextOffset: 16, maxTimestamp: 1015, firstTimestamp: 90, facts: 'fresh' })
    expect(segment).toMatchObject({ batchCount: 3, recordCount: 6 })
    expect(segment.lastBatchPosition).toBe(sound[0]!.length + sound[1]!.length)
    const { sizeBytes } = segment
    expect(index.facts(10)).toEqual({
      baseOffset: 10,
      sizeBytes,
      nextOffset: 16,
      maxTimestamp: 1015,
      batchCount: 3,
      recordCount: 6,
    })
    expect(index.floorByOffset(10, 15)).toEqual({
      offset: 13,
      position: segment.lastBatchPosition,
      timestamp: 90,
    })
  })

  it('of an empty segment are those of nothing', async () => {
    const made = make([])
    expect(await rebuild(made)).toBeUndefined()
    expect(made.segment).toMatchObject({ nextOffset: 10, maxTimestamp: -1, batchCount: 0, facts: 'fresh' })
  })

  it('take the place of wrong ones, and of entries that lead nowhere', async () => {
    const made = make(sound)
    made.index.addEntry(10, { offset: 11, position: 7, timestamp: 1 })
    made.index.putFacts({
      baseOffset: 10,
      sizeBytes: 1,
      nextOffset: 99,
      maxTimestamp: 9,
      batchCount: 9,
      recordCount: 9,
    })
    await rebuild(made)
    expect(made.index.facts(10)?.nextOffset).toBe(16)
    expect(made.index.floorByOffset(10, 11)).toBeUndefined()
  })

  it.each<[string, readonly Buffer[], number]>([
    ['a torn last batch', [sound[0]!, sound[1]!, sound[2]!.subarray(0, 40)], 13],
    ['a header that is no header', [sound[0]!, flipped(sound[1]!, 16), sound[2]!], 12],
    ['a gap', [sound[0]!, sound[2]!], 12],
    ['zeros', [sound[0]!, Buffer.alloc(100)], 12],
  ])(
    'end before %s, which is given back, and nothing is told to the index',
    async (_, batches, nextOffset) => {
      const made = make(batches)
      expect(await rebuild(made)).toMatchObject({ position: expect.any(Number), message: expect.any(String) })
      expect(made.segment).toMatchObject({ nextOffset, facts: 'partial' })
      expect(made.index.facts(10)).toBeUndefined()
    },
  )

  it('that are partial have no timestamp that could make the segment expire early', async () => {
    const torn = [sound[0]!, sound[1]!.subarray(0, 40)]
    for (const [appendedAtMs, maxTimestamp] of [
      [5_000, 5_000],
      [50, 90],
    ] as const) {
      const made = make(torn, appendedAtMs)
      await rebuild(made)
      expect(made.segment.maxTimestamp).toBe(maxTimestamp)
    }
  })

  it('cover what is appended while they are learned', async () => {
    const made = make([sound[0]!])
    const late = sound[1]!
    const learning = rebuild(made)
    appendFileSync(made.segment.path, late)
    made.segment.sizeBytes += late.length
    await learning
    expect(made.segment).toMatchObject({ nextOffset: 13, batchCount: 2, facts: 'fresh' })
  })

  it('fail with the error of the system when the file can not be read', async () => {
    const made = make(sound)
    made.segment.path = '/nonexistent'
    await expect(rebuild(made)).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(made.segment.facts).toBe('unknown')
  })

  it('from the index are taken over as they are, and known to be no more than that', () => {
    const { segment } = make(sound)
    const facts = {
      baseOffset: 10,
      sizeBytes: 5,
      nextOffset: 16,
      maxTimestamp: 7,
      batchCount: 3,
      recordCount: 6,
    }
    adoptFacts(segment, facts)
    expect(segment).toMatchObject({
      nextOffset: 16,
      maxTimestamp: 7,
      batchCount: 3,
      recordCount: 6,
      facts: 'stored',
    })
  })
})
