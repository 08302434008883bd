import type { CompressionName } from '../codec/index.ts'
import type { TimestampType } from './batch-layout.ts'

/** A record header: a name, which may repeat and may be empty, and its bytes. */
export type RecordHeader = readonly [key: string, value: Buffer | null]

/**
 * One record as it was read.
 *
 * Shape:  key, value and header values are views into memory that is never reused; copy them to keep few for long.
 * Units:  `timestamp` in ms since the Unix epoch, -1 for none.
 */
export interface LogRecord {
  readonly offset: number
  /** The stored timestamp, or the safe integer nearest to it. */
  readonly timestamp: number
  /** The stored timestamp; only there when it is no safe integer. */
  readonly timestampExact?: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** The fields of a batch's 61-byte header; what is out of the safe range is explained field by field. */
export interface BatchHeader {
  readonly baseOffset: number
  /** The last offset the batch covers, which after compaction can be above its last record's. */
  readonly lastOffset: number
  /** The whole batch, header and all. */
  readonly sizeBytes: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  /** All 16 bits, the undefined ones too. */
  readonly attributes: number
  /** 'unknown' for a codec Kafka has not defined; its id is in the low bits of `attributes`. */
  readonly compression: CompressionName | 'unknown'
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** When compaction may drop the batch's tombstones; undefined until it has seen them. */
  readonly deleteHorizonMs: number | undefined
  /** What record timestamps are counted from: the first record's, or the delete horizon. Nearest safe integer. */
  readonly baseTimestamp: number
  /** The stored base timestamp; only there when it is no safe integer. */
  readonly baseTimestampExact?: bigint
  /** The largest timestamp, or the time of the append. Nearest safe integer. */
  readonly maxTimestamp: number
  /** The stored largest timestamp; only there when it is no safe integer. */
  readonly maxTimestampExact?: bigint
  /** -1 for none; nearest safe integer. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Follows from `baseSequence` and the offsets, and wraps from 2^31 - 1 to 0; -1 for none. */
  readonly lastSequence: number
  readonly recordCount: number
}

/** What a control record says; 'UNKNOWN' is a type newer than this code, to be passed over. */
export type ControlType =
  | 'ABORT'
  | 'COMMIT'
  | 'LEADER_CHANGE'
  | 'SNAPSHOT_HEADER'
  | 'SNAPSHOT_FOOTER'
  | 'KRAFT_VERSION'
  | 'KRAFT_VOTERS'
  | 'UNKNOWN'

/** A marker that Kafka itself wrote: it takes an offset and is never given to readers. */
export interface ControlRecord {
  readonly offset: number
  readonly type: ControlType
  /** Version of the marker's key. */
  readonly version: number
  /** Of the transaction's coordinator; only in ABORT and COMMIT. */
  readonly coordinatorEpoch?: number
}

/**
 * A batch: its header, its raw bytes, and its records when iterated.
 *
 * Shape:  iterating a control batch gives nothing; records are decoded as they are asked for, anew each time.
 * Errors: while iterating: `BATCH_CORRUPT`, `COMPRESSION_UNSUPPORTED`, `RECORD_TOO_LARGE`; the records given before
 *         it are good.
 */
export interface RecordBatch extends BatchHeader, Iterable<LogRecord> {
  /** The batch as it is stored. */
  readonly bytes: Buffer
  /** Every record, those of a control batch too. */
  rawRecords(): Iterable<LogRecord>
  /** The markers in a control batch; none in any other. */
  controlRecords(): ControlRecord[]
}

/** Where a batch lies, for error messages. */
export interface BatchPlace {
  readonly path?: string | undefined
  /** Of the batch's first byte in the file at `path`. */
  readonly position?: number | undefined
}
