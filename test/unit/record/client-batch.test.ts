import { describe, expect, it } from 'vitest'
import { BATCH, checkClientBatch, encodeBatch } from '../../../src/record/index.ts'
import {
  batchAround,
  compressed,
  decode,
  errorOf,
  golden,
  limits,
  resealed,
  threeRecords,
} from './batches.ts'

function codeFor(bytes: Buffer, changed: Partial<typeof limits> = {}): string {
  return errorOf(() => checkClientBatch(bytes, { ...limits, ...changed })).code
}

const producer = { producerId: 5, producerEpoch: 0, baseSequence: 0 }

describe('a batch from a client', () => {
  it.each([
    ['plain', threeRecords()],
    ["Kafka's own", golden.twoRecords],
    ['idempotent', encodeBatch([{}, {}], producer)],
    ['transactional', encodeBatch([{}], { ...producer, isTransactional: true })],
    ['gzip', compressed(threeRecords(), 1)],
    ['zstd', compressed(threeRecords(), 4)],
    ['of any leader epoch', encodeBatch([{}], { partitionLeaderEpoch: -1 })],
  ])('is taken when it is %s', (_name, bytes) => {
    const batch = checkClientBatch(bytes, limits)
    expect([...batch]).toEqual([...decode(bytes)])
    expect(batch.lastOffset).toBe(batch.recordCount - 1)
  })

  it('must be one, and whole', () => {
    const bytes = threeRecords()
    expect(codeFor(Buffer.alloc(0))).toBe('RECORD_INVALID')
    expect(codeFor(Buffer.alloc(100))).toBe('RECORD_INVALID')
    for (const length of [16, 17, 60, bytes.length - 1])
      expect(codeFor(bytes.subarray(0, length))).toBe('RECORD_INVALID')
    expect(codeFor(Buffer.concat([bytes, bytes]))).toBe('RECORD_INVALID')
    expect(codeFor(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe('RECORD_INVALID')
  })

  it('may be as large as the limit, and decompress to as much', () => {
    const bytes = threeRecords()
    expect(() => checkClientBatch(bytes, { ...limits, batchBytesMax: bytes.length })).not.toThrow()
    expect(codeFor(bytes, { batchBytesMax: bytes.length - 1 })).toBe('RECORD_TOO_LARGE')
    const packed = compressed(bytes, 1)
    expect(() =>
      checkClientBatch(packed, { ...limits, decompressedBytesMax: bytes.length - 61 }),
    ).not.toThrow()
    expect(codeFor(packed, { decompressedBytesMax: bytes.length - 62 })).toBe('RECORD_TOO_LARGE')
  })

  it('must have a good CRC', () => {
    const bytes = threeRecords()
    for (let position = BATCH.crc; position < bytes.length; position++) {
      bytes[position]! ^= 0x10
      expect(codeFor(bytes)).toBe('BATCH_CORRUPT')
      bytes[position]! ^= 0x10
    }
  })

  it.each([0, 1, 3])('of version %d is of another format', (magic) => {
    const bytes = threeRecords()
    bytes.writeInt8(magic, BATCH.magic)
    expect(codeFor(bytes)).toBe('FORMAT_UNSUPPORTED')
  })

  it.each([
    ['a base offset', threeRecords(1)],
    ['no records', golden.empty],
    ['no records, from offset 0', encodeBatch([], {})],
    ['a hole', encodeBatch([{ offset: 0 }, { offset: 2 }], {})],
    ['a last offset above its records', encodeBatch([{}, {}], { lastOffset: 2 })],
    ['control records', encodeBatch([{ key: Buffer.alloc(4), value: Buffer.alloc(6) }], { isControl: true })],
    [
      'a producer without a sequence',
      resealed(threeRecords(), (copy) => void copy.writeBigInt64BE(5n, BATCH.producerId)),
    ],
    ['a negative count', resealed(threeRecords(), (copy) => void copy.writeInt32BE(-1, BATCH.recordCount))],
    [
      'a negative last offset',
      resealed(threeRecords(), (copy) => void copy.writeInt32BE(-1, BATCH.lastOffsetDelta)),
    ],
  ])('must not have %s', (_name, bytes) => {
    expect(codeFor(bytes)).toBe('RECORD_INVALID')
  })

  it.each([
    ['uncompressed', 0],
    ['gzip', 1],
    ['zstd', 4],
  ])('must decode to its last record, %s too', (_name, id) => {
    const twice = '0e000000010100'.repeat(2)
    const atHundred = compressed(batchAround(twice, { recordCount: 2 }), id)
    atHundred.writeBigInt64BE(0n, BATCH.baseOffset)
    const error = errorOf(() => checkClientBatch(atHundred, limits))
    expect(error.code).toBe('RECORD_INVALID')
    expect(error.cause).toMatchObject({ code: 'BATCH_CORRUPT' })
  })

  it('must decompress', () => {
    const bytes = resealed(compressed(threeRecords(), 1), (copy) => void (copy[61] = 0))
    expect(codeFor(bytes)).toBe('RECORD_INVALID')
    for (const id of [2, 3, 6])
      expect(codeFor(compressed(threeRecords(), id))).toBe('COMPRESSION_UNSUPPORTED')
  })
})
