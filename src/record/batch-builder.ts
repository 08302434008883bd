import { assert } from '../core/index.ts'
import {
  ATTRIBUTE,
  BATCH_HEADER_BYTES,
  NO_PRODUCER,
  NO_TIMESTAMP,
  type TimestampType,
} from './batch-layout.ts'
import { writeBatchHeader } from './batch-header.ts'
import { addKeyedValue, addValue, addValues, isNear, isPlainRecord } from './plain-record.ts'
import { type RecordFields, RecordWriter } from './record-writer.ts'
import type { WriteBuffer } from './write-buffer.ts'

/** A record to append: bytes are copied at once, so the caller keeps them. */
export interface RecordToAppend extends RecordFields {
  /** In ms since the Unix epoch, or -1 for none. */
  readonly timestamp: number
}

/** What is decided about a batch before its first record. */
export interface BatchOpening {
  readonly baseOffset: number
  readonly timestampType: TimestampType
  readonly partitionLeaderEpoch: number
}

/** A point in an open batch that it can be taken back to. */
export interface BatchMark {
  readonly length: number
  readonly recordCount: number
  readonly firstTimestamp: number
  readonly maxTimestamp: number
}

/** A finished batch, and where in the buffer it is. */
export interface SealedBatch {
  readonly startPosition: number
  readonly sizeBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly recordCount: number
  readonly firstTimestamp: number
  readonly maxTimestamp: number
}

/**
 * Encodes records straight into a write buffer, as one batch at a time: `open`, `add` …, then `seal` or `abandon`.
 *
 * Shape:  while a batch is open its builder is the buffer's only writer; uncompressed, no producer, not control.
 * Errors: none of the caller's: what it is handed has been checked, and calls out of order are bugs of ours.
 */
export class BatchBuilder {
  readonly #target: WriteBuffer
  readonly #writer = new RecordWriter()
  #isOpen = false
  #startPosition = 0
  #baseOffset = 0
  #partitionLeaderEpoch = 0
  #timestampType: TimestampType = 'CreateTime'
  #recordCount = 0
  #firstTimestamp = NO_TIMESTAMP
  #maxTimestamp = NO_TIMESTAMP

  constructor(target: WriteBuffer) {
    this.#target = target
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Of the open batch in the buffer. */
  get startPosition(): number {
    return this.#startPosition
  }

  /** Of the open batch, its header included. */
  get sizeBytes(): number {
    return this.#target.length - this.#startPosition
  }

  get baseOffset(): number {
    return this.#baseOffset
  }

  /** The offset that the next record gets. */
  get nextOffset(): number {
    return this.#baseOffset + this.#recordCount
  }

  get recordCount(): number {
    return this.#recordCount
  }

  /** Of the first record; -1 before there is one. */
  get firstTimestamp(): number {
    return this.#firstTimestamp
  }

  /** The largest of the records'; -1 before there is one. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** Starts a batch behind what the buffer holds. */
  open(opening: BatchOpening): void {
    assert(!this.#isOpen, 'a batch was opened inside another')
    assert(Number.isSafeInteger(opening.baseOffset) && opening.baseOffset >= 0, 'a base offset out of range')
    this.#target.reserve(BATCH_HEADER_BYTES)
    this.#startPosition = this.#target.length
    this.#target.length += BATCH_HEADER_BYTES
    this.#baseOffset = opening.baseOffset
    this.#timestampType = opening.timestampType
    this.#partitionLeaderEpoch = opening.partitionLeaderEpoch
    this.#recordCount = 0
    this.#firstTimestamp = NO_TIMESTAMP
    this.#maxTimestamp = NO_TIMESTAMP
    this.#isOpen = true
  }

  /** Remembers this point, so that `rollback` can take back the records added after it. */
  mark(): BatchMark {
    assert(this.#isOpen, 'a mark outside a batch')
    return {
      length: this.#target.length,
      recordCount: this.#recordCount,
      firstTimestamp: this.#firstTimestamp,
      maxTimestamp: this.#maxTimestamp,
    }
  }

  /** Takes back the records added since `mark`, which is of this batch. */
  rollback(mark: BatchMark): void {
    assert(this.#isOpen, 'a rollback outside a batch')
    assert(
      mark.length <= this.#target.length && mark.recordCount <= this.#recordCount,
      'a rollback to what is not there',
    )
    this.#target.length = mark.length
    this.#recordCount = mark.recordCount
    this.#firstTimestamp = mark.firstTimestamp
    this.#maxTimestamp = mark.maxTimestamp
  }

  /** Adds a record; false, and nothing changed, when the batch would pass `sizeBytesMax`. */
  add(record: RecordToAppend, sizeBytesMax: number): boolean {
    const { timestamp } = record
    assert(this.#isOpen, 'a record outside a batch')
    assert(Number.isSafeInteger(timestamp) && timestamp >= NO_TIMESTAMP, 'a timestamp out of range')
    const count = this.#recordCount
    const timestampDelta = count === 0 ? 0 : timestamp - this.#firstTimestamp
    const sizeLeft = sizeBytesMax - this.sizeBytes
    let isAdded: boolean
    if (!isPlainRecord(record, timestampDelta)) isAdded = this.#addRecord(record, timestampDelta, sizeLeft)
    else if (record.key === null)
      isAdded = addValue(this.#target, record.value, timestampDelta, count, sizeLeft)
    else isAdded = addKeyedValue(this.#target, record.key, record.value, timestampDelta, count, sizeLeft)
    if (isAdded) this.#count(timestamp, 1)
    return isAdded
  }

  /**
   * Adds those of `values` from slot `from` on that are bytes and nothing unusual, all with the time given, up to the first
   * that is something else, or would take the batch past `sizeBytesMax`; gives the slot of that one.
   */
  addValues(
    values: readonly unknown[],
    range: { readonly from: number; readonly end: number },
    timestamp: number,
    sizeBytesMax: number,
  ): number {
    assert(this.#isOpen, 'a record outside a batch')
    const { from, end } = range
    const offsetDelta = this.#recordCount
    const timestampDelta = offsetDelta === 0 ? 0 : timestamp - this.#firstTimestamp
    if (!isNear(timestampDelta)) return from
    const sizeLeft = sizeBytesMax - this.sizeBytes
    const slot = addValues(this.#target, values, { from, end, offsetDelta }, timestampDelta, sizeLeft)
    if (slot > from) this.#count(timestamp, slot - from)
    return slot
  }

  #count(timestamp: number, records: number): void {
    if (this.#recordCount === 0) this.#firstTimestamp = timestamp
    this.#recordCount += records
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
  }

  #addRecord(record: RecordToAppend, timestampDelta: number, sizeBytesMax: number): boolean {
    const target = this.#target
    const size = this.#writer.measure(record, timestampDelta, this.#recordCount)
    if (size > sizeBytesMax) return false
    target.reserve(size)
    const end = this.#writer.write(target.bytes, target.length)
    assert(end === target.length + size, 'a record changed its size while it was written')
    target.length = end
    return true
  }

  /** Completes the batch; `appendTimestamp` is what all its records get under LogAppendTime, and only then. */
  seal(options: { appendTimestamp?: number } = {}): SealedBatch {
    assert(this.#isOpen && this.#recordCount > 0, 'a batch was sealed without records')
    const isAppendTime = this.#timestampType === 'LogAppendTime'
    assert(
      isAppendTime === (options.appendTimestamp !== undefined),
      'an append time that is missing, or not asked for',
    )
    const sealed: SealedBatch = {
      startPosition: this.#startPosition,
      sizeBytes: this.sizeBytes,
      baseOffset: this.#baseOffset,
      lastOffset: this.#baseOffset + (this.#recordCount - 1), // in this order: a number rounds past 2^53
      recordCount: this.#recordCount,
      firstTimestamp: this.#firstTimestamp,
      maxTimestamp: options.appendTimestamp ?? this.#maxTimestamp,
    }
    assert(Number.isSafeInteger(sealed.lastOffset), 'a last offset out of range')
    writeBatchHeader(this.#target.bytes, sealed.startPosition, {
      baseOffset: sealed.baseOffset,
      sizeBytes: sealed.sizeBytes,
      partitionLeaderEpoch: this.#partitionLeaderEpoch,
      attributes: isAppendTime ? ATTRIBUTE.logAppendTime : 0,
      lastOffsetDelta: sealed.recordCount - 1,
      baseTimestamp: sealed.firstTimestamp,
      maxTimestamp: sealed.maxTimestamp,
      producerId: NO_PRODUCER,
      producerEpoch: NO_PRODUCER,
      baseSequence: NO_PRODUCER,
      recordCount: sealed.recordCount,
    })
    this.#isOpen = false
    return sealed
  }

  /** Drops the open batch, as if it had never been opened. */
  abandon(): void {
    assert(this.#isOpen, 'a batch was abandoned that was not open')
    this.#target.length = this.#startPosition
    this.#isOpen = false
  }
}
