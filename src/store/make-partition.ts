/*
 * The files of a partition that is being made. Its log's opening adds the first segment; what is missing is added then, too.
 *
 *   1. directory, its name durable          crash: an empty directory, which the next opening of the store removes
 *   2. topic.properties                     it is a partition of this topic from here on
 *   3. partition.metadata                   Kafka's copy of the topic's id; made again from 2 where it is missing
 *
 * A topic's partitions are made from the last to the first, and partition 0 with its step 2 is the commit point of the
 * topic: without it the others have no record and go at the next opening (plan-store.ts).
 */
import type { Random } from '../core/index.ts'
import { type FileSystem, replaceFile } from '../fs/index.ts'
import {
  formatPartitionMetadata,
  logPaths,
  readPartitionMetadata,
  type TopicPartition,
} from '../layout/index.ts'
import { newIdentity, readIdentity, writeIdentity } from '../log/index.ts'

/** What all partitions of a topic have in common. */
export interface TopicFiles {
  readonly id: string
  readonly partitionCount: number
  /** As it is stored. */
  readonly config: ReadonlyMap<string, string>
}

/** Makes the directory of one partition, and what says whose it is. Errors: the system's; LOG_POISONED for a failed sync. */
export async function makePartition(
  place: { fileSystem: FileSystem; random: Random },
  home: TopicPartition & { readonly directory: string; readonly root: string },
  topic: TopicFiles,
): Promise<void> {
  const { fileSystem, random } = place
  const paths = logPaths(home.directory, home)
  await fileSystem.makeDirectory(paths.directory)
  const { id, partitionCount, config } = topic
  const identity = newIdentity(random, 'dense', { topic: { id, partitionCount }, config })
  await writeIdentity(fileSystem, paths.topicProperties, identity)
  await replaceFile(fileSystem, paths.partitionMetadata, formatPartitionMetadata(id))
}

/**
 * Brings a partition that was found in line with its topic: step 3 again where a crash came before it, and the
 * configuration of partition 0, where a crash came between the two. Errors: as `makePartition`; LOG_CORRUPT.
 */
export async function alignPartition(
  fileSystem: FileSystem,
  home: TopicPartition & { readonly directory: string; readonly root: string },
  topic: { readonly config: ReadonlyMap<string, string> | undefined },
): Promise<void> {
  const { partitionMetadata, topicProperties } = logPaths(home.directory, home)
  const identity = readIdentity(fileSystem, topicProperties)
  if (identity?.topic === undefined) return // Kafka's, or a log that was opened by itself
  if (readPartitionMetadata(fileSystem, partitionMetadata) === undefined)
    await replaceFile(fileSystem, partitionMetadata, formatPartitionMetadata(identity.topic.id))
  const { config = identity.config } = topic
  if (!isSame(config, identity.config))
    await writeIdentity(fileSystem, topicProperties, { ...identity, config })
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}
