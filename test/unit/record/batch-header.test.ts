import { describe, expect, it } from 'vitest'
import {
  attributesAt,
  BATCH,
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  encodeBatch,
  isMaxTimestampExactAt,
  lastOffsetAt,
  magicAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  readBatchHeader,
  recordCountAt,
} from '../../../src/record/index.ts'
import { incrementSequence } from '../../../src/record/batch-header.ts'
import { compressed, errorOf, golden, resealed, threeRecords } from './batches.ts'

const INT32_MAX = 2 ** 31 - 1

describe('the layout table', () => {
  it('has every field where the one before ends', () => {
    const sizes = [8, 4, 4, 1, 4, 2, 4, 8, 8, 8, 2, 4, 4]
    let position = 0
    const expected = sizes.map((size) => (position += size))
    expect(Object.values(BATCH)).toEqual([0, ...expected])
    expect(BATCH.records).toBe(BATCH_HEADER_BYTES)
  })
})

describe('a header', () => {
  it('reads every field', () => {
    expect(readBatchHeader(golden.twoRecords, 0)).toEqual({
      baseOffset: 0,
      lastOffset: 1,
      sizeBytes: 97,
      partitionLeaderEpoch: 0,
      magic: 2,
      crc: 3851219455,
      attributes: 0,
      compression: 'none',
      timestampType: 'CreateTime',
      isTransactional: false,
      isControl: false,
      deleteHorizonMs: undefined,
      baseTimestamp: 283843,
      maxTimestamp: 283843,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      lastSequence: -1,
      recordCount: 2,
    })
  })

  it('of a batch that compaction emptied keeps offsets, producer and sequence', () => {
    const header = readBatchHeader(golden.empty, 0)
    expect(header).toMatchObject({
      baseOffset: 3,
      lastOffset: 4,
      recordCount: 0,
      sizeBytes: 61,
      maxTimestamp: 12,
    })
    expect(header).toMatchObject({ producerId: 23, producerEpoch: 5, baseSequence: 10, lastSequence: 11 })
    expect(header).toMatchObject({ partitionLeaderEpoch: 293, baseTimestamp: -1 })
  })

  it.each([
    ['CreateTime', false, false],
    ['CreateTime', true, false],
    ['CreateTime', true, true],
    ['LogAppendTime', false, true],
    ['LogAppendTime', true, true],
  ] as const)(
    'with %s, transactional %s, control %s reads back',
    (timestampType, isTransactional, isControl) => {
      const written = {
        baseOffset: 15,
        lastOffset: 37,
        partitionLeaderEpoch: 15,
        producerId: 23423,
        producerEpoch: 145,
        baseSequence: 983,
        maxTimestamp: 7,
        timestampType,
        isTransactional,
        isControl,
      }
      expect(readBatchHeader(encodeBatch([], written), 0)).toMatchObject({
        ...written,
        baseTimestamp: -1,
        lastSequence: 1005,
      })
    },
  )

  it('is read from the middle of a buffer, to its last byte', () => {
    const bytes = Buffer.concat([Buffer.alloc(7, 0xee), golden.empty])
    expect(readBatchHeader(bytes, 7)).toEqual(readBatchHeader(golden.empty, 0))
  })

  it('under 61 bytes is damage', () => {
    for (const length of [0, 17, 60]) {
      const error = errorOf(() => readBatchHeader(golden.empty.subarray(0, length), 0))
      expect(error).toMatchObject({ code: 'BATCH_CORRUPT', found: length, expected: 61 })
    }
    expect(errorOf(() => readBatchHeader(golden.empty, 1)).code).toBe('BATCH_CORRUPT')
  })

  it.each([-1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n - 2n, 2n ** 63n - 1n])(
    'with base offset %s is damage',
    (offset) => {
      const bytes = Buffer.from(threeRecords())
      bytes.writeBigInt64BE(offset, BATCH.baseOffset)
      expect(errorOf(() => readBatchHeader(bytes, 0))).toMatchObject({
        code: 'BATCH_CORRUPT',
        found: `${offset} + 2`,
      })
    },
  )

  it('takes the last offset there is', () => {
    const bytes = Buffer.from(threeRecords())
    bytes.writeBigInt64BE(2n ** 53n - 3n, BATCH.baseOffset)
    expect(readBatchHeader(bytes, 0).lastOffset).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('gives the nearest safe timestamps, and the exact ones beside them only where they differ', () => {
    const bytes = resealed(threeRecords(), (copy) => {
      copy.writeBigInt64BE(-(2n ** 63n), BATCH.baseTimestamp)
      copy.writeBigInt64BE(2n ** 63n - 1n, BATCH.maxTimestamp)
    })
    expect(readBatchHeader(bytes, 0)).toMatchObject({
      baseTimestamp: Number.MIN_SAFE_INTEGER,
      baseTimestampExact: -(2n ** 63n),
      maxTimestamp: Number.MAX_SAFE_INTEGER,
      maxTimestampExact: 2n ** 63n - 1n,
    })
    bytes.writeBigInt64BE(2n ** 53n - 1n, BATCH.maxTimestamp)
    expect(readBatchHeader(bytes, 0)).not.toHaveProperty('maxTimestampExact')
  })

  it('names a codec nobody has defined unknown, and keeps reserved bits', () => {
    const unknown = [5, 6, 7].map((id) => readBatchHeader(compressed(threeRecords(), id), 0).compression)
    expect(unknown).toEqual(['unknown', 'unknown', 'unknown'])
    const names = [1, 2, 3, 4].map((id) => readBatchHeader(compressed(threeRecords(), id), 0).compression)
    expect(names).toEqual(['gzip', 'snappy', 'lz4', 'zstd'])
    const reserved = resealed(threeRecords(), (copy) => void copy.writeUInt16BE(0xff80, BATCH.attributes))
    expect(readBatchHeader(reserved, 0)).toMatchObject({
      attributes: 0xff80,
      compression: 'none',
      isControl: false,
    })
  })
})

describe('sequences', () => {
  it('wrap from the largest to 0', () => {
    expect(incrementSequence(5, 5)).toBe(10)
    expect(incrementSequence(INT32_MAX, 1)).toBe(0)
    expect(incrementSequence(INT32_MAX - 5, 10)).toBe(4)
  })

  it('of a batch wrap too', () => {
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: INT32_MAX - 1 }
    expect(readBatchHeader(encodeBatch([{}, {}, {}], producer), 0).lastSequence).toBe(0)
  })

  it('are -1 to the last where there is none', () => {
    expect(readBatchHeader(threeRecords(), 0).lastSequence).toBe(-1)
  })
})

describe('the one-field accessors', () => {
  it('agree with the whole header', () => {
    for (const batch of [threeRecords(2 ** 40), golden.empty, golden.commitMarker]) {
      const bytes = Buffer.concat([Buffer.alloc(5, 0xee), batch])
      const header = readBatchHeader(bytes, 5)
      expect(batchSizeAt(bytes, 5)).toBe(header.sizeBytes)
      expect(baseOffsetAt(bytes, 5)).toBe(header.baseOffset)
      expect(lastOffsetAt(bytes, 5)).toBe(header.lastOffset)
      expect(magicAt(bytes, 5)).toBe(2)
      expect(maxTimestampAt(bytes, 5)).toBe(header.maxTimestamp)
      expect(isMaxTimestampExactAt(bytes, 5)).toBe(true)
      expect(partitionLeaderEpochAt(bytes, 5)).toBe(header.partitionLeaderEpoch)
      expect(recordCountAt(bytes, 5)).toBe(header.recordCount)
      expect(attributesAt(bytes, 5)).toBe(header.attributes)
    }
  })

  it('tell a timestamp that a number cannot hold', () => {
    const bytes = Buffer.from(golden.empty)
    bytes.writeBigInt64BE(2n ** 60n, BATCH.maxTimestamp)
    expect(isMaxTimestampExactAt(bytes, 0)).toBe(false)
    expect(maxTimestampAt(bytes, 0)).toBe(Number.MAX_SAFE_INTEGER)
  })
})
