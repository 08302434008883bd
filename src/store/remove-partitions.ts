/*
 * The end of a topic's partitions. Their logs are closed already.
 *
 *   1. partition 0 is renamed to <name>.<unique>-delete, durably     the commit point: the topic is no more
 *   2. the others likewise                                            crash: the next opening goes on here (plan-store.ts)
 *   3. checkpoints, index, committed offsets forget them              crash: so does who makes a topic of that name
 *   4. file.delete.delay.ms later the directories go                 crash: the next opening goes on
 */
import { join } from 'node:path'
import type { Random } from '../core/index.ts'
import { type FileSystem, removeTree, syncNames } from '../fs/index.ts'
import { deletedDirectoryName, partitionDirectoryName, type TopicPartition } from '../layout/index.ts'

interface Place {
  readonly fileSystem: FileSystem
  readonly random: Random
  readonly root: string
}

/** Steps 1 or 2: renames `logs` away, in their order, durably; gives back their new paths. Errors: the system's, of the first. */
export async function renameAway(place: Place, logs: readonly TopicPartition[]): Promise<string[]> {
  const { paths, failures } = await renameAll(place, logs)
  if (failures.length > 0) throw failures[0]
  return paths
}

/** The same, past those that can't be renamed. Errors: that of the sync. */
export async function renameAll(
  { fileSystem, random, root }: Place,
  logs: readonly TopicPartition[],
): Promise<{ paths: string[]; failures: unknown[] }> {
  const paths: string[] = []
  const failures: unknown[] = []
  for (const log of logs) {
    const path = join(root, deletedDirectoryName(log, random))
    try {
      await fileSystem.rename(join(root, partitionDirectoryName(log)), path)
      paths.push(path)
    } catch (error) {
      failures.push(error)
    }
  }
  if (paths.length > 0) await syncNames(fileSystem, root)
  return { paths, failures }
}

/** Step 4: removes directories, in their order, durably. Errors: the system's; then some may be left, or parts of one. */
export async function removeDirectories(
  fileSystem: FileSystem,
  root: string,
  paths: readonly string[],
): Promise<void> {
  for (const path of paths) await removeTree(fileSystem, path)
  if (paths.length > 0) await syncNames(fileSystem, root)
}
