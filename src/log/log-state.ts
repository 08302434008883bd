import { ChangeSignal, INT32_MAX, type PinoLike, type SeglogError } from '../core/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { rebuildFacts, type Segment, type SegmentFiles } from '../segment/index.ts'
import type { ResolvedConfig } from '../config/index.ts'
import { addCut, type Cut, lowestCutSince } from './cuts.ts'
import { closedError, isOfMissingFile } from './failures.ts'
import type { LogView, Unseen } from './log-view.ts'
import type { LogStats } from './log-stats.ts'
import type { SegmentList } from './segment-list.ts'

/** Largest batch that is read whatever the configuration says now: what was written under another must stay readable. */
const READ_BATCH_BYTES = 64 * 1024 * 1024
const DECOMPRESSED_BYTES = 256 * 1024 * 1024

/** So many truncations are told apart; of older ones only the lowest counts, for readers that have slept through them all. */
const CUTS_MAX = 1_000

/** The largest batch believed when reading under `config`. */
export function readBatchBytesMax(config: ResolvedConfig): number {
  return Math.min(INT32_MAX, Math.max(config['max.message.bytes'], READ_BATCH_BYTES))
}

/** Whoever keeps a state in step with a log that another process writes. */
export interface WriterElsewhere {
  /** See `LogView`. */
  readonly unseen: Unseen | undefined
  catchUp(): Promise<void>
}

/** What readers see of an open log; the writer, or the follower's watch, moves it on. */
export class LogState implements LogView {
  readonly directory: string
  readonly segments: SegmentList
  readonly files: SegmentFiles
  readonly index: LogIndex
  /** No longer so once Kafka has had a log that is followed. */
  dense: boolean
  readonly changed: ChangeSignal
  readonly #logger: PinoLike
  #config: ResolvedConfig
  #startOffset: number
  #readableEndOffset: number
  #isClosed = false
  #failure: SeglogError | undefined
  #cuts: readonly Cut[] = []
  #generation = 0
  #truncatedTo = Number.MAX_SAFE_INTEGER
  #learning: Promise<void> | undefined
  readonly #doubted = new Set<Segment>()
  /** Undefined when this process writes the log, or nobody does. */
  writerElsewhere: WriterElsewhere | undefined
  /** Called after every truncation, before readers are woken. */
  onCut: () => void = () => {}

  constructor(options: {
    directory: string
    segments: SegmentList
    files: SegmentFiles
    index: LogIndex
    dense: boolean
    config: ResolvedConfig
    logger: PinoLike
    startOffset: number
    readableEndOffset: number
    /** Called whenever a reader begins to wait for more. */
    onWait?: () => void
  }) {
    this.directory = options.directory
    this.changed = new ChangeSignal(options.onWait === undefined ? {} : { onWait: options.onWait })
    this.segments = options.segments
    this.files = options.files
    this.index = options.index
    this.dense = options.dense
    this.#config = options.config
    this.#logger = options.logger
    this.#startOffset = options.startOffset
    this.#readableEndOffset = options.readableEndOffset
  }

  get config(): ResolvedConfig {
    return this.#config
  }

  set config(config: ResolvedConfig) {
    this.#config = config
  }

  get startOffset(): number {
    return this.#startOffset
  }

  get readableEndOffset(): number {
    return this.#readableEndOffset
  }

  get batchBytesMax(): number {
    return readBatchBytesMax(this.#config)
  }

  get decompressedBytesMax(): number {
    return Math.min(DECOMPRESSED_BYTES, this.#config['max.decompressed.message.bytes'])
  }

  get generation(): number {
    return this.#generation
  }

  /** The lowest offset a truncation went down to; the largest safe integer when there was none. */
  get truncatedTo(): number {
    return this.#truncatedTo
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get unseen(): Unseen | undefined {
    return this.writerElsewhere?.unseen
  }

  async catchUp(): Promise<void> {
    await this.writerElsewhere?.catchUp()
  }

  wasCutBelow(offset: number, generation: number): boolean {
    const cutTo = lowestCutSince(this.#cuts, generation)
    return cutTo !== undefined && cutTo < offset
  }

  /** Why nothing can be read any more, though the log is not closed. */
  get failure(): SeglogError | undefined {
    return this.#failure
  }

  checkReadable(): void {
    if (this.#isClosed) throw closedError(this.directory)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Readers may go up to `offset` from now on. */
  setReadableEnd(offset: number): void {
    this.#readableEndOffset = offset
    this.changed.notify()
  }

  /** Records below `offset` can't be read any more. */
  setStart(offset: number): void {
    this.#startOffset = offset
    this.changed.notify()
  }

  /** Everything at and above `offset` is gone. */
  cut(offset: number): void {
    this.#generation++
    this.#cuts = addCut(this.#cuts, { generation: this.#generation, offset }, { max: CUTS_MAX })
    this.#truncatedTo = Math.min(this.#truncatedTo, offset)
    this.#readableEndOffset = Math.min(this.#readableEndOffset, offset)
    this.#startOffset = Math.min(this.#startOffset, offset)
    this.onCut()
    this.changed.notify()
  }

  /** The figures that every open log has. */
  toStats(writer: Partial<LogStats> & Pick<LogStats, 'endOffset' | 'durableOffset'>): LogStats {
    const { all } = this.segments
    return {
      state: 'readonly',
      startOffset: this.#startOffset,
      readableEndOffset: this.#readableEndOffset,
      segmentCount: all.length,
      sizeBytes: all.reduce((sum, segment) => sum + segment.sizeBytes, 0),
      openFiles: this.files.openCount,
      index: this.index.state,
      bufferedBytes: 0,
      waitingToBeRemoved: 0,
      appends: 0,
      ...writer,
    }
  }

  /** Ends all reading with `failure`, for good: what lies there is another log. */
  fail(failure: SeglogError): void {
    this.#failure = failure
    this.changed.notify()
  }

  close(): void {
    this.#isClosed = true
    this.changed.notify()
  }

  indexIsWrong(segment: Segment): void {
    if (segment === this.segments.last || this.#doubted.has(segment)) return
    this.#doubted.add(segment)
    segment.facts = 'unknown'
    this.#logger.warn(
      { path: segment.path },
      'an index entry led nowhere; the index of the segment is built anew',
    )
    void this.ensureFacts().finally(() => void this.#doubted.delete(segment))
  }

  ensureFacts(): Promise<void> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined
    })
    return this.#learning
  }

  /** Waits for a pass over a segment's headers that is under way. */
  async idle(): Promise<void> {
    await this.#learning
  }

  async #learn(): Promise<void> {
    for (const segment of this.segments.all.slice(0, -1)) {
      const isListed = this.segments.floor(segment.baseOffset) === segment // it may have gone meanwhile
      if (isListed && segment.facts === 'unknown' && !this.#isClosed) await this.learnFacts(segment)
    }
  }

  /** Learns the facts of one segment from its headers; damage in it is left for the reader that meets it. */
  async learnFacts(segment: Segment): Promise<void> {
    const generation = this.#generation
    segment.acquire()
    try {
      const problem = await rebuildFacts(segment, this.files, this.index, {
        dense: this.dense,
        batchBytesMax: this.batchBytesMax,
        indexIntervalBytes: this.#config['index.interval.bytes'],
      })
      if (segment !== this.segments.last) this.index.seal(segment.baseOffset)
      if (problem !== undefined && (await this.#isStillThere(segment, generation)))
        this.#logger.error({ path: segment.path, ...problem }, 'damage in a sealed segment')
    } catch (error) {
      segment.facts = 'partial' // not to be tried for ever; reads of it say what is wrong
      segment.maxTimestamp = Math.max(segment.maxTimestamp, segment.appendedAtMs)
      // A segment that the writer of a followed log has removed, and not said so yet, is no news either.
      const isGone = this.writerElsewhere !== undefined && isOfMissingFile(error)
      if (!isGone && (await this.#isStillThere(segment, generation)))
        this.#logger.error({ path: segment.path, error }, 'a sealed segment could not be read')
    } finally {
      const next = this.segments.all[this.segments.slotOf(segment.baseOffset) + 1]
      // A sealed segment ends where the next one starts, whatever was lost or compacted away at its end.
      if (next !== undefined) segment.nextOffset = next.baseOffset
      segment.release()
    }
  }

  /** False when another process has cut or deleted the segment, or the log, meanwhile: what is wrong with it is no news then. */
  async #isStillThere(segment: Segment, generation: number): Promise<boolean> {
    await this.catchUp()
    if (this.#failure !== undefined) return false
    return this.#generation === generation && this.segments.floor(segment.baseOffset) === segment
  }
}
