import { isSeglogError, SeglogError } from '../core/index.ts'
import { type BatchLimits, batchProblemError, checkBatch } from './batch-check.ts'
import { decodeBatch, validateRecords } from './batch-decode.ts'
import { batchSizeAt } from './batch-header.ts'
import type { RecordBatch } from './types.ts'

/** Bounds on a batch that is handed in. */
export interface ClientBatchLimits extends BatchLimits {
  readonly decompressedBytesMax: number
}

/**
 * Checks a batch that a client encoded, as Kafka's leader does, down to its last record; gives it decoded.
 *
 * Errors: `RECORD_INVALID` not exactly one batch, sparse, empty or control, offsets not from 0, records that do not
 *         decode (with that as `cause`); `RECORD_TOO_LARGE` the batch or what it decompresses to; `BATCH_CORRUPT` its
 *         CRC; `FORMAT_UNSUPPORTED` another version; `COMPRESSION_UNSUPPORTED` snappy, lz4.
 */
export function checkClientBatch(bytes: Buffer, limits: ClientBatchLimits): RecordBatch {
  const problem = checkBatch(bytes, 0, limits)
  if (problem !== undefined) {
    const { reason, message, found, expected } = problem
    if (reason === 'crc' || reason === 'magic') throw batchProblemError(problem, {})
    const code = reason === 'length-over-limit' ? 'RECORD_TOO_LARGE' : 'RECORD_INVALID'
    throw new SeglogError(code, `${message} (${found ?? 'zeros'} found, ${expected ?? 'a batch'} expected)`, {
      found,
      expected,
    })
  }
  const sizeBytes = batchSizeAt(bytes, 0)
  if (bytes.length !== sizeBytes) {
    throw invalid('bytes behind the batch: exactly one is taken', {
      found: bytes.length,
      expected: sizeBytes,
    })
  }
  const batch = decodeBatch(bytes, { decompressedBytesMax: limits.decompressedBytesMax })
  checkClientHeader(batch)
  checkClientRecords(batch)
  return batch
}

function checkClientHeader(batch: RecordBatch): void {
  const { baseOffset, lastOffset, recordCount, producerId, baseSequence } = batch
  if (baseOffset !== 0) throw invalid('a base offset other than 0', { found: baseOffset, expected: 0 })
  if (recordCount === 0) throw invalid('a batch without records', { found: 0, expected: 'at least 1' })
  const offsetCount = lastOffset - baseOffset + 1
  if (recordCount !== offsetCount) {
    throw invalid('a record count that is not the count of offsets', {
      found: recordCount,
      expected: offsetCount,
    })
  }
  if (batch.isControl) throw invalid('a control batch', { found: 'control', expected: 'data' })
  if (producerId >= 0 && baseSequence < 0) {
    throw invalid('a producer id without a sequence', { found: baseSequence, expected: 'at least 0' })
  }
}

/** As many records as offsets, each above the one before: no record can have any offset but its own. */
function checkClientRecords(batch: RecordBatch): void {
  try {
    validateRecords(batch)
  } catch (error) {
    if (!isSeglogError(error, 'BATCH_CORRUPT')) throw error
    throw new SeglogError('RECORD_INVALID', error.message, { cause: error })
  }
}

function invalid(
  message: string,
  figures: { found: number | string; expected: number | string },
): SeglogError {
  return new SeglogError(
    'RECORD_INVALID',
    `${message} (${figures.found} found, ${figures.expected} expected)`,
    figures,
  )
}
