/*
 * What became of records that a group has read: cut by a truncation, or lost with the power, because they were promised at a
 * lower level than `disk`, as every commit is. A log remembers both by its generations, so that the records which come in
 * their place are not skipped by a group that stands behind those that went.
 */
import { CleanedLog, FollowedLog, type Log } from '../cleanup/index.ts'
import type { PinoLike } from '../core/index.ts'
import type { Committed, GroupPartition } from './group-offsets.ts'

/** Of which generation a log is; undefined where that can't be told. */
export function generationOf(log: Log): number | undefined {
  return log instanceof CleanedLog ? log.generation : undefined
}

/** The lowest offset that a log was cut to since it was of `generation`; undefined when it was not, or nothing is known. */
export function cutSince(log: Log, generation: number | undefined): number | undefined {
  const isKnown = log instanceof CleanedLog || log instanceof FollowedLog
  return isKnown && generation !== undefined ? log.cutSince(generation) : undefined
}

/**
 * Finds the logs that end below what some group has committed, and has each take note of its loss, once. Called when the
 * store has been opened, before anything is appended; a log that can't take note is told of.
 */
export async function noteLosses(
  committed: Iterable<GroupPartition & Committed>,
  topics: ReadonlyMap<string, { readonly id: string; readonly partitions: readonly Log[] }>,
  logger: PinoLike,
): Promise<void> {
  const short = new Map<CleanedLog, { topic: string; partition: number; endOffset: number }>()
  for (const { topic: name, topicId, partition, nextOffset, generation } of committed) {
    const topic = topics.get(name)
    const log = topic?.id === topicId ? topic.partitions[partition] : undefined
    if (!(log instanceof CleanedLog) || log.state !== 'open' || nextOffset <= log.readableEndOffset) continue
    const { readableEndOffset: endOffset } = log
    const isKnown = (cutSince(log, generation) ?? Infinity) <= endOffset
    if (!isKnown) short.set(log, { topic: name, partition, endOffset })
  }
  for (const [log, which] of short) {
    try {
      await log.noteLoss()
      logger.warn(which, 'a log ends below what a group has committed: the group goes on at this end')
    } catch (error) {
      logger.warn(
        { error, ...which },
        'a log that ends below what a group has committed could not take note of that',
      )
    }
  }
}
