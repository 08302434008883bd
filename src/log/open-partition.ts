/*
 * Opening a log for writing, from a path to something that can be served. The order matters:
 *
 *   1. directory, lock                    nobody else writes from here on
 *   2. identity, configuration            or made, for a new log
 *   3. checkpoints, marker, leftovers     what earlier processes left, brought to an end
 *   4. segments: names, sizes, gaps       the index tells what it knows; doubts are looked into
 *   5. the tail                           believed after a clean close; else scanned, cut if torn, synced
 * Steps 1 to 4 change nothing that a log depends on; 5 says in tail-recovery.ts what it does.
 */
import { resolveConfig, type ConfigInput, type ResolvedConfig } from '../config/index.ts'
import { SeglogError } from '../core/index.ts'
import {
  type LogHome,
  type LogPaths,
  lastEpoch,
  logPaths,
  openCheckpointFile,
  readEpochs,
  resolveHome,
} from '../layout/index.ts'
import { openMemoryIndex, openSqliteIndex } from '../offset-index/index.ts'
import { SegmentFiles } from '../segment/index.ts'
import { CleanMarkerFile } from './clean-marker-file.ts'
import { notFound } from './failures.ts'
import { planLeftovers, settleLeftovers } from './leftovers.ts'
import { type LogDirectory, readLogDirectory } from './log-directory.ts'
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
  const home = await openHome(directory, options)
  const paths = logPaths(home.directory, home)
  const lock = options.fileSystem.lock(paths.lock)
  let root: LogRoot | undefined
  try {
    root = { ...(await openRoot(paths, options)), lock }
    return await openLocked(paths, root, { options, startedMs })
  } catch (error) {
    await root?.indexDatabase.close()
    lock.release()
    throw error
  }
}

/** Finds or makes the directory; with `create: false` there must be a log in it, and nothing is made. */
async function openHome(directory: string, { fileSystem, create }: CheckedLogOptions): Promise<LogHome> {
  if (await isDirectory(directory, fileSystem)) {
    const home = resolveHome(fileSystem, await fileSystem.realPath(directory))
    const hasLog =
      create || (await readLogDirectory(fileSystem, logPaths(home.directory, home))).segments.length > 0
    if (hasLog) return home
  }
  if (!create) throw notFound(directory)
  await fileSystem.makeDirectory(directory)
  return resolveHome(fileSystem, await fileSystem.realPath(directory))
}

async function isDirectory(directory: string, fileSystem: CheckedLogOptions['fileSystem']): Promise<boolean> {
  if (fileSystem.statSync(directory) === undefined) return false
  const path = await fileSystem.realPath(directory)
  const kind = fileSystem.statSync(path)?.kind
  if (kind === 'directory') return true
  throw new SeglogError('LOG_NOT_FOUND', `${path} is a ${kind}, a directory was expected`, {
    path,
    found: kind,
  })
}

async function openRoot(paths: LogPaths, options: CheckedLogOptions): Promise<Omit<LogRoot, 'lock'>> {
  const { fileSystem, clock, logger } = options
  const recoveryPoints = openCheckpointFile(fileSystem, paths.recoveryPoints)
  const startOffsets = openCheckpointFile(fileSystem, paths.startOffsets)
  const marker = new CleanMarkerFile(fileSystem, paths)
  const indexDatabase =
    options.index === 'memory'
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

async function openLocked(
  paths: LogPaths,
  root: LogRoot,
  { options, startedMs }: { options: CheckedLogOptions; startedMs: number },
): Promise<OpenedLog> {
  const resolve = (stored: ReadonlyMap<string, string>): ResolvedConfig =>
    resolveConfig([options.config, Object.fromEntries(stored) as ConfigInput]).config
  const { fileSystem, logger } = options
  const settled = await settleDirectory(paths, root, { options, resolve })
  const { directory, identity, config, isReadOnly } = settled
  const problems = [root.recoveryPoints.problem, root.startOffsets.problem]
  const notes = [...problems.filter((problem) => problem !== undefined), ...root.indexDatabase.report]
  const index = root.indexDatabase.log(`${paths.topic}-${paths.partition}`, identityName(identity))
  const files = new SegmentFiles(fileSystem)
  const recovered = await recoverSegments({
    ...settled,
    options,
    paths,
    root,
    index,
    files,
    startedMs,
    notes,
  })
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
  const mayWrite = !isReadOnly && recovered.report.damage.length === 0
  return {
    ...root,
    options,
    paths,
    identity,
    state,
    resolve,
    readOnlyReason: isReadOnly
      ? 'Kafka wrote it, and adopt is not set'
      : 'it is damaged (see recovery.damage)',
    active: recovered.active,
    durableOffset: recovered.endOffset,
    partitionLeaderEpoch: lastEpoch(readEpochs(fileSystem, paths.leaderEpochs).value ?? []),
    watermark: mayWrite ? new WatermarkFile(fileSystem, paths.watermark, options) : undefined,
    generationBase: identity.generation,
    recovery: recovered.report,
    isReadOnly: !mayWrite,
    beforeFirstWrite: () => beforeFirstWrite(paths, root, { options, directory }),
  }
}

/** A directory whose leftovers have been brought to an end, and which log it is. */
interface SettledDirectory {
  readonly directory: LogDirectory
  readonly identity: LogIdentity
  readonly config: ResolvedConfig
  /** Kafka wrote it, and it is not ours to change. */
  readonly isReadOnly: boolean
  readonly settledFiles: readonly string[]
}

/** Finds out which log this is, or makes it one, and settles what earlier processes left. */
async function settleDirectory(
  paths: LogPaths,
  root: LogRoot,
  { options, resolve }: { options: CheckedLogOptions; resolve: OpenedLog['resolve'] },
): Promise<SettledDirectory> {
  const { fileSystem } = options
  const found = await readLogDirectory(fileSystem, paths)
  const known = readIdentity(fileSystem, paths.topicProperties)
  const config = resolve(known?.config ?? new Map())
  const isForeign = known === undefined && found.segments.length > 0
  const identity = known ?? newIdentity(options.random, isForeign ? 'sparse' : 'dense')
  if (isForeign && !options.adopt) {
    return { directory: found, identity, config, isReadOnly: true, settledFiles: [] }
  }
  const plan = planLeftovers(found)
  const isChanged = await settleLeftovers(fileSystem, paths, plan, found, readBatchBytesMax(config))
  const directory = isChanged ? await readLogDirectory(fileSystem, paths) : found
  checkNothingIsLost(paths, root, directory)
  if (known === undefined) await writeIdentity(fileSystem, paths.topicProperties, identity)
  const settledFiles = [...plan.remove, ...plan.swap.map(({ path }) => path)]
  return { directory, identity, config, isReadOnly: false, settledFiles }
}

/** A directory without segments is new only if nothing says that there was a log. */
function checkNothingIsLost(paths: LogPaths, root: LogRoot, directory: LogDirectory): void {
  const { topic, partition } = paths
  const recoveryPoint = root.recoveryPoints.get(topic, partition) ?? 0
  const startOffset = root.startOffsets.get(topic, partition) ?? 0
  if (directory.segments.length > 0 || Math.max(recoveryPoint, startOffset) === 0) return
  throw new SeglogError(
    'LOG_CORRUPT',
    `${paths.directory} has no segments, and its checkpoints say that offsets up to ${Math.max(recoveryPoint, startOffset)} were on disk`,
    { path: paths.directory, offset: startOffset },
  )
}

/** The clean marker goes, and what Kafka would believe of a segment that is about to change. */
async function beforeFirstWrite(
  paths: LogPaths,
  root: LogRoot,
  { options, directory }: { options: CheckedLogOptions; directory: LogDirectory },
): Promise<void> {
  await root.marker.remove()
  if (directory.sidecars.length === 0) return
  const activeBase = directory.segments.at(-1)?.baseOffset ?? 0
  for (const sidecar of directory.sidecars) {
    if (sidecar.baseOffset >= activeBase) await options.fileSystem.remove(sidecar.path)
  }
  await options.fileSystem.syncDirectory(paths.directory)
}
