/*
 * The records most programs write: bytes or nothing for key and value, no headers, and time and offset near the first
 * record's. What is here does for them what `RecordWriter` and `RecordReader` do for all records, byte for byte.
 *
 * Hot paths. With nothing in them but what such records need they are small enough for V8 to compile with everything
 * they call inlined: writing takes two thirds of the time, reading four fifths. Hence also the positional arguments.
 */
import { varintSize, writeVarint } from '../codec/index.ts'
import type { RecordFrame } from './record-reader.ts'
import type { RecordFields } from './record-writer.ts'
import type { LogRecord, RecordHeader } from './types.ts'
import type { WriteBuffer } from './write-buffer.ts'

/** What a record without headers has for them. */
export const NO_HEADERS: readonly RecordHeader[] = Object.freeze([])

/** A record to write that is plain, but for its timestamp. */
export interface PlainRecord extends RecordFields {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

/** Says whether `addPlainRecord` takes the record. */
export function isPlainRecord(record: RecordFields, timestampDelta: number): record is PlainRecord {
  return (
    record.headers.length === 0 &&
    typeof record.value !== 'string' &&
    typeof record.key !== 'string' &&
    timestampDelta === (timestampDelta | 0)
  )
}

/** Encodes a plain record behind what `target` holds; false, and nothing changed, when it takes over `sizeBytesMax`. */
export function addPlainRecord(
  target: WriteBuffer,
  record: PlainRecord,
  timestampDelta: number,
  offsetDelta: number,
  sizeBytesMax: number,
): boolean {
  const { key, value } = record
  const keySize = key === null ? -1 : key.length
  const valueSize = value === null ? -1 : value.length
  const bodySize =
    2 + // attributes, and the count of headers
    varintSize(timestampDelta) +
    varintSize(offsetDelta) +
    varintSize(keySize) +
    Math.max(0, keySize) +
    varintSize(valueSize) +
    Math.max(0, valueSize)
  const size = varintSize(bodySize) + bodySize
  if (size > sizeBytesMax) return false
  target.reserve(size)
  const { bytes } = target
  let position = writeVarint(bytes, target.length, bodySize)
  bytes[position] = 0
  position = writeVarint(bytes, position + 1, timestampDelta)
  position = writeVarint(bytes, position, offsetDelta)
  position = writeVarint(bytes, position, keySize)
  if (key !== null) {
    bytes.set(key, position)
    position += keySize
  }
  position = writeVarint(bytes, position, valueSize)
  if (value !== null) {
    bytes.set(value, position)
    position += valueSize
  }
  bytes[position] = 0
  target.length = position + 1
  return true
}

/** Fields of up to 7 bytes and a count of headers: in what is shorter, the checks below would come too late. */
const READABLE_BYTES_MIN = 8

/**
 * Decodes the record that lies, behind its length, from `start` up to `end`, if it is plain and sound, no number in it
 * takes more than two bytes, and its offset is in range. Undefined for any other, which `RecordReader` decodes or refuses.
 */
export function readPlainRecord(
  bytes: Buffer,
  start: number,
  end: number,
  frame: RecordFrame,
  offsetDeltaMin: number,
  offsetDeltaMax: number,
): LogRecord | undefined {
  if (end - start < READABLE_BYTES_MIN || bytes[end - 1] !== 0) return undefined // its last byte counts the headers
  const timestampDelta = shortVarint(bytes, start + 1)
  let position = start + 2 + (timestampDelta >>> 16)
  const offsetDelta = shortVarint(bytes, position)
  position += 1 + (offsetDelta >>> 16)
  const keyLength = shortVarint(bytes, position)
  const keyStart = position + 1 + (keyLength >>> 16)
  if ((timestampDelta | offsetDelta | keyLength) < 0) return undefined
  const keyEnd = isNull(keyLength) ? keyStart : keyStart + valueOf(keyLength)
  if (keyEnd > end - 2) return undefined
  const valueLength = shortVarint(bytes, keyEnd)
  const valueStart = keyEnd + 1 + (valueLength >>> 16)
  const valueEnd = isNull(valueLength) ? valueStart : valueStart + valueOf(valueLength)
  if (valueLength < 0 || valueEnd !== end - 1) return undefined
  const delta = valueOf(offsetDelta)
  if (delta < offsetDeltaMin || delta > offsetDeltaMax) return undefined
  const { baseOffset, timestampType, baseTimestamp, maxTimestamp } = frame
  if (frame.baseTimestampExact !== undefined || frame.maxTimestampExact !== undefined) return undefined
  const timestamp = timestampType === 'CreateTime' ? baseTimestamp + valueOf(timestampDelta) : maxTimestamp
  if (!Number.isSafeInteger(timestamp)) return undefined
  return {
    offset: baseOffset + delta,
    timestamp,
    key: isNull(keyLength) ? null : bytes.subarray(keyStart, keyEnd),
    value: isNull(valueLength) ? null : bytes.subarray(valueStart, valueEnd),
    headers: NO_HEADERS,
  }
}

/** The zigzag integer of one or two bytes at `at`, as it is stored, with bit 16 set for two; negative for a longer one. */
function shortVarint(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return first
  const second = bytes[at + 1]!
  return second < 0x80 ? (first & 0x7f) | (second << 7) | 0x10000 : -1
}

/** What `shortVarint` found, as the number it stands for. */
function valueOf(stored: number): number {
  return ((stored & 0xffff) >>> 1) ^ -(stored & 1)
}

/** True for a negative length. */
function isNull(stored: number): boolean {
  return (stored & 1) === 1
}
