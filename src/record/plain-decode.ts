/*
 * Decoding of the records most programs write: no headers, a timestamp and an offset near the batch's, and fields whose
 * lengths take two bytes at most. What is here does for them what `RecordReader` does for all records.
 *
 * A hot path: one function without calls, that reads a few bytes and then either knows every extent or gives up. It checks
 * all of it at once: the fields must end exactly where the record does. What does not is left to `RecordReader`, which says
 * what is wrong.
 */
import type { LogRecord, RecordHeader } from './types.ts'

/** What a record is counted from, and which offset it may have. */
export interface PlainFrame {
  readonly baseOffset: number
  /** What its timestamp delta is added to; NaN where that is not enough to have it. */
  readonly baseTimestamp: number
  /** The timestamp of every record, under LogAppendTime. */
  readonly appendTimestamp: number | undefined
}

/** Headers of a record that has none; the same for all. */
export const NO_HEADERS: readonly RecordHeader[] = Object.freeze([])

/**
 * The record whose attributes are at `start` and that ends at `end`, which is inside `bytes`; undefined if it is not plain,
 * or its offset delta is not above `deltaMin` and up to `deltaMax`.
 */
export function decodePlainRecord(
  bytes: Buffer,
  start: number,
  end: number,
  frame: PlainFrame,
  deltaMin: number,
  deltaMax: number,
): LogRecord | undefined {
  let at = start + 1
  let byte = bytes[at++]!
  if (byte > 0x7f) {
    const second = bytes[at++]!
    if (second > 0x7f) return undefined
    byte = (byte & 0x7f) | (second << 7)
  }
  const timestamp = frame.appendTimestamp ?? frame.baseTimestamp + ((byte >>> 1) ^ -(byte & 1))
  byte = bytes[at++]!
  if (byte > 0x7f) {
    const second = bytes[at++]!
    if (second > 0x7f) return undefined
    byte = (byte & 0x7f) | (second << 7)
  }
  const delta = (byte >>> 1) ^ -(byte & 1)
  byte = bytes[at++]!
  if (byte > 0x7f) {
    const second = bytes[at++]!
    if (second > 0x7f) return undefined
    byte = (byte & 0x7f) | (second << 7)
  }
  const keyStart = at
  const keySize = (byte >>> 1) ^ -(byte & 1)
  if (keySize > 0) at += keySize
  byte = bytes[at++]!
  if (byte > 0x7f) {
    const second = bytes[at++]!
    if (second > 0x7f) return undefined
    byte = (byte & 0x7f) | (second << 7)
  }
  const valueSize = (byte >>> 1) ^ -(byte & 1)
  const valueEnd = valueSize > 0 ? at + valueSize : at
  if (valueEnd + 1 !== end || bytes[valueEnd] !== 0) return undefined
  if (delta <= deltaMin || delta > deltaMax || !Number.isSafeInteger(timestamp)) return undefined
  return {
    offset: frame.baseOffset + delta,
    timestamp,
    key: keySize < 0 ? null : bytes.subarray(keyStart, keyStart + keySize),
    value: valueSize < 0 ? null : bytes.subarray(at, valueEnd),
    headers: NO_HEADERS,
  }
}
