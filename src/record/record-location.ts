import { BATCH_HEADER_BYTES, RECORD_BYTES_MIN } from './batch-layout.ts'
import { readBatchHeader } from './batch-header.ts'
import { batchProblemError } from './batch-check.ts'
import { decodePlainRecord, type PlainFrame } from './plain-decode.ts'
import { type RecordFrame, RecordReader } from './record-reader.ts'
import type { LogRecord } from './types.ts'

/** Where each record of a batch starts, so that one of them can be read without the others. */
export interface RecordLocations {
  /** Positions from the batch's start, one a record, and behind them the position where the last record ends. */
  readonly starts: Uint32Array
  /** Record n has offset `baseOffset + n`: no offset of the batch is missing. */
  readonly dense: boolean
}

/**
 * Finds the records of the batch at `at`, which `checkBatch` has passed; undefined where they can't be read one by
 * one, because the batch is compressed, or must not be, because it is a control batch.
 *
 * Cost:   reads the extent and the offset of each record, not its content.
 * Errors: `BATCH_CORRUPT` when the extents do not fill the batch exactly.
 */
export function locateRecords(bytes: Buffer, at: number): RecordLocations | undefined {
  const header = readBatchHeader(bytes, at)
  if (header.compression !== 'none' || header.isControl) return undefined
  const start = at + BATCH_HEADER_BYTES
  const end = at + header.sizeBytes
  const { recordCount } = header
  const countMax = Math.floor((end - start) / RECORD_BYTES_MIN)
  if (recordCount < 0 || recordCount > countMax) {
    const message = 'a record count that the batch has no room for'
    throw batchProblemError(
      { reason: 'count', message, found: recordCount, expected: countMax },
      { offset: header.baseOffset },
    )
  }
  const reader = new RecordReader({ bytes, start, end, origin: at, within: 'the batch', place: {} }, header)
  const starts = new Uint32Array(recordCount + 1)
  let dense = true
  for (let slot = 0; slot < recordCount; slot++) {
    starts[slot] = reader.position - at
    reader.skip()
    dense &&= reader.offset === header.baseOffset + slot
  }
  reader.finish()
  starts[recordCount] = reader.position - at
  return { starts, dense: dense && header.lastOffset === header.baseOffset + recordCount - 1 }
}

/**
 * Decodes the one record that starts at `at` and ends where `bytes` does.
 *
 * Errors: `BATCH_CORRUPT` when the bytes are not exactly one record, or it has another offset than `offset`.
 */
export function decodeRecordAt(
  bytes: Buffer,
  frame: RecordFrame,
  record: { at: number; offset: number },
): LogRecord {
  const start = record.at
  const reader = new RecordReader(
    { bytes, start, end: bytes.length, origin: start, within: 'the record', place: {} },
    frame,
  )
  reader.expectOffset(record.offset)
  const decoded = reader.read()
  reader.finish()
  return decoded
}

/** Decodes the one record that is in `bytes`, given what was kept of its batch. Errors: as `decodeRecordAt`. */
export function decodeRecordAlone(bytes: Buffer, frame: PlainFrame, offset: number): LogRecord {
  const plain = decodePlainAlone(bytes, frame, offset)
  if (plain !== undefined) return plain
  const { baseOffset, baseTimestamp, appendTimestamp } = frame
  const timestampType = appendTimestamp === undefined ? 'CreateTime' : 'LogAppendTime'
  const maxTimestamp = appendTimestamp ?? baseTimestamp
  const whole = { baseOffset, lastOffset: offset, timestampType, baseTimestamp, maxTimestamp } as const
  return decodeRecordAt(bytes, whole, { at: 0, offset })
}

/** The same for a plain record; undefined for any other, and for what is no record. */
function decodePlainAlone(bytes: Buffer, frame: PlainFrame, offset: number): LogRecord | undefined {
  const { length } = bytes
  if (length < 2) return undefined
  let body = 1
  let zigzagged = bytes[0]!
  if (zigzagged > 0x7f) {
    const second = bytes[body++]!
    if (second > 0x7f) return undefined
    zigzagged = (zigzagged & 0x7f) | (second << 7)
  }
  if ((zigzagged & 1) !== 0 || body + (zigzagged >>> 1) !== length) return undefined
  const delta = offset - frame.baseOffset
  return decodePlainRecord(bytes, body, length, frame, delta - 1, delta)
}
