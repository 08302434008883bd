/*
 * What a root directory gives the logs that live there: the lock, the index, the checkpoints, the clean marker, the
 * ballast. The root is a store's directory, or that of a single log. Taken in this order, given back in the other:
 *
 *   1. lock, ballast                  nobody else writes here; from here on there is room on a full disk
 *   2. checkpoints, clean marker      read
 *   3. index                          opened; only time is lost without it
 */
import { TurnGuard } from '../core/index.ts'
import type { CheckpointFile, RootPaths } from '../layout/index.ts'
import { openCheckpointFile } from '../layout/index.ts'
import { type DirectoryLock, type FileSystem, OpenFileLimit } from '../fs/index.ts'
import {
  type IndexDatabase,
  openMemoryIndex,
  openSqliteIndex,
  removeIndexFiles,
} from '../offset-index/index.ts'
import { type Ballast, openBallast } from './ballast.ts'
import { BallastedFileSystem } from './ballasted-file-system.ts'
import { CleanMarkerFile } from './clean-marker-file.ts'
import type { CheckedLogOptions } from './log-options.ts'

/** A root directory that nobody else writes to. */
export interface LockedRoot {
  readonly paths: RootPaths
  /** What was handed in: calls that are not worth the ballast. */
  readonly bareFileSystem: FileSystem
  /** Spends the ballast where it finds no room. */
  readonly fileSystem: FileSystem
  readonly lock: DirectoryLock
  readonly ballast: Ballast
  /** Shared by the files of all logs that live there. */
  readonly openFiles: OpenFileLimit
  /** Shared by the writers of all logs: a thousand of them, each with its own few ms, would hold the loop for long. */
  readonly turn: TurnGuard
}

/** A root directory that is open; see the head of this file. */
export interface LogRoot extends LockedRoot {
  readonly recoveryPoints: CheckpointFile
  readonly startOffsets: CheckpointFile
  readonly markers: CleanMarkerFile
  readonly indexDatabase: IndexDatabase
  /** What was odd about its files, in words. */
  readonly oddities: readonly string[]
}

/** Options that concern a root. */
export type RootOptions = Pick<CheckedLogOptions, 'fileSystem' | 'clock' | 'logger' | 'index'>

/** Files that stay open for a while: for reading, to write to, to tell followers. */
const OPEN_FILES_MAX = 64

/** How long writers may go on before timers, input and output have their turn. */
const SLICE_MS = 5

/** Takes the lock, for which the directory must be there. Errors: LOG_LOCKED, IO_FAILED, the system's. */
export function lockRoot(
  paths: RootPaths,
  { fileSystem, clock, logger, openFilesMax = OPEN_FILES_MAX }: RootOptions & { openFilesMax?: number },
): LockedRoot {
  const lock = fileSystem.lock(paths.lock)
  try {
    const ballast = openBallast({ fileSystem, path: paths.ballast, clock, logger })
    return {
      paths,
      bareFileSystem: fileSystem,
      fileSystem: new BallastedFileSystem(fileSystem, ballast),
      lock,
      ballast,
      openFiles: new OpenFileLimit(openFilesMax),
      turn: new TurnGuard({ monotonic: () => clock.monotonic(), sliceMs: SLICE_MS }),
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * Opens what is in a locked root; where nothing may be changed there, the index lives in memory.
 * Errors: LOG_CORRUPT for something else in the place of a file; the system's. The lock stays the caller's.
 */
export async function openRoot(
  locked: LockedRoot,
  options: RootOptions & { readonly isReadOnly: boolean; readonly quarantineDirectory: string },
): Promise<LogRoot> {
  const { fileSystem, paths } = locked
  const recoveryPoints = openCheckpointFile(fileSystem, paths.recoveryPoints)
  const startOffsets = openCheckpointFile(fileSystem, paths.startOffsets)
  const markers = new CleanMarkerFile(fileSystem, paths)
  const indexDatabase = await openIndex(locked, options)
  const problems = [recoveryPoints.problem, startOffsets.problem]
  const oddities = [...problems.filter((problem) => problem !== undefined), ...indexDatabase.report]
  return { ...locked, recoveryPoints, startOffsets, markers, indexDatabase, oddities }
}

/** Waits for what is under way and gives everything back; each step whatever became of the ones before. */
export async function closeRoot(
  root: LogRoot,
  attempt: (step: () => unknown) => Promise<void>,
): Promise<void> {
  await attempt(() => root.ballast.close())
  await attempt(() => Promise.all([root.recoveryPoints.idle(), root.startOffsets.idle()]))
  await attempt(() => root.indexDatabase.close())
  await attempt(() => root.lock.release())
}

/** The index is opened with the bare file system: it is not worth the ballast. */
async function openIndex(
  { bareFileSystem, paths }: LockedRoot,
  options: RootOptions & { readonly isReadOnly: boolean; readonly quarantineDirectory: string },
): Promise<IndexDatabase> {
  const { clock, logger, isReadOnly, quarantineDirectory } = options
  const isStale = options.index === 'memory' && bareFileSystem.kind === 'native' && !isReadOnly
  if (isStale) await removeIndexFiles(bareFileSystem, paths.index) // it would go stale beside what is written now
  if (options.index === 'memory' || isReadOnly) return openMemoryIndex()
  return openSqliteIndex({
    fileSystem: bareFileSystem,
    path: paths.index,
    quarantineDirectory,
    clock,
    logger: (message) => logger.warn({ path: paths.index }, message),
  })
}
