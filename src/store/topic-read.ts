import type { Log } from '../cleanup/index.ts'
import { argumentTypeError, checkFunction, readOptions } from '../core/index.ts'
import type { ReadOptions } from '../log/index.ts'
import { checkGroup } from './group-offsets.ts'

/** Where a read of a topic begins, in each of its partitions. */
export type TopicReadFrom =
  | 'earliest'
  | 'latest'
  | { readonly timestamp: number }
  | { readonly group: string }

/** What of a topic to read, and how. */
export interface TopicReadOptions extends Omit<ReadOptions, 'from'> {
  /** Default `earliest`; a group goes on behind what it has committed, or at the start where it has committed nothing. */
  readonly from?: TopicReadFrom
  /** Told when a group can't go on where it was: retention has taken what lay there, or a truncation. */
  readonly onReset?: (reset: GroupReset) => void
}

/** A group that goes on somewhere else than where it was. */
export interface GroupReset {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** What it had committed. */
  readonly committed: number
  /** Where it goes on: at the start, where the log was cut, or at the end. */
  readonly resumedAt: number
}

const KNOWN = ['from', 'until', 'follow', 'signal', 'maxBytes', 'onDamage', 'isolation', 'onReset'] as const

/** The options of a read of one partition, but for where it begins. */
export type PartitionReadOptions = Omit<ReadOptions, 'from'>

/** Options of a topic's read, apart. Errors: TypeError, RangeError; what the partitions' reads check, they check. */
export function readTopicReadOptions(input: TopicReadOptions | undefined): {
  from: TopicReadFrom
  onReset: ((reset: GroupReset) => void) | undefined
  each: PartitionReadOptions
} {
  const {
    from = 'earliest',
    onReset,
    ...each
  } = readOptions<TopicReadOptions>(input, {
    what: 'read',
    known: KNOWN,
  })
  checkFunction('onReset', onReset)
  if (typeof from === 'object' && from !== null && 'group' in from) checkGroup(from.group)
  else if (from !== 'earliest' && from !== 'latest' && !isTimestamp(from)) {
    throw argumentTypeError("from must be 'earliest', 'latest', { timestamp } or { group }")
  }
  return { from, onReset, each: each as PartitionReadOptions }
}

/**
 * Where a group goes on in a log: behind what it has committed; at the start if that is above it; where the log was cut
 * since, even where other records have taken the place of those that went; and never beyond the end.
 */
export function planResume(
  { startOffset, readableEndOffset }: Pick<Log, 'startOffset' | 'readableEndOffset'>,
  committed: { readonly nextOffset: number; readonly cutTo: number | undefined },
): number {
  const { nextOffset, cutTo = nextOffset } = committed
  return Math.max(startOffset, Math.min(nextOffset, cutTo, readableEndOffset))
}

function isTimestamp(from: unknown): from is { timestamp: number } {
  return typeof from === 'object' && from !== null && 'timestamp' in from
}
