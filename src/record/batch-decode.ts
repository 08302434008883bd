import { decompress } from '../codec/index.ts'
import { isSeglogError, SeglogError } from '../core/index.ts'
import { ATTRIBUTE, BATCH_HEADER_BYTES, type TimestampType } from './batch-layout.ts'
import { readBatchHeader } from './batch-header.ts'
import { decodeControlRecord } from './control-record.ts'
import { RecordReader, type RecordRegion } from './record-reader.ts'
import type { BatchHeader, BatchPlace, ControlRecord, LogRecord, RecordBatch } from './types.ts'

/** How to decode a batch. */
export interface DecodeOptions {
  /** Bound on what its records may decompress to. */
  readonly decompressedBytesMax: number
  /** Put into errors, which can come up late: records are decoded as they are asked for. */
  readonly place?: BatchPlace
}

/**
 * Decodes the batch that `bytes` is, records lazily; the CRC is for `checkBatch`, beforehand.
 *
 * Shape:  the batch keeps `bytes`, and its records are views into them, so they must never be written again.
 * Errors: `BATCH_CORRUPT` when `bytes` is not one whole batch by its length field, or an offset or the count is out of range.
 */
export function decodeBatch(bytes: Buffer, options: DecodeOptions): RecordBatch {
  const header = readBatchHeader(bytes, 0)
  if (header.sizeBytes !== bytes.length) {
    throw new SeglogError('BATCH_CORRUPT', `${bytes.length} bytes for a batch of ${header.sizeBytes}`, {
      ...options.place,
      offset: header.baseOffset,
      found: bytes.length,
      expected: header.sizeBytes,
    })
  }
  if (header.recordCount < 0) {
    throw new SeglogError('BATCH_CORRUPT', `a batch of ${header.recordCount} records`, {
      ...options.place,
      offset: header.baseOffset,
      found: header.recordCount,
      expected: 0,
    })
  }
  return new DecodedBatch(bytes, header, options)
}

/** Reads every record of `batch` to its end. Errors: the first problem there is, as iterating the batch throws it. */
export function validateRecords(batch: RecordBatch): void {
  for (const record of batch.rawRecords()) void record
  batch.controlRecords()
}

class DecodedBatch implements RecordBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly sizeBytes: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly compression: BatchHeader['compression']
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly deleteHorizonMs: number | undefined
  readonly baseTimestamp: number
  declare readonly baseTimestampExact?: bigint
  readonly maxTimestamp: number
  declare readonly maxTimestampExact?: bigint
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly recordCount: number
  readonly bytes: Buffer
  readonly #options: DecodeOptions
  #region: RecordRegion | undefined

  constructor(bytes: Buffer, header: BatchHeader, options: DecodeOptions) {
    this.baseOffset = header.baseOffset
    this.lastOffset = header.lastOffset
    this.sizeBytes = header.sizeBytes
    this.partitionLeaderEpoch = header.partitionLeaderEpoch
    this.magic = header.magic
    this.crc = header.crc
    this.attributes = header.attributes
    this.compression = header.compression
    this.timestampType = header.timestampType
    this.isTransactional = header.isTransactional
    this.isControl = header.isControl
    this.deleteHorizonMs = header.deleteHorizonMs
    this.baseTimestamp = header.baseTimestamp
    if (header.baseTimestampExact !== undefined) this.baseTimestampExact = header.baseTimestampExact
    this.maxTimestamp = header.maxTimestamp
    if (header.maxTimestampExact !== undefined) this.maxTimestampExact = header.maxTimestampExact
    this.producerId = header.producerId
    this.producerEpoch = header.producerEpoch
    this.baseSequence = header.baseSequence
    this.lastSequence = header.lastSequence
    this.recordCount = header.recordCount
    this.bytes = bytes
    this.#options = options
  }

  [Symbol.iterator](): Iterator<LogRecord, undefined> {
    return this.isControl ? NO_RECORDS : this.#iterate()
  }

  rawRecords(): Iterable<LogRecord> {
    return { [Symbol.iterator]: () => this.#iterate() }
  }

  controlRecords(): ControlRecord[] {
    if (!this.isControl) return []
    return Array.from(this.rawRecords(), (record) => decodeControlRecord(record, this.#options.place))
  }

  #iterate(): Iterator<LogRecord, undefined> {
    this.#region ??= recordRegion(this, this.#options)
    return new RecordIterator(new RecordReader(this.#region, this), this.recordCount)
  }
}

const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined })

const NO_RECORDS: Iterator<never, undefined> = { next: () => DONE }

/** Gives `count` records, then checks that nothing is left; by hand, because a generator costs 25 ns a record more. */
class RecordIterator implements Iterator<LogRecord, undefined> {
  readonly #reader: RecordReader
  #left: number

  constructor(reader: RecordReader, count: number) {
    this.#reader = reader
    this.#left = count
  }

  next(): IteratorResult<LogRecord, undefined> {
    if (this.#left > 0) {
      this.#left--
      return { done: false, value: this.#reader.read() }
    }
    this.#reader.finish()
    return DONE
  }
}

function recordRegion(batch: RecordBatch, options: DecodeOptions): RecordRegion {
  const place = options.place ?? {}
  const bytes = batch.bytes
  const isCompressed = (batch.attributes & ATTRIBUTE.compressionMask) !== 0
  // A batch that compaction emptied is a header alone, and keeps the codec of the records it had.
  if (!isCompressed || bytes.length === BATCH_HEADER_BYTES) {
    return { bytes, start: BATCH_HEADER_BYTES, end: bytes.length, origin: 0, within: 'the batch', place }
  }
  const records = decompressRecords(batch, options)
  return {
    bytes: records,
    start: 0,
    end: records.length,
    origin: 0,
    within: 'the decompressed records',
    place,
  }
}

function decompressRecords(batch: RecordBatch, options: DecodeOptions): Buffer {
  const codecId = batch.attributes & ATTRIBUTE.compressionMask
  try {
    return decompress(codecId, batch.bytes.subarray(BATCH_HEADER_BYTES), options.decompressedBytesMax)
  } catch (error) {
    if (!isSeglogError(error)) throw error
    throw new SeglogError(error.code, `${error.message}, in the batch at offset ${batch.baseOffset}`, {
      ...options.place,
      offset: batch.baseOffset,
      found: error.found,
      expected: error.expected,
      cause: error,
    })
  }
}
