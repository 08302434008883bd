import {
  compressionName,
  crc32c,
  isSafeInt64,
  readInexactInt64,
  readInt64,
  writeInt64,
} from '../codec/index.ts'
import { INT32_MAX, SeglogError } from '../core/index.ts'
import { ATTRIBUTE, BATCH, BATCH_HEADER_BYTES, LOG_OVERHEAD_BYTES, MAGIC } from './batch-layout.ts'
import type { BatchHeader } from './types.ts'

/*
 * One field each, for scans that need no more. They trust that the header is there, and give the nearest safe
 * integer for a 64-bit field, so that a scan checks the batch first where that matters.
 */

/** Size of the whole batch at `at` as its length field has it: negative or absurd when the bytes are damaged. */
export function batchSizeAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + BATCH.batchLength) + LOG_OVERHEAD_BYTES
}

/** Offset of the first record that was put into the batch at `at`. */
export function baseOffsetAt(bytes: Buffer, at: number): number {
  return readInt64(bytes, at + BATCH.baseOffset)
}

/** Last offset that the batch at `at` covers. */
export function lastOffsetAt(bytes: Buffer, at: number): number {
  return baseOffsetAt(bytes, at) + bytes.readInt32BE(at + BATCH.lastOffsetDelta)
}

/** Format version of the batch at `at`. */
export function magicAt(bytes: Buffer, at: number): number {
  return bytes.readInt8(at + BATCH.magic)
}

/** Largest timestamp in the batch at `at`. */
export function maxTimestampAt(bytes: Buffer, at: number): number {
  return readInt64(bytes, at + BATCH.maxTimestamp)
}

/** False when the largest timestamp in the batch at `at` is one that a number can't hold, so that it is no time. */
export function isMaxTimestampExactAt(bytes: Buffer, at: number): boolean {
  return isSafeInt64(bytes, at + BATCH.maxTimestamp)
}

/** Leader epoch stamped on the batch at `at`. */
export function partitionLeaderEpochAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + BATCH.partitionLeaderEpoch)
}

/** Records in the batch at `at`; less than the offsets it covers after compaction. */
export function recordCountAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + BATCH.recordCount)
}

/** The attribute bits of the batch at `at`, unsigned. */
export function attributesAt(bytes: Buffer, at: number): number {
  return bytes.readUInt16BE(at + BATCH.attributes)
}

/** The checksum stored in the batch at `at`, unsigned. */
export function storedCrcAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + BATCH.crc)
}

/** The checksum of the batch at `at`, which takes `sizeBytes`, as computed from its bytes. */
export function computeBatchCrc(bytes: Buffer, range: { at: number; sizeBytes: number }): number {
  return crc32c(bytes.subarray(range.at + BATCH.attributes, range.at + range.sizeBytes))
}

/**
 * Decodes the header of the batch at `at`; the CRC, the length and the version are given, not checked.
 *
 * Errors: `BATCH_CORRUPT` when fewer than 61 bytes are left, or an offset is negative or no safe integer.
 */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader {
  if (bytes.length - at < BATCH_HEADER_BYTES) {
    throw new SeglogError('BATCH_CORRUPT', 'too few bytes for a batch header', {
      found: bytes.length - at,
      expected: BATCH_HEADER_BYTES,
    })
  }
  const baseOffset = baseOffsetAt(bytes, at)
  const lastOffsetDelta = bytes.readInt32BE(at + BATCH.lastOffsetDelta)
  const lastOffset = baseOffset + lastOffsetDelta
  if (!isSafeInt64(bytes, at + BATCH.baseOffset) || baseOffset < 0 || !Number.isSafeInteger(lastOffset)) {
    throw new SeglogError('BATCH_CORRUPT', 'offsets of a batch outside 0 to 2^53 - 1', {
      found: `${bytes.readBigInt64BE(at + BATCH.baseOffset)} + ${lastOffsetDelta}`,
    })
  }
  const attributes = attributesAt(bytes, at)
  const baseTimestamp = readInt64(bytes, at + BATCH.baseTimestamp)
  const baseSequence = bytes.readInt32BE(at + BATCH.baseSequence)
  const header: BatchHeader = {
    baseOffset,
    lastOffset,
    sizeBytes: batchSizeAt(bytes, at),
    partitionLeaderEpoch: partitionLeaderEpochAt(bytes, at),
    magic: magicAt(bytes, at),
    crc: storedCrcAt(bytes, at),
    attributes,
    compression: compressionName(attributes & ATTRIBUTE.compressionMask) ?? 'unknown',
    timestampType: (attributes & ATTRIBUTE.logAppendTime) === 0 ? 'CreateTime' : 'LogAppendTime',
    isTransactional: (attributes & ATTRIBUTE.transactional) !== 0,
    isControl: (attributes & ATTRIBUTE.control) !== 0,
    deleteHorizonMs: (attributes & ATTRIBUTE.deleteHorizon) === 0 ? undefined : baseTimestamp,
    baseTimestamp,
    maxTimestamp: maxTimestampAt(bytes, at),
    producerId: readInt64(bytes, at + BATCH.producerId),
    producerEpoch: bytes.readInt16BE(at + BATCH.producerEpoch),
    baseSequence,
    lastSequence: baseSequence < 0 ? baseSequence : incrementSequence(baseSequence, lastOffsetDelta),
    recordCount: recordCountAt(bytes, at),
  }
  return withExactTimestamps(header, bytes, at)
}

/** A producer's sequence number `increment` records after `sequence`; 2^31 - 1 is followed by 0. */
export function incrementSequence(sequence: number, increment: number): number {
  const sum = sequence + increment
  return sum > INT32_MAX ? sum - INT32_MAX - 1 : sum
}

/** What a writer decides about a header; the length comes from `sizeBytes`, the CRC is computed. */
export interface HeaderFields {
  readonly baseOffset: number
  readonly sizeBytes: number
  readonly partitionLeaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number | bigint
  readonly maxTimestamp: number | bigint
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Writes the header of the batch at `at`, whose records are already behind it, CRC included. */
export function writeBatchHeader(bytes: Buffer, at: number, fields: HeaderFields): void {
  writeInt64(bytes, at + BATCH.baseOffset, fields.baseOffset)
  bytes.writeInt32BE(fields.sizeBytes - LOG_OVERHEAD_BYTES, at + BATCH.batchLength)
  bytes.writeInt32BE(fields.partitionLeaderEpoch, at + BATCH.partitionLeaderEpoch)
  bytes.writeInt8(MAGIC, at + BATCH.magic)
  bytes.writeUInt16BE(fields.attributes, at + BATCH.attributes)
  bytes.writeInt32BE(fields.lastOffsetDelta, at + BATCH.lastOffsetDelta)
  writeInt64(bytes, at + BATCH.baseTimestamp, fields.baseTimestamp)
  writeInt64(bytes, at + BATCH.maxTimestamp, fields.maxTimestamp)
  writeInt64(bytes, at + BATCH.producerId, fields.producerId)
  bytes.writeInt16BE(fields.producerEpoch, at + BATCH.producerEpoch)
  bytes.writeInt32BE(fields.baseSequence, at + BATCH.baseSequence)
  bytes.writeInt32BE(fields.recordCount, at + BATCH.recordCount)
  writeBatchCrc(bytes, { at, sizeBytes: fields.sizeBytes })
}

/** Computes the checksum of the batch in `range` and stores it. */
export function writeBatchCrc(bytes: Buffer, range: { at: number; sizeBytes: number }): void {
  bytes.writeUInt32BE(computeBatchCrc(bytes, range), range.at + BATCH.crc)
}

function withExactTimestamps(header: BatchHeader, bytes: Buffer, at: number): BatchHeader {
  const baseTimestampExact = readInexactInt64(bytes, at + BATCH.baseTimestamp, header.baseTimestamp)
  const maxTimestampExact = readInexactInt64(bytes, at + BATCH.maxTimestamp, header.maxTimestamp)
  if (baseTimestampExact === undefined && maxTimestampExact === undefined) return header
  return {
    ...header,
    ...(baseTimestampExact === undefined ? {} : { baseTimestampExact }),
    ...(maxTimestampExact === undefined ? {} : { maxTimestampExact }),
  }
}
