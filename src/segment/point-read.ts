import { isSeglogError, SeglogError } from '../core/index.ts'
import type { FileHandle } from '../fs/index.ts'
import {
  batchProblemError,
  checkBatch,
  decodeBatch,
  decodeRecordAlone,
  decodeRecordAt,
  type LogRecord,
  locateRecords,
  plainFrameOf,
  type RecordBatch,
} from '../record/index.ts'
import type { BatchPlace } from './locate.ts'
import type { Segment } from './segment.ts'
import type { VerifiedBatch, VerifiedRecord } from './verified-records.ts'

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
  const slot = offset - firstOffset
  const bytes = batch.bytes.subarray(0, starts[slot + 1]!)
  const record = decodeRecordAt(bytes, batch, { at: starts[slot]!, offset })
  const frame = plainFrameOf(batch)
  // Times that take a bigint have no place in what is remembered.
  if (Number.isNaN(frame.appendTimestamp ?? frame.baseTimestamp)) return { record, verified: undefined }
  return { record, verified: { segment, position, firstOffset, lastOffset, starts, frame } }
}

/**
 * Reads one record of a batch that has been verified; a hot path: one small read that blocks, and one decode.
 * Errors: `BATCH_CORRUPT` when the bytes are not that record any more.
 */
export function readVerifiedRecord(
  handle: Pick<FileHandle, 'readSync'>,
  { position, sizeBytes, offset, frame }: VerifiedRecord,
): LogRecord {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  const count = handle.readSync(bytes, position)
  return decodeRecordAlone(count === sizeBytes ? bytes : bytes.subarray(0, count), frame, offset)
}
