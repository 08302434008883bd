/*
 * A second opinion: reads Kafka segments with no code of src/, from the description of the format alone. Slow and
 * plain on purpose; every 64-bit field is a BigInt. What it can't explain in a batch whose checksum holds is thrown.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface PlainBatch {
  baseOffset: bigint
  lastOffset: bigint
  /** Of the whole batch, its 12 leading bytes included. */
  sizeBytes: number
  leaderEpoch: number
  attributes: number
  baseTimestamp: bigint
  maxTimestamp: bigint
  producerId: bigint
  producerEpoch: number
  baseSequence: number
  recordCount: number
}

export interface PlainRecord {
  offset: bigint
  timestamp: bigint
  key: Buffer | null
  value: Buffer | null
  headers: [string, Buffer | null][]
  isControl: boolean
}

export interface PlainSegment {
  batches: PlainBatch[]
  records: PlainRecord[]
  /** Where the last sound batch ends; less than the size when the rest is torn or damaged. */
  validBytes: number
}

/** Reads batches from the start until the end, or until the first that is cut short or fails its checksum. */
export function readSegment(bytes: Buffer): PlainSegment {
  const segment: PlainSegment = { batches: [], records: [], validBytes: 0 }
  for (;;) {
    const rest = bytes.subarray(segment.validBytes)
    if (rest.length < 61) return segment
    const sizeBytes = rest.readInt32BE(8) + 12
    if (sizeBytes < 61 || sizeBytes > rest.length || rest[16] !== 2) return segment
    if (rest.readUInt32BE(17) !== crc32c(rest.subarray(21, sizeBytes))) return segment
    const batch = readHeader(rest, sizeBytes)
    const previous = segment.batches.at(-1)
    if (previous !== undefined && batch.baseOffset <= previous.lastOffset) return segment // out of order
    segment.batches.push(batch)
    segment.records.push(...readRecords(rest.subarray(61, sizeBytes), batch))
    segment.validBytes += sizeBytes
  }
}

/** Reads every `<20 digits>.log` of a directory, in order of their offsets. */
export function readLogDirectory(path: string): (PlainSegment & { name: string; sizeBytes: number })[] {
  const names = readdirSync(path).filter((name) => /^\d{20}\.log$/.test(name))
  return names.sort().map((name) => {
    const bytes = readFileSync(join(path, name))
    return { name, sizeBytes: bytes.length, ...readSegment(bytes) }
  })
}

function readHeader(bytes: Buffer, sizeBytes: number): PlainBatch {
  const baseOffset = bytes.readBigInt64BE(0)
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(bytes.readInt32BE(23)),
    sizeBytes,
    leaderEpoch: bytes.readInt32BE(12),
    attributes: bytes.readInt16BE(21),
    baseTimestamp: bytes.readBigInt64BE(27),
    maxTimestamp: bytes.readBigInt64BE(35),
    producerId: bytes.readBigInt64BE(43),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    recordCount: bytes.readInt32BE(57),
  }
}

function readRecords(bytes: Buffer, batch: PlainBatch): PlainRecord[] {
  if ((batch.attributes & 0b111) !== 0) throw new RangeError(`batch ${batch.baseOffset} is compressed`)
  const records: PlainRecord[] = []
  const cursor = { bytes, position: 0 }
  for (let count = 0; count < batch.recordCount; count++) {
    const record = readRecord({ bytes: take(cursor, readLength(cursor)), position: 0 }, batch)
    const lowest = records.at(-1)?.offset ?? batch.baseOffset - 1n
    if (record.offset <= lowest || record.offset > batch.lastOffset)
      throw new RangeError(`record ${record.offset} is out of order`)
    records.push(record)
  }
  if (cursor.position !== bytes.length)
    throw new RangeError(`batch ${batch.baseOffset} has bytes after its records`)
  return records
}

function readRecord(cursor: Cursor, batch: PlainBatch): PlainRecord {
  take(cursor, 1) // attributes, unused
  const timestampDelta = readVarint(cursor)
  const offset = batch.baseOffset + readVarint(cursor)
  const key = readBytes(cursor)
  const value = readBytes(cursor)
  const headers = Array.from({ length: readLength(cursor) }, (): [string, Buffer | null] => {
    const name = readBytes(cursor)
    if (name === null) throw new RangeError(`record ${offset} has a header without a name`)
    return [name.toString(), readBytes(cursor)]
  })
  if (cursor.position !== cursor.bytes.length)
    throw new RangeError(`record ${offset} has bytes after its headers`)
  const isAppendTime = (batch.attributes & 0b1000) !== 0
  const timestamp = isAppendTime ? batch.maxTimestamp : batch.baseTimestamp + timestampDelta
  return { offset, timestamp, key, value, headers, isControl: (batch.attributes & 0b10_0000) !== 0 }
}

interface Cursor {
  readonly bytes: Buffer
  position: number
}

function take(cursor: Cursor, count: number): Buffer {
  if (cursor.position + count > cursor.bytes.length) throw new RangeError('bytes end inside a field')
  cursor.position += count
  return cursor.bytes.subarray(cursor.position - count, cursor.position)
}

function readBytes(cursor: Cursor): Buffer | null {
  const length = Number(readVarint(cursor))
  return length < 0 ? null : take(cursor, length)
}

function readLength(cursor: Cursor): number {
  const length = Number(readVarint(cursor))
  if (length < 0 || length > cursor.bytes.length) throw new RangeError(`length ${length}`)
  return length
}

/** Seven bits a byte, lowest first; then zigzag: 0, -1, 1, -2, … are stored as 0, 1, 2, 3, … */
function readVarint(cursor: Cursor): bigint {
  let raw = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = BigInt(take(cursor, 1)[0] ?? 0)
    raw |= (byte & 0x7fn) << shift
    if (byte < 0x80n) return (raw & 1n) === 0n ? raw >> 1n : -(raw >> 1n) - 1n
  }
  throw new RangeError('varint over 10 bytes')
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++)
    remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ 0x82f6_3b78 : remainder >>> 1
  return remainder
})

/** CRC-32C (Castagnoli), reflected, one byte at a time. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffff_ffff) >>> 0
}
