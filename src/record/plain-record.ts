/*
 * The records most programs write: bytes for the value, bytes or nothing for the key, and no headers. What is here does
 * for them what `RecordWriter` does for all records, byte for byte.
 *
 * A hot path. Each function knows what it writes, so that a length is never negative, most are two bytes, and V8 inlines
 * all of it into the loop over a call's records: half the time of one function that knows less. Hence also the positional
 * arguments.
 */
import { varintSize, writeVarint } from '../codec/index.ts'
import { assert, realLength } from '../core/index.ts'
import type { RecordFields } from './record-writer.ts'
import type { WriteBuffer } from './write-buffer.ts'

/** A record to write that is plain, but for its timestamp. */
export interface PlainRecord extends RecordFields {
  readonly key: Uint8Array | null
  readonly value: Uint8Array
}

const NULL_LENGTH = 1 // -1 as a varint

/** Says whether `addValue` or `addKeyedValue` takes the record. */
export function isPlainRecord(record: RecordFields, timestampDelta: number): record is PlainRecord {
  const { key, value } = record
  return (
    record.headers.length === 0 &&
    value !== null &&
    typeof value !== 'string' &&
    typeof key !== 'string' &&
    isNear(timestampDelta)
  )
}

/** True for a timestamp whose distance from the first takes 32 bits. */
export function isNear(timestampDelta: number): boolean {
  return timestampDelta === (timestampDelta | 0)
}

/** Encodes a record that is a value alone behind what `target` holds; false, and nothing changed, when it takes over `sizeBytesMax`. */
export function addValue(
  target: WriteBuffer,
  value: Uint8Array,
  timestampDelta: number,
  offsetDelta: number,
  sizeBytesMax: number,
): boolean {
  const valueSize = value.length
  const time = zigzag(timestampDelta)
  const bodySize = 3 + sizeOf(time) + lengthSize(offsetDelta) + lengthSize(valueSize) + valueSize
  const size = lengthSize(bodySize) + bodySize
  if (size > sizeBytesMax) return false
  target.reserve(size)
  const { bytes } = target
  let position = writeLength(bytes, target.length, bodySize)
  bytes[position] = 0 // attributes
  position = write(bytes, position + 1, time)
  position = writeLength(bytes, position, offsetDelta)
  bytes[position] = NULL_LENGTH
  position = writeLength(bytes, position + 1, valueSize)
  bytes.set(value, position)
  position += valueSize
  bytes[position] = 0 // headers
  assert(position + 1 === target.length + size, 'a record changed its size while it was written')
  target.length = position + 1
  return true
}

/** As `addValue`, with a key. */
export function addKeyedValue(
  target: WriteBuffer,
  key: Uint8Array,
  value: Uint8Array,
  timestampDelta: number,
  offsetDelta: number,
  sizeBytesMax: number,
): boolean {
  const keySize = key.length
  const valueSize = value.length
  const time = zigzag(timestampDelta)
  const fieldSizes = lengthSize(keySize) + keySize + lengthSize(valueSize) + valueSize
  const bodySize = 2 + sizeOf(time) + lengthSize(offsetDelta) + fieldSizes
  const size = lengthSize(bodySize) + bodySize
  if (size > sizeBytesMax) return false
  target.reserve(size)
  const { bytes } = target
  let position = writeLength(bytes, target.length, bodySize)
  bytes[position] = 0 // attributes
  position = write(bytes, position + 1, time)
  position = writeLength(bytes, position, offsetDelta)
  position = writeLength(bytes, position, keySize)
  bytes.set(key, position)
  position = writeLength(bytes, position + keySize, valueSize)
  bytes.set(value, position)
  position += valueSize
  bytes[position] = 0 // headers
  assert(position + 1 === target.length + size, 'a record changed its size while it was written')
  target.length = position + 1
  return true
}

/**
 * Encodes those of `values` from slot `from` on that are bytes and nothing unusual, up to the first that is something
 * else, or makes the batch larger than there is room for; gives the slot of that one. All have the time of the first.
 */
export function addValues(
  target: WriteBuffer,
  values: readonly unknown[],
  range: { readonly from: number; readonly end: number; readonly offsetDelta: number },
  timestampDelta: number,
  sizeBytesMax: number,
): number {
  const { end } = range
  const offsetDelta = range.offsetDelta - range.from
  const time = zigzag(timestampDelta)
  const timeSize = sizeOf(time)
  const limit = target.length + sizeBytesMax
  let { bytes } = target
  let position = target.length
  let slot = range.from
  for (; slot < end; slot++) {
    const value = values[slot]
    if (!(value instanceof Uint8Array) || !ArrayBuffer.isView(value)) break
    const valueSize = realLength(value)
    if (valueSize === 0 || value.length !== valueSize) break // it may have lost its memory, or lies
    const bodySize = 3 + timeSize + lengthSize(offsetDelta + slot) + lengthSize(valueSize) + valueSize
    const next = position + lengthSize(bodySize) + bodySize
    if (next > limit) break
    if (next > bytes.length) {
      target.length = position
      target.reserve(next - position)
      bytes = target.bytes
    }
    position = writeLength(bytes, position, bodySize)
    bytes[position] = 0 // attributes
    position = write(bytes, position + 1, time)
    position = writeLength(bytes, position, offsetDelta + slot)
    bytes[position] = NULL_LENGTH
    position = writeLength(bytes, position + 1, valueSize)
    bytes.set(value, position)
    position += valueSize
    bytes[position++] = 0 // headers
    assert(position === next, 'a record changed its size while it was written')
  }
  target.length = position
  return slot
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

/** Bytes of a varint, given in zigzag form. */
function sizeOf(zigzagged: number): number {
  if (zigzagged < 0x80) return 1
  return zigzagged < 0x4000 ? 2 : varintSize(unzigzag(zigzagged))
}

/** Writes a varint, given in zigzag form. */
function write(bytes: Buffer, at: number, zigzagged: number): number {
  if (zigzagged < 0x80) {
    bytes[at] = zigzagged
    return at + 1
  }
  if (zigzagged >= 0x4000) return writeVarint(bytes, at, unzigzag(zigzagged))
  bytes[at] = zigzagged | 0x80
  bytes[at + 1] = zigzagged >>> 7
  return at + 2
}

function unzigzag(zigzagged: number): number {
  return (zigzagged >>> 1) ^ -(zigzagged & 1)
}

/** Of a length or a count, which is not negative, and below 2^31. */
function lengthSize(length: number): number {
  return length < 64 ? 1 : length < 0x2000 ? 2 : varintSize(length)
}

function writeLength(bytes: Buffer, at: number, length: number): number {
  if (length < 64) {
    bytes[at] = length << 1
    return at + 1
  }
  if (length >= 0x2000) return writeVarint(bytes, at, length)
  bytes[at] = (length << 1) | 0x80
  bytes[at + 1] = length >>> 6
  return at + 2
}
