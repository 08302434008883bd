import type { LogIndex } from '../offset-index/index.ts'
import type { ScannedBatch, ScannedLegacy } from './batch-scan.ts'
import type { Segment } from './segment.ts'

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12

/**
 * Counts the batches of one segment as they come, in order, and gives the index an entry every so many bytes.
 *
 * The count is Kafka's: the first batch never gets an entry; a batch gets one when *more than* `intervalBytes` came
 * since the last entry, before its own bytes are added. An entry says the largest timestamp before it.
 */
export class IndexFeed {
  readonly segment: Segment
  readonly #index: LogIndex
  readonly #intervalBytes: number
  #bytesSinceEntry = 0
  #entryCount = 0
  #timeEntryCount = 0
  #lastTimeEntry = -1

  constructor(segment: Segment, index: LogIndex, intervalBytes: number) {
    this.segment = segment
    this.#index = index
    this.#intervalBytes = intervalBytes
  }

  /** Takes in the batch that now ends the segment: facts in memory first, the sparse entry if one is due. */
  observe(batch: ScannedBatch): void {
    const { segment } = this
    if (this.#bytesSinceEntry > this.#intervalBytes) {
      this.#index.addEntry(segment.baseOffset, {
        offset: batch.baseOffset,
        position: batch.position,
        timestamp: segment.maxTimestamp,
      })
      this.#bytesSinceEntry = 0
      this.#entryCount++
      if (segment.maxTimestamp > this.#lastTimeEntry) {
        this.#lastTimeEntry = segment.maxTimestamp
        this.#timeEntryCount++
      }
    }
    this.#bytesSinceEntry += batch.sizeBytes
    if (batch.position === 0) segment.firstTimestamp = batch.maxTimestamp
    if (batch.maxTimestamp > segment.maxTimestamp) segment.maxTimestamp = batch.maxTimestamp
    segment.lastBatchPosition = batch.position
    segment.sizeBytes = batch.position + batch.sizeBytes
    segment.nextOffset = batch.lastOffset + 1
    segment.batchCount++
    segment.recordCount += batch.recordCount
  }

  /** Takes in an old message that now ends the segment: no entry leads to it, and those behind it know its time. */
  passLegacy({ position, sizeBytes, lastOffset, maxTimestamp }: ScannedLegacy): void {
    const { segment } = this
    this.#bytesSinceEntry += sizeBytes
    segment.maxTimestamp = Math.max(segment.maxTimestamp, maxTimestamp)
    segment.sizeBytes = position + sizeBytes
    segment.nextOffset = lastOffset + 1
  }

  /** True when Kafka's index files of `indexBytes` each would have no room for this segment's next entry. */
  isFull(indexBytes: number): boolean {
    return (
      this.#entryCount >= Math.floor(indexBytes / OFFSET_ENTRY_BYTES) ||
      this.#timeEntryCount >= Math.floor(indexBytes / TIME_ENTRY_BYTES) - 1
    )
  }
}

/** Tells the index what is known of a segment as a whole. */
export function storeFacts(segment: Segment, index: LogIndex): void {
  index.putFacts({
    baseOffset: segment.baseOffset,
    sizeBytes: segment.sizeBytes,
    nextOffset: segment.nextOffset,
    maxTimestamp: segment.maxTimestamp,
    batchCount: segment.batchCount,
    recordCount: segment.recordCount,
  })
}
