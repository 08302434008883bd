import { assert, INT32_MAX, typeName } from '../core/index.ts'

/** Longest topic name: its directory, with what Kafka adds while deleting it, still fits 255 bytes. */
export const TOPIC_NAME_LENGTH_MAX = 249

/** Topics whose names begin so are the store's own, or Kafka's. */
export const INTERNAL_PREFIX = '__'

/** True for a topic that belongs to the store or to Kafka, not to a user. */
export function isInternalTopic(name: string): boolean {
  return name.startsWith(INTERNAL_PREFIX)
}

/** A topic's name and the number of one of its partitions. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/**
 * Says why `name` can't be a topic's name; undefined when it can.
 *
 * Source: Kafka's rule, which also keeps every name inside its directory: no slash, no NUL, not `.` or `..`.
 */
export function topicNameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return `a topic name must be a string, found ${typeName(name)}`
  if (name === '') return 'a topic name must not be empty'
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `a topic name has at most ${TOPIC_NAME_LENGTH_MAX} characters, found ${name.length}`
  }
  if (name === '.' || name === '..') return `a topic can't be named ${quoteName(name)}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `a topic name holds only ASCII letters, digits, '.', '_' and '-', found ${quoteName(name)}`
  }
  return undefined
}

/** The name of a partition's directory, `<topic>-<partition>`; also its key wherever logs are listed. */
export function partitionDirectoryName({ topic, partition }: TopicPartition): string {
  assert(topicNameProblem(topic) === undefined, 'invalid topic name')
  assert(isPartition(partition), `partition ${partition}`)
  return `${topic}-${partition}`
}

/** Parses `<topic>-<partition>` at the last '-'; undefined unless it is exactly what `partitionDirectoryName` writes. */
export function parsePartitionDirectoryName(name: string): TopicPartition | undefined {
  const separator = name.lastIndexOf('-')
  if (separator < 0) return undefined
  const topic = name.slice(0, separator)
  const partition = parseDecimal(name.slice(separator + 1))
  if (topicNameProblem(topic) !== undefined || !isPartition(partition)) return undefined
  return { topic, partition }
}

/**
 * True for the name of a directory that has a log of Kafka's in it, or had: a partition, or one that is on its way in, out,
 * or to another disk (`<topic>-<partition>.<id>-delete`, `-future`, `-stray`).
 */
export function isLogDirectoryName(name: string): boolean {
  return parsePartitionDirectoryName(name) !== undefined || /^.+-.+\..+-(?:delete|future|stray)$/.test(name)
}

/** A whole number in its shortest decimal form; undefined for anything else, also above 2^53 - 1. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** True for a number a partition can have. */
export function isPartition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= INT32_MAX
}

/** A name fit for a message: quoted, cut at 64 characters, everything but printable ASCII escaped. */
export function quoteName(name: string): string {
  const quoted = JSON.stringify(name.slice(0, 64)).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return name.length > 64 ? `${quoted}…` : quoted
}
