import { isSeglogError } from '../core/index.ts'
import type { IndexEntry } from '../offset-index/index.ts'
import type { LogRecord } from '../record/index.ts'
import {
  type BatchPlace,
  bytesAt,
  corruptAt,
  readRecordInBatch,
  readVerifiedRecord,
  runAsync,
  runSync,
  type Segment,
  searchOffset,
  searchWindow,
  VerifiedRecords,
} from '../segment/index.ts'
import { outOfRange, truncatedBelow } from './failures.ts'
import type { LogView } from './log-view.ts'

/** Enough for a million records. */
const VERIFIED_BYTES_MAX = 32 * 1024 * 1024

/**
 * Reads single records by offset.
 *
 * A batch is read and verified whole the first time; after that one of its records costs one small read, as long as
 * the batch is remembered. The memory for that is bounded. What can't be believed is looked for once more, from the head
 * of its segment and without the index, before it is called damage.
 */
export class PointReader {
  readonly #view: LogView
  readonly #verified = new VerifiedRecords({ bytesMax: VERIFIED_BYTES_MAX })

  constructor(view: LogView) {
    this.#view = view
  }

  /**
   * The record at `offset`; blocks on the disk when the batch is cold.
   * Errors: LOG_TRUNCATED at the moment in which the log turns out to have been cut, perhaps at or below `offset`.
   */
  getSync(offset: number): LogRecord | undefined {
    if (!this.#isInside(offset)) return undefined
    try {
      const record = this.#getSync(offset)
      this.#checkUnseen(offset)
      return record
    } catch (error) {
      this.#checkUnseen(offset)
      throw error
    }
  }

  /** The record at `offset`; leaves the event loop free while a cold batch is read. */
  async get(offset: number): Promise<LogRecord | undefined> {
    const view = this.#view
    while (this.#isInside(offset)) {
      const { generation } = view
      try {
        const record = await this.#get(offset)
        if (view.unseen !== undefined) await view.catchUp()
        if (generation === view.generation) return record
      } catch (error) {
        await view.catchUp()
        if (!this.#isInside(offset)) break // cut off while it was read; if deleted, that is the error
        if (generation === view.generation) throw error
      }
    }
    return undefined
  }

  #getSync(offset: number): LogRecord | undefined {
    const known = this.#readKnown(offset)
    if (known !== undefined) return known
    const segment = this.#view.segments.floor(offset)
    if (segment === undefined) return undefined
    const entry = this.#view.index.floorByOffset(segment.baseOffset, offset)
    try {
      return this.#findSync(segment, offset, entry)
    } catch (error) {
      if (entry === undefined || !isSeglogError(error, 'BATCH_CORRUPT')) throw error
      const record = this.#findSync(segment, offset, undefined)
      this.#view.indexIsWrong(segment)
      return record
    }
  }

  async #get(offset: number): Promise<LogRecord | undefined> {
    const known = this.#readKnown(offset)
    if (known !== undefined) return known
    const segment = this.#view.segments.floor(offset)
    if (segment === undefined) return undefined
    const entry = this.#view.index.floorByOffset(segment.baseOffset, offset)
    segment.acquire() // deleting it meanwhile must not take the file away
    try {
      return await this.#find(segment, offset, entry)
    } catch (error) {
      if (!isSeglogError(error, 'BATCH_CORRUPT')) throw error
      const record = await this.#find(segment, offset, undefined)
      if (entry !== undefined) this.#view.indexIsWrong(segment)
      return record
    } finally {
      segment.release()
    }
  }

  /** Forgets everything, after a truncation. */
  clear(): void {
    this.#verified.clear()
  }

  /** Throws when the process that writes the log has taken `offset` back, and this one does not know it yet. */
  #checkUnseen(offset: number): void {
    const { unseen } = this.#view
    if (unseen === undefined) return // always, where this process is the writer
    const { readableEndOffset, directory } = this.#view
    const { startOffset, cutTo } = unseen
    if (cutTo <= offset) throw truncatedBelow(offset + 1, directory)
    if (startOffset > offset) throw outOfRange(offset, { startOffset, readableEndOffset })
  }

  #isInside(offset: number): boolean {
    this.#view.checkReadable()
    const { startOffset, readableEndOffset } = this.#view
    if (offset < startOffset) throw outOfRange(offset, { startOffset, readableEndOffset })
    return offset < readableEndOffset
  }

  /** The record, if its batch is remembered and the file still says what it said; else a full read says what is wrong. */
  #readKnown(offset: number): LogRecord | undefined {
    const known = this.#verified.find(offset)
    if (known === undefined) return undefined
    try {
      return readVerifiedRecord(this.#view.files.handle(known.segment), known)
    } catch (error) {
      if (isSeglogError(error) && error.code !== 'BATCH_CORRUPT') throw error
      this.#verified.clear()
      return undefined
    }
  }

  #findSync(segment: Segment, offset: number, entry: IndexEntry | undefined): LogRecord | undefined {
    const source = this.#view.files.source(segment)
    const { readableEndOffset } = this.#view
    const place = this.#checkPlace(segment, offset, runSync(this.#search(segment, offset, entry), source))
    if (place === undefined) return undefined
    const bytes = Buffer.allocUnsafe(place.sizeBytes)
    const count = source.readSync(bytes, place.position)
    return this.#take(bytes.subarray(0, count), offset, { segment, place, readableEndOffset })
  }

  async #find(
    segment: Segment,
    offset: number,
    entry: IndexEntry | undefined,
  ): Promise<LogRecord | undefined> {
    const source = this.#view.files.source(segment)
    const { readableEndOffset } = this.#view
    const search = this.#search(segment, offset, entry)
    const window = searchWindow(segment, source)
    const place = this.#checkPlace(segment, offset, await runAsync(search, window))
    if (place === undefined) return undefined
    const bytes = await bytesAt(window, place.position, place.sizeBytes) // most often it has read them already
    // Who keeps the record keeps what it is a view of: of a small batch not all that was read to find it.
    const batch = bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
    return this.#take(batch, offset, { segment, place, readableEndOffset })
  }

  #search(segment: Segment, offset: number, entry: IndexEntry | undefined) {
    const { dense } = this.#view
    return searchOffset(segment, offset, {
      entry,
      dense,
      onWrongEntry: () => this.#view.indexIsWrong(segment),
    })
  }

  #checkPlace(segment: Segment, offset: number, place: BatchPlace | undefined): BatchPlace | undefined {
    if (place === undefined || place.baseOffset > offset) {
      if (!this.#view.dense) return undefined
      const message = `no batch holds offset ${offset}, and this log has no holes`
      throw corruptAt(segment, { position: place?.position ?? segment.sizeBytes, offset, message })
    }
    if (place.sizeBytes > this.#view.batchBytesMax) {
      const message = `batch of ${place.sizeBytes} bytes, at most ${this.#view.batchBytesMax} are believed`
      throw corruptAt(segment, { position: place.position, offset, message })
    }
    return place
  }

  #take(
    bytes: Buffer,
    offset: number,
    batch: { segment: Segment; place: BatchPlace; readableEndOffset: number },
  ): LogRecord | undefined {
    const { record, verified } = readRecordInBatch(bytes, offset, { ...batch, limits: this.#view })
    // A batch that reached past the end when it was read is being cut: what is written there next is another one.
    if (verified !== undefined && verified.lastOffset < batch.readableEndOffset) this.#verified.add(verified)
    return record
  }
}
