/*
 * Opening a log for writing, from a path to something that can be served. The order matters:
 *
 *   1. directory, lock                    nobody else writes from here on
 *   2. identity, configuration            or made, for a new log
 *   3. checkpoints, marker, rewrites      a rewrite that was complete takes its place
 *   4. segments: names, sizes, gaps       the index tells what it knows; doubts are looked into
 *   5. the tail                           believed after a clean close; else scanned, cut if torn, synced
 *   6. what is of no use any more         goes, now that the log is known to be sound without it
 * Damage found in 4 or 5 ends the opening before anything was cut or removed; tail-scan.ts says what 5 does.
 */
import { basename, dirname, join, resolve as resolvePath } from 'node:path'
import { resolveConfig, type ResolvedConfig } from '../config/index.ts'
import { isSeglogError, SeglogError } from '../core/index.ts'
import {
  type LogHome,
  type LogPaths,
  lastEpoch,
  logPaths,
  openCheckpointFile,
  readEpochs,
  resolveHome,
} from '../layout/index.ts'
import { openMemoryIndex, openSqliteIndex, removeIndexFiles } from '../offset-index/index.ts'
import { SegmentFiles } from '../segment/index.ts'
import { CleanMarkerFile } from './clean-marker-file.ts'
import { writeFailedMarker } from './failed-marker.ts'
import { notFound, operationFailure } from './failures.ts'
import { removeSidecarFiles } from './kafka-sidecars.ts'
import { planLeftovers, removeLeftovers, settleLeftovers } from './leftovers.ts'
import { isDirectory, type LogDirectory, readLogDirectory } from './log-directory.ts'
import { identityName, type LogIdentity, newIdentity, readIdentity, writeIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import { LogState, readBatchBytesMax } from './log-state.ts'
import type { LogRoot, OpenedLog } from './opened-log.ts'
import { recoverSegments } from './recover-segments.ts'
import { SegmentList } from './segment-list.ts'
import { WatermarkFile } from './watermark-file.ts'

/** Opens the log in `directory` for writing. Errors: LOG_LOCKED, LOG_CORRUPT, LOG_NOT_FOUND, CONFIG_INVALID, the system's. */
export async function openPartition(directory: string, options: CheckedLogOptions): Promise<OpenedLog> {
  const startedMs = options.clock.monotonic()
  const { fileSystem } = options
  const home = await findHome(directory, options)
  const paths = logPaths(home.directory, home)
  const lock = fileSystem.lock(paths.lock)
  const files = new SegmentFiles(fileSystem)
  let root: LogRoot | undefined
  try {
    await fileSystem.makeDirectory(paths.directory)
    const found = await findLog(paths, options)
    root = { ...(await openRoot(paths, options, found)), lock }
    return await openLocked({ paths, root, found, files, options, startedMs })
  } catch (error) {
    files.closeAll()
    await root?.indexDatabase.close()
    const told = await tellOfFailedSync(error, paths, { options, root })
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

/** Opens what the root directory has; in one that is not ours to change, the index is not made there either. */
async function openRoot(
  paths: LogPaths,
  options: CheckedLogOptions,
  { isReadOnly }: FoundLog,
): Promise<Omit<LogRoot, 'lock'>> {
  const { fileSystem, clock, logger } = options
  const recoveryPoints = openCheckpointFile(fileSystem, paths.recoveryPoints)
  const startOffsets = openCheckpointFile(fileSystem, paths.startOffsets)
  const marker = new CleanMarkerFile(fileSystem, paths)
  const isStale = options.index === 'memory' && fileSystem.kind === 'native' && !isReadOnly
  if (isStale) await removeIndexFiles(fileSystem, paths.index) // it would go stale beside what is written now
  const indexDatabase =
    options.index === 'memory' || isReadOnly
      ? openMemoryIndex()
      : await openSqliteIndex({
          fileSystem,
          path: paths.index,
          quarantineDirectory: paths.quarantine,
          clock,
          logger: (message) => logger.warn({ path: paths.index }, message),
        })
  return { recoveryPoints, startOffsets, marker, indexDatabase }
}

async function openLocked(work: {
  paths: LogPaths
  root: LogRoot
  found: FoundLog
  files: SegmentFiles
  options: CheckedLogOptions
  startedMs: number
}): Promise<OpenedLog> {
  const { paths, root, found, files, options } = work
  const { fileSystem, logger } = options
  const resolve: OpenedLog['resolve'] = (stored, updates) =>
    resolveConfig([updates, options.config, stored]).config
  const config = resolve(found.known?.config ?? new Map())
  const settled = await settleDirectory(paths, root, { found, options, config })
  const { identity } = settled
  const problems = [root.recoveryPoints.problem, root.startOffsets.problem]
  const notes = [...problems.filter((problem) => problem !== undefined), ...root.indexDatabase.report]
  const index = root.indexDatabase.log(`${paths.topic}-${paths.partition}`, identityName(identity))
  const { isReadOnly } = found
  const recovered = await recoverSegments({ ...work, ...settled, config, index, isReadOnly, notes })
  const mayWrite = !isReadOnly && recovered.report.damage.length === 0
  try {
    const partitionLeaderEpoch = lastEpoch(readEpochs(fileSystem, paths.leaderEpochs).value ?? [])
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
      partitionLeaderEpoch,
      generationBase: identity.generation,
      recovery: recovered.report,
      sidecars: settled.directory.sidecars,
      isReadOnly: !mayWrite,
      beforeFirstWrite: () => beforeFirstWrite(paths, root, { options, directory: settled.directory }),
    }
  } catch (error) {
    recovered.active.handle.close()
    throw error
  }
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
  if (isReadOnly) return { directory, identity, settledFiles: [], remove: [] }
  const batchBytesMax = readBatchBytesMax(config)
  const plan = planLeftovers(directory)
  const settled = await settleLeftovers(plan, { fileSystem, paths, directory, batchBytesMax })
  const now = settled.hasChanged ? await readLogDirectory(fileSystem, paths) : directory
  if (now.segments.length === 0) checkNothingIsLost(paths, root, { isNew: known === undefined })
  if (known === undefined && !isForeign) await writeIdentity(fileSystem, paths.topicProperties, identity)
  const { settledFiles, remove } = settled
  return { directory: now, identity, settledFiles, remove }
}

/** The log is sound: it is ours from now on, what it needs no more goes, and followers are told. */
async function finishOpening(
  { paths, found, options }: { paths: LogPaths; found: FoundLog; options: CheckedLogOptions },
  { identity, remove }: SettledDirectory,
): Promise<WatermarkFile> {
  const { fileSystem } = options
  if (found.isForeign) await writeIdentity(fileSystem, paths.topicProperties, identity)
  await removeLeftovers(fileSystem, paths, remove)
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

/** The clean marker goes, and what Kafka would believe of a segment that is about to change. */
async function beforeFirstWrite(
  paths: LogPaths,
  root: LogRoot,
  { options, directory }: { options: CheckedLogOptions; directory: LogDirectory },
): Promise<void> {
  await root.marker.remove()
  const { sidecars, segments } = directory
  await removeSidecarFiles(options.fileSystem, paths, { sidecars, from: segments.at(-1)?.baseOffset ?? 0 })
}
