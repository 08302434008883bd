import { SeglogError } from '../core/index.ts'
import type { FileHandle } from '../fs/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import type { ScannedBatch } from './batch-scan.ts'
import { IndexFeed, storeFacts } from './index-feed.ts'
import type { Segment } from './segment.ts'

/** A batch that is about to be written, as it lies in the writer's buffer. */
export interface WritableBatch {
  readonly sizeBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly recordCount: number
  readonly maxTimestamp: number
}

/** The active segment: its open file, its end, and what goes to the index. */
export class SegmentWriter {
  readonly segment: Segment
  readonly handle: FileHandle
  /** Wall time at which the segment was made, for roll conditions that can't go by record time. */
  readonly createdMs: number
  /** The file is open to be filled: there may be zeros in it behind the last batch. */
  readonly isFilledAhead: boolean
  readonly #feed: IndexFeed

  constructor(options: {
    segment: Segment
    handle: FileHandle
    createdMs: number
    isFilledAhead: boolean
    index: LogIndex
    indexIntervalBytes: number
  }) {
    this.segment = options.segment
    this.handle = options.handle
    this.createdMs = options.createdMs
    this.isFilledAhead = options.isFilledAhead
    this.#feed = new IndexFeed(options.segment, options.index, options.indexIntervalBytes)
  }

  /**
   * Writes batches that lie one behind another in `bytes`, with one write; memory follows once it has returned.
   * Errors: the system's; then the file may have grown, and `cutBack` is due.
   */
  writeSync(bytes: Uint8Array, batches: readonly WritableBatch[], nowMs: number): void {
    const { segment } = this
    this.handle.appendSync(bytes, segment.sizeBytes)
    for (const batch of batches) {
      const scanned: ScannedBatch = { position: segment.sizeBytes, ...pick(batch) }
      this.#feed.observe(scanned)
    }
    segment.appendedAtMs = nowMs
    segment.firstWriteMs ??= nowMs
  }

  /**
   * Cuts the file to its last good end, after a write that failed, or where zeros lie ahead that are not needed any more;
   * true when there was something to cut, which a sync has to make durable. Errors: the system's, IO_FAILED.
   */
  cutBack(): boolean {
    const { segment } = this
    const size = this.handle.sizeSync()
    if (size > segment.sizeBytes) this.handle.truncateSync(segment.sizeBytes)
    const left = this.handle.sizeSync()
    if (left === segment.sizeBytes) return size > left
    throw new SeglogError(
      'IO_FAILED',
      `${segment.path} has ${left} bytes after it was cut to ${segment.sizeBytes}`,
      { path: segment.path, found: left, expected: segment.sizeBytes },
    )
  }

  isIndexFull(indexBytes: number): boolean {
    return this.#feed.isFull(indexBytes)
  }

  /** Tells the index that the segment is complete, and closes the file. */
  seal(index: LogIndex): void {
    storeFacts(this.segment, index)
    index.seal(this.segment.baseOffset)
    this.handle.close()
  }
}

function pick(batch: WritableBatch): Omit<ScannedBatch, 'position'> {
  const { sizeBytes, baseOffset, lastOffset, maxTimestamp, recordCount } = batch
  return { sizeBytes, baseOffset, lastOffset, maxTimestamp, recordCount }
}
