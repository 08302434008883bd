import type { ConfigInput, ResolvedConfig } from '../config/index.ts'
import type {
  AppendOptions,
  AppendResult,
  LogStateName,
  LogStats,
  ReadOptions,
  RecordLike,
  RecoveryReport,
  TimestampOffset,
} from '../log/index.ts'
import type { LogRecord, RecordBatch } from '../record/index.ts'
import type { SegmentInfo } from '../segment/index.ts'
import type { CleanPlan, CleanReport } from './types.ts'

/** How to clean: at which moment, or by which plan. */
export interface CleanOptions {
  /** Wall time to judge by; default the clock's. */
  readonly now?: number
  /** Do exactly this, as far as the log is still as it was planned. */
  readonly plan?: CleanPlan
  /** Believe the clock although it has jumped ahead. */
  readonly force?: boolean
}

/** One partition: an ordered, durable log of records in a directory. `openLog` gives one. */
export interface Log extends AsyncDisposable {
  /** Absolute, links resolved. */
  readonly directory: string
  /** The configuration in force, by Kafka's names. */
  readonly config: ResolvedConfig
  /** What opening found and did. */
  readonly recovery: RecoveryReport
  readonly state: LogStateName
  /** First readable offset. */
  readonly startOffset: number
  /** The offset the next record gets. */
  readonly endOffset: number
  /** Acknowledged and written: readers, `latest` and range errors use this. */
  readonly readableEndOffset: number
  /** Below it everything is on disk. */
  readonly durableOffset: number

  /**
   * Appends the records of one call as one atomic batch; resolves at the level asked for.
   *
   * Shape:  bytes are copied before it returns; strings are UTF-8; a string or bytes alone are a value.
   * Errors: always a rejection: TypeError, RangeError, RECORD_TOO_LARGE, RECORD_INVALID, TIMESTAMP_INVALID,
   *         EXPECTED_OFFSET_MISMATCH, BUFFER_FULL, DISK_FULL, IO_FAILED, LOG_POISONED, LOG_READONLY, LOG_CLOSED.
   */
  append(records: RecordLike | readonly RecordLike[], options?: AppendOptions): Promise<AppendResult>
  /**
   * Appends one encoded Kafka batch (format v2) after checking it to its last record; offsets are assigned.
   * Errors: those of `append`, BATCH_CORRUPT, FORMAT_UNSUPPORTED, COMPRESSION_UNSUPPORTED.
   */
  appendBatch(batch: Uint8Array, options?: AppendOptions): Promise<AppendResult>

  /**
   * Reads records in offset order; keys and values are views of memory that is never reused.
   * Errors: OFFSET_OUT_OF_RANGE, BATCH_CORRUPT, LOG_TRUNCATED, LOG_CLOSED, IO_FAILED, the signal's reason.
   */
  read(options?: ReadOptions): AsyncIterableIterator<LogRecord>
  /** Reads whole batches, the fast way; the first may begin below `from`, the last may reach past `until`. */
  readBatches(options?: ReadOptions): AsyncIterableIterator<RecordBatch>
  /**
   * The record at `offset`; undefined for a hole, a control record, and at or above the readable end.
   * Errors: OFFSET_OUT_OF_RANGE below the start, BATCH_CORRUPT.
   */
  get(offset: number): Promise<LogRecord | undefined>
  /**
   * As `get`, and blocks: about 1 µs while the file is in memory, a disk access when it is cold.
   * Errors: those of `get`; LOG_TRUNCATED where another process writes the log and has truncated it at this moment.
   */
  getSync(offset: number): LogRecord | undefined
  /**
   * The first offset, in offset order, whose record has this timestamp or a later one. As in Kafka it may be that of a
   * control record, which no read gives: reading from it begins with the record behind it.
   */
  offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | undefined>

  /** Moves `startOffset` durably; files go at the next clean. Errors: POLICY_VIOLATION, OFFSET_OUT_OF_RANGE. */
  deleteRecordsBefore(offset: number): Promise<void>
  /** Drops everything at and above `offset`, acknowledged or not. */
  truncateTo(offset: number): Promise<void>
  /** Closes the active segment, unless it is empty, and starts a new one. */
  roll(): Promise<void>
  /** Resolves when everything accepted so far is on disk. */
  flush(): Promise<void>

  /** What `clean` would do to each segment, why, and what blocks the rest. */
  plan(now?: number): Promise<CleanPlan>
  /** Applies retention now. Errors: those that keep it from running at all; others are in the report. */
  clean(options?: number | CleanOptions): Promise<CleanReport>
  /**
   * Changes the configuration at once, and for later openings, whose own options go before it; `null` resets a key.
   * Errors: CONFIG_INVALID.
   */
  updateConfig(config: ConfigInput): Promise<void>

  segments(): SegmentInfo[]
  stats(): LogStats
  /** Writes and syncs everything accepted, then lets go; idempotent. */
  close(): Promise<void>
}
