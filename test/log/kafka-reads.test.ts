/*
 * What Kafka's own tests assert of reading a segment and a log, restated; numbers are those of the catalogue in which
 * they were collected.
 */
import { describe, expect, it } from 'vitest'
import type { Log, RecordBatch } from '../../src/index.ts'
import {
  compressedBatch,
  dataBatch,
  handMadeLog,
  type HandMadeSegment,
  sparseBatch,
} from '../helpers/hand-made.ts'
import { openTempLog, readAll } from '../helpers/temp-log.ts'

const openHandMade = async (segments: readonly HandMadeSegment[]): Promise<Log> =>
  openTempLog({}, await handMadeLog(segments))

async function first(log: Log, from: number): Promise<number | undefined> {
  for await (const { offset } of log.read({ from, maxBytes: 1 })) return offset
  return undefined
}

async function firstBatch(log: Log, from: number): Promise<number | undefined> {
  for await (const batch of log.readBatches({ from })) return batch.baseOffset
  return undefined
}

describe('segments', () => {
  it('63: data at 50 to 53 is read from 50 for what is below or at it, and from 60 in a hole', async () => {
    const log = await openHandMade([
      { baseOffset: 40, batches: [dataBatch(50, 2), dataBatch(52, 2), sparseBatch([60, 61])] },
    ])
    expect(await Promise.all([41, 50, 51].map((from) => firstBatch(log, from)))).toEqual([50, 50, 50])
    expect(await Promise.all([52, 53].map((from) => firstBatch(log, from)))).toEqual([52, 52])
    expect(await Promise.all([54, 55, 59, 60].map((from) => first(log, from)))).toEqual([60, 60, 60, 60])
    expect(await first(log, 62)).toBeUndefined()
    expect(await readAll(await openHandMade([{ baseOffset: 40, batches: [] }]))).toEqual([])
  })

  it('44: the first record at or after a time, in a segment of its own', async () => {
    const log = await openHandMade([
      [dataBatch(5, 1, { timestamps: [10] }), dataBatch(6, 1, { timestamps: [11] })],
    ])
    const found = await Promise.all([9, 10, 11, 12].map((time) => log.offsetForTimestamp(time)))
    expect(found).toEqual([
      { offset: 5, timestamp: 10 },
      { offset: 5, timestamp: 10 },
      { offset: 6, timestamp: 11 },
      undefined,
    ])
  })

  it.each([0, 2, 4, 5, 6, 17, 61, 4096])('38: %i zeros behind the batches do not disturb', async (zeros) => {
    const log = await openHandMade([[dataBatch(0, 3), dataBatch(3, 2), Buffer.alloc(zeros)]])
    expect((await readAll(log)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4])
    expect(await first(log, 5)).toBeUndefined()
  })

  it.each([1, 13, 60])(
    '38, 41: a last batch that is %i bytes short is not there, and all before it is',
    async (short) => {
      const last = dataBatch(3, 2)
      const log = await openHandMade([[dataBatch(0, 3), last.subarray(0, last.length - short)]])
      expect((await readAll(log)).map(({ offset }) => offset)).toEqual([0, 1, 2])
      expect(log.readableEndOffset).toBe(3)
    },
  )
})

describe('logs', () => {
  it('88: a hundred values, one a segment, are read from each offset; at the end there is nothing', async () => {
    const log = await openTempLog({ durability: 'os', config: { 'internal.segment.bytes': 72 } })
    for (let offset = 0; offset < 100; offset++) await log.append(Buffer.from([offset]))
    expect(log.segments()).toHaveLength(100)
    for (let from = 0; from < 100; from++) {
      const { value } = await log.read({ from }).next()
      expect([value?.offset, value?.key, value?.value]).toEqual([from, null, Buffer.from([from])])
    }
    expect(await first(log, 100)).toBeUndefined()
  })

  it('89: of offsets with holes, each read gives the first that is there', async () => {
    const offsets = [
      ...Array.from({ length: 50 }, (_, at) => at),
      ...Array.from({ length: 22 }, (_, at) => 50 + at * 7),
    ]
    const segments = Array.from({ length: 12 }, (_, at) =>
      offsets.slice(at * 6, at * 6 + 6).map((offset) => dataBatch(offset, 1)),
    )
    const log = await openHandMade(segments)
    for (let from = 0; from < 198; from++)
      expect([from, await first(log, from)]).toEqual([from, offsets.find((offset) => offset >= from)])
  })

  it('91: a log of one record at 1024 has nothing at 1025, and nothing else anywhere', async () => {
    const log = await openHandMade([[dataBatch(1024, 1)]])
    expect([await first(log, 1024), await first(log, 1025)]).toEqual([1024, undefined])
    for (const from of [0, 1023, 1026])
      await expect(first(log, from)).rejects.toMatchObject({
        code: 'OFFSET_OUT_OF_RANGE',
        expected: [1024, 1025],
      })
  })

  it('93: batches of two compressed records are given whole, and their records from the one that was asked for', async () => {
    const pairs = [0, 2, 4].map((base) => [compressedBatch(dataBatch(base, 2), 1)])
    const log = await openHandMade(pairs)
    expect(await Promise.all([0, 1, 2, 3, 4, 5].map((from) => firstBatch(log, from)))).toEqual([
      0, 0, 2, 2, 4, 4,
    ])
    expect(await Promise.all([0, 1, 2, 3, 4, 5].map((from) => first(log, from)))).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('94: null values and missing times come back as they are', async () => {
    const log = await openTempLog({ durability: 'os' })
    await log.append([
      { value: null, timestamp: -1 },
      { value: '', key: '', timestamp: -1 },
    ])
    expect(await readAll(log)).toMatchObject([
      { value: null, key: null, timestamp: -1 },
      { value: Buffer.alloc(0), key: Buffer.alloc(0), timestamp: -1 },
    ])
  })

  it('109: what is asked for at the end just after a roll is nothing, not an error', async () => {
    const log = await openTempLog({ durability: 'os' })
    await log.append(['a', 'b'])
    await log.roll()
    expect(log.segments()).toHaveLength(2)
    expect([await first(log, 2), log.getSync(2)]).toEqual([undefined, undefined])
    expect((await readAll(log)).map(({ offset }) => offset)).toEqual([0, 1])
    const batches: RecordBatch[] = []
    for await (const batch of log.readBatches({ from: { last: 1 } })) batches.push(batch)
    expect(batches.map(({ baseOffset }) => baseOffset)).toEqual([0])
  })
})
