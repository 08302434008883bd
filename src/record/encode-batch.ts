import { argumentRangeError, checkInteger, checkOffset, INT32_MAX } from '../core/index.ts'
import {
  ATTRIBUTE,
  BATCH_HEADER_BYTES,
  NO_PRODUCER,
  NO_TIMESTAMP,
  type TimestampType,
} from './batch-layout.ts'
import { writeBatchHeader } from './batch-header.ts'
import { type FieldBytes, type RecordFields, RecordWriter } from './record-writer.ts'
import { WriteBuffer } from './write-buffer.ts'

/** A record to encode; a `LogRecord` is one, and comes out as it went in. */
export interface RecordToEncode {
  /** Above the one before; by default that one's plus 1, and the batch's base offset for the first. */
  readonly offset?: number
  /** In ms since the Unix epoch; -1, for none, by default. */
  readonly timestamp?: number
  /** Goes before `timestamp`. */
  readonly timestampExact?: bigint
  readonly key?: FieldBytes | null
  readonly value?: FieldBytes | null
  readonly headers?: RecordFields['headers']
}

/** Header fields; a `BatchHeader` has them all under these names, and fields that are computed are passed over. */
export interface EncodeBatchOptions {
  /** By default the first record's offset, or 0. */
  readonly baseOffset?: number
  /** By default the last record's offset; above it, the batch is sparse. */
  readonly lastOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly timestampType?: TimestampType
  /** By default the largest of the records' timestamps; under LogAppendTime it has none. */
  readonly maxTimestamp?: number
  readonly maxTimestampExact?: bigint
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly deleteHorizonMs?: number | undefined
}

/**
 * Encodes one batch, uncompressed, with any header a Kafka log can hold: sparse, empty, control, transactional.
 *
 * Errors: TypeError or RangeError for what no writer may write: offsets that do not rise, a transaction without a
 *         producer, a producer without an epoch or a sequence, values outside their field.
 */
export function encodeBatch(records: readonly RecordToEncode[], options: EncodeBatchOptions): Buffer {
  const offsets = planOffsets(records, options)
  const exactTimestamps = records.map(exactTimestamp)
  const baseTimestamp = options.deleteHorizonMs ?? exactTimestamps[0] ?? NO_TIMESTAMP
  const buffer = new WriteBuffer(BATCH_HEADER_BYTES)
  buffer.length = BATCH_HEADER_BYTES
  const writer = new RecordWriter()
  for (const [slot, record] of records.entries()) {
    const { key = null, value = null, headers = [] } = record
    const timestampDelta = difference(exactTimestamps[slot]!, baseTimestamp)
    const offsetDelta = offsets.each[slot]! - offsets.base
    buffer.reserve(writer.measure({ key, value, headers }, timestampDelta, offsetDelta))
    buffer.length = writer.write(buffer.bytes, buffer.length)
  }
  writeBatchHeader(buffer.bytes, 0, {
    baseOffset: offsets.base,
    sizeBytes: buffer.length,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? 0,
    attributes: encodeAttributes(options),
    lastOffsetDelta: offsets.last - offsets.base,
    baseTimestamp,
    maxTimestamp:
      options.maxTimestampExact ?? options.maxTimestamp ?? largestTimestamp(exactTimestamps, options),
    ...producerFields(options),
    recordCount: records.length,
  })
  return buffer.take()
}

function planOffsets(records: readonly RecordToEncode[], options: EncodeBatchOptions) {
  const base = checkOffset(options.baseOffset ?? records[0]?.offset ?? 0, 'baseOffset')
  let next = base
  const each = records.map((record) => {
    const offset = checkInteger(record.offset ?? next, {
      name: 'offset',
      min: next,
      max: Number.MAX_SAFE_INTEGER,
    })
    next = offset + 1
    return offset
  })
  const lastMin = Math.max(base, next - 1)
  const lastMax = Math.min(base + INT32_MAX, Number.MAX_SAFE_INTEGER)
  const last = checkInteger(options.lastOffset ?? lastMin, { name: 'lastOffset', min: lastMin, max: lastMax })
  return { base, last, each }
}

function encodeAttributes(options: EncodeBatchOptions): number {
  return (
    (options.timestampType === 'LogAppendTime' ? ATTRIBUTE.logAppendTime : 0) |
    (options.isTransactional === true ? ATTRIBUTE.transactional : 0) |
    (options.isControl === true ? ATTRIBUTE.control : 0) |
    (options.deleteHorizonMs === undefined ? 0 : ATTRIBUTE.deleteHorizon)
  )
}

function producerFields(options: EncodeBatchOptions) {
  const { producerId = NO_PRODUCER, producerEpoch = NO_PRODUCER, baseSequence = NO_PRODUCER } = options
  checkInteger(producerId, { name: 'producerId', min: NO_PRODUCER, max: Number.MAX_SAFE_INTEGER })
  checkInteger(producerEpoch, { name: 'producerEpoch', min: NO_PRODUCER, max: 0x7fff })
  checkInteger(baseSequence, { name: 'baseSequence', min: NO_PRODUCER, max: INT32_MAX })
  if (producerId === NO_PRODUCER) {
    if (options.isTransactional === true) throw argumentRangeError('a transactional batch needs a producerId')
  } else if (producerEpoch === NO_PRODUCER) {
    throw argumentRangeError('a batch with a producerId needs a producerEpoch')
  } else if (baseSequence === NO_PRODUCER && options.isControl !== true) {
    throw argumentRangeError('a batch with a producerId needs a baseSequence')
  }
  return { producerId, producerEpoch, baseSequence }
}

function exactTimestamp(record: RecordToEncode): number | bigint {
  if (record.timestampExact !== undefined) return record.timestampExact
  const { timestamp = NO_TIMESTAMP } = record
  return checkInteger(timestamp, {
    name: 'timestamp',
    min: Number.MIN_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
  })
}

function largestTimestamp(
  timestamps: readonly (number | bigint)[],
  options: EncodeBatchOptions,
): number | bigint {
  if (options.timestampType === 'LogAppendTime') {
    throw argumentRangeError('LogAppendTime needs a maxTimestamp')
  }
  return timestamps.reduce((largest, timestamp) => (timestamp > largest ? timestamp : largest), NO_TIMESTAMP)
}

/** `a - b` as it is stored, in 64 bits; exact where numbers alone would round. */
function difference(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a - b)) return a - b
  return BigInt.asIntN(64, BigInt(a) - BigInt(b))
}
