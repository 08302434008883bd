import { join } from 'node:path'
import type { FileSystem } from '../fs/index.ts'
import { isSeglogError } from '../core/index.ts'
import { readIdentity } from '../log/index.ts'
import {
  classifyEntry,
  classifyStoreDirectory,
  logPaths,
  readPartitionMetadata,
  type TopicPartition,
} from '../layout/index.ts'
import type { DeletionFacts, PartitionFacts, StoreFacts } from './plan-store.ts'

/** What a store's directory holds beside its own files. */
export interface FoundStore extends StoreFacts {
  /** Names that mean nothing here, and Kafka's for other purposes; they are left alone. */
  readonly unrecognised: readonly string[]
}

/**
 * Looks at every directory of a store; reads no segment. What can't be read of a partition is its own problem, and takes
 * none of the others with it. Errors: the system's, of the store's directory itself.
 */
export async function readStore(fileSystem: FileSystem, root: string): Promise<FoundStore> {
  const partitions: PartitionFacts[] = []
  const deletions: DeletionFacts[] = []
  const unrecognised: string[] = []
  for (const { name, kind } of await fileSystem.list(root)) {
    if (kind !== 'directory') {
      if (classifyEntry(name).kind === 'unknown') unrecognised.push(name)
      continue
    }
    const entry = classifyStoreDirectory(name)
    if (entry.kind === 'partition')
      partitions.push(await tryPartition(fileSystem, root, { name, ...entry.log }))
    else if (entry.kind === 'delete')
      deletions.push({ name, topicId: tryTopicId(fileSystem, join(root, name)) })
    else unrecognised.push(name)
  }
  return { partitions, deletions, unrecognised: unrecognised.sort() }
}

/** A partition that can't be read counts as one with records: nothing is concluded from it, and nothing removed. */
async function tryPartition(
  fileSystem: FileSystem,
  root: string,
  which: TopicPartition & { name: string },
): Promise<PartitionFacts> {
  try {
    return await readPartition(fileSystem, root, which)
  } catch (problem) {
    const unknown = { topicId: undefined, partitionCount: undefined, config: undefined }
    return { ...which, ...unknown, isEmpty: false, isOurs: true, hasRecords: true, problem }
  }
}

/** The id of a topic whose deletion has begun; where it can't be read, the directory goes all the same. */
function tryTopicId(fileSystem: FileSystem, directory: string): string | undefined {
  try {
    return readTopicId(fileSystem, directory).topicId
  } catch {
    return undefined
  }
}

async function readPartition(
  fileSystem: FileSystem,
  root: string,
  { name, topic, partition }: TopicPartition & { name: string },
): Promise<PartitionFacts> {
  const directory = join(root, name)
  const entries = await fileSystem.list(directory)
  const isEmpty = entries.every((entry) => classifyEntry(entry.name).kind === 'temporary')
  const hasRecords = entries.some(
    (entry) =>
      ['segment', 'swap'].includes(classifyEntry(entry.name).kind) &&
      fileSystem.statSync(join(directory, entry.name))?.sizeBytes !== 0,
  )
  return { name, topic, partition, isEmpty, hasRecords, ...readTopicId(fileSystem, directory) }
}

/** What the small files of a partition say of its topic; damage in them is for the log's opening to tell. */
function readTopicId(
  fileSystem: FileSystem,
  directory: string,
): Pick<PartitionFacts, 'topicId' | 'isOurs' | 'partitionCount' | 'config'> {
  const paths = logPaths(directory, { root: directory, topic: 'log', partition: 0 })
  const written = readPartitionMetadata(fileSystem, paths.partitionMetadata)?.value
  try {
    const identity = readIdentity(fileSystem, paths.topicProperties)
    const { id = written, partitionCount } = identity?.topic ?? { id: undefined, partitionCount: undefined }
    return {
      topicId: id ?? written,
      isOurs: identity !== undefined,
      partitionCount,
      config: identity?.config,
    }
  } catch (error) {
    if (!isSeglogError(error)) throw error
    return { topicId: written, isOurs: true, partitionCount: undefined, config: undefined }
  }
}
