import { isSeglogError, SeglogError } from '../core/index.ts'
import type { FileHandle } from '../fs/index.ts'
import {
  batchProblemError,
  checkBatch,
  decodeBatch,
  decodeRecordAt,
  type LogRecord,
  locateRecords,
  type LocatedFrame,
  plainFrameOf,
  type RecordBatch,
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
 * Errors: `BATCH_CORRUPT`, `COMPRESSION_UNSUPPORTED`, `RECORD_TOO_LARGE`.
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
  try {
    return takeRecord(decoded, offset, { segment, position: place.position })
  } catch (error) {
    if (!isSeglogError(error, 'BATCH_CORRUPT') || error.path !== undefined) throw error
    throw new SeglogError(error.code, `${error.message}, in ${segment.path}`, { ...where, cause: error })
  }
}

function takeRecord(
  batch: RecordBatch,
  offset: number,
  { segment, position }: { segment: Segment; position: number },
): PointRead {
  const locations = locateRecords(batch.bytes, 0)
  if (locations === undefined || !locations.dense) {
    for (const record of batch) if (record.offset === offset) return { record, verified: undefined }
    return { record: undefined, verified: undefined }
  }
  const { starts } = locations
  const { baseOffset: firstOffset, lastOffset } = batch
  const verified = { segment, position, firstOffset, lastOffset, starts, frame: frameOf(batch) }
  const slot = offset - firstOffset
  const bytes = batch.bytes.subarray(0, starts[slot + 1]!)
  return { record: decodeRecordAt(bytes, verified.frame, { at: starts[slot]!, offset }), verified }
}

/** What decoding one of its records needs of a batch, without keeping its bytes. */
function frameOf(batch: RecordBatch): LocatedFrame {
  const { baseOffset, lastOffset, timestampType, baseTimestamp, maxTimestamp } = batch
  const { baseTimestampExact, maxTimestampExact } = batch
  return {
    baseOffset,
    lastOffset,
    timestampType,
    baseTimestamp,
    maxTimestamp,
    plain: plainFrameOf(batch),
    ...(baseTimestampExact === undefined ? {} : { baseTimestampExact }),
    ...(maxTimestampExact === undefined ? {} : { maxTimestampExact }),
  }
}

/**
 * Reads one record of a batch that has been verified; a hot path: one small read that blocks, and one decode.
 * Errors: `BATCH_CORRUPT` when the bytes are not that record any more.
 */
export function readVerifiedRecord(
  handle: Pick<FileHandle, 'readSync'>,
  batch: VerifiedBatch,
  offset: number,
): LogRecord {
  const slot = offset - batch.firstOffset
  const start = batch.starts[slot]!
  const bytes = Buffer.allocUnsafe(batch.starts[slot + 1]! - start)
  const count = handle.readSync(bytes, batch.position + start)
  return decodeRecordAt(count === bytes.length ? bytes : bytes.subarray(0, count), batch.frame, {
    at: 0,
    offset,
  })
}
