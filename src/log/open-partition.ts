/*
 * Opening a log for writing, from a path to something that can be served. The order matters:
 *
 *   1. directory, lock                                      nobody else writes from here on
 *   2. identity, configuration                              or made, for a new log
 *   3. checkpoints, marker, rewrites                        a rewrite that was complete takes its place
 *   4. segments: names, sizes, gaps                         the index tells what it knows; doubts are looked into
 *   5. the tail                                             believed after a clean close; else scanned, cut if torn, synced
 *   6. what is of no use any more                           goes, now that the log is known to be sound without it
 * Damage found in 4 or 5 ends the opening before anything was cut or removed; tail-scan.ts says what 5 does, and
 * kafka-handover.ts what it does before that for a log that Kafka has had.
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
  formatEpochs,
  type LogHome,
  type LogPaths,
  logPaths,
  readEpochs,
  resolveHome,
} from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { SegmentFiles } from '../segment/index.ts'
import type { LogMarker } from './clean-marker-file.ts'
import { writeFailedMarker } from './failed-marker.ts'
import { findEpochs, type FoundEpochs } from './found-epochs.ts'
import { directoryLost, isWantOfRoom, lockLost, notFound, operationFailure } from './failures.ts'
import { findInertConfig } from './inert-config.ts'
import { type Handover, hasTracesOfKafka } from './kafka-handover.ts'
import { planLeftovers, removeLeftovers, segmentsAsSettled, settleLeftovers } from './leftovers.ts'
import { isDirectory, type LogDirectory, readLogDirectory } from './log-directory.ts'
import { identityName, type LogIdentity, newIdentity, readIdentity, writeIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import { LogState, readBatchBytesMax } from './log-state.ts'
import { type LockedRoot, type LogRoot, lockRoot, openRoot } from './log-root.ts'
import type { OpenedLog } from './opened-log.ts'
import { type Recovered, recoverSegments } from './recover-segments.ts'
import { SegmentList } from './segment-list.ts'
import { checkMayWrite, lockHome, storeNotes } from './store-directory.ts'
import { WatermarkFile } from './watermark-file.ts'

/**
 * Opens the log in `directory` for writing.
 * Errors: LOG_LOCKED, LOG_CORRUPT, LOG_NOT_FOUND, CONFIG_INVALID, DISK_FULL, those of `checkMayWrite`, the system's.
 */
export async function openPartition(directory: string, options: CheckedLogOptions): Promise<OpenedLog> {
  try {
    return await openAlone(directory, options)
  } catch (error) {
    throw isWantOfRoom(error) ? operationFailure(error, `opening the log in ${directory}`) : error
  }
}

async function openAlone(directory: string, options: CheckedLogOptions): Promise<OpenedLog> {
  const startedMs = options.clock.monotonic()
  const home = await findHome(directory, options)
  const paths = logPaths(home.directory, home)
  await checkMayWrite(home, options)
  const locked = lockHome(home, () => lockRoot(paths, options))
  try {
    return await openUnderLock(locked, { home, paths, options, startedMs })
  } catch (error) {
    locked.lock.release()
    throw error
  }
}

/** Opens a log and its root, which is locked; the root is the log's to close. */
async function openUnderLock(
  locked: LockedRoot,
  work: Pick<OpenWork, 'home' | 'paths' | 'options' | 'startedMs'>,
): Promise<OpenedLog> {
  const { paths, options } = work
  let root: LogRoot | undefined
  try {
    await locked.fileSystem.makeDirectory(paths.directory)
    const found = await findLog(paths, { ...options, fileSystem: locked.fileSystem })
    const { isReadOnly } = found
    root = await openRoot(locked, { ...options, isReadOnly, quarantineDirectory: paths.quarantine })
    return await openFound({ ...work, root, ownsRoot: true, found })
  } catch (error) {
    await root?.indexDatabase.close()
    throw await tellOfFailedSync(error, paths, { options, recoveryPoints: root?.recoveryPoints })
  }
}

/**
 * Opens the log at `home` in a root that is open, and stays the caller's.
 * Errors: as of `openPartition`, but LOG_LOCKED.
 */
export async function openPartitionIn(
  root: LogRoot,
  home: LogHome,
  options: CheckedLogOptions,
): Promise<OpenedLog> {
  const startedMs = options.clock.monotonic()
  const paths = logPaths(home.directory, home)
  try {
    await root.fileSystem.makeDirectory(paths.directory)
    const found = await findLog(paths, { ...options, fileSystem: root.fileSystem })
    return await openFound({ home, paths, root, ownsRoot: false, found, options, startedMs })
  } catch (error) {
    const told = await tellOfFailedSync(error, paths, { options, recoveryPoints: root.recoveryPoints })
    throw isWantOfRoom(told) ? operationFailure(told, `opening the log in ${paths.directory}`) : told
  }
}

async function openFound(work: Omit<OpenWork, 'files' | 'marker'>): Promise<OpenedLog> {
  const { paths, root, ownsRoot, options } = work
  const files = new SegmentFiles(root.bareFileSystem, root.openFiles)
  try {
    const marker = root.markers.of(paths, { writes: ownsRoot ? 'at-close' : 'by-store' })
    return await openLocked({ ...work, options: { ...options, fileSystem: root.fileSystem }, files, marker })
  } catch (error) {
    files.closeAll()
    throw error
  }
}

/** After a sync that failed here the next opening must not believe the cache: it is left a note, and says so itself. */
async function tellOfFailedSync(
  error: unknown,
  paths: LogPaths,
  {
    options,
    recoveryPoints,
  }: { options: CheckedLogOptions; recoveryPoints: LogRoot['recoveryPoints'] | undefined },
): Promise<unknown> {
  if (!isSeglogError(error) || !error.poisons) return error
  const durableOffset = recoveryPoints?.get(paths.topic, paths.partition) ?? 0
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

interface OpenWork {
  readonly home: LogHome
  readonly paths: LogPaths
  readonly root: LogRoot
  readonly ownsRoot: boolean
  readonly marker: LogMarker
  readonly found: FoundLog
  readonly files: SegmentFiles
  readonly options: CheckedLogOptions
  readonly startedMs: number
}

async function openLocked(work: OpenWork): Promise<OpenedLog> {
  const { paths, root, found, options } = work
  const { fileSystem } = options
  const resolve: OpenedLog['resolve'] = (stored, updates) => {
    const isAbove = options.configRank === 'above-stored'
    return resolveConfig(isAbove ? [updates, options.config, stored] : [stored, options.config]).config
  }
  const config = resolve(found.known?.config ?? new Map())
  const settled = await settleDirectory(work, config)
  const { identity } = settled
  const epochProblem = readEpochs(fileSystem, paths.leaderEpochs).problem
  const notes = [
    ...root.oddities,
    ...(epochProblem === undefined ? [] : [epochProblem]),
    ...storeNotes(fileSystem, work.home, paths),
  ]
  const index = root.indexDatabase.log(`${paths.topic}-${paths.partition}`, identityName(identity))
  const { isReadOnly } = found
  const inertConfig = findInertConfig(options, identity.config)
  const input = { ...work, ...settled, config, index, isReadOnly, inertConfig, notes }
  const recovered = await recoverSegments(input)
  try {
    return { resolve, ...(await serve(work, settled, { ...recovered, index, config })) }
  } catch (error) {
    recovered.active.handle.close()
    throw error
  }
}

/** A log whose end is known: it is ours to write, if it may be, and has what it is served with. */
async function serve(
  work: OpenWork,
  settled: SettledDirectory,
  recovered: Recovered & { readonly index: LogIndex; readonly config: ResolvedConfig },
): Promise<Omit<OpenedLog, 'resolve'>> {
  const { paths, root, ownsRoot, marker, found, files, options } = work
  const { fileSystem, logger } = options
  const { identity } = settled
  const { active, segments, startOffset, endOffset, report: recovery, sidecars, index, config } = recovered
  const mayWrite = !found.isReadOnly && recovery.damage.length === 0
  const dense = identity.offsets === 'dense'
  const epochs = findEpochs(fileSystem, paths, { active, endOffset, offsets: identity.offsets })
  const watermark = mayWrite ? await finishOpening(work, settled, recovered) : undefined
  const { directory } = paths
  const opened = fileSystem.statSync(directory)
  const list = { segments: new SegmentList(segments), startOffset, readableEndOffset: endOffset }
  return {
    root,
    ownsRoot,
    marker,
    options,
    paths,
    identity,
    state: new LogState({ directory, files, index, config, logger, dense, ...list }),
    watermark,
    readOnlyReason: found.isReadOnly
      ? 'Kafka wrote it, and adopt is not set'
      : 'it is damaged (see recovery.damage)',
    active,
    durableOffset: endOffset,
    partitionLeaderEpoch: epochs.current,
    generationBase: identity.generation,
    recovery,
    sidecars,
    isReadOnly: !mayWrite,
    placeProblem() {
      if (!root.lock.isOurs()) return lockLost(paths.lock)
      const now = fileSystem.statSync(directory)
      const isSame = now?.inode === opened?.inode && now?.device === opened?.device
      return isSame ? undefined : directoryLost(directory)
    },
    beforeFirstWrite: () => beforeFirstWrite(paths, marker, { options, epochs }),
  }
}

/** A directory whose rewrites have been brought to an end, and which log it is. */
interface SettledDirectory {
  readonly directory: LogDirectory
  readonly identity: LogIdentity
  readonly handover: Handover
  readonly settledFiles: readonly string[]
  /** To be removed once the log has been found sound. */
  readonly remove: readonly string[]
}

/** Finds out which log this is, or makes it one, and settles rewrites that earlier processes left. */
async function settleDirectory(work: OpenWork, config: ResolvedConfig): Promise<SettledDirectory> {
  const { paths, found, options } = work
  const { fileSystem, random } = options
  const { directory, known, isForeign, isReadOnly } = found
  // Kafka may have compacted what it had, or have deleted its head and not said so: then a hole is no damage any more.
  const isIdentityStale =
    known?.offsets === 'dense' && hasTracesOfKafka(fileSystem, paths, directory.sidecars)
  const made = known ?? newIdentity(random, isForeign ? 'sparse' : 'dense')
  const identity: LogIdentity = isIdentityStale ? { ...made, offsets: 'sparse' } : made
  const handover = { isAdoption: isForeign, isIdentityStale }
  const limits = { batchBytesMax: readBatchBytesMax(config), dense: identity.offsets === 'dense' }
  if (isReadOnly) {
    const segments = await segmentsAsSettled(directory, { fileSystem, ...limits })
    assert(segments !== undefined, 'nobody renames files of a log that is locked')
    return { directory: { ...directory, segments }, identity, handover, settledFiles: [], remove: [] }
  }
  const plan = planLeftovers(directory)
  const settled = await settleLeftovers(plan, { fileSystem, paths, directory, ...limits })
  const now = settled.hasChanged ? await readLogDirectory(fileSystem, paths) : directory
  if (now.segments.length === 0) {
    checkNothingIsLost(work, { isNew: known === undefined })
    await removeLeftovers(fileSystem, paths, directory.temporary) // they may be what fills the disk
  }
  if (known === undefined && !isForeign) {
    await syncOwnName(fileSystem, paths.directory)
    await writeIdentity(fileSystem, paths.topicProperties, identity)
  }
  const { settledFiles, remove } = settled
  return { directory: now, identity, handover, settledFiles, remove }
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
  { paths, root, found, options }: OpenWork,
  { identity, remove }: SettledDirectory,
  { report, endOffset }: Recovered,
): Promise<WatermarkFile> {
  const { fileSystem, logger } = options
  await removeLeftovers(fileSystem, paths, remove)
  if (found.isForeign) await writeIdentity(fileSystem, paths.topicProperties, identity)
  if (identity.offsets === 'sparse' && report.recoveryPoint < endOffset) {
    try {
      await root.recoveryPoints.set(paths.topic, paths.partition, endOffset) // or all of it is read again the next time
    } catch (error) {
      if (isSeglogError(error) && error.poisons) throw error
      logger.warn({ error, path: paths.recoveryPoints }, 'the recovery point could not be stored')
    }
  }
  return new WatermarkFile({ fileSystem, limit: root.openFiles }, paths.watermark, options)
}

/** A directory without segments is new only if nothing says that there was a log. */
function checkNothingIsLost({ paths, root, marker }: OpenWork, { isNew }: { isNew: boolean }): void {
  const { topic, partition, directory: path } = paths
  const { recoveryPoints, startOffsets } = root
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

/** The clean marker goes, and epochs of no record. */
async function beforeFirstWrite(
  paths: LogPaths,
  marker: LogMarker,
  work: { options: CheckedLogOptions; epochs: FoundEpochs },
): Promise<void> {
  const { fileSystem } = work.options
  await marker.remove()
  const { isStale, kept } = work.epochs
  if (isStale) await replaceFile(fileSystem, paths.leaderEpochs, formatEpochs(kept))
}
