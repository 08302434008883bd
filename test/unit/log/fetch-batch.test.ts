import { FaultFileSystem } from '../../../src/testing/index.ts'
import { describe, expect, it } from 'vitest'
import { ChunkReader } from '../../../src/log/chunk-reader.ts'
import { type BatchDue, fetchBatch } from '../../../src/log/fetch-batch.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import { damageFile, dataBatch, flipped, viewOf } from '../../helpers/hand-made.ts'

const batches = [dataBatch(0, 5), dataBatch(5, 5)]

function due(view: LogState, more: Partial<BatchDue> = {}): BatchDue {
  const segment = view.segments.last!
  const rest = { position: 0, expectedOffset: 0, offsetEnd: Infinity, dense: true, batchBytesMax: 1 << 20 }
  return { segment, ...rest, ...more }
}

describe('a batch that is due', () => {
  it('is given whole', async () => {
    const view = viewOf([batches])
    const chunks = new ChunkReader(view, 4096)
    expect(await fetchBatch(chunks, due(view))).toEqual(batches[0])
    const second = due(view, { position: batches[0]!.length, expectedOffset: 5 })
    expect(await fetchBatch(chunks, second)).toEqual(batches[1])
  })

  it.each([
    ['another offset', { expectedOffset: 1 }, /starts at offset 0, 1 was due/],
    [
      'a hole before it',
      { position: batches[0]!.length, expectedOffset: 4 },
      /starts at offset 5, 4 was due/,
    ],
    ['more than fits the segment', { offsetEnd: 4 }, /reaches to offset 4/],
    ['a size over what is believed', { batchBytesMax: 80 }, /at most 80 are believed/],
    ['less than a header', { position: batches[0]!.length + batches[1]!.length - 60 }, /60 bytes left/],
    ['the middle of another', { position: 3 }, /./],
  ])('is refused for %s', async (_, more, message) => {
    const view = viewOf([batches])
    expect(await fetchBatch(new ChunkReader(view, 4096), due(view, more))).toMatchObject({
      message: expect.stringMatching(message),
    })
  })

  it('is refused with the version when that is what is wrong', async () => {
    const view = viewOf([batches])
    damageFile(view.segments.last!.path, (bytes) =>
      Buffer.concat([bytes.subarray(0, 16), Buffer.from([1]), bytes.subarray(17)]),
    )
    expect(await fetchBatch(new ChunkReader(view, 4096), due(view))).toMatchObject({ magic: 1 })
  })

  it('is read once more before it is called wrong', async () => {
    const fileSystem = new FaultFileSystem()
    const view = viewOf([batches], { fileSystem })
    const { path } = view.segments.last!
    const chunks = new ChunkReader(view, 4096)
    damageFile(path, (bytes) => flipped(bytes, 70))
    await chunks.at(view.segments.last!, 0, 61) // what is in memory is wrong
    damageFile(path, (bytes) => flipped(bytes, 70)) // the file is not, any more
    expect(await fetchBatch(chunks, due(view))).toEqual(batches[0])
    damageFile(path, (bytes) => flipped(bytes, 70))
    const reads = fileSystem.count('read')
    chunks.drop()
    expect(await fetchBatch(chunks, due(view))).toMatchObject({ message: expect.stringMatching(/checksum/) })
    expect(fileSystem.count('read')).toBeLessThanOrEqual(reads + 4)
  })

  it('asks for no more memory than its limit, whatever its length says', async () => {
    const lying = Buffer.concat([batches[0]!, Buffer.alloc(200_000)])
    lying.writeInt32BE(150_000, 8)
    const view = viewOf([[lying]])
    const found = await fetchBatch(new ChunkReader(view, 4096), due(view, { batchBytesMax: 100_000 }))
    expect(found).toEqual({ message: expect.stringMatching(/150012 bytes, at most 100000/) })
  })
})
