import { gzipSync, zstdCompressSync } from 'node:zlib'
import { crc32c } from '../../../src/codec/index.ts'
import { isSeglogError, type SeglogError } from '../../../src/core/index.ts'
import {
  BATCH,
  BATCH_HEADER_BYTES,
  decodeBatch,
  encodeBatch,
  type LogRecord,
  type RecordBatch,
  type RecordToEncode,
} from '../../../src/record/index.ts'

/** Batches whose bytes are known from Kafka itself. */
export const golden = {
  /** Two records; the CRC is a constant in Kafka's own tests. The second timestamp is before the first. */
  twoRecords: Buffer.from(
    '0000000000000000000000550000000002e58cf1ff00000000000100000000000454c300000000000454c3' +
      'ffffffffffffffffffffffffffff0000000220000000086b6579310c76616c756531002400e1bf2202086b6579320c76616c75653200',
    'hex',
  ),
  /** What compaction leaves of offsets 3 and 4. */
  empty: Buffer.from(
    '000000000000000300000031000001250255581148000000000001ffffffffffffffff000000000000000c' +
      '000000000000001700050000000a00000000',
    'hex',
  ),
  /** The end of a committed transaction, at offset 983. */
  commitMarker: Buffer.from(
    '00000000000003d7000000420000001d02172b6dc800300000000000000000000003e800000000000003e8' +
      '0000000000000049000dffffffff000000012000000008000000010c00000000015b00',
    'hex',
  ),
}

/** Three plain records, keyed, unkeyed and with a header. */
export function threeRecords(baseOffset = 0): Buffer {
  return encodeBatch(
    [
      { timestamp: 1000, key: 'k1', value: 'first' },
      { timestamp: 1002, value: 'second' },
      { timestamp: 1001, key: 'k3', value: null, headers: [['trace', 'abc']] },
    ],
    { baseOffset },
  )
}

export const limits = { batchBytesMax: 1 << 20, decompressedBytesMax: 1 << 20 }

export function decode(bytes: Buffer): RecordBatch {
  return decodeBatch(bytes, limits)
}

/** Every record, control or not, in the form it is encoded from. */
export function rawRecords(bytes: Buffer): LogRecord[] {
  return [...decode(bytes).rawRecords()]
}

/** A copy of `batch` after `edit`, with a length and a CRC that are right for it, so that only the edit is wrong. */
export function resealed(batch: Buffer, edit: (copy: Buffer) => Buffer | void): Buffer {
  const copy = Buffer.from(batch)
  const edited = edit(copy) ?? copy
  edited.writeInt32BE(edited.length - 12, BATCH.batchLength)
  edited.writeUInt32BE(crc32c(edited.subarray(BATCH.attributes)), BATCH.crc)
  return edited
}

/** A batch around record bytes given in hex, whatever they hold. */
export function batchAround(
  recordsHex: string,
  header: { recordCount?: number; lastOffsetDelta?: number } = {},
): Buffer {
  const { recordCount = 1, lastOffsetDelta = recordCount - 1 } = header
  return resealed(encodeBatch([], { baseOffset: 100, maxTimestamp: 0 }), (copy) => {
    copy.writeInt32BE(recordCount, BATCH.recordCount)
    copy.writeInt32BE(lastOffsetDelta, BATCH.lastOffsetDelta)
    return Buffer.concat([copy, Buffer.from(recordsHex, 'hex')])
  })
}

/** `batch` with its records compressed, or, for other codecs, only said to be. */
export function compressed(batch: Buffer, codecId: number): Buffer {
  const records = batch.subarray(BATCH_HEADER_BYTES)
  const packed = codecId === 1 ? gzipSync(records) : codecId === 4 ? zstdCompressSync(records) : records
  return resealed(Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), packed]), (copy) => {
    copy.writeUInt16BE(copy.readUInt16BE(BATCH.attributes) | codecId, BATCH.attributes)
  })
}

/** What `action` throws, which must be a SeglogError. */
export function errorOf(action: () => unknown): SeglogError {
  try {
    action()
  } catch (error) {
    if (isSeglogError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A record as it reads back: bytes for strings, defaults filled in. */
export function asRead(record: RecordToEncode & { offset: number }): LogRecord {
  return {
    offset: record.offset,
    timestamp: record.timestamp ?? -1,
    key: fieldAsRead(record.key),
    value: fieldAsRead(record.value),
    headers: (record.headers ?? []).map(
      ([key, value]) => [Buffer.from(key).toString(), fieldAsRead(value)] as const,
    ),
  }
}

function fieldAsRead(field: Uint8Array | string | null | undefined): Buffer | null {
  return field === null || field === undefined ? null : Buffer.from(field as Uint8Array)
}
