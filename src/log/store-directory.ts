/*
 * What a log has to mind because of where it lies: a store may be of a version that nothing is known of here, and one of
 * Kafka's logs belongs to its controllers alone. Both are refused before anything is made, locked or changed; reading is
 * never refused.
 */
import { basename } from 'node:path'
import { isSeglogError, SeglogError } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import {
  FILE_NAMES,
  type LogHome,
  type LogPaths,
  logPaths,
  type MetaProperties,
  metaPropertiesError,
  type Parsed,
  parsePartitionDirectoryName,
  readMetaProperties,
} from '../layout/index.ts'
import { isDirectory, readLogDirectory } from './log-directory.ts'
import { readIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'

/** Kafka's controllers keep what they know of the cluster there. */
const CLUSTER_METADATA = '__cluster_metadata'

/**
 * Checks that a log may be written where it lies; one that would open for reading only, because Kafka wrote it, may lie
 * anywhere.
 * Errors: LOG_READONLY for the log of Kafka's controllers; FORMAT_UNSUPPORTED for a store of a version that is not known,
 *         LOG_CORRUPT for one whose `meta.properties` can't be believed; LOG_NOT_FOUND for a store, which is no log.
 */
export async function checkMayWrite(home: LogHome, options: CheckedLogOptions): Promise<void> {
  const { fileSystem, adopt } = options
  const paths = logPaths(home.directory, home)
  const refusal = findRefusal(fileSystem, home, paths)
  if (refusal === undefined) return
  const isThere = await isDirectory(fileSystem, home.directory)
  const hasSegments = isThere && (await readLogDirectory(fileSystem, paths)).segments.length > 0
  const isReadOnly = hasSegments && !adopt && readIdentity(fileSystem, paths.topicProperties) === undefined
  if (!isReadOnly) throw refusal
}

function findRefusal(fileSystem: FileSystem, home: LogHome, paths: LogPaths): SeglogError | undefined {
  const { directory, inStore } = home
  if (topicOf(directory) === CLUSTER_METADATA) {
    const message = `${directory} is the log of Kafka's controllers, which nobody else may write: open it with readOnly: true`
    return new SeglogError('LOG_READONLY', message, { path: directory })
  }
  const path = paths.metaProperties
  if (!inStore) {
    if (fileSystem.statSync(path) === undefined) return undefined
    const message = `${directory} is a store (it has ${FILE_NAMES.metaProperties}): its logs are the directories in it`
    return new SeglogError('LOG_NOT_FOUND', message, { path: directory })
  }
  const found = readStore(fileSystem, home, paths)
  if (found?.problem === undefined) return undefined
  const problem = `${found.problem}. Nothing was changed; readOnly: true opens the log all the same`
  return metaPropertiesError(path, { ...found, problem })
}

/** What is odd about the store that a log lies in, in words. */
export function storeNotes(fileSystem: FileSystem, home: LogHome, paths: LogPaths): string[] {
  const problem = readStore(fileSystem, home, paths)?.problem
  return problem === undefined ? [] : [problem]
}

function readStore(
  fileSystem: FileSystem,
  { inStore }: LogHome,
  { metaProperties }: LogPaths,
): Parsed<MetaProperties> | undefined {
  return inStore ? readMetaProperties(fileSystem, metaProperties) : undefined
}

function topicOf(directory: string): string | undefined {
  return parsePartitionDirectoryName(basename(directory))?.topic
}

/** Takes the lock of the directory that a log lives in, with `take`. Errors: LOG_LOCKED, which says what else the lock is for; those of `take`. */
export function lockHome<T>(home: LogHome, take: () => T): T {
  try {
    return take()
  } catch (error) {
    if (!home.inStore || !isSeglogError(error, 'LOG_LOCKED')) throw error
    const message = `${error.message}. It is the one lock of all logs in there, ${basename(home.directory)} too`
    throw new SeglogError(error.code, message, { ...error, cause: error.cause })
  }
}
