/*
 * What a committed offset is stored as: key and value of Kafka's `__consumer_offsets`, so that Kafka's own tools read them.
 *
 *   key     version i16 = 1 · group text · topic text · partition i32
 *   value   version i16 = 3 · offset i64 · leader epoch i32 · metadata text: the topic's id · commit time i64
 *   text    length i16 · UTF-8
 *
 * The id keeps an offset from being taken for one in another topic of the same name, made later. In the place of the leader
 * epoch, by which a consumer of Kafka finds out that records were cut behind its back, is the log's generation, which rises
 * with every truncation; -1 where it is not known. Integers are big-endian. A key whose record has no value is an offset that
 * was given up.
 */
import { INT32_MAX, isOffset } from '../core/index.ts'
import { isPartition } from '../layout/index.ts'

/** Whose offset it is. */
export interface OffsetKey {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** What is said of it. */
export interface OffsetValue {
  readonly nextOffset: number
  /** Of the topic that it was committed for. */
  readonly topicId: string
  /** Of the log when it was committed; undefined where that is not known. */
  readonly generation: number | undefined
}

const KEY_VERSION = 1
const VALUE_VERSION = 3
const NO_EPOCH = -1
const EPOCH_AT = 10
const METADATA_AT = 14
const TIME_BYTES = 8
const TEXT_BYTES_MAX = 0x7fff

/** Longest name of a group, in bytes of UTF-8. */
export const GROUP_BYTES_MAX = 255

/** Encodes the key of a committed offset. */
export function encodeOffsetKey({ group, topic, partition }: OffsetKey): Buffer {
  const head = Buffer.alloc(2)
  head.writeInt16BE(KEY_VERSION)
  const tail = Buffer.alloc(4)
  tail.writeInt32BE(partition)
  return Buffer.concat([head, encodeText(group), encodeText(topic), tail])
}

/** Encodes the value of a committed offset. */
export function encodeOffsetValue(value: OffsetValue & { readonly atMs: number }): Buffer {
  const { nextOffset, topicId, generation = NO_EPOCH, atMs } = value
  const head = Buffer.alloc(METADATA_AT)
  head.writeInt16BE(VALUE_VERSION, 0)
  head.writeBigInt64BE(BigInt(nextOffset), 2)
  head.writeInt32BE(generation > INT32_MAX ? NO_EPOCH : generation, EPOCH_AT)
  const tail = Buffer.alloc(TIME_BYTES)
  tail.writeBigInt64BE(BigInt(atMs))
  return Buffer.concat([head, encodeText(topicId), tail])
}

/** Decodes a key; undefined for one of another version or for bytes that are none. */
export function decodeOffsetKey(bytes: Buffer): OffsetKey | undefined {
  if (bytes.length < 2 || bytes.readInt16BE(0) !== KEY_VERSION) return undefined
  const group = decodeText(bytes, 2)
  const topic = group === undefined ? undefined : decodeText(bytes, group.end)
  if (group === undefined || topic === undefined || bytes.length !== topic.end + 4) return undefined
  const partition = bytes.readInt32BE(topic.end)
  return isPartition(partition) ? { group: group.text, topic: topic.text, partition } : undefined
}

/** Decodes a value; undefined for one of another version or for bytes that are none. */
export function decodeOffsetValue(bytes: Buffer): OffsetValue | undefined {
  if (bytes.length < METADATA_AT || bytes.readInt16BE(0) !== VALUE_VERSION) return undefined
  const nextOffset = Number(bytes.readBigInt64BE(2))
  const topicId = decodeText(bytes, METADATA_AT)
  if (!isOffset(nextOffset) || topicId === undefined || bytes.length !== topicId.end + TIME_BYTES)
    return undefined
  const epoch = bytes.readInt32BE(EPOCH_AT)
  return { nextOffset, topicId: topicId.text, generation: epoch < 0 ? undefined : epoch }
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length > TEXT_BYTES_MAX) throw new RangeError('text of an offset key')
  const length = Buffer.alloc(2)
  length.writeInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function decodeText(bytes: Buffer, at: number): { text: string; end: number } | undefined {
  if (bytes.length < at + 2) return undefined
  const length = bytes.readInt16BE(at)
  const end = at + 2 + length
  if (length < 0 || end > bytes.length) return undefined
  return { text: bytes.toString('utf8', at + 2, end), end }
}
