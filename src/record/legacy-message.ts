/*
 * Messages of the formats before version 2, as far as they have to be told from damage: they are not read here. Big-endian.
 *
 *    0        8      12     16 17 18              26         30
 *    +--------+------+------+--+--+---------------+----------+-----+------------+-------
 *    | offset | size | crc  |m |a | timestamp     | key size | key | value size | value
 *    |        | after|      |  |  | version 1 only| (-1 null)|     | (-1 null)  |
 *    |        | here |      |0,1  |               |          |     |            |
 *    +--------+------+------+--+--+---------------+----------+-----+------------+-------
 *                           |<- the CRC (IEEE) covers from here to the end
 *
 * The value of a compressed one is a set of such messages, and its offset is that of the last of them; its timestamp is
 * the largest of theirs.
 */
import { crc32, readInt64 } from '../codec/index.ts'
import { isOffset } from '../core/index.ts'
import {
  LEGACY_LENGTH_MIN,
  LOG_OVERHEAD_BYTES,
  MAGIC,
  MAGIC_PREFIX_BYTES,
  NO_TIMESTAMP,
} from './batch-layout.ts'

const LEGACY = { offset: 0, size: 8, crc: 12, magic: 16, timestamp: 18 } as const
const TIMESTAMP_BYTES = 8

/** What the head of an old message says. */
export interface LegacyMessage {
  readonly magic: 0 | 1
  readonly sizeBytes: number
  /** Of the message, or of the last one in it. */
  readonly lastOffset: number
  /** The largest in it; -1 where it has none, or its head is not all there. */
  readonly maxTimestamp: number
}

/** The head of an old message at `at`, if there can be one; nothing but its size and its offset is looked at. */
export function legacyMessageAt(bytes: Buffer, at: number): LegacyMessage | undefined {
  if (bytes.length - at < MAGIC_PREFIX_BYTES) return undefined
  const magic = bytes.readInt8(at + LEGACY.magic)
  if (magic !== 0 && magic !== 1) return undefined
  const length = bytes.readInt32BE(at + LEGACY.size)
  const lastOffset = readInt64(bytes, at + LEGACY.offset)
  if (
    length < LEGACY_LENGTH_MIN + magic * TIMESTAMP_BYTES ||
    !isOffset(lastOffset) ||
    !isOffset(lastOffset + 1)
  )
    return undefined
  const hasTimestamp = magic === 1 && bytes.length - at >= LEGACY.timestamp + TIMESTAMP_BYTES
  const maxTimestamp = hasTimestamp ? readInt64(bytes, at + LEGACY.timestamp) : NO_TIMESTAMP
  return { magic, sizeBytes: LOG_OVERHEAD_BYTES + length, lastOffset, maxTimestamp }
}

/** Says why the whole old message that `bytes` is can't be one; undefined when its checksum is right. */
export function legacyChecksumProblem(bytes: Buffer): { found: string; expected: string } | undefined {
  const stored = bytes.readUInt32BE(LEGACY.crc)
  const actual = crc32(bytes.subarray(LEGACY.magic))
  return actual === stored ? undefined : { found: hex(actual), expected: hex(stored) }
}

/** What a message of version `magic` is, in words. */
export function describeLegacy(magic: number): string {
  return `a message of the old format, version ${magic}: only version ${MAGIC} is read`
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
