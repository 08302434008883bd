/*
 * The names in a store's directory that are not files of its own:
 *
 *   orders-0                                              a partition
 *   orders-0.4f0c6d8a5b3e4f6c9d2a1b0c8e7f6a5d-delete      one on its way out: its removal goes on at the next opening
 *   orders-0.4f0c6d8a5b3e4f6c9d2a1b0c8e7f6a5d-future      Kafka's, as are `-stray` ones: left alone
 */
import { assert, type Random } from '../core/index.ts'
import { parsePartitionDirectoryName, partitionDirectoryName, type TopicPartition } from './topic-names.ts'

/** Longest name a file system takes. */
const NAME_LENGTH_MAX = 255
const UNIQUE_BYTES = 16
const STATE = /^(.+)\.([0-9a-f]{32})-(delete|future|stray)$/

/** What a directory in a store stands for. */
export type StoreEntry =
  | { readonly kind: 'partition'; readonly log: TopicPartition }
  | { readonly kind: 'delete' | 'future' | 'stray'; readonly of: string }
  | { readonly kind: 'unknown' }

/** Says what the directory called `name` is, by its name alone. */
export function classifyStoreDirectory(name: string): StoreEntry {
  const state = STATE.exec(name)
  if (state !== null) return { kind: state[3] as 'delete' | 'future' | 'stray', of: state[1]! }
  const log = parsePartitionDirectoryName(name)
  return log === undefined ? { kind: 'unknown' } : { kind: 'partition', log }
}

/** A new name for a partition that is to be removed; a long topic's name is cut, as Kafka does, so that it fits. */
export function deletedDirectoryName(log: TopicPartition, random: Random): string {
  const suffix = `.${Buffer.from(random.bytes(UNIQUE_BYTES)).toString('hex')}-delete`
  const partition = `-${log.partition}`
  const whole = partitionDirectoryName(log)
  const topicLengthMax = NAME_LENGTH_MAX - suffix.length - partition.length
  const name =
    (log.topic.length > topicLengthMax ? log.topic.slice(0, topicLengthMax) + partition : whole) + suffix
  assert(
    name.length <= NAME_LENGTH_MAX && classifyStoreDirectory(name).kind === 'delete',
    'a name for a deletion',
  )
  return name
}
