import type { FileHandle } from '../fs/index.ts'
import {
  batchProblemError,
  checkBatch,
  decodeBatch,
  decodeRecordAt,
  type LogRecord,
  locateRecords,
} from '../record/index.ts'
import type { BatchPlace } from './locate.ts'
import type { Segment } from './segment.ts'
import type { VerifiedBatch } from './verified-batches.ts'

interface BatchLimits {
  readonly batchBytesMax: number
  readonly decompressedBytesMax: number
}

/** What reading one record out of a whole batch gave. */
export interface PointRead {
  /** Undefined for a hole, and in a control batch. */
  readonly record: LogRecord | undefined
  /** What to remember, so that the next record of the batch costs one small read; undefined where it can't. */
  readonly verified: VerifiedBatch | undefined
}

/**
 * Checks the batch in `bytes`, which lies at `place`, and takes the record at `offset` out of it.
 * Errors: `BATCH_CORRUPT`, `COMPRESSION_UNSUPPORTED`, `FORMAT_UNSUPPORTED`.
 */
export function readRecordInBatch(
  bytes: Buffer,
  offset: number,
  batch: { segment: Segment; place: BatchPlace; limits: BatchLimits },
): PointRead {
  const { segment, place, limits } = batch
  const where = { path: segment.path, position: place.position, offset: place.baseOffset }
  const problem = checkBatch(bytes, 0, limits)
  if (problem !== undefined) throw batchProblemError(problem, where)
  const decoded = decodeBatch(bytes, { decompressedBytesMax: limits.decompressedBytesMax, place: where })
  const locations = locateRecords(bytes, 0)
  if (locations === undefined || !locations.dense) {
    for (const record of decoded) if (record.offset === offset) return { record, verified: undefined }
    return { record: undefined, verified: undefined }
  }
  const { baseOffset, lastOffset, sizeBytes } = place
  const verified: VerifiedBatch = {
    segment,
    position: place.position,
    sizeBytes,
    baseOffset,
    lastOffset,
    starts: locations.starts,
    frame: {
      baseOffset,
      lastOffset,
      timestampType: decoded.timestampType,
      baseTimestamp: decoded.baseTimestamp,
      maxTimestamp: decoded.maxTimestamp,
      ...(decoded.baseTimestampExact === undefined ? {} : { baseTimestampExact: decoded.baseTimestampExact }),
      ...(decoded.maxTimestampExact === undefined ? {} : { maxTimestampExact: decoded.maxTimestampExact }),
    },
  }
  const slot = offset - baseOffset
  const at = locations.starts[slot]!
  const record = decodeRecordAt(bytes.subarray(0, locations.starts[slot + 1]!), verified.frame, {
    at,
    offset,
  })
  return { record, verified }
}

/**
 * Reads one record of a batch that has been verified; a hot path: one small read that blocks, and one decode.
 * Errors: `BATCH_CORRUPT` when the bytes are not that record any more.
 */
export function readVerifiedRecord(handle: FileHandle, batch: VerifiedBatch, offset: number): LogRecord {
  const slot = offset - batch.baseOffset
  const start = batch.starts[slot]!
  const bytes = Buffer.allocUnsafe(batch.starts[slot + 1]! - start)
  const count = handle.readSync(bytes, batch.position + start)
  return decodeRecordAt(count === bytes.length ? bytes : bytes.subarray(0, count), batch.frame, {
    at: 0,
    offset,
  })
}
