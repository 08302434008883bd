/*
 * Opening a log for writing, from a path to something that can be served. The order matters:
 *
 *   1. directory, lock                                      nobody else writes from here on
 *   2. identity, configuration                              or made, for a new log
 *   3. checkpoints, marker, rewrites                        a rewrite that was complete takes its place
 *   4. segments: names, sizes, gaps                         the index tells what it knows; doubts are looked into
 *   5. the tail                                             believed after a clean close; else scanned, cut if torn, synced
 *   6. what is of no use any more                           goes, now that the log is known to be sound without it
 * Damage found in 4 or 5 ends the opening before anything was cut or removed; tail-scan.ts says what 5 does.
 * A log opens on a full disk, too: from 2 on a write that finds no room has that of the ballast, and then
 *   lock-owner.json, index, watermark     are done without
 *   the copy of a torn tail               is done without, where nothing but the tear would be lost
 *   anything else                         ends the opening with DISK_FULL, and the next attempt starts as this one did
 */
import { basename, dirname, join, resolve as resolvePath } from 'node:path'
import { resolveConfig, type ResolvedConfig } from '../config/index.ts'
import { assert, isSeglogError, SeglogError } from '../core/index.ts'
import { type FileSystem, replaceFile, syncNames } from '../fs/index.ts'
import {
  type EpochEntry,
  formatEpochs,
  type LogHome,
  type LogPaths,
  lastEpoch,
  logPaths,
  openCheckpointFile,
  readEpochs,
  resolveHome,
  truncateEpochsFromEnd,
} from '../layout/index.ts'
import {
  type IndexDatabase,
  openMemoryIndex,
  openSqliteIndex,
  removeIndexFiles,
} from '../offset-index/index.ts'
import { SegmentFiles } from '../segment/index.ts'
import { openBallast } from './ballast.ts'
import { BallastedFileSystem } from './ballasted-file-system.ts'
import { CleanMarkerFile } from './clean-marker-file.ts'
import { writeFailedMarker } from './failed-marker.ts'
import { isWantOfRoom, notFound, operationFailure } from './failures.ts'
import { removeSidecarFiles } from './kafka-sidecars.ts'
import { planLeftovers, removeLeftovers, segmentsAsSettled, settleLeftovers } from './leftovers.ts'
import { isDirectory, type LogDirectory, readLogDirectory } from './log-directory.ts'
import { identityName, type LogIdentity, newIdentity, readIdentity, writeIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import { LogState, readBatchBytesMax } from './log-state.ts'
import type { LogRoot, OpenedLog } from './opened-log.ts'
import { recoverSegments } from './recover-segments.ts'
import { SegmentList } from './segment-list.ts'
import { WatermarkFile } from './watermark-file.ts'

/**
 * Opens the log in `directory` for writing.
 * Errors: LOG_LOCKED, LOG_CORRUPT, LOG_NOT_FOUND, CONFIG_INVALID, DISK_FULL, the system's.
 */
export async function openPartition(directory: string, options: CheckedLogOptions): Promise<OpenedLog> {
  try {
    return await openAlone(directory, options)
  } catch (error) {
    throw isWantOfRoom(error) ? operationFailure(error, `opening the log in ${directory}`) : error
  }
}

async function openAlone(directory: string, given: CheckedLogOptions): Promise<OpenedLog> {
  const startedMs = given.clock.monotonic()
  const bare = given.fileSystem
  const home = await findHome(directory, given)
  const paths = logPaths(home.directory, home)
  const lock = bare.lock(paths.lock)
  const files = new SegmentFiles(bare)
  let root: LogRoot | undefined
  try {
    const { clock, logger } = given
    const ballast = openBallast({ fileSystem: bare, path: paths.ballast, clock, logger })
    const fileSystem = new BallastedFileSystem(bare, ballast)
    const options = { ...given, fileSystem }
    await fileSystem.makeDirectory(paths.directory)
    const found = await findLog(paths, options)
    const indexDatabase = await openIndex(paths, given, found) // the bare file system: it is not worth the ballast
    root = { ...openRoot(fileSystem, paths), indexDatabase, lock, ballast }
    return await openLocked({ paths, root, found, files, options, startedMs })
  } catch (error) {
    files.closeAll()
    await root?.indexDatabase.close()
    const told = await tellOfFailedSync(error, paths, { options: given, root })
    lock.release()
    throw told
  }
}

/** After a sync that failed here the next opening must not believe the cache: it is left a note, and says so itself. */
async function tellOfFailedSync(
  error: unknown,
  paths: LogPaths,
  { options, root }: { options: CheckedLogOptions; root: LogRoot | undefined },
): Promise<unknown> {
  if (!isSeglogError(error) || !error.poisons) return error
  const durableOffset = root?.recoveryPoints.get(paths.topic, paths.partition) ?? 0
  await writeFailedMarker({ ...options, paths }, { durableOffset, reason: error.message })
  return operationFailure(error.cause, `opening the log in ${paths.directory}`)
}

/**
 * Finds out where the log lives; with `create: false` there must be one, and nothing is made. Otherwise the directory
 * that holds the lock is there afterwards; one inside a store is made under the store's lock.
 */
async function findHome(directory: string, { fileSystem, create }: CheckedLogOptions): Promise<LogHome> {
  if (await isDirectory(fileSystem, directory)) {
    const home = resolveHome(fileSystem, await fileSystem.realPath(directory))
    const hasLog =
      create || (await readLogDirectory(fileSystem, logPaths(home.directory, home))).segments.length > 0
    if (hasLog) return home
  }
  if (!create) throw notFound(directory)
  const path = resolvePath(directory)
  if (await isDirectory(fileSystem, dirname(path))) {
    const parent = await fileSystem.realPath(dirname(path))
    const home = resolveHome(fileSystem, join(parent, basename(path)))
    if (home.inStore) return home
  }
  await fileSystem.makeDirectory(directory)
  return resolveHome(fileSystem, await fileSystem.realPath(directory))
}

/** A log as it was found, before anything is done about it. */
interface FoundLog {
  readonly directory: LogDirectory
  readonly known: LogIdentity | undefined
  /** Kafka wrote it, or something else that does not say which log this is. */
  readonly isForeign: boolean
  /** It is not ours to change. */
  readonly isReadOnly: boolean
}

async function findLog(paths: LogPaths, { fileSystem, adopt }: CheckedLogOptions): Promise<FoundLog> {
  const directory = await readLogDirectory(fileSystem, paths)
  const known = readIdentity(fileSystem, paths.topicProperties)
  const hasData = directory.segments.length > 0 || directory.swap.length > 0
  const isForeign = known === undefined && hasData
  const isReadOnly = isForeign && !adopt
  if (isReadOnly && directory.segments.length === 0) throw notFound(paths.directory)
  return { directory, known, isForeign, isReadOnly }
}

/** Reads the small files of the root directory. */
function openRoot(
  fileSystem: FileSystem,
  paths: LogPaths,
): Pick<LogRoot, 'recoveryPoints' | 'startOffsets' | 'marker'> {
  const recoveryPoints = openCheckpointFile(fileSystem, paths.recoveryPoints)
  const startOffsets = openCheckpointFile(fileSystem, paths.startOffsets)
  return { recoveryPoints, startOffsets, marker: new CleanMarkerFile(fileSystem, paths) }
}

/** Opens the index of the root directory; in one that is not ours to change, it is not made there. */
async function openIndex(
  paths: LogPaths,
  options: CheckedLogOptions,
  { isReadOnly }: FoundLog,
): Promise<IndexDatabase> {
  const { fileSystem, clock, logger } = options
  const isStale = options.index === 'memory' && fileSystem.kind === 'native' && !isReadOnly
  if (isStale) await removeIndexFiles(fileSystem, paths.index) // it would go stale beside what is written now
  if (options.index === 'memory' || isReadOnly) return openMemoryIndex()
  return openSqliteIndex({
    fileSystem,
    path: paths.index,
    quarantineDirectory: paths.quarantine,
    clock,
    logger: (message) => logger.warn({ path: paths.index }, message),
  })
}

interface OpenWork {
  readonly paths: LogPaths
  readonly root: LogRoot
  readonly found: FoundLog
  readonly files: SegmentFiles
  readonly options: CheckedLogOptions
  readonly startedMs: number
}

async function openLocked(work: OpenWork): Promise<OpenedLog> {
  const { paths, root, found, files, options } = work
  const { fileSystem, logger } = options
  const resolve: OpenedLog['resolve'] = (stored, updates) =>
    resolveConfig([updates, options.config, stored]).config
  const config = resolve(found.known?.config ?? new Map())
  const settled = await settleDirectory(paths, root, { found, options, config })
  const { identity } = settled
  const notes = oddities(root)
  const index = root.indexDatabase.log(`${paths.topic}-${paths.partition}`, identityName(identity))
  const { isReadOnly } = found
  const recovered = await recoverSegments({ ...work, ...settled, config, index, isReadOnly, notes })
  const mayWrite = !isReadOnly && recovered.report.damage.length === 0
  try {
    const epochs = findEpochs(fileSystem, paths, recovered.endOffset)
    const watermark = mayWrite ? await finishOpening(work, settled) : undefined
    const state = new LogState({
      directory: paths.directory,
      files,
      index,
      config,
      logger,
      segments: new SegmentList(recovered.segments),
      dense: identity.offsets === 'dense',
      startOffset: recovered.startOffset,
      readableEndOffset: recovered.endOffset,
    })
    return {
      ...root,
      options,
      paths,
      identity,
      state,
      resolve,
      watermark,
      readOnlyReason: isReadOnly
        ? 'Kafka wrote it, and adopt is not set'
        : 'it is damaged (see recovery.damage)',
      active: recovered.active,
      durableOffset: recovered.endOffset,
      partitionLeaderEpoch: lastEpoch(epochs.kept),
      generationBase: identity.generation,
      recovery: recovered.report,
      sidecars: settled.directory.sidecars,
      isReadOnly: !mayWrite,
      beforeFirstWrite: () =>
        beforeFirstWrite(paths, root, { options, directory: settled.directory, epochs }),
    }
  } catch (error) {
    recovered.active.handle.close()
    throw error
  }
}

/** What was odd about the files of the root directory, in words. */
function oddities({ recoveryPoints, startOffsets, indexDatabase }: LogRoot): string[] {
  const problems = [recoveryPoints.problem, startOffsets.problem]
  return [...problems.filter((problem) => problem !== undefined), ...indexDatabase.report]
}

/** A directory whose rewrites have been brought to an end, and which log it is. */
interface SettledDirectory {
  readonly directory: LogDirectory
  readonly identity: LogIdentity
  readonly settledFiles: readonly string[]
  /** To be removed once the log has been found sound. */
  readonly remove: readonly string[]
}

/** Finds out which log this is, or makes it one, and settles rewrites that earlier processes left. */
async function settleDirectory(
  paths: LogPaths,
  root: LogRoot,
  { found, options, config }: { found: FoundLog; options: CheckedLogOptions; config: ResolvedConfig },
): Promise<SettledDirectory> {
  const { fileSystem, random } = options
  const { directory, known, isForeign, isReadOnly } = found
  const identity = known ?? newIdentity(random, isForeign ? 'sparse' : 'dense')
  const limits = { batchBytesMax: readBatchBytesMax(config), dense: identity.offsets === 'dense' }
  if (isReadOnly) {
    const segments = await segmentsAsSettled(directory, { fileSystem, ...limits })
    assert(segments !== undefined, 'nobody renames files of a log that is locked')
    return { directory: { ...directory, segments }, identity, settledFiles: [], remove: [] }
  }
  const plan = planLeftovers(directory)
  const settled = await settleLeftovers(plan, { fileSystem, paths, directory, ...limits })
  const now = settled.hasChanged ? await readLogDirectory(fileSystem, paths) : directory
  if (now.segments.length === 0) {
    checkNothingIsLost(paths, root, { isNew: known === undefined })
    await removeLeftovers(fileSystem, paths, directory.temporary) // they may be what fills the disk
  }
  if (known === undefined && !isForeign) {
    await syncOwnName(fileSystem, paths.directory)
    await writeIdentity(fileSystem, paths.topicProperties, identity)
  }
  const { settledFiles, remove } = settled
  return { directory: now, identity, settledFiles, remove }
}

/** The name of a new log's directory: a process that made it may have been killed before that was durable. */
async function syncOwnName(fileSystem: FileSystem, directory: string): Promise<void> {
  try {
    await syncNames(fileSystem, dirname(directory))
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } }
    if (cause?.code !== 'EACCES') throw error // who may not look into the parent has not made anything there
  }
}

/** The log is sound: it is ours from now on, what it needs no more goes, and followers are told. */
async function finishOpening(
  { paths, found, options }: { paths: LogPaths; found: FoundLog; options: CheckedLogOptions },
  { identity, remove }: SettledDirectory,
): Promise<WatermarkFile> {
  const { fileSystem } = options
  await removeLeftovers(fileSystem, paths, remove)
  if (found.isForeign) await writeIdentity(fileSystem, paths.topicProperties, identity)
  return new WatermarkFile(fileSystem, paths.watermark, options)
}

/** A directory without segments is new only if nothing says that there was a log. */
function checkNothingIsLost(paths: LogPaths, root: LogRoot, { isNew }: { isNew: boolean }): void {
  const { topic, partition, directory: path } = paths
  const { recoveryPoints, startOffsets, marker } = root
  const startOffset = startOffsets.get(topic, partition) ?? 0
  const end = Math.max(recoveryPoints.get(topic, partition) ?? 0, startOffset, marker.own?.nextOffset ?? 0)
  if (end > 0) {
    const message = `${path} has no segments, and its checkpoints say that offsets up to ${end} were on disk`
    throw new SeglogError('LOG_CORRUPT', message, { path, offset: startOffset })
  }
  const problem = recoveryPoints.problem ?? startOffsets.problem
  if (problem === undefined || (isNew && paths.root !== path)) return // other logs share the checkpoints of a store
  throw new SeglogError('LOG_CORRUPT', `${path} has no segments, and ${problem}`, { path, offset: 0 })
}

/** The leader epochs of a log, and whether the file has more than those. */
interface FoundEpochs {
  readonly kept: readonly EpochEntry[]
  readonly isStale: boolean
}

/**
 * The leader epochs of the log as it is; an epoch that begins above its end is of a tail that was cut, or of a truncation
 * that ended half-way: no record has it, and those that come next must not.
 */
function findEpochs(fileSystem: FileSystem, paths: LogPaths, endOffset: number): FoundEpochs {
  const epochs = readEpochs(fileSystem, paths.leaderEpochs).value ?? []
  const kept = truncateEpochsFromEnd(epochs, endOffset + 1)
  return { kept, isStale: kept.length < epochs.length }
}

/** The clean marker goes, what Kafka would believe of a segment that is about to change, and epochs of no record. */
async function beforeFirstWrite(
  paths: LogPaths,
  root: LogRoot,
  work: { options: CheckedLogOptions; directory: LogDirectory; epochs: FoundEpochs },
): Promise<void> {
  const { fileSystem } = work.options
  await root.marker.remove()
  const { sidecars, segments } = work.directory
  await removeSidecarFiles(fileSystem, paths, { sidecars, from: segments.at(-1)?.baseOffset ?? 0 })
  const { isStale, kept } = work.epochs
  if (isStale) await replaceFile(fileSystem, paths.leaderEpochs, formatEpochs(kept))
}
