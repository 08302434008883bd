/*
 * Reading batches forward, in chunks, one chunk ahead.
 *
 * The reader holds the segments it may still need, so that retention can take them out of the log without taking them
 * from the reader. Everything is bounded by the readable end: a batch that is being written is never seen by halves. A
 * batch is believed when its size, its CRC and its place in the order of offsets are right.
 */
import { assert, SeglogError } from '../core/index.ts'
import { decodeBatch, lastOffsetAt, type RecordBatch } from '../record/index.ts'
import {
  corruptAt,
  findLegacyEnd,
  findNextBatch,
  offsetProblem,
  runAsync,
  type Segment,
  searchOffset,
  searchWindow,
} from '../segment/index.ts'
import { ChunkReader } from './chunk-reader.ts'
import { isOfMissingFile, outOfRange, truncatedBelow } from './failures.ts'
import { type BatchFault, fetchBatch } from './fetch-batch.ts'
import { HeldSegments } from './held-segments.ts'
import type { LogView } from './log-view.ts'
import type { CheckedReadOptions, Damage } from './read-options.ts'

const CHUNK_BYTES_MIN = 4 * 1024

/** Batches one after another; whoever has one must close it. */
export interface BatchSource {
  /** The first offset that is wanted; the batch that holds it may begin below. */
  readonly from: number
  /** The next batch; undefined at the end, which closes it. Calls must not overlap. */
  next(): Promise<RecordBatch | undefined>
  /**
   * True when `offset`, which is the next one of the batch given last, can't be read any more, nor what follows it in there;
   * `next()` says what became of it.
   */
  isGone(offset: number): boolean
  /** Lets go of every segment, and ends a `next()` that waits; idempotent. */
  close(): void
}

/** The reading options that concern batches. */
export type BatchReaderOptions = Pick<
  CheckedReadOptions,
  'until' | 'follow' | 'signal' | 'maxBytes' | 'onDamage'
>

/** Where reading starts; unless `exact`, it moves up to the log's start if that has moved past it meanwhile. */
export interface ReadStart {
  readonly offset: number
  readonly exact: boolean
  /** Where the batch that begins with `offset` lies, if somebody has looked already. */
  readonly at?: { readonly segment: Segment; readonly position: number } | undefined
}

/** Reads the batches of a log from an offset on. */
export class BatchReader implements BatchSource {
  readonly #view: LogView
  readonly #options: BatchReaderOptions
  readonly #isExact: boolean
  readonly #chunks: ChunkReader
  #segments = new HeldSegments()
  #generation: number
  #startsAt: ReadStart['at']
  #from: number
  /** Everything below it has been given out, or is not wanted. */
  #nextOffset: number
  /** What the batch at `#position` must start with. */
  #expectedOffset = 0
  #position = 0
  /** Where the batch that was read last lies, and what it had to start with. */
  #given = { position: 0, baseOffset: 0 }
  #closed = false
  #wakeUp: (() => void) | undefined
  readonly #onAbort = (): void => this.close()

  constructor(view: LogView, start: ReadStart, options: BatchReaderOptions) {
    this.#view = view
    this.#from = start.offset
    this.#nextOffset = start.offset
    this.#isExact = start.exact
    this.#startsAt = start.at
    this.#options = options
    this.#generation = view.generation
    this.#chunks = new ChunkReader(view, Math.max(CHUNK_BYTES_MIN, Math.floor(options.maxBytes / 2)))
    options.signal?.addEventListener('abort', this.#onAbort)
  }

  get from(): number {
    return this.#from
  }

  /** Bytes from this place to that of `other`; infinite when that is in another segment. */
  bytesTo(other: BatchReader): number {
    const isSame = this.#segments.current === other.#segments.current
    if (isSame) return other.#position - this.#position
    return other.#nextOffset > this.#nextOffset ? Infinity : -Infinity
  }

  /** True when there is nothing to read now. */
  get isAtEnd(): boolean {
    return this.#nextOffset >= Math.min(this.#options.until, this.#view.readableEndOffset)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  async next(): Promise<RecordBatch | undefined> {
    const { follow, until, signal } = this.#options
    try {
      for (;;) {
        const batch = await this.nextAvailable()
        if (batch !== undefined) return batch
        if (this.#closed || !follow || this.#nextOffset >= until) break
        await this.waitForChange()
      }
      signal?.throwIfAborted()
    } catch (error) {
      this.close()
      throw error
    }
    this.close()
    return undefined
  }

  isGone(offset: number): boolean {
    const view = this.#view
    if (this.#generation !== view.generation && view.wasCutBelow(offset + 1, this.#generation)) return true
    if (offset < view.readableEndOffset) return false
    this.#returnTo(offset)
    return true
  }

  /**
   * The batch given last is being cut in two at `offset`. If that never comes to its end, since who does it is killed, the
   * rest of the batch can be read again after all: it is what comes next.
   */
  #returnTo(offset: number): void {
    const { position, baseOffset } = this.#given
    this.#position = position
    this.#expectedOffset = baseOffset
    this.#nextOffset = offset
    this.#from = offset
  }

  /** The next batch that reaches to or past the offset wanted; undefined when there is nothing to read now. */
  async nextAvailable(): Promise<RecordBatch | undefined> {
    while (!this.#closed) {
      try {
        this.checkAlive()
        if (this.isAtEnd) break
        const batch = await this.#readOne()
        if (batch !== undefined) return batch
      } catch (error) {
        const reason = await this.#explain(error)
        if (reason === undefined) continue
        this.close()
        throw reason
      }
    }
    return undefined
  }

  /** Waits for a change of the log, unless there is something to read already. Errors: those of `checkAlive`. */
  async waitForChange(): Promise<void> {
    if (this.#closed) return
    this.checkAlive() // what happened since the last look has been told to nobody
    if (!this.isAtEnd) return
    await new Promise<void>((resolve) => {
      const forget = this.#view.changed.once(resolve)
      this.#wakeUp = () => {
        forget()
        resolve()
      }
    })
    this.#chunks.sawNew()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#segments.releaseAll()
    this.#chunks.close()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#wakeUp?.()
  }

  /** Another reader of what comes next, with segments of its own to let go of; to the end, and it waits for nothing. */
  fork(options: Pick<BatchReaderOptions, 'maxBytes' | 'onDamage'>): BatchReader {
    const start = { offset: this.#nextOffset, exact: true }
    const { signal } = this.#options
    const fork = new BatchReader(this.#view, start, { ...options, signal, until: Infinity, follow: false })
    fork.#segments = this.#segments.copy()
    fork.#generation = this.#generation
    fork.#position = this.#position
    fork.#expectedOffset = this.#expectedOffset
    return fork
  }

  /** Throws when reading can't go on: LOG_CLOSED, LOG_NOT_FOUND, LOG_TRUNCATED, the signal's reason. */
  checkAlive(): void {
    const view = this.#view
    this.#options.signal?.throwIfAborted()
    view.checkReadable()
    const generation = this.#generation
    if (generation === view.generation) return
    const nextOffset = this.#nextOffset
    if (view.wasCutBelow(nextOffset, generation)) throw truncatedBelow(nextOffset, view.directory)
    this.#generation = view.generation
    this.#chunks.drop() // what it holds past the cut is gone
    const listed = new Set(view.segments.all)
    // Those that retention took out of the list are still what they were.
    this.#segments.drop(
      (segment) => !listed.has(segment) && view.wasCutBelow(segment.baseOffset + 1, generation),
    )
  }

  /**
   * A file that is gone, or says something else, is no failure of the disk and no damage when the process that writes the
   * log has deleted or cut it meanwhile; undefined when there is nothing to fail for.
   */
  async #explain(error: unknown): Promise<unknown> {
    if (!isDamage(error) && !isOfMissingFile(error)) return error
    await this.#view.catchUp()
    const { startOffset, readableEndOffset, generation } = this.#view
    if (generation !== this.#generation) return undefined // `checkAlive` says what that means to this reader
    if (this.#nextOffset >= startOffset) return this.#isElsewhere() ? undefined : error
    return outOfRange(this.#nextOffset, { startOffset, readableEndOffset })
  }

  /**
   * True when the log has no such segment any more, and what the reader wants is in others: compaction has merged it into
   * them. Lets go of all, so that the next step begins with those that are there.
   */
  #isElsewhere(): boolean {
    const { current } = this.#segments
    if (current === undefined || this.#view.segments.all.includes(current)) return false
    this.#segments.releaseAll()
    this.#chunks.drop()
    return true
  }

  async #readOne(): Promise<RecordBatch | undefined> {
    const segment = this.#segments.current
    if (segment === undefined) {
      await this.#seek()
      return undefined
    }
    if (this.#position >= segment.sizeBytes) {
      this.#enterNextSegment(segment)
      return undefined
    }
    const { dense, batchBytesMax } = this.#view
    const found = await fetchBatch(this.#chunks, {
      segment,
      position: this.#position,
      expectedOffset: this.#expectedOffset,
      offsetEnd: this.#segments.next?.baseOffset ?? Infinity,
      dense,
      batchBytesMax,
    })
    if (this.#closed || this.#generation !== this.#view.generation) return undefined
    if (!Buffer.isBuffer(found)) {
      await this.#passDamage(segment, found)
      return undefined
    }
    const lastOffset = lastOffsetAt(found, 0)
    const place = { path: segment.path, position: this.#position }
    this.#given = { position: this.#position, baseOffset: this.#expectedOffset }
    this.#position += found.length
    this.#expectedOffset = lastOffset + 1
    if (lastOffset < this.#nextOffset) return undefined
    this.#nextOffset = lastOffset + 1
    return decodeBatch(found, { decompressedBytesMax: this.#view.decompressedBytesMax, place })
  }

  /** Takes hold of the segments and finds the first batch. */
  async #seek(): Promise<void> {
    const { segments, startOffset, readableEndOffset, dense, index, files } = this.#view
    if (!this.#isExact) this.#from = this.#nextOffset = Math.max(this.#nextOffset, startOffset)
    if (this.#nextOffset < startOffset) throw outOfRange(this.#nextOffset, { startOffset, readableEndOffset })
    const slot = Math.max(0, segments.slotOf(this.#nextOffset))
    this.#segments.hold(segments.all.slice(slot))
    const segment = segments.all[slot]!
    const known = this.#startsAt
    this.#startsAt = undefined
    if (known?.segment === segment) {
      this.#position = known.position
      this.#expectedOffset = this.#nextOffset
      return
    }
    this.#expectedOffset = segment.baseOffset
    try {
      const search = searchOffset(segment, this.#nextOffset, {
        entry: index.floorByOffset(segment.baseOffset, this.#nextOffset),
        dense,
        onWrongEntry: () => this.#view.indexIsWrong(segment),
      })
      const { sizeBytes } = segment
      const place = await runAsync(search, searchWindow(segment, files.source(segment)))
      if (place !== undefined) {
        this.#position = place.position
        this.#expectedOffset = place.baseOffset
      } else if (!dense) this.#position = sizeBytes // the rest of the segment is a hole
    } catch (error) {
      // Something on the way is damaged; who wants to be told is told when the reading gets there.
      if (this.#options.onDamage === undefined || !isDamage(error)) throw error
    }
  }

  #enterNextSegment(segment: Segment): void {
    const { segments, startOffset, readableEndOffset, dense } = this.#view
    const place = { position: this.#position, offset: this.#expectedOffset }
    const next = this.#segments.following(segments)
    const gap =
      next === undefined
        ? { message: `the segment ends, offsets up to ${readableEndOffset} were due`, end: readableEndOffset }
        : { message: offsetProblem(next.baseOffset, place.offset, dense)?.message, end: next.baseOffset }
    if (gap.message !== undefined) {
      // Deleted before the reader got there.
      if (place.offset < startOffset) throw outOfRange(place.offset, { startOffset, readableEndOffset })
      const message = next === undefined ? gap.message : `then ${next.path}: ${gap.message}`
      if (this.#options.onDamage === undefined) throw corruptAt(segment, { ...place, message })
      this.#tell(segment, { nextOffset: gap.end, sizeBytes: 0, reason: message })
    }
    this.#nextOffset = Math.max(this.#nextOffset, gap.end)
    this.#expectedOffset = gap.end
    if (next === undefined) return
    this.#segments.advance()
    this.#position = 0
  }

  /** Damage at the position: fails, or tells and finds the next place that can be believed. */
  async #passDamage(segment: Segment, { message, magic }: BatchFault): Promise<void> {
    const { dense, batchBytesMax, segments, files, readableEndOffset } = this.#view
    const from = this.#position
    const offsetMin = this.#expectedOffset
    if (this.#options.onDamage !== undefined) await this.#view.catchUp()
    if (this.#closed || this.#generation !== this.#view.generation) return // a truncation explains bytes that are gone
    if (this.#isElsewhere()) return
    if (this.#options.onDamage === undefined)
      throw corruptAt(segment, { position: from, offset: offsetMin, message, dense, ...pick(magic) })
    const following = this.#segments.following(segments)
    const offsetEnd = following?.baseOffset ?? Math.max(segment.nextOffset, readableEndOffset)
    const end = segment.sizeBytes
    const range = { from, end, offsetMin, offsetEnd, dense, batchBytesMax, endsWhole: true }
    const legacy =
      dense || magic === undefined ? undefined : await findLegacyEnd(files.source(segment), range)
    const found = legacy ?? (await findNextBatch(files.source(segment), range))
    if (this.#closed || this.#generation !== this.#view.generation) return
    const position = found?.position ?? end
    const nextOffset = found?.baseOffset ?? offsetEnd
    assert(position > from || nextOffset > offsetMin, 'damage passed without moving on')
    const isUnsupported = legacy === undefined ? {} : { isUnsupported: true as const }
    this.#tell(segment, { nextOffset, sizeBytes: position - from, reason: message, ...isUnsupported })
    this.#position = position
    this.#expectedOffset = nextOffset
    this.#nextOffset = Math.max(this.#nextOffset, nextOffset)
  }

  /** Tells of damage, unless it ends before what is wanted. */
  #tell(segment: Segment, damage: Omit<Damage, 'path' | 'position' | 'offset'>): void {
    if (this.#expectedOffset < this.#nextOffset && damage.nextOffset <= this.#nextOffset) return
    const place = { path: segment.path, position: this.#position, offset: this.#expectedOffset }
    this.#options.onDamage?.({ ...place, ...damage })
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof SeglogError && (error.kind === 'damage' || error.code === 'FORMAT_UNSUPPORTED')
}

function pick(magic: number | undefined): { magic?: number } {
  return magic === undefined ? {} : { magic }
}
