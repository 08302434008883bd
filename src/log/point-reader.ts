import type { LogRecord } from '../record/index.ts'
import {
  type BatchPlace,
  corruptAt,
  readRecordInBatch,
  readVerifiedRecord,
  runAsync,
  runSync,
  type Segment,
  searchOffset,
  VerifiedBatches,
} from '../segment/index.ts'
import { outOfRange } from './failures.ts'
import type { LogView } from './log-view.ts'

const VERIFIED_BYTES_MAX = 16 * 1024 * 1024

/**
 * Reads single records by offset.
 *
 * A batch is read and verified whole the first time; after that one of its records costs one small read, as long as
 * the batch is remembered. The memory for that is bounded.
 */
export class PointReader {
  readonly #view: LogView
  readonly #verified = new VerifiedBatches({ bytesMax: VERIFIED_BYTES_MAX })

  constructor(view: LogView) {
    this.#view = view
  }

  /** The record at `offset`; blocks on the disk when the batch is cold. */
  getSync(offset: number): LogRecord | undefined {
    if (!this.#isInside(offset)) return undefined
    const known = this.#verified.find(offset)
    if (known !== undefined) return readVerifiedRecord(this.#view.files.handle(known.segment), known, offset)
    const segment = this.#view.segments.floor(offset)
    if (segment === undefined) return undefined
    const handle = this.#view.files.handle(segment)
    const place = this.#checkPlace(segment, offset, runSync(this.#search(segment, offset), handle))
    if (place === undefined) return undefined
    const bytes = Buffer.allocUnsafe(place.sizeBytes)
    const count = handle.readSync(bytes, place.position)
    return this.#take(bytes.subarray(0, count), offset, { segment, place })
  }

  /** The record at `offset`; leaves the event loop free while a cold batch is read. */
  async get(offset: number): Promise<LogRecord | undefined> {
    if (!this.#isInside(offset)) return undefined
    const known = this.#verified.find(offset)
    if (known !== undefined) return readVerifiedRecord(this.#view.files.handle(known.segment), known, offset)
    const segment = this.#view.segments.floor(offset)
    if (segment === undefined) return undefined
    segment.acquire() // deleting it meanwhile must not take the file away
    try {
      const handle = () => this.#view.files.handle(segment)
      const place = this.#checkPlace(segment, offset, await runAsync(this.#search(segment, offset), handle))
      if (place === undefined) return undefined
      const bytes = Buffer.allocUnsafe(place.sizeBytes)
      const count = await handle().read(bytes, place.position)
      return this.#take(bytes.subarray(0, count), offset, { segment, place })
    } finally {
      segment.release()
    }
  }

  /** Forgets everything, after a truncation. */
  clear(): void {
    this.#verified.clear()
  }

  #isInside(offset: number): boolean {
    this.#view.checkReadable()
    const { startOffset, readableEndOffset } = this.#view
    if (offset < startOffset) throw outOfRange(offset, { startOffset, readableEndOffset })
    return offset < readableEndOffset
  }

  #search(segment: Segment, offset: number) {
    return searchOffset(segment, offset, {
      entry: this.#view.index.floorByOffset(segment.baseOffset, offset),
      dense: this.#view.dense,
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
    batch: { segment: Segment; place: BatchPlace },
  ): LogRecord | undefined {
    const { record, verified } = readRecordInBatch(bytes, offset, { ...batch, limits: this.#view })
    if (verified !== undefined) this.#verified.add(verified)
    return record
  }
}
