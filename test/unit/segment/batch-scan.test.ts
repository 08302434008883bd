import { describe, expect, it } from 'vitest'
import {
  isZero,
  offsetProblem,
  type ScannedBatch,
  type ScannedLegacy,
  type ScanRange,
  scanBatches,
} from '../../../src/segment/index.ts'
import { dataBatch, emptyBatch, flipped, marker, resealed, sparseBatch } from '../../helpers/hand-made.ts'
import { legacyMessage, legacyWrapper } from '../../helpers/legacy-messages.ts'
import { sourceOf } from './byte-source.ts'

const batches = [
  dataBatch(0, 3),
  dataBatch(3, 2, { timestamps: [9, -1] }),
  marker(5, 7, 'COMMIT'),
  dataBatch(6, 4),
]
const bytes = Buffer.concat(batches)

async function scan(content: Buffer, range: Partial<ScanRange> = {}) {
  const found: ScannedBatch[] = []
  const whole = { from: 0, end: content.length, expectedOffset: 0, dense: true, batchBytesMax: 1 << 20 }
  const result = await scanBatches(sourceOf(content), { ...whole, depth: 'checksums', ...range }, (batch) =>
    found.push(batch),
  )
  return { found, ...result }
}

describe.each(['headers', 'checksums'] as const)('a pass over %s', (depth) => {
  it('describes each batch and ends where the last one does', async () => {
    const { found, end, nextOffset, problem } = await scan(bytes, { depth })
    expect({ end, nextOffset, problem }).toEqual({ end: bytes.length, nextOffset: 10, problem: undefined })
    expect(
      found.map(({ baseOffset, lastOffset, recordCount, maxTimestamp }) => [
        baseOffset,
        lastOffset,
        recordCount,
        maxTimestamp,
      ]),
    ).toEqual([
      [0, 2, 3, 1002],
      [3, 4, 2, 9],
      [5, 5, 1, 1005],
      [6, 9, 4, 1009],
    ])
    expect(found.map(({ position, sizeBytes }) => position + sizeBytes)).toEqual(
      batches.map((_, slot) => Buffer.concat(batches.slice(0, slot + 1)).length),
    )
  })

  it('may begin at any batch and end before the last', async () => {
    const from = batches[0]!.length
    const { found, end } = await scan(bytes, {
      depth,
      from,
      expectedOffset: 3,
      end: from + batches[1]!.length,
    })
    expect(found.map(({ baseOffset }) => baseOffset)).toEqual([3])
    expect(end).toBe(from + batches[1]!.length)
  })

  it('finds nothing in nothing', async () => {
    expect(await scan(Buffer.alloc(0), { depth, expectedOffset: 7 })).toEqual({
      found: [],
      end: 0,
      nextOffset: 7,
      problem: undefined,
    })
  })

  it('stops where a batch is cut short, at every byte', async () => {
    const last = bytes.length - batches[3]!.length
    for (let cut = 8; cut < batches[3]!.length; cut += 7) {
      const { end, nextOffset, problem } = await scan(bytes.subarray(0, last + cut), { depth })
      expect({ end, nextOffset }).toEqual({ end: last, nextOffset: 6 })
      expect(problem).toMatchObject({ position: last, reason: cut < 61 ? 'too-short' : 'beyond-end' })
    }
  })

  it('says that zeros are zeros, however few', async () => {
    for (const count of [1, 16, 60, 61, 4096]) {
      const { end, problem } = await scan(Buffer.concat([bytes, Buffer.alloc(count)]), { depth })
      expect(end).toBe(bytes.length)
      expect(problem).toMatchObject({ position: bytes.length, reason: 'zeros' })
    }
  })

  it('stops at lengths that lie, without asking for such memory', async () => {
    for (const [length, reason] of [
      [0x7fff_ffff, 'beyond-end'],
      [48, 'length-under-minimum'],
      [0, 'length-under-minimum'],
      [-1, 'length-under-minimum'],
      [-0x8000_0000, 'length-under-minimum'],
    ] as const) {
      const copy = Buffer.from(bytes)
      copy.writeInt32BE(length, batches[0]!.length + 8)
      expect((await scan(copy, { depth })).problem).toMatchObject({ position: batches[0]!.length, reason })
    }
    const { problem } = await scan(bytes, { depth, batchBytesMax: batches[0]!.length - 1 })
    expect(problem).toMatchObject({ position: 0, reason: 'length-over-limit' })
  })

  it('stops at a hole only where there are none, and at offsets that come again in any log', async () => {
    const holed = Buffer.concat([batches[0]!, batches[3]!])
    expect((await scan(holed, { depth })).problem).toMatchObject({ reason: 'gap', found: 6, expected: 3 })
    expect((await scan(holed, { depth, dense: false })).problem).toBeUndefined()
    for (const dense of [true, false]) {
      const again = Buffer.concat([batches[0]!, batches[0]!])
      expect((await scan(again, { depth, dense })).problem).toMatchObject({
        reason: 'order',
        found: 0,
        expected: 3,
      })
    }
  })

  it('takes in what compaction leaves', async () => {
    const compacted = Buffer.concat([
      sparseBatch([2, 7], { baseOffset: 0, lastOffset: 9 }),
      emptyBatch(10, 19),
    ])
    const { found, nextOffset } = await scan(compacted, { depth })
    expect(found.map(({ lastOffset, recordCount }) => [lastOffset, recordCount])).toEqual([
      [9, 2],
      [19, 0],
    ])
    expect(nextOffset).toBe(20)
  })

  it('stops at offsets that are none', async () => {
    const negative = resealed(dataBatch(3, 1), (copy) => void copy.writeBigInt64BE(-1n, 0))
    expect((await scan(negative, { depth, dense: false })).problem).toMatchObject({ position: 0 })
    const huge = resealed(dataBatch(3, 1), (copy) => void copy.writeBigInt64BE(2n ** 53n, 0))
    expect((await scan(huge, { depth, dense: false })).problem).toMatchObject({ position: 0 })
    const backwards = resealed(dataBatch(0, 1), (copy) => void copy.writeInt32BE(-1, 23))
    expect((await scan(backwards, { depth })).problem).toMatchObject({ position: 0, reason: 'delta' })
  })

  it('names the versions it does not read', async () => {
    for (const magic of [0, 1, 3]) {
      const old = Buffer.from(bytes)
      old[16] = magic
      expect((await scan(old, { depth })).problem).toMatchObject({ reason: 'magic', found: magic })
    }
  })

  it('ends at a message of an old format where there may be one, larger than a header or not', async () => {
    for (const value of ['', 'v'.repeat(100)]) {
      const message = legacyMessage({ magic: 1, offset: 3, value })
      const content = Buffer.concat([dataBatch(0, 3), message])
      const { problem, end, nextOffset } = await scan(content, { depth, dense: false })
      expect({ end, nextOffset }).toEqual({ end: content.length - message.length, nextOffset: 3 })
      expect(problem).toMatchObject({ reason: 'magic', found: 1, expected: 2, position: end })
      expect(problem?.message).toBe('a message of the old format, version 1: only version 2 is read')
    }
    const short = Buffer.concat([dataBatch(0, 3), legacyMessage({ magic: 0, offset: 3 })])
    expect((await scan(short, { depth })).problem?.reason).toBe('too-short') // in a log of ours
  })

  it('goes over messages of an old format for who wants them, in their place and all there', async () => {
    const old = [
      legacyMessage({ magic: 0, offset: 3 }),
      legacyWrapper(1, [{ offset: 4 }, { offset: 5, timestamp: 77 }]),
    ]
    const content = Buffer.concat([
      dataBatch(0, 3),
      ...old,
      dataBatch(6, 2),
      legacyMessage({ magic: 1, offset: 8 }),
    ])
    const seen: ScannedLegacy[] = []
    const onLegacy = (message: ScannedLegacy) => void seen.push(message)
    const result = await scan(content, { depth, dense: false, onLegacy })
    expect(result).toMatchObject({ end: content.length, nextOffset: 9, problem: undefined })
    expect(result.found.map(({ baseOffset }) => baseOffset)).toEqual([0, 6])
    expect(seen.map(({ magic, lastOffset, maxTimestamp }) => [magic, lastOffset, maxTimestamp])).toEqual([
      [0, 3, -1],
      [1, 5, 77],
      [1, 8, -1],
    ])
    expect(seen.map(({ position, sizeBytes }) => position + sizeBytes)[0]).toBe(seen[1]!.position)
    for (const wrong of [legacyMessage({ magic: 1, offset: 2 }), content.subarray(content.length - 30)]) {
      const stopped = await scan(Buffer.concat([dataBatch(0, 3), wrong]), { depth, dense: false, onLegacy })
      expect(stopped.problem).toBeDefined()
      expect(stopped.nextOffset).toBe(3)
    }
    expect(seen).toHaveLength(3)
  })

  it('fails as the disk does', async () => {
    const range = { from: 0, end: 100, expectedOffset: 0, dense: true, batchBytesMax: 1000, depth }
    const broken = { read: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) }
    await expect(scanBatches(broken, range, () => {})).rejects.toMatchObject({ code: 'EIO' })
  })
})

it('sees every wrong bit with checksums, but those that nothing covers', async () => {
  const position = batches[0]!.length
  for (let at = 0; at < batches[1]!.length; at++) {
    const { end, problem } = await scan(flipped(bytes, position + at, at % 8))
    if (at >= 12 && at < 16) expect(problem).toBeUndefined()
    else expect([end, problem?.position]).toEqual([position, position])
  }
})

it('reads no more than the headers when it is asked for headers', async () => {
  const large = Array.from({ length: 20 }, (_, offset) => dataBatch(offset, 1, { valueBytes: 500_000 }))
  const content = Buffer.concat(large)
  let count = 0
  const counting = {
    read: async (into: Uint8Array, position: number) => {
      count += into.length
      return sourceOf(content).read(into, position)
    },
  }
  const range = { from: 0, end: content.length, expectedOffset: 0, dense: true, batchBytesMax: 1 << 20 }
  const found: ScannedBatch[] = []
  await scanBatches(counting, { ...range, depth: 'headers' }, (batch) => found.push(batch))
  expect(found).toHaveLength(20)
  expect(count).toBeLessThanOrEqual(20 * 64 * 1024)
})

describe('offsets in order', () => {
  it('follow one another, or leave a hole where holes may be', () => {
    expect(offsetProblem(5, 5, true)).toBeUndefined()
    expect(offsetProblem(6, 5, false)).toBeUndefined()
    expect(offsetProblem(6, 5, true)).toMatchObject({ reason: 'gap', found: 6, expected: 5 })
    expect(offsetProblem(4, 5, false)).toMatchObject({ reason: 'order', found: 4, expected: 5 })
    for (const none of [-1, Number.NaN, 1.5, 2 ** 53])
      expect(offsetProblem(none, 5, false)).toMatchObject({ reason: 'offset-range', found: none })
  })

  it('are no zeros unless all are', () => {
    expect(isZero(Buffer.alloc(0))).toBe(true)
    expect(isZero(Buffer.alloc(9))).toBe(true)
    expect(isZero(Buffer.from([0, 0, 1]))).toBe(false)
  })
})
