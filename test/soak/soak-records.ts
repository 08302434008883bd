import { crc32 } from 'node:zlib'

/** Which record of which life of the writer, and the offset it was appended for. */
export interface RecordId {
  readonly life: number
  readonly counter: number
  readonly offset: number
}

/*
 *    0            4             8                          16                        -4
 *   ┌────────────┬─────────────┬──────────────────────────┬─────────────────────────┬──────────┐
 *   │ life  u32  │ counter u32 │ offset  f64              │ filler                  │ CRC-32   │
 *   └────────────┴─────────────┴──────────────────────────┴─────────────────────────┴──────────┘
 */
const LIFE = 0
const COUNTER = 4
const OFFSET = 8
const FILLER = 16
const CRC_BYTES = 4

/** The value of a record that can be told from all others, and that a reader can check alone. */
export function encodeId({ life, counter, offset }: RecordId, fillerBytes: number): Buffer {
  const value = Buffer.alloc(FILLER + fillerBytes + CRC_BYTES, counter & 0xff)
  value.writeUInt32BE(life, LIFE)
  value.writeUInt32BE(counter, COUNTER)
  value.writeDoubleBE(offset, OFFSET)
  value.writeUInt32BE(crc32(value.subarray(0, -CRC_BYTES)), value.length - CRC_BYTES)
  return value
}

/** What `encodeId` was given; undefined when the checksum says that it is something else. */
export function decodeId(value: Buffer | null): RecordId | undefined {
  if (value === null || value.length < FILLER + CRC_BYTES) return undefined
  if (crc32(value.subarray(0, -CRC_BYTES)) !== value.readUInt32BE(value.length - CRC_BYTES)) return undefined
  return {
    life: value.readUInt32BE(LIFE),
    counter: value.readUInt32BE(COUNTER),
    offset: value.readDoubleBE(OFFSET),
  }
}
