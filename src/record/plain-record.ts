import { varintSize, writeVarint } from '../codec/index.ts'
import type { RecordFields } from './record-writer.ts'
import type { WriteBuffer } from './write-buffer.ts'

/** A record with no more to it than most have: bytes or nothing for key and value, and no headers. */
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

/**
 * Encodes a plain record behind what `target` holds; false, and nothing changed, when it takes more than `sizeBytesMax`.
 *
 * Writes what `RecordWriter` writes. A hot path: with nothing in it but what plain records need, it is small enough for
 * V8 to compile with everything it calls inlined, which halves its time; hence also the positional arguments.
 */
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
