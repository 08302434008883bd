import { assert, type Random } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { type Parsed, readSmallText } from './checkpoint-text.ts'

const METADATA_BYTES_MAX = 4096
const TOPIC_ID_BYTES = 16

/** Formats `partition.metadata`; like Kafka's, without a newline at the end. */
export function formatPartitionMetadata(topicId: string): string {
  assert(isTopicId(topicId), 'topic id')
  return `version: 0\ntopic_id: ${topicId}`
}

/** Parses `partition.metadata` into the topic's id; a newline at the end is allowed. */
export function parsePartitionMetadata(text: string): Parsed<string> {
  const match = /^version: (\d{1,10})\ntopic_id: ([\w-]{22})\n?$/.exec(text)
  if (match === null) return { problem: 'is not the two lines `version: 0` and `topic_id: <id>`' }
  if (match[1] !== '0') return { problem: `has version ${match[1]}, 0 was expected` }
  const topicId = match[2]!
  return isTopicId(topicId) ? { value: topicId } : { problem: 'has a topic id that no topic can have' }
}

/** Reads the topic id at `path`; undefined when there is no such file. Errors: the system's. */
export function readPartitionMetadata(fileSystem: FileSystem, path: string): Parsed<string> | undefined {
  return readSmallText(fileSystem, path, { bytesMax: METADATA_BYTES_MAX, parse: parsePartitionMetadata })
}

/** A new topic id as Kafka makes them: a random UUID (version 4) in 22 characters, the first never '-'. */
export function randomTopicId(random: Random): string {
  const bytes = Buffer.from(random.bytes(TOPIC_ID_BYTES))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const id = bytes.toString('base64url')
  if (!id.startsWith('-')) return id
  bytes[0]! ^= 0x80 // a leading '-' reads as an option on a command line; flipping a bit needs no second draw
  return bytes.toString('base64url')
}

/** True for the 22 characters of a topic id; the ids 0 and 1 are reserved. */
export function isTopicId(value: string): boolean {
  const bytes = Buffer.from(value, 'base64url')
  if (bytes.length !== TOPIC_ID_BYTES || bytes.toString('base64url') !== value) return false
  return bytes.subarray(0, -1).some((byte) => byte !== 0) || bytes[TOPIC_ID_BYTES - 1]! > 1
}
