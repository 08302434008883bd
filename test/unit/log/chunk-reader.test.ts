import { FaultFileSystem } from '../../../src/testing/index.ts'
import { appendFileSync, truncateSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ChunkReader } from '../../../src/log/chunk-reader.ts'
import { dataBatch, viewOf } from '../../helpers/hand-made.ts'

const batches = Array.from({ length: 200 }, (_, offset) => dataBatch(offset, 1))
const all = Buffer.concat(batches)
const size = batches[150]!.length
/** Where the first chunk of 1000 bytes stops being whole batches. */
const firstAhead = batches.reduce((end, { length }) => (end + length <= 1000 ? end + length : end), 0)

function openChunks(chunkBytes: number) {
  const fileSystem = new FaultFileSystem()
  const view = viewOf([batches], { fileSystem })
  return { fileSystem, view, segment: view.segments.last!, chunks: new ChunkReader(view, chunkBytes) }
}

describe('chunks of a segment', () => {
  it('have at least what is asked for, at any position, until the end', async () => {
    const { chunks, segment } = openChunks(1000)
    for (const [position, wanted] of [
      [0, 61],
      [500, 2000],
      [10, 1],
      [5000, 61],
      [all.length - 70, 61],
    ] as const) {
      const bytes = await chunks.at(segment, position, wanted)
      expect(bytes.length).toBeGreaterThanOrEqual(wanted)
      expect(bytes.equals(all.subarray(position, position + bytes.length))).toBe(true)
    }
    expect(await chunks.at(segment, all.length - 20, 61)).toHaveLength(20)
    expect(await chunks.at(segment, all.length, 61)).toHaveLength(0)
  })

  it('are read one ahead, so that the next is there, and no byte twice', async () => {
    const { chunks, segment, fileSystem } = openChunks(1000)
    let position = 0
    for (const batch of batches) {
      const bytes = await chunks.at(segment, position, batch.length)
      expect(bytes.subarray(0, batch.length).equals(batch)).toBe(true)
      position += batch.length
    }
    expect(fileSystem.count('read')).toBeLessThanOrEqual(Math.ceil(all.length / (1000 - size)))
  })

  it('are each memory of their own', async () => {
    const { chunks, segment } = openChunks(500)
    const kept = [
      await chunks.at(segment, 0, 61),
      await chunks.at(segment, 600, 61),
      await chunks.at(segment, 1200, 61),
    ]
    expect(new Set(kept.map(({ buffer }) => buffer)).size).toBe(3)
    expect(
      kept.every((bytes, slot) => bytes.equals(all.subarray(600 * slot, 600 * slot + bytes.length))),
    ).toBe(true)
  })

  it('say up to which offset what they hold could be read when it was read', async () => {
    const { chunks, segment, view } = openChunks(1000)
    expect(chunks.endOffset).toBe(0)
    await chunks.at(segment, 0, 61)
    expect(chunks.endOffset).toBe(200)
    view.setReadableEnd(250)
    await chunks.at(segment, 0, 61)
    expect(chunks.endOffset).toBe(200)
    await chunks.at(segment, firstAhead, 500) // read ahead, before
    expect(chunks.endOffset).toBe(200)
    chunks.drop()
    await chunks.at(segment, 0, 61)
    expect(chunks.endOffset).toBe(250)
  })

  it('are read anew when they fall short of what the segment has by now', async () => {
    const { chunks, segment } = openChunks(1 << 20)
    await chunks.at(segment, 0, 61)
    const more = dataBatch(200, 1)
    appendFileSync(segment.path, more)
    segment.sizeBytes += more.length
    expect((await chunks.at(segment, all.length, 61)).equals(more)).toBe(true)
    truncateSync(segment.path, all.length)
    chunks.drop()
    expect(await chunks.at(segment, all.length, 61)).toHaveLength(0) // what there is
  })

  it('fail when they are used, not before', async () => {
    const { chunks, segment, fileSystem } = openChunks(1000)
    fileSystem.fail('read', { code: 'EIO', skip: 1 })
    expect(await chunks.at(segment, 0, 61)).toHaveLength(1000)
    await new Promise((resolve) => setImmediate(resolve)) // the failure has been there for a while, unheard
    await expect(chunks.at(segment, firstAhead, 61)).rejects.toMatchObject({
      code: 'IO_FAILED',
      position: firstAhead,
    })
    expect((await chunks.at(segment, firstAhead, 61)).length).toBeGreaterThan(0)
  })

  it('are not read ahead any more after close', async () => {
    const { chunks, segment, fileSystem } = openChunks(1000)
    const hold = fileSystem.hold('read')
    const bytes = chunks.at(segment, 0, 61)
    await hold.reached
    chunks.close()
    hold.release()
    expect((await bytes).length).toBe(1000)
    expect(fileSystem.count('read')).toBe(1)
  })
})
