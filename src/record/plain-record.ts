/*
 * The records most programs write: bytes or nothing for key and value, and no headers. What is here does for them what
 * `RecordWriter` does for all records, byte for byte.
 *
 * A hot path. With nothing in it but what such records need it is small enough for V8 to compile with everything it
 * calls inlined, and takes two thirds of the time. Hence also the positional arguments.
 */
import { varintSize, writeVarint } from '../codec/index.ts'
import { assert } from '../core/index.ts'
import type { RecordFields } from './record-writer.ts'
import type { WriteBuffer } from './write-buffer.ts'

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
  bytes[position++] = 0
  assert(position === target.length + size, 'a record changed its size while it was written')
  target.length = position
  return true
}
