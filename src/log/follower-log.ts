import type { SeglogError } from '../core/index.ts'
import { type ConfigInput, type ResolvedConfig, resolveConfig } from '../config/index.ts'
import { type LogPaths, logPaths, resolveHome } from '../layout/index.ts'
import { openMemoryIndex } from '../offset-index/index.ts'
import type { LogRecord, RecordBatch } from '../record/index.ts'
import { SegmentFiles, type SegmentInfo } from '../segment/index.ts'
import { lowestCutSince } from './cuts.ts'
import { FollowedPlace } from './followed-place.ts'
import { Follower } from './follower.ts'
import { whyNotCleaned } from './cleaning-hold.ts'
import { findInertConfig } from './inert-config.ts'
import { hasTracesOfKafka } from './kafka-handover.ts'
import { isDirectory, readLogDirectory } from './log-directory.ts'
import { type LogIdentity, readIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import { LogReads } from './log-reads.ts'
import { LogState } from './log-state.ts'
import type { LogStats } from './log-stats.ts'
import { closedError, notFound, readOnlyError } from './failures.ts'
import type { ReadOptions } from './read-options.ts'
import type { RecoveryReport } from './recovery-report.ts'
import { RootFiles } from './root-files.ts'
import { logCorrupt } from './sealed-segments.ts'
import { SegmentList } from './segment-list.ts'
import { storeNotes } from './store-directory.ts'
import type { TimestampOffset } from './time-lookup.ts'

/** How to follow a log. */
export interface FollowerOptions extends CheckedLogOptions {
  /** Shared by the logs of a store; default its own. */
  readonly rootFiles?: RootFiles
}

/** A log that is being followed, as opening leaves it. */
export interface OpenedFollower {
  readonly paths: LogPaths
  readonly state: LogState
  readonly follower: Follower
  readonly recovery: RecoveryReport
  /** Why retention leaves the log alone; undefined when it does not. */
  readonly cleaningHeldBecause: string | undefined
  /** Reads which log it is, and what was cut of it, anew. */
  identityNow(): LogIdentity | undefined
}

/** A log opened for reading only: it takes no lock, writes nothing, and keeps up with whoever writes. */
export class FollowerLog {
  readonly directory: string
  readonly topic: string
  readonly partition: number
  readonly recovery: RecoveryReport
  /** Why retention would leave this log alone; undefined when it would not. */
  readonly cleaningHeldBecause: string | undefined
  readonly #state: LogState
  readonly #reads: LogReads
  readonly #follower: Follower
  readonly #readIdentity: () => LogIdentity | undefined
  #closing: Promise<void> | undefined

  constructor({ paths, state, follower, recovery, cleaningHeldBecause, identityNow }: OpenedFollower) {
    this.directory = state.directory
    this.topic = paths.topic
    this.partition = paths.partition
    this.recovery = recovery
    this.cleaningHeldBecause = cleaningHeldBecause
    this.#state = state
    this.#follower = follower
    this.#readIdentity = identityNow
    this.#reads = new LogReads(state)
    state.onCut = () => this.#reads.forgetBatches()
  }

  get config(): ResolvedConfig {
    return this.#state.config
  }

  get state(): 'readonly' | 'closed' {
    return this.#closing === undefined ? 'readonly' : 'closed'
  }

  get startOffset(): number {
    return this.#state.startOffset
  }

  get endOffset(): number {
    return this.#state.readableEndOffset
  }

  get readableEndOffset(): number {
    return this.#state.readableEndOffset
  }

  get durableOffset(): number {
    return this.#follower.durableOffset
  }

  /** Why nothing can be read any more: the directory is gone, or that of another log; undefined while it is not so. */
  get failure(): SeglogError | undefined {
    return this.#state.failure
  }

  /** As of a log that is written; asked of the log's own file. Errors: LOG_CORRUPT; the system's. */
  cutSince(generation: number): number | undefined {
    return lowestCutSince(this.#readIdentity()?.cuts ?? [], generation)
  }

  read(options?: ReadOptions): AsyncIterableIterator<LogRecord> {
    return this.#reads.read(options)
  }

  readBatches(options?: ReadOptions): AsyncIterableIterator<RecordBatch> {
    return this.#reads.readBatches(options)
  }

  get(offset: number): Promise<LogRecord | undefined> {
    return this.#reads.get(offset)
  }

  getSync(offset: number): LogRecord | undefined {
    return this.#reads.getSync(offset)
  }

  offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | undefined> {
    return this.#reads.offsetForTimestamp(timestampMs)
  }

  segments(): SegmentInfo[] {
    this.#state.checkReadable()
    const { all, last } = this.#state.segments
    return all.map((segment) => segment.toInfo(segment === last))
  }

  stats(): LogStats {
    this.#state.checkReadable()
    return this.#state.toStats({ endOffset: this.endOffset, durableOffset: this.durableOffset })
  }

  /** What retention would look at, were this log not read only. */
  get view(): LogState {
    return this.#state
  }

  append(): Promise<never> {
    return this.refuse()
  }

  appendBatch(): Promise<never> {
    return this.refuse()
  }

  deleteRecordsBefore(): Promise<never> {
    return this.refuse()
  }

  truncateTo(): Promise<never> {
    return this.refuse()
  }

  roll(): Promise<never> {
    return this.refuse()
  }

  updateConfig(): Promise<never> {
    return this.refuse()
  }

  /** Nothing is ever waiting to be written here. */
  flush(): Promise<void> {
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Rejects what would change the log. */
  protected refuse(): Promise<never> {
    const error =
      this.#closing === undefined
        ? readOnlyError(this.directory, 'readOnly is set')
        : closedError(this.directory)
    return Promise.reject(error)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#state.close()
    await this.#follower.close()
    await this.#state.idle()
    this.#state.files.closeAll()
    await this.#state.files.idle()
    await this.#state.index.close()
  }
}

/**
 * Opens the log in `directory` for reading only.
 * Errors: LOG_NOT_FOUND; LOG_CORRUPT for damage that shows at once and that no writer answers for; CONFIG_INVALID; the system's.
 */
export async function openFollower(directory: string, options: FollowerOptions): Promise<OpenedFollower> {
  const { fileSystem, clock, logger, onCorruption } = options
  const { rootFiles = new RootFiles(fileSystem, clock) } = options
  const startedMs = clock.monotonic()
  if (!(await isDirectory(fileSystem, directory))) throw notFound(directory)
  const home = resolveHome(fileSystem, await fileSystem.realPath(directory))
  const paths = logPaths(home.directory, home)
  const place = new FollowedPlace(fileSystem, paths, rootFiles)
  const { segments, sidecars, unrecognised } = await readLogDirectory(fileSystem, paths)
  if (segments.length === 0) throw notFound(directory)
  const stored = readIdentity(fileSystem, paths.topicProperties)
  place.is(stored?.id)
  const isKafkas = stored !== undefined && hasTracesOfKafka(fileSystem, paths, sidecars)
  const identity: LogIdentity | undefined = isKafkas ? { ...stored, offsets: 'sparse' } : stored
  let follower: Follower | undefined
  const state = openState(paths, options, { identity, place, onWait: () => follower?.readerWaits() })
  follower = new Follower({ fileSystem, clock, logger, paths, state, identity, place, rootFiles })
  try {
    const damage = await follower.start()
    if (damage.length > 0 && onCorruption === 'throw') throw logCorrupt(damage[0]!)
    const recovery: RecoveryReport = {
      clean: false,
      recoveryPoint: 0,
      scannedBytes: 0,
      scannedBatches: 0,
      cut: undefined,
      settledFiles: [],
      droppedFiles: [],
      damage,
      inertConfig: findInertConfig(options, stored?.config),
      notes: ['opened for reading only: nothing was recovered', ...storeNotes(fileSystem, home, paths)],
      unrecognisedFiles: unrecognised,
      durationMs: clock.monotonic() - startedMs,
    }
    const cleaningHeldBecause = whyNotCleaned(paths, identity)
    const identityNow = (): LogIdentity | undefined => {
      const now = readIdentity(fileSystem, paths.topicProperties)
      return place.problem() === undefined ? now : undefined // another log says nothing of this one
    }
    return { paths, state, follower, recovery, cleaningHeldBecause, identityNow }
  } catch (error) {
    await follower.close()
    state.files.closeAll()
    throw error
  }
}

function openState(
  paths: LogPaths,
  { logger, config: given }: CheckedLogOptions,
  {
    identity,
    place,
    onWait,
  }: { identity: LogIdentity | undefined; place: FollowedPlace; onWait: () => void },
): LogState {
  return new LogState({
    directory: paths.directory,
    segments: new SegmentList([]),
    files: new SegmentFiles({ openSync: (path) => place.open(path) }),
    index: openMemoryIndex().log('followed', identity?.id ?? ''),
    dense: identity?.offsets === 'dense',
    config: resolveConfig([given, Object.fromEntries(identity?.config ?? []) as ConfigInput]).config,
    logger,
    startOffset: 0,
    readableEndOffset: 0,
    onWait,
  })
}
