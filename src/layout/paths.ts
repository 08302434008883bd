import { basename, dirname, join, resolve } from 'node:path'
import { argumentRangeError, assert } from '../core/index.ts'
import { type FileSystem, TEMPORARY_SUFFIX } from '../fs/index.ts'
import { FILE_NAMES, type Sidecar, segmentFileName, sidecarFileName } from './names.ts'
import { parsePartitionDirectoryName, quoteName, type TopicPartition } from './topic-names.ts'

/** Where a log lives and what it is called there. */
export interface LogHome extends TopicPartition {
  /** The directory of the segments; absolute. */
  readonly directory: string
  /** The directory of the lock, the index, the checkpoints and the clean marker: the store's, or the log's own. */
  readonly root: string
  readonly inStore: boolean
}

/** The name a log goes by in its own checkpoints when it belongs to no store: the line is `log 0 <offset>`. */
export const STANDALONE: TopicPartition = { topic: 'log', partition: 0 }

/** The paths of a root directory, which the logs that live there share. */
export interface RootPaths {
  readonly root: string
  /** The directory is that of a single log, which belongs to no store. */
  readonly isLogItself: boolean
  readonly metaProperties: string
  readonly lock: string
  readonly lockOwner: string
  readonly index: string
  readonly cleanMarker: string
  readonly recoveryPoints: string
  readonly startOffsets: string
  readonly cleanerOffsets: string
  readonly highWatermarks: string
  readonly ballast: string
}

/** Every path of one log, and those of its root. */
export interface LogPaths extends TopicPartition, RootPaths {
  readonly directory: string
  readonly leaderEpochs: string
  readonly partitionMetadata: string
  readonly topicProperties: string
  readonly quarantine: string
  readonly watermark: string
  readonly failed: string
  segment(baseOffset: number): string
  /** The copy that a repair writes before it is renamed over the segment. */
  segmentCopy(baseOffset: number): string
  sidecar(baseOffset: number, of: Sidecar): string
  /** The path of an entry of `directory`; `name` comes from a listing, so it is one component. */
  entry(name: string): string
}

/** Names every path of a root directory. */
export function rootPaths(root: string, { isLogItself }: { isLogItself: boolean }): RootPaths {
  const inRoot = (name: string) => join(root, name)
  return {
    root,
    isLogItself,
    metaProperties: inRoot(FILE_NAMES.metaProperties),
    lock: inRoot(FILE_NAMES.lock),
    lockOwner: inRoot(FILE_NAMES.lockOwner),
    index: inRoot(FILE_NAMES.index),
    cleanMarker: inRoot(FILE_NAMES.cleanMarker),
    recoveryPoints: inRoot(FILE_NAMES.recoveryPoints),
    startOffsets: inRoot(FILE_NAMES.startOffsets),
    cleanerOffsets: inRoot(FILE_NAMES.cleanerOffsets),
    highWatermarks: inRoot(FILE_NAMES.highWatermarks),
    ballast: inRoot(FILE_NAMES.ballast),
  }
}

/** Names every path of the log in `directory` that keeps its shared files in `root`. */
export function logPaths(directory: string, home: TopicPartition & { readonly root: string }): LogPaths {
  const inDirectory = (name: string) => join(directory, name)
  return {
    ...rootPaths(home.root, { isLogItself: home.root === directory }),
    topic: home.topic,
    partition: home.partition,
    directory,
    leaderEpochs: inDirectory(FILE_NAMES.leaderEpochs),
    partitionMetadata: inDirectory(FILE_NAMES.partitionMetadata),
    topicProperties: inDirectory(FILE_NAMES.topicProperties),
    quarantine: inDirectory(FILE_NAMES.quarantine),
    watermark: inDirectory(FILE_NAMES.watermark),
    failed: inDirectory(FILE_NAMES.failed),
    segment: (baseOffset) => inDirectory(segmentFileName(baseOffset)),
    segmentCopy: (baseOffset) => inDirectory(segmentFileName(baseOffset) + TEMPORARY_SUFFIX),
    sidecar: (baseOffset, of) => inDirectory(sidecarFileName(baseOffset, of)),
    entry: inDirectory,
  }
}

/**
 * Finds the store a log's directory belongs to: the parent, if it has `meta.properties`; else the directory itself.
 * A link will do, since Kafka follows it: who took no notice of that would take another lock than the broker.
 *
 * Shape:  `directory` is already resolved (`realPath`) if it exists: two names for one log must find one lock.
 * Errors: RangeError for a directory inside a store whose name is not `<topic>-<partition>`; Kafka would refuse the
 *         whole store for it.
 */
export function resolveHome(fileSystem: FileSystem, directory: string): LogHome {
  const absolute = resolve(directory)
  assert(fileSystem.statSync(absolute)?.kind !== 'symlink', `${absolute} is a link and was not resolved`)
  const parent = dirname(absolute)
  const mark = parent === absolute ? undefined : fileSystem.statSync(join(parent, FILE_NAMES.metaProperties))
  const inStore = mark?.kind === 'file' || mark?.kind === 'symlink'
  if (!inStore) return { directory: absolute, root: absolute, ...STANDALONE, inStore }
  const name = parsePartitionDirectoryName(basename(absolute))
  if (name === undefined) {
    throw argumentRangeError(
      `${parent} is a store, whose directories are named <topic>-<partition>, found ${quoteName(basename(absolute))}`,
    )
  }
  return { directory: absolute, root: parent, ...name, inStore }
}
