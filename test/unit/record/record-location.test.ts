import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BATCH,
  decodeRecordAlone,
  decodeRecordAt,
  encodeBatch,
  locateRecords,
  plainFrameOf,
  readBatchHeader,
  setMaxTimestamp,
} from '../../../src/record/index.ts'
import { seed } from '../../helpers/seed.ts'
import { sparseRecords } from './arbitraries.ts'
import { batchAround, compressed, errorOf, golden, rawRecords, resealed, threeRecords } from './batches.ts'

/** The record at `slot`, read from a buffer that holds just it. */
function readAlone(bytes: Buffer, slot: number, offset: number) {
  const { starts } = locateRecords(bytes, 0)!
  const alone = Buffer.from(bytes.subarray(starts[slot], starts[slot + 1]))
  const header = readBatchHeader(bytes, 0)
  const read = decodeRecordAt(alone, header, { at: 0, offset })
  expect(decodeRecordAlone(alone, plainFrameOf(header), offset)).toEqual(read)
  return read
}

describe('locating records', () => {
  it('gives the start of each and the end of the last, counted from the batch', () => {
    const bytes = Buffer.concat([Buffer.alloc(5, 0xee), golden.twoRecords, Buffer.alloc(5, 0xee)])
    expect(locateRecords(bytes, 5)).toEqual({ starts: Uint32Array.of(61, 78, 97), dense: true })
  })

  it('tells a batch with holes, at its start, inside and at its end', () => {
    expect(locateRecords(encodeBatch([{ offset: 5 }, { offset: 6 }], {}), 0)!.dense).toBe(true)
    expect(locateRecords(encodeBatch([{ offset: 5 }, { offset: 6 }], { baseOffset: 4 }), 0)!.dense).toBe(
      false,
    )
    expect(locateRecords(encodeBatch([{ offset: 5 }, { offset: 7 }], {}), 0)!.dense).toBe(false)
    expect(locateRecords(encodeBatch([{ offset: 5 }, { offset: 6 }], { lastOffset: 7 }), 0)!.dense).toBe(
      false,
    )
    expect(locateRecords(golden.empty, 0)).toEqual({ starts: Uint32Array.of(61), dense: false })
  })

  it('has no answer for compressed and for control batches', () => {
    for (const id of [1, 2, 7]) expect(locateRecords(compressed(threeRecords(), id), 0)).toBeUndefined()
    expect(locateRecords(golden.commitMarker, 0)).toBeUndefined()
  })

  it.each([2, 4, 2 ** 31 - 1, -1, -(2 ** 31)])('fails when the count says %d of three', (count) => {
    const bytes = resealed(threeRecords(), (copy) => {
      copy.writeInt32BE(count, BATCH.recordCount)
      copy.writeInt32BE(2 ** 31 - 1, BATCH.lastOffsetDelta)
    })
    expect(errorOf(() => locateRecords(bytes, 0))).toMatchObject({ code: 'BATCH_CORRUPT', offset: 0 })
  })

  it('fails when the records do not fill the batch', () => {
    for (const records of ['0e000000010100', '0c00000001010000', '0c000002010100', '0c000000']) {
      expect(errorOf(() => locateRecords(batchAround(records), 0)).code).toBe('BATCH_CORRUPT')
    }
  })
})

describe('one record read by itself', () => {
  it('is the one that iterating gives, for every record of any batch', () => {
    const property = fc.property(sparseRecords, (records) => {
      const bytes = encodeBatch(records, {})
      const read = rawRecords(bytes)
      expect(read.map(({ offset }, slot) => readAlone(bytes, slot, offset))).toEqual(read)
      const isDense = records.every(({ offset }, slot) => offset === records[0]!.offset + slot)
      expect(locateRecords(bytes, 0)!.dense).toBe(isDense && records.length > 0)
    })
    fc.assert(property, { seed })
  })

  it('has the time of the append under LogAppendTime', () => {
    const bytes = threeRecords()
    setMaxTimestamp(bytes, 0, { timestampType: 'LogAppendTime', timestamp: 15 })
    expect(readAlone(bytes, 1, 1).timestamp).toBe(15)
  })

  it('may start anywhere in its buffer, and ends with it', () => {
    const header = readBatchHeader(golden.twoRecords, 0)
    expect(decodeRecordAt(golden.twoRecords, header, { at: 78, offset: 1 }).key).toEqual(Buffer.from('key2'))
    const error = errorOf(() => decodeRecordAt(golden.twoRecords, header, { at: 61, offset: 0 }))
    expect(error.message).toBe(
      'bytes left over behind the last record: byte 17 of the record, batch at offset 0',
    )
  })

  it('fails when it is cut, at every length', () => {
    const header = readBatchHeader(golden.twoRecords, 0)
    for (let end = 78; end < 97; end++) {
      const cut = golden.twoRecords.subarray(0, end)
      expect(errorOf(() => decodeRecordAt(cut, header, { at: 78, offset: 1 })).code).toBe('BATCH_CORRUPT')
    }
  })

  it.each([0, 2])('fails when it is not the one asked for: %d', (offset) => {
    const header = readBatchHeader(golden.twoRecords, 0)
    expect(errorOf(() => decodeRecordAt(golden.twoRecords, header, { at: 78, offset })).code).toBe(
      'BATCH_CORRUPT',
    )
  })
})
