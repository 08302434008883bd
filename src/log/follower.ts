/*
 * Keeping up with a log that another process writes, without a lock and without writing anything.
 *
 * While a writer holds the lock, its watermark says how far to read, and nothing past it is given out. When nobody
 * holds the lock the watermark may be stale, and the end is found by checking what lies behind the end known so far.
 * Kafka keeps no watermark: what it writes is read up to the last whole batch, also of a log of ours, whose watermark is of
 * the time before. Its index files show that it had the log last: a writer of ours removes them before it says anything.
 *
 * A look has two halves. The first reads the watermark, the directory and the tail, and changes nothing that a reader
 * sees. It counts only if the writer did not come, go or truncate meanwhile; then the second half changes everything
 * at once. `fs.watch` says when to look; a slow poll is the floor under it. Once the directory is gone, or that of another
 * log, reading ends with an error, and there are no more looks.
 */
import type { Clock, PinoLike, Timer } from '../core/index.ts'
import type { FileSystem, Watcher } from '../fs/index.ts'
import { FILE_NAMES, type LogPaths, partitionDirectoryName } from '../layout/index.ts'
import { Segment } from '../segment/index.ts'
import { notFound } from './failures.ts'
import { FollowedAppends } from './followed-appends.ts'
import { listFollowed } from './followed-directory.ts'
import type { FollowedPlace } from './followed-place.ts'
import { FollowedSegments } from './followed-segments.ts'
import { damageSeen, type Sighting } from './followed-sighting.ts'
import { FollowedTail } from './followed-tail.ts'
import { FollowedWriter } from './followed-writer.ts'
import { type LogDirectory, readLogDirectory, type SegmentFile } from './log-directory.ts'
import type { LogIdentity } from './log-identity.ts'
import type { LogState, WriterElsewhere } from './log-state.ts'
import type { Unseen } from './log-view.ts'
import { isAsClosed } from './recover-tail.ts'
import type { OpenDamage } from './recovery-report.ts'
import type { RootFiles } from './root-files.ts'
import { cutBetween, isSameWatermark } from './watermark-reader.ts'

const POLL_MS = 1_000
/** A file that was listed and is gone when it is opened: the directory is listed anew, so many times at once. */
const LIST_TRIES = 16

/** Moves the state of a followed log on as its writer does; see the head of this file. */
export class Follower implements WriterElsewhere {
  readonly #fileSystem: FileSystem
  readonly #clock: Clock
  readonly #logger: PinoLike
  readonly #paths: LogPaths
  readonly #state: LogState
  /** Undefined for a log that is not of our making. */
  readonly #identity: LogIdentity | undefined
  readonly #place: FollowedPlace
  readonly #tail: FollowedTail
  readonly #writer: FollowedWriter
  readonly #segments: FollowedSegments
  readonly #appends: FollowedAppends
  readonly #rootFiles: RootFiles
  #watcher: Watcher | undefined
  #timer: { readonly timer: Timer; readonly keepAlive: boolean } | undefined
  #looking: Promise<void> | undefined
  #lookAgain = false
  /** Readers that wait for the end of the next look. */
  #catchingUp: (() => void)[] = []
  /** Something but the watermark may have changed in the directory. */
  #mustList = true
  #closed = false
  #durableOffset = 0

  constructor(options: {
    fileSystem: FileSystem
    clock: Clock
    logger: PinoLike
    paths: LogPaths
    state: LogState
    identity: LogIdentity | undefined
    place: FollowedPlace
    rootFiles: RootFiles
  }) {
    this.#fileSystem = options.fileSystem
    this.#clock = options.clock
    this.#logger = options.logger
    this.#paths = options.paths
    this.#state = options.state
    this.#identity = options.identity
    this.#place = options.place
    this.#tail = new FollowedTail(options.fileSystem, options.state)
    const isOurs = options.identity !== undefined
    this.#writer = new FollowedWriter(options.fileSystem, options.paths, { isOurs })
    this.#segments = new FollowedSegments(options.state)
    const { fileSystem, state } = options
    const [writer, segments, tail] = [this.#writer, this.#segments, this.#tail]
    this.#appends = new FollowedAppends({ fileSystem, state, writer, segments, tail })
    this.#rootFiles = options.rootFiles
    options.state.writerElsewhere = this
  }

  /** What the watermark says that no look has seen yet; for readers, between what they read and what they give out. */
  get unseen(): Unseen | undefined {
    return this.#closed ? undefined : this.#writer.unseen(this.#state.startOffset)
  }

  /** Resolves after one look that begins from now on, however many more follow it. */
  catchUp(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const caughtUp = new Promise<void>((resolve) => this.#catchingUp.push(resolve))
    this.#mustList = true // a reader has met what it can't explain
    void this.look()
    return caughtUp
  }

  /** What the writer had stored as surely on disk when the directory was last listed: a second ago at most. */
  get durableOffset(): number {
    return Math.min(this.#durableOffset, this.#state.readableEndOffset)
  }

  /** Looks, then keeps watching; gives back the damage that shows at once. Errors: those of the first look. */
  async start(): Promise<OpenDamage[]> {
    let sighting: Sighting | 'moving' | undefined = 'moving'
    for (let tries = 1; sighting === 'moving'; tries++) {
      try {
        sighting = await this.#see({ isLastTry: tries >= LIST_TRIES })
        if (sighting === undefined) continue
        if (sighting !== 'moving' && this.#isStillTrue(sighting)) this.#apply(sighting)
        else {
          sighting = 'moving'
          this.#mustList = true
        }
      } catch (error) {
        if (!isOfRemoval(error) || tries >= LIST_TRIES) throw error
      }
    }
    const problem = this.#place.problem()
    if (problem !== undefined) throw problem
    this.#watch()
    await this.look() // something may have happened before the watch began
    this.#poll()
    return sighting === undefined ? [] : damageSeen(sighting, this.#state)
  }

  /** Looks now; calls that overlap share a look that begins after them. Errors are logged: the next look may do better. */
  look(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#lookAgain = this.#looking !== undefined
    this.#looking ??= this.#run()
    return this.#looking
  }

  /** A reader waits: from now on the poll keeps the process alive, as nothing else may. */
  readerWaits(): void {
    if (this.#timer?.keepAlive !== true) this.#poll()
  }

  async close(): Promise<void> {
    this.#stop()
    await this.#looking
    this.#writer.close()
  }

  #stop(): void {
    this.#closed = true
    this.#watcher?.close()
    this.#timer?.timer.cancel()
  }

  #watch(): void {
    try {
      this.#watcher = this.#fileSystem.watch(this.#paths.directory, (name, change) => {
        if (change === 'contents' && this.#appends.announces(name)) return
        this.#mustList ||= name !== FILE_NAMES.watermark
        if (!this.#closed) void this.look()
      })
    } catch (error) {
      const { directory } = this.#paths
      this.#logger.warn(
        { error, directory },
        'the directory can not be watched; it is looked at once a second',
      )
    }
  }

  #poll(): void {
    this.#timer?.timer.cancel()
    if (this.#closed) return
    const keepAlive = this.#state.changed.waiterCount > 0
    const task = (): void => {
      this.#mustList = true
      void this.look().finally(() => this.#poll())
    }
    this.#timer = { timer: this.#clock.schedule(POLL_MS, task, { keepAlive }), keepAlive }
  }

  async #run(): Promise<void> {
    let tries = 0
    do {
      this.#lookAgain = false
      const catchingUp = this.#catchingUp.splice(0)
      const isOver = await this.#lookOnce({ isLastTry: ++tries >= LIST_TRIES })
      if (isOver) {
        tries = 0
        for (const resolve of catchingUp) resolve()
      } else {
        this.#catchingUp.push(...catchingUp)
        this.#lookAgain = true
        this.#mustList = true
      }
    } while (this.#lookAgain && !this.#closed)
    for (const resolve of this.#catchingUp.splice(0)) resolve() // closed: they see that
    this.#looking = undefined // at once, or a look that is asked for now would be left out
  }

  /** False when another one has to follow at once; errors are logged, and end it. */
  async #lookOnce({ isLastTry }: { isLastTry: boolean }): Promise<boolean> {
    try {
      if (!this.#mustList && (await this.#appends.look())) return true
      const sighting = await this.#see({ isLastTry })
      if (this.#closed || this.#hasLostPlace() || sighting === undefined) return true
      const isTrue = sighting !== 'moving' && this.#isStillTrue(sighting)
      if (isTrue) this.#apply(sighting)
      return isTrue
    } catch (error) {
      if (this.#hasLostPlace() || this.#closed) return true
      if (isOfRemoval(error) && !isLastTry) return false
      const { directory } = this.#paths
      this.#mustList = true // what it was to see has not been seen
      this.#logger.warn({ error, directory }, 'the log could not be looked at; trying again')
      return true
    }
  }

  /** Asked when all of a look has been seen, and before any of it counts; when it is so, there is nothing more to look at. */
  #hasLostPlace(): boolean {
    const problem = this.#place.problem()
    if (problem === undefined) return false
    this.#stop()
    this.#logger.warn(
      { error: problem, directory: this.#paths.directory },
      'the log is not followed any more',
    )
    this.#state.fail(problem)
    return true
  }

  /** The first half of a look; undefined when there is nothing new, `moving` when files are on their way. */
  async #see({ isLastTry }: { isLastTry: boolean }): Promise<Sighting | 'moving' | undefined> {
    const mark = this.#writer.read()
    const mustList = this.#mustList
    this.#mustList = false // what changes from here on is for the next look
    const listed = mustList ? await readLogDirectory(this.#fileSystem, this.#paths) : undefined
    const hasWriter = this.#writer.isThere(mark, listed)
    if (this.#writer.isKafkas) this.#state.dense = false
    const isNew = mustList || !isSameWatermark(mark, this.#writer.mark)
    const known = this.#state.readableEndOffset
    if (hasWriter && !isNew && known === mark?.readableEndOffset) return undefined
    // A new writer that has not said anything yet: what was read before it came stays read.
    const isSilent =
      mark === undefined || (known > mark.readableEndOffset && isSameWatermark(mark, this.#writer.mark))
    if (hasWriter && isSilent) {
      this.#mustList ||= mustList
      return undefined
    }
    const cutTo = cutBetween(this.#writer.mark, mark)
    if (cutTo !== undefined) this.#tail.reset()
    const offsetEnd = hasWriter ? mark!.readableEndOffset : Infinity
    const segments = await this.#list({ isLastTry, listed })
    if (segments === undefined) return 'moving'
    if (segments.length === 0) throw notFound(this.#paths.directory)
    return { mark, hasWriter, cutTo, ...(await this.#walkTail(segments, { hasWriter, offsetEnd })) }
  }

  /** Finds out how far the segments can be read. */
  async #walkTail(
    segments: readonly SegmentFile[],
    { hasWriter, offsetEnd }: { hasWriter: boolean; offsetEnd: number },
  ): Promise<Omit<Sighting, 'mark' | 'hasWriter' | 'cutTo'>> {
    const files = segments.filter(({ baseOffset }, slot) => slot === 0 || baseOffset <= offsetEnd)
    const tailSlot = hasWriter ? files.length - 1 : Math.max(0, files.findLastIndex(hasBytes))
    const stored = this.#readCheckpoints()
    const tail = files[tailSlot]!
    if (!hasWriter) this.#believeMarker(tail, { isLast: tailSlot === files.length - 1 })
    const { recoveryPoint } = stored
    const depth = hasWriter ? 'headers' : 'checksums'
    const stop = await this.#tail.walk(tail, {
      offsetEnd,
      recoveryPoint: hasWriter ? 0 : recoveryPoint,
      depth,
    })
    const { nextOffset, sizeBytes } = this.#tail.found!
    const { crossingEnd } = this.#tail
    const isDamaged = hasWriter && stop !== undefined // below the watermark: readers are to meet it
    const endOffset = hasWriter
      ? isDamaged || crossingEnd !== undefined
        ? offsetEnd
        : nextOffset
      : Math.max(nextOffset, files.at(-1)!.baseOffset)
    const tailBytes = isDamaged ? tail.sizeBytes : (crossingEnd ?? sizeBytes)
    return { files, tailSlot, tailBytes, endOffset, stored, stop }
  }

  #list(look: {
    isLastTry: boolean
    listed: LogDirectory | undefined
  }): Promise<readonly SegmentFile[] | undefined> {
    const { batchBytesMax, dense } = this.#state
    const place = { fileSystem: this.#fileSystem, paths: this.#paths, batchBytesMax, dense }
    return listFollowed({ ...place, ...look, known: this.#segments.known })
  }

  /** False when a writer came, went or truncated since the sighting began, so that it may be half of each. */
  #isStillTrue({ mark, hasWriter, files, tailSlot }: Sighting): boolean {
    const { path, inode } = files[tailSlot]!
    if (this.#fileSystem.statSync(path)?.inode !== inode) return false // which of two files was walked over?
    return this.#writer.isAsBefore(mark, { hasWriter })
  }

  /** The second half of a look: what readers see changes here, in one go. */
  #apply(sighting: Sighting): void {
    this.#writer.mark = sighting.mark
    this.#durableOffset = sighting.stored.recoveryPoint
    this.#segments.apply(sighting, this.#tail.found!)
    this.#appends.startFrom(sighting)
  }

  #readCheckpoints(): Sighting['stored'] {
    const key = partitionDirectoryName(this.#paths)
    const read = (path: string): number => this.#rootFiles.checkpoint(path)?.get(key) ?? 0
    return { startOffset: read(this.#paths.startOffsets), recoveryPoint: read(this.#paths.recoveryPoints) }
  }

  /** After a clean close the marker says where the log ends, and nothing need be walked over. */
  #believeMarker(file: SegmentFile, { isLast }: { isLast: boolean }): void {
    if (!isLast || this.#identity === undefined || this.#tail.found !== undefined) return
    const marker = this.#rootFiles.cleanMarker(this.#paths.cleanMarker)
    if (marker === undefined || marker.kafkaOnly) return
    const state = marker.logs.get(partitionDirectoryName(this.#paths))
    const segment = new Segment({ ...file, nextOffset: file.baseOffset, appendedAtMs: file.modifiedMs })
    if (state !== undefined && isAsClosed(this.#fileSystem, segment, { state, identity: this.#identity }))
      this.#tail.assume(file, state)
  }
}

function hasBytes({ sizeBytes }: SegmentFile): boolean {
  return sizeBytes > 0
}

/** True for what a file gives that was removed, or renamed, after the directory was listed. */
function isOfRemoval(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT'
}
