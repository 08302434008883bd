/*
 * Message sets of the formats before version 2, made byte by byte: no broker of today writes them.
 */
import { crc32, gzipSync } from 'node:zlib'

/** A message of version 0 or 1; what is left out is null. */
export interface LegacyInput {
  readonly magic: 0 | 1
  readonly offset: number
  /** Only in version 1. */
  readonly timestamp?: number
  readonly key?: string | null
  readonly value?: string | Buffer | null
  readonly attributes?: number
}

const GZIP = 1

/** The bytes of one message, with a checksum that is right. */
export function legacyMessage({
  magic,
  offset,
  timestamp = -1,
  key,
  value,
  attributes = 0,
}: LegacyInput): Buffer {
  const head = Buffer.alloc(magic === 1 ? 10 : 2)
  head.writeInt8(magic, 0)
  head.writeInt8(attributes, 1)
  if (magic === 1) head.writeBigInt64BE(BigInt(timestamp), 2)
  const content = Buffer.concat([head, field(key), field(value)])
  const overhead = Buffer.alloc(16)
  overhead.writeBigInt64BE(BigInt(offset), 0)
  overhead.writeInt32BE(content.length + 4, 8)
  overhead.writeUInt32BE(crc32(content), 12)
  return Buffer.concat([overhead, content])
}

/** Messages in one, compressed: the offsets inside count from 0 in version 1, and its own is that of the last. */
export function legacyWrapper(magic: 0 | 1, messages: readonly Omit<LegacyInput, 'magic'>[]): Buffer {
  const { offset } = messages.at(-1)!
  const inside = messages.map((message) =>
    legacyMessage({
      ...message,
      magic,
      offset: magic === 0 ? message.offset : message.offset - messages[0]!.offset,
    }),
  )
  const timestamp = Math.max(...messages.map((message) => message.timestamp ?? -1))
  return legacyMessage({ magic, offset, timestamp, attributes: GZIP, value: gzipSync(Buffer.concat(inside)) })
}

/** The message with another checksum. */
export function withWrongChecksum(message: Buffer): Buffer {
  const copy = Buffer.from(message)
  copy.writeUInt32BE((copy.readUInt32BE(12) ^ 1) >>> 0, 12)
  return copy
}

function field(value: string | Buffer | null | undefined): Buffer {
  const size = Buffer.alloc(4)
  if (value === null || value === undefined) {
    size.writeInt32BE(-1)
    return size
  }
  const bytes = Buffer.from(value)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}
