/*
 * Keeping up with a log that another process writes, without a lock and without writing anything.
 *
 * While a writer holds the lock, its watermark says how far to read, and nothing past it is looked at. When nobody
 * holds the lock the watermark may be stale, and the end is found by checking what lies behind the end known so far.
 * `fs.watch` says when to look; a slow poll is the floor under it.
 */
import type { Clock, PinoLike, Timer } from '../core/index.ts'
import type { FileSystem, Watcher } from '../fs/index.ts'
import {
  decodeWatermark,
  type LogPaths,
  readCheckpoint,
  partitionDirectoryName,
  WATERMARK_BYTES,
  type Watermark,
} from '../layout/index.ts'
import { IndexFeed, Segment, scanBatches } from '../segment/index.ts'
import { readLogDirectory, type SegmentFile } from './log-directory.ts'
import type { LogState } from './log-state.ts'

const POLL_MS = 1_000
/** A watermark met half way is whole a moment later; after so many tries it is left for the next look. */
const WATERMARK_TRIES = 8

/** Moves the state of a followed log on as its writer does; see the head of this file. */
export class Follower {
  readonly #fileSystem: FileSystem
  readonly #clock: Clock
  readonly #logger: PinoLike
  readonly #paths: LogPaths
  readonly #state: LogState
  #watcher: Watcher | undefined
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #lookAgain = false
  #closed = false
  #lastMark: Watermark | undefined
  /** Continues the search for the end while there is no writer. */
  #feed: IndexFeed | undefined
  #durableOffset = 0

  constructor(options: {
    fileSystem: FileSystem
    clock: Clock
    logger: PinoLike
    paths: LogPaths
    state: LogState
  }) {
    this.#fileSystem = options.fileSystem
    this.#clock = options.clock
    this.#logger = options.logger
    this.#paths = options.paths
    this.#state = options.state
  }

  /** What the writer last stored as surely on disk. */
  get durableOffset(): number {
    return Math.min(this.#durableOffset, this.#state.readableEndOffset)
  }

  /** Looks once, then keeps watching. */
  async start(): Promise<void> {
    this.#watcher = this.#fileSystem.watch(this.#paths.directory, () => this.#wake())
    await this.look()
    this.#poll({ keepAlive: false })
  }

  /** Looks now; calls that overlap share a look that begins after them. */
  async look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#lookAgain = true
      return this.#looking
    }
    this.#looking = this.#run().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** A reader waits: from now on the poll keeps the process alive, as nothing else may. */
  readerWaits(): void {
    this.#poll({ keepAlive: true })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watcher?.close()
    this.#timer?.cancel()
    await this.#looking?.catch(() => {})
  }

  #wake(): void {
    if (!this.#closed) void this.look()
  }

  #poll(options: { keepAlive: boolean }): void {
    this.#timer?.cancel()
    if (this.#closed) return
    this.#timer = this.#clock.schedule(
      POLL_MS,
      () => {
        const keepAlive = this.#state.changed.waiterCount > 0
        void this.look().finally(() =>
          this.#poll({ keepAlive: keepAlive && this.#state.changed.waiterCount > 0 }),
        )
      },
      options,
    )
  }

  async #run(): Promise<void> {
    do {
      this.#lookAgain = false
      try {
        await this.#lookOnce()
      } catch (error) {
        this.#logger.warn(
          { error, directory: this.#paths.directory },
          'the log could not be looked at; trying again',
        )
      }
    } while (this.#lookAgain && !this.#closed)
  }

  async #lookOnce(): Promise<void> {
    const mark = this.#readWatermark()
    const hasMoved = mark !== undefined && !isSame(mark, this.#lastMark)
    const isLive = mark !== undefined && (hasMoved || this.#fileSystem.isLocked(this.#paths.lock))
    if (isLive && !hasMoved && this.#lastMark !== undefined) return
    const directory = await readLogDirectory(this.#fileSystem, this.#paths)
    if (this.#closed) return
    this.#takeSegments(directory.segments)
    const stored = this.#storedOffsets()
    this.#durableOffset = stored.recoveryPoint
    if (isLive) this.#applyWatermark(mark)
    else await this.#findEnd(stored.startOffset)
  }

  #readWatermark(): Watermark | undefined {
    if (this.#fileSystem.statSync(this.#paths.watermark)?.kind !== 'file') return undefined
    const file = this.#fileSystem.openSync(this.#paths.watermark, 'read')
    try {
      const bytes = Buffer.alloc(WATERMARK_BYTES)
      for (let tries = 0; tries < WATERMARK_TRIES; tries++) {
        const mark = decodeWatermark(bytes.subarray(0, file.readSync(bytes, 0)))
        if (mark !== undefined) return mark
      }
      return this.#lastMark
    } finally {
      file.close()
    }
  }

  #applyWatermark(mark: Watermark): void {
    const before = this.#lastMark
    this.#lastMark = mark
    this.#feed = undefined
    const { state: log } = { state: this.#state }
    const sameSession = before !== undefined && Buffer.compare(before.session, mark.session) === 0
    if (sameSession && mark.generation > before.generation)
      log.cut(Math.min(mark.truncatedTo, log.readableEndOffset))
    else if (mark.readableEndOffset < log.readableEndOffset) log.cut(mark.readableEndOffset)
    if (mark.startOffset > log.startOffset) log.setStart(mark.startOffset)
    if (mark.readableEndOffset !== log.readableEndOffset) log.setReadableEnd(mark.readableEndOffset)
  }

  /** Brings the list in line with the directory; a segment that stays keeps its object, which readers hold. */
  #takeSegments(files: readonly SegmentFile[]): void {
    const known = new Map(this.#state.segments.all.map((segment) => [segment.baseOffset, segment]))
    const segments = files.map(({ baseOffset, path, sizeBytes, modifiedMs }, slot) => {
      const nextOffset = files[slot + 1]?.baseOffset ?? this.#state.readableEndOffset
      const segment =
        known.get(baseOffset) ??
        new Segment({ baseOffset, path, sizeBytes, nextOffset, appendedAtMs: modifiedMs })
      segment.sizeBytes = sizeBytes
      segment.nextOffset = Math.max(nextOffset, baseOffset)
      segment.appendedAtMs = modifiedMs
      return segment
    })
    this.#state.segments.replaceAll(segments)
  }

  #storedOffsets(): { startOffset: number; recoveryPoint: number } {
    const key = partitionDirectoryName(this.#paths)
    const read = (path: string): number => readCheckpoint(this.#fileSystem, path).value?.get(key) ?? 0
    return { startOffset: read(this.#paths.startOffsets), recoveryPoint: read(this.#paths.recoveryPoints) }
  }

  /** Without a writer: checks what lies behind the end known so far, batch by batch. */
  async #findEnd(storedStart: number): Promise<void> {
    const { all } = this.#state.segments
    const last = all.findLast((segment) => segment.sizeBytes > 0) ?? all.at(-1)
    if (last === undefined) return
    const known = this.#feed?.segment.baseOffset === last.baseOffset ? this.#feed : this.#newFeed(last)
    this.#feed = known
    const { sizeBytes: from, nextOffset: expectedOffset } = known.segment
    const handle = this.#state.files.handle(last)
    const { dense, batchBytesMax } = this.#state
    const end = handle.sizeSync()
    if (end > from) {
      const range = { from, end, expectedOffset, dense, batchBytesMax, depth: 'checksums' as const }
      await scanBatches(handle, range, (batch) => known.observe(batch))
    }
    if (this.#closed) return
    const found = known.segment
    last.sizeBytes = found.sizeBytes
    last.maxTimestamp = found.maxTimestamp
    const endOffset = Math.max(found.nextOffset, all.at(-1)!.baseOffset)
    last.nextOffset = found.nextOffset
    if (endOffset < this.#state.readableEndOffset) this.#state.cut(endOffset)
    const start = Math.min(Math.max(storedStart, all[0]!.baseOffset), endOffset)
    if (start > this.#state.startOffset) this.#state.setStart(start)
    if (endOffset !== this.#state.readableEndOffset) this.#state.setReadableEnd(endOffset)
  }

  #newFeed(segment: Segment): IndexFeed {
    const { baseOffset, path, appendedAtMs } = segment
    const shadow = new Segment({ baseOffset, path, sizeBytes: 0, nextOffset: baseOffset, appendedAtMs })
    return new IndexFeed(shadow, this.#state.index, this.#state.config['index.interval.bytes'])
  }
}

function isSame(a: Watermark, b: Watermark | undefined): boolean {
  return b !== undefined && a.sequence === b.sequence && Buffer.compare(a.session, b.session) === 0
}
