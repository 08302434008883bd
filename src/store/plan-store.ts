/*
 * What is in a store's directory, and what opening does about it. Pure: the facts come from read-store.ts.
 *
 * A topic of ours is there if partition 0 has its identity: that is made last, and renamed away first. So
 *
 *   partitions without it, none with a record       a creation that was interrupted: they go
 *   partitions without it, beside a deletion of it  a deletion that was interrupted: it goes on
 *   partitions without it, with records             somebody removed it: they are kept, and reported
 *
 * Kafka spreads a topic's partitions over brokers: of a topic of Kafka's any may be missing.
 */
import type { TopicPartition } from '../layout/index.ts'

/** A partition's directory as it was found. */
export interface PartitionFacts extends TopicPartition {
  /** Its name in the store. */
  readonly name: string
  /** From its own file or Kafka's; undefined without a believable one. */
  readonly topicId: string | undefined
  /** There is nothing in it yet. */
  readonly isEmpty: boolean
  /** It says which log it is: seglog made it, or has adopted it. */
  readonly isOurs: boolean
  /** How many partitions its topic was made with, if it says so. */
  readonly partitionCount: number | undefined
  /** As it is stored; undefined where it can't be read. */
  readonly config: ReadonlyMap<string, string> | undefined
  readonly hasRecords: boolean
  /** Why it could not be looked at, which keeps it from being opened; undefined when it could. */
  readonly problem?: unknown
}

/** A partition that is on its way out. */
export interface DeletionFacts {
  readonly name: string
  readonly topicId: string | undefined
}

/** All that opening decides from. */
export interface StoreFacts {
  readonly partitions: readonly PartitionFacts[]
  readonly deletions: readonly DeletionFacts[]
}

/** A topic that is to be opened. */
export interface TopicPlan {
  readonly name: string
  readonly topicId: string | undefined
  readonly partitionCount: number
  /** That of the first partition, which all others follow; undefined where it can't be read, or is none of ours. */
  readonly config: ReadonlyMap<string, string> | undefined
  readonly found: readonly PartitionFacts[]
}

/** What opening does, in this order. */
export interface StorePlan {
  /** Partitions of a topic whose deletion had begun. */
  readonly rename: readonly PartitionFacts[]
  /** Partitions of a topic whose creation had not come to its end. */
  readonly discard: readonly PartitionFacts[]
  /** In the order of names. */
  readonly topics: readonly TopicPlan[]
}

/** Decides what the directories of a store mean. */
export function planStore({ partitions, deletions }: StoreFacts): StorePlan {
  const deletedIds = new Set(deletions.map(({ topicId }) => topicId).filter((id) => id !== undefined))
  const plan = { rename: [] as PartitionFacts[], discard: [] as PartitionFacts[], topics: [] as TopicPlan[] }
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  for (const name of [...byTopic.keys()].sort()) {
    const found = byTopic.get(name)!.toSorted((a, b) => a.partition - b.partition)
    const first = found[0]!
    const isThere = first.partition === 0 && !first.isEmpty
    const beingDeleted = found.filter(({ topicId }) => topicId !== undefined && deletedIds.has(topicId))
    const isUnfinished = found.every((each) => each.isEmpty || (each.isOurs && !each.hasRecords))
    if (isThere) plan.topics.push(toTopic(name, found))
    else if (beingDeleted.length > 0) plan.rename.push(...beingDeleted)
    else if (isUnfinished) plan.discard.push(...found)
    else plan.topics.push(toTopic(name, found))
  }
  return plan
}

function toTopic(name: string, found: readonly PartitionFacts[]): TopicPlan {
  const stated = found.find(({ partitionCount }) => partitionCount !== undefined)?.partitionCount ?? 0
  return {
    name,
    topicId: found[0]!.topicId,
    partitionCount: Math.max(stated, found.at(-1)!.partition + 1),
    config: found[0]!.partition === 0 && found[0]!.isOurs ? found[0]!.config : undefined,
    found,
  }
}
