/*
 * Reading batches forward, in chunks, one chunk ahead.
 *
 * The reader holds the segments it may still need, so that retention can take them out of the log without taking them
 * from the reader. Everything is bounded by the readable end: bytes past it are never looked at, so a batch that is
 * being written is never seen by halves. A batch is believed when its size, its CRC and its place in the order of
 * offsets are right.
 */
import { assert, SeglogError } from '../core/index.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  checkBatch,
  decodeBatch,
  lastOffsetAt,
  type RecordBatch,
} from '../record/index.ts'
import {
  corruptAt,
  findNextBatch,
  offsetProblem,
  runAsync,
  type Segment,
  searchOffset,
} from '../segment/index.ts'
import { outOfRange } from './failures.ts'
import type { LogView } from './log-view.ts'
import type { CheckedReadOptions } from './read-options.ts'
import { floorSlot } from './segment-list.ts'

const CHUNK_BYTES_MIN = 4 * 1024

/** A piece of a segment in memory, never reused: records given out are views of it. */
interface Chunk {
  readonly segment: Segment
  readonly position: number
  readonly bytes: Buffer
}

type BatchReaderOptions = Pick<CheckedReadOptions, 'until' | 'follow' | 'signal' | 'maxBytes' | 'onDamage'>

/** Reads the batches of a log from an offset on; see the head of this file. */
export class BatchReader {
  readonly #view: LogView
  readonly #options: BatchReaderOptions
  readonly #chunkBytes: number
  #generation: number
  /** Everything below it has been given out, or is not wanted. */
  #nextOffset: number
  /** What the batch at `#position` must start with. */
  #expectedOffset = 0
  #held: readonly Segment[] = []
  #slot = -1
  #position = 0
  #chunk: Chunk | undefined
  #ahead: { position: number; segment: Segment; bytes: Promise<Buffer> } | undefined
  #closed = false

  constructor(view: LogView, from: number, options: BatchReaderOptions) {
    this.#view = view
    this.#nextOffset = from
    this.#options = options
    this.#generation = view.generation
    this.#chunkBytes = Math.max(CHUNK_BYTES_MIN, Math.floor(options.maxBytes / 2))
  }

  /** The next batch that reaches to or past the offset wanted; undefined at the end. Calls must not overlap. */
  async next(): Promise<RecordBatch | undefined> {
    try {
      while (!this.#closed) {
        this.#checkAlive()
        const end = Math.min(this.#options.until, this.#view.readableEndOffset)
        if (this.#nextOffset < end) {
          const batch = await this.#readOne()
          if (batch !== undefined) return batch
        } else if (this.#options.follow && this.#nextOffset < this.#options.until) await this.#waitForChange()
        else break
      }
    } catch (error) {
      this.close()
      throw error
    }
    this.close()
    return undefined
  }

  /** Lets go of every segment; idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const segment of this.#held) segment.release()
    this.#held = []
    this.#chunk = undefined
    this.#ahead?.bytes.catch(() => {}) // its error has nobody left to hear it
    this.#ahead = undefined
  }

  #checkAlive(): void {
    this.#options.signal?.throwIfAborted()
    this.#view.checkReadable()
    if (this.#generation === this.#view.generation) return
    if (this.#view.wasCutBelow(this.#nextOffset, this.#generation)) {
      throw new SeglogError(
        'LOG_TRUNCATED',
        `the log was truncated below offset ${this.#nextOffset}, where this reader is`,
        {
          offset: this.#nextOffset,
          path: this.#view.directory,
        },
      )
    }
    this.#generation = this.#view.generation
    this.#chunk = undefined // what it holds past the cut is gone
    this.#ahead = undefined
  }

  async #readOne(): Promise<RecordBatch | undefined> {
    if (this.#slot === -1) await this.#seek()
    const segment = this.#held[this.#slot]!
    if (this.#position >= segment.sizeBytes) {
      this.#enterNextSegment(segment)
      return undefined
    }
    const batch = await this.#batchAtPosition(segment)
    if (typeof batch === 'string') {
      await this.#passDamage(segment, batch)
      return undefined
    }
    const lastOffset = lastOffsetAt(batch, 0)
    this.#position += batch.length
    this.#expectedOffset = lastOffset + 1
    if (lastOffset < this.#nextOffset) return undefined
    this.#nextOffset = lastOffset + 1
    const place = { path: segment.path, position: this.#position - batch.length }
    return decodeBatch(batch, { decompressedBytesMax: this.#view.decompressedBytesMax, place })
  }

  /** Takes hold of the segments and finds the first batch. */
  async #seek(): Promise<void> {
    const { segments, startOffset, readableEndOffset } = this.#view
    if (this.#nextOffset < startOffset) throw outOfRange(this.#nextOffset, { startOffset, readableEndOffset })
    const slot = Math.max(0, segments.slotOf(this.#nextOffset))
    this.#hold(segments.all.slice(slot))
    this.#slot = 0
    const segment = this.#held[0]!
    this.#expectedOffset = segment.baseOffset
    this.#position = 0
    try {
      const place = await runAsync(
        searchOffset(segment, this.#nextOffset, {
          entry: this.#view.index.floorByOffset(segment.baseOffset, this.#nextOffset),
          dense: this.#view.dense,
          onWrongEntry: () => this.#view.indexIsWrong(segment),
        }),
        () => this.#view.files.handle(segment),
      )
      if (place === undefined) return
      this.#position = place.position
      this.#expectedOffset = place.baseOffset
    } catch (error) {
      // Something on the way is damaged; who wants to be told is told when the reading gets there.
      if (this.#options.onDamage === undefined || !(error instanceof SeglogError)) throw error
    }
  }

  #hold(segments: readonly Segment[]): void {
    for (const segment of segments) segment.acquire()
    this.#held = [...this.#held, ...segments]
  }

  #enterNextSegment(segment: Segment): void {
    if (this.#slot === this.#held.length - 1) {
      const { all } = this.#view.segments
      this.#hold(all.slice(floorSlot(all, segment.baseOffset) + 1))
    }
    const next = this.#held[this.#slot + 1]
    if (next === undefined) {
      throw corruptAt(segment, {
        position: this.#position,
        offset: this.#expectedOffset,
        message: `the segment ends, ${this.#view.readableEndOffset - this.#expectedOffset} more offsets were due`,
      })
    }
    const gap = offsetProblem(next.baseOffset, this.#expectedOffset, this.#view.dense)
    if (gap !== undefined) {
      const place = {
        position: this.#position,
        offset: this.#expectedOffset,
        message: `then ${next.path}: ${gap.message}`,
      }
      if (this.#options.onDamage === undefined) throw corruptAt(segment, place)
      this.#tell(segment, { nextOffset: next.baseOffset, sizeBytes: 0, reason: place.message })
    }
    this.#held[this.#slot]!.release()
    this.#held = this.#held.slice(this.#slot + 1)
    this.#slot = 0
    this.#position = 0
    this.#expectedOffset = next.baseOffset
    this.#nextOffset = Math.max(this.#nextOffset, next.baseOffset)
  }

  /** The whole, checked batch at the position; or, in words, why there is none. */
  async #batchAtPosition(segment: Segment): Promise<Buffer | string> {
    let bytes = await this.#bytesAtPosition(segment, BATCH_HEADER_BYTES)
    if (bytes.length < BATCH_HEADER_BYTES)
      return `${bytes.length} bytes left, a batch header has ${BATCH_HEADER_BYTES}`
    const size = batchSizeAt(bytes, 0)
    const left = segment.sizeBytes - this.#position
    if (size < BATCH_HEADER_BYTES || size > left) return `batch of ${size} bytes, ${left} are left`
    if (size > this.#view.batchBytesMax)
      return `batch of ${size} bytes, at most ${this.#view.batchBytesMax} are believed`
    bytes = (await this.#bytesAtPosition(segment, size)).subarray(0, size)
    const problem = checkBatch(bytes, 0, { batchBytesMax: this.#view.batchBytesMax })
    if (problem !== undefined) return problem.message
    return offsetProblem(baseOffsetAt(bytes, 0), this.#expectedOffset, this.#view.dense)?.message ?? bytes
  }

  /** At least `bytesMin` bytes from the position on, or all that the segment has. */
  async #bytesAtPosition(segment: Segment, bytesMin: number): Promise<Buffer> {
    const held = this.#chunk
    if (held !== undefined && held.segment === segment && this.#position >= held.position) {
      const at = this.#position - held.position
      if (held.bytes.length - at >= bytesMin) return held.bytes.subarray(at)
    }
    this.#chunk = await this.#load(segment, bytesMin)
    return this.#chunk.bytes
  }

  async #load(segment: Segment, bytesMin: number): Promise<Chunk> {
    const position = this.#position
    const ahead = this.#ahead
    this.#ahead = undefined
    let bytes: Buffer | undefined
    if (ahead !== undefined && ahead.segment === segment && ahead.position === position)
      bytes = await ahead.bytes
    else ahead?.bytes.catch(() => {})
    if (bytes === undefined || bytes.length < Math.min(bytesMin, segment.sizeBytes - position)) {
      bytes = await this.#read(segment, position, Math.max(bytesMin, this.#chunkBytes))
    }
    const next = position + wholeBatchesLength(bytes)
    if (next > position && next < segment.sizeBytes && !this.#closed) {
      this.#ahead = { segment, position: next, bytes: this.#read(segment, next, this.#chunkBytes) }
      this.#ahead.bytes.catch(() => {}) // heard when it is awaited
    }
    return { segment, position, bytes }
  }

  async #read(segment: Segment, position: number, sizeBytes: number): Promise<Buffer> {
    const chunk = Buffer.allocUnsafeSlow(Math.min(sizeBytes, segment.sizeBytes - position))
    try {
      return chunk.subarray(0, await this.#view.files.handle(segment).read(chunk, position))
    } catch (error) {
      throw new SeglogError(
        'IO_FAILED',
        `reading ${segment.path} at position ${position} failed: ${String(error)}`,
        {
          path: segment.path,
          position,
          offset: this.#expectedOffset,
          cause: error,
        },
      )
    }
  }

  /** Damage at the position: fails, or tells and finds the next place that can be believed. */
  async #passDamage(segment: Segment, reason: string): Promise<void> {
    this.#checkAlive() // a truncation explains bytes that are gone
    const place = { position: this.#position, offset: this.#expectedOffset, message: reason }
    if (this.#options.onDamage === undefined) throw corruptAt(segment, place)
    const following =
      this.#held[this.#slot + 1] ??
      this.#view.segments.all[this.#view.segments.slotOf(segment.baseOffset) + 1]
    const offsetEnd = following?.baseOffset ?? this.#view.readableEndOffset
    const found = await findNextBatch(this.#view.files.handle(segment), {
      from: this.#position,
      end: segment.sizeBytes,
      offsetMin: this.#expectedOffset,
      offsetEnd,
      dense: this.#view.dense,
      batchBytesMax: this.#view.batchBytesMax,
    })
    const position = found?.position ?? segment.sizeBytes
    const nextOffset = found?.baseOffset ?? offsetEnd
    this.#tell(segment, { nextOffset, sizeBytes: position - this.#position, reason })
    assert(position > this.#position || nextOffset > this.#expectedOffset, 'damage passed without moving on')
    this.#position = position
    this.#expectedOffset = nextOffset
    this.#nextOffset = Math.max(this.#nextOffset, nextOffset)
  }

  #tell(segment: Segment, damage: { nextOffset: number; sizeBytes: number; reason: string }): void {
    this.#options.onDamage?.({
      path: segment.path,
      position: this.#position,
      offset: this.#expectedOffset,
      ...damage,
    })
  }

  #waitForChange(): Promise<void> {
    const { signal } = this.#options
    return new Promise((resolve) => {
      const done = (): void => {
        forget()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const forget = this.#view.changed.once(done)
      signal?.addEventListener('abort', done)
      this.#wakeUp = done
    })
  }

  #wakeUp: (() => void) | undefined

  /** Ends a wait of `next()` early, so that closing does not leave it hanging. */
  cancel(): void {
    this.close()
    this.#wakeUp?.()
  }
}

/** Bytes at the head of `bytes` that are whole batches, going by their lengths alone. */
function wholeBatchesLength(bytes: Buffer): number {
  let at = 0
  while (at + BATCH_HEADER_BYTES <= bytes.length) {
    const size = batchSizeAt(bytes, at)
    if (size < BATCH_HEADER_BYTES || at + size > bytes.length) break
    at += size
  }
  return at
}
