/*
 * Kafka's record, inside a version 2 batch; integers are zigzag varints, but where said.
 *
 *   length | attributes | timestamp delta | offset delta | key length, key | value length, value | header count | headers
 *            int8         varlong                          negative: null    negative: null
 *
 *   a header:  key length, key | value length, value
 *              UTF-8             negative: null
 *
 * `length` counts what follows it and must be used up exactly. Attributes are reserved and ignored.
 */
import { ByteCursor } from '../codec/index.ts'
import { SeglogError, toSafeInteger } from '../core/index.ts'
import { decodePlainRecord, NO_HEADERS, type PlainFrame } from './plain-decode.ts'
import type { BatchHeader, BatchPlace, LogRecord, RecordHeader } from './types.ts'

/** What the records of a batch need to know of its header; a `BatchHeader` is one. */
export type RecordFrame = Pick<
  BatchHeader,
  | 'baseOffset'
  | 'lastOffset'
  | 'timestampType'
  | 'baseTimestamp'
  | 'baseTimestampExact'
  | 'maxTimestamp'
  | 'maxTimestampExact'
>

/** Where records lie in `bytes`, and how an error says so: positions are counted from `origin`, inside `within`. */
export interface RecordRegion {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly origin: number
  readonly within: 'the batch' | 'the record' | 'the decompressed records'
  readonly place: BatchPlace
}

/** Reads record after record from a region; an error leaves it at the end, so that nothing wrong can follow. */
export class RecordReader {
  readonly #cursor: ByteCursor
  readonly #frame: RecordFrame
  readonly #region: RecordRegion
  readonly #plain: PlainFrame
  #lastDelta: number
  #previousDelta = -1

  constructor(region: RecordRegion, frame: RecordFrame) {
    this.#region = region
    this.#frame = frame
    this.#cursor = new ByteCursor(region.bytes, region, (what, position) => this.#damaged(what, position))
    this.#plain = plainFrameOf(frame)
    this.#lastDelta = frame.lastOffset - frame.baseOffset
  }

  get position(): number {
    return this.#cursor.position
  }

  /** The offset of the record last read. */
  get offset(): number {
    return this.#frame.baseOffset + this.#previousDelta
  }

  /** Decodes the next record. Errors: `BATCH_CORRUPT`. */
  read(): LogRecord {
    const cursor = this.#cursor
    const recordEnd = this.#enterRecord()
    const plain = decodePlainRecord(
      cursor.bytes,
      cursor.position,
      recordEnd,
      this.#plain,
      this.#previousDelta,
      this.#lastDelta,
    )
    if (plain !== undefined) {
      this.#previousDelta = plain.offset - this.#frame.baseOffset
      cursor.position = recordEnd
      cursor.end = this.#region.end
      return plain
    }
    cursor.skip(1)
    const timestampDelta = cursor.readVarlong()
    const offset = this.#readOffset()
    const key = this.#readBytesOrNull()
    const value = this.#readBytesOrNull()
    const headers = this.#readHeaders()
    if (cursor.position !== recordEnd) this.#damaged('bytes left over in a record', cursor.position)
    cursor.end = this.#region.end
    const timestamp = this.#numberTimestamp(timestampDelta)
    if (Number.isSafeInteger(timestamp)) return { offset, timestamp, key, value, headers }
    const timestampExact = this.#exactTimestamp(timestampDelta)
    return { offset, ...nearest(timestampExact), key, value, headers }
  }

  /** Steps over the next record, reading only its extent and offset. Errors: `BATCH_CORRUPT`. */
  skip(): void {
    const cursor = this.#cursor
    const recordEnd = this.#enterRecord()
    cursor.skip(1)
    cursor.readVarlong()
    this.#readOffset()
    cursor.position = recordEnd
    cursor.end = this.#region.end
  }

  /** Refuses every next record but the one at `offset`, for reading a record from the middle of a batch. */
  expectOffset(offset: number): void {
    this.#lastDelta = offset - this.#frame.baseOffset
    this.#previousDelta = this.#lastDelta - 1
  }

  /** Checks that no bytes are left behind the last record. Errors: `BATCH_CORRUPT`. */
  finish(): void {
    if (this.#cursor.position !== this.#region.end) {
      this.#damaged('bytes left over behind the last record', this.#cursor.position)
    }
  }

  /** Fences off the next record; gives the position of its end. */
  #enterRecord(): number {
    const cursor = this.#cursor
    const length = cursor.readVarint()
    const left = cursor.end - cursor.position
    if (length < 0 || length > left) {
      this.#damaged(`a record length of ${length} where ${left} bytes are left`, cursor.position)
    }
    cursor.end = cursor.position + length
    return cursor.end
  }

  #readOffset(): number {
    const start = this.#cursor.position
    const delta = this.#cursor.readVarint()
    if (delta <= this.#previousDelta || delta > this.#lastDelta) {
      this.#damaged(
        `an offset delta of ${delta} after ${this.#previousDelta}, up to ${this.#lastDelta}`,
        start,
      )
    }
    this.#previousDelta = delta
    return this.#frame.baseOffset + delta
  }

  #readBytesOrNull(): Buffer | null {
    const length = this.#cursor.readVarint()
    return length < 0 ? null : this.#cursor.readBytes(length)
  }

  #readHeaders(): readonly RecordHeader[] {
    const cursor = this.#cursor
    const count = cursor.readVarint()
    if (count === 0) return NO_HEADERS
    if (count < 0 || count > cursor.end - cursor.position) {
      this.#damaged(`${count} headers in ${cursor.end - cursor.position} bytes`, cursor.position)
    }
    const headers: RecordHeader[] = []
    for (let slot = 0; slot < count; slot++) {
      const keyLength = cursor.readVarint()
      if (keyLength < 0) this.#damaged('a header without a key', cursor.position)
      const key = cursor.readText(keyLength)
      headers.push([key, this.#readBytesOrNull()])
    }
    return headers
  }

  /** The record's timestamp, if numbers are enough for it; something that is no safe integer otherwise. */
  #numberTimestamp(delta: number | bigint): number {
    const { appendTimestamp, baseTimestamp } = this.#plain
    if (appendTimestamp !== undefined) return appendTimestamp
    return typeof delta === 'number' ? baseTimestamp + delta : Number.NaN
  }

  #exactTimestamp(delta: number | bigint): bigint {
    const frame = this.#frame
    if (this.#plain.appendTimestamp !== undefined)
      return frame.maxTimestampExact ?? BigInt(frame.maxTimestamp)
    return BigInt.asIntN(64, (frame.baseTimestampExact ?? BigInt(frame.baseTimestamp)) + BigInt(delta))
  }

  #damaged(what: string, position: number): never {
    const { place, within, origin, end } = this.#region
    const { baseOffset } = this.#frame
    this.#cursor.end = end
    this.#cursor.position = end
    this.#previousDelta = this.#lastDelta
    const file = place.path === undefined ? '' : ` of ${place.path}`
    const message = `${what}: byte ${position - origin} of ${within}, batch at offset ${baseOffset}${file}`
    throw new SeglogError('BATCH_CORRUPT', message, {
      path: place.path,
      position: place.position,
      offset: baseOffset,
    })
  }
}

/** What a plain record needs to know of its batch. */
export function plainFrameOf(frame: RecordFrame): PlainFrame {
  const { baseOffset, baseTimestamp, maxTimestamp, baseTimestampExact, maxTimestampExact } = frame
  const append = maxTimestampExact === undefined ? maxTimestamp : Number.NaN
  return {
    baseOffset,
    baseTimestamp: baseTimestampExact === undefined ? baseTimestamp : Number.NaN,
    appendTimestamp: frame.timestampType === 'LogAppendTime' ? append : undefined,
  }
}

/** The timestamp fields of a record, from its exact timestamp: the bigint only where it is needed. */
function nearest(exact: bigint): { timestamp: number; timestampExact?: bigint } {
  const high = Number(exact >> 32n)
  const { value, exact: isExact } = toSafeInteger(high, Number(BigInt.asUintN(32, exact)))
  return isExact ? { timestamp: value } : { timestamp: value, timestampExact: exact }
}
