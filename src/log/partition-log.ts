import { type ConfigInput, planConfigUpdate, type ResolvedConfig } from '../config/index.ts'
import { argumentRangeError, checkOffset, SerialQueue } from '../core/index.ts'
import { assignOffsets, type LogRecord, type RecordBatch, setMaxTimestamp } from '../record/index.ts'
import type { SegmentInfo } from '../segment/index.ts'
import { type AppendOptions, checkAppendOptions } from './append-options.ts'
import type { AppendLimits, AppendResult } from './append-queue.ts'
import { closeLog } from './close-log.ts'
import { deleteRecordsBefore } from './delete-segments.ts'
import { checkEncodedBatch } from './encoded-append.ts'
import { closedError, expectedOffsetMismatch, poisonedError, readOnlyError } from './failures.ts'
import { writeIdentity } from './log-identity.ts'
import type { LogParts } from './log-parts.ts'
import { LogReads } from './log-reads.ts'
import type { LogStats } from './log-stats.ts'
import type { OpenedLog } from './opened-log.ts'
import type { ReadOptions } from './read-options.ts'
import type { RecordLike } from './record-input.ts'
import { RecoveryPoint } from './recovery-point.ts'
import type { RecoveryReport } from './recovery-report.ts'
import { SegmentRemoval } from './segment-removal.ts'
import type { TimestampOffset } from './time-lookup.ts'
import { truncateTo } from './truncation.ts'
import { Writer } from './writer.ts'
import { createWriterHooks } from './writer-hooks.ts'

/** What a log can be: only `open` takes appends. */
export type LogStateName = 'open' | 'readonly' | 'poisoned' | 'closed'

/** One partition, open in this process; cleaning is put on top of it. */
export class PartitionLog {
  readonly directory: string
  readonly recovery: RecoveryReport
  readonly #opened: OpenedLog
  readonly #parts: LogParts
  readonly #reads: LogReads
  readonly #isReadOnly: boolean
  #limits: AppendLimits
  #appends = 0
  #closing: Promise<void> | undefined

  constructor(opened: OpenedLog) {
    const { options, paths, state, recovery } = opened
    this.directory = paths.directory
    this.recovery = recovery
    this.#opened = opened
    this.#isReadOnly = opened.isReadOnly
    this.#reads = new LogReads(state)
    this.#parts = this.#assemble(opened)
    state.onCut = () => this.#reads.forgetBatches()
    this.#limits = this.#readLimits()
    if (!this.#isReadOnly) this.#parts.publish()
    options.logger.debug({ directory: this.directory, recovery }, 'log opened')
  }

  get config(): ResolvedConfig {
    return this.#parts.state.config
  }

  get state(): LogStateName {
    if (this.#closing !== undefined) return 'closed'
    if (this.#isReadOnly) return 'readonly'
    return this.#parts.writer.failure === undefined ? 'open' : 'poisoned'
  }

  get startOffset(): number {
    return this.#parts.state.startOffset
  }

  get endOffset(): number {
    return this.#parts.writer.queue.endOffset
  }

  get readableEndOffset(): number {
    return this.#parts.state.readableEndOffset
  }

  get durableOffset(): number {
    return this.#parts.writer.durableOffset
  }

  /** What the operations on this log work on; for the layers that are composed with it. */
  get parts(): LogParts {
    return this.#parts
  }

  /** Why retention leaves this log alone; undefined when it does not. */
  get cleaningHeldBecause(): string | undefined {
    const { identity } = this.#parts
    const isConfigured = identity.config.size > 0 || Object.keys(this.#opened.options.config).length > 0
    return identity.offsets === 'dense' || isConfigured
      ? undefined
      : 'Kafka wrote this log, and it has no configuration here'
  }

  /** Throws unless the log takes changes. Errors: LOG_CLOSED, LOG_READONLY, LOG_POISONED. */
  checkWritable(): void {
    this.#writable()
  }

  append(records: RecordLike | readonly RecordLike[], options?: AppendOptions): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const { durability, expectedOffset } = checkAppendOptions(options, this.#opened.options.durability)
      const { writer, clock } = this.#appendable(expectedOffset)
      const list = toList(records)
      const call = { limits: this.#limits, nowMs: clock.now(), durability, resolve, reject }
      writer.accepted(writer.queue.append(list, call))
      this.#appends++
    })
  }

  appendBatch(input: Uint8Array, options?: AppendOptions): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const { durability, expectedOffset } = checkAppendOptions(options, this.#opened.options.durability)
      const { writer, clock, state } = this.#appendable(expectedOffset)
      const limits = this.#limits
      const nowMs = clock.now()
      const { decompressedBytesMax } = state
      const { bytes, batch } = checkEncodedBatch(input, { limits, decompressedBytesMax, nowMs })
      writer.queue.checkRoom(bytes.length, limits.bufferedBytesMax)
      const { timestampType, partitionLeaderEpoch } = limits
      if (timestampType === 'LogAppendTime') setMaxTimestamp(bytes, 0, { timestampType, timestamp: nowMs })
      const baseOffset = writer.queue.endOffset
      assignOffsets(bytes, 0, { baseOffset, partitionLeaderEpoch })
      const { recordCount, sizeBytes } = batch
      const maxTimestamp = timestampType === 'LogAppendTime' ? nowMs : batch.maxTimestamp
      const lastOffset = baseOffset + recordCount - 1
      const firstTimestamp = batch.baseTimestamp
      const placed = { sizeBytes, baseOffset, lastOffset, recordCount, firstTimestamp, maxTimestamp }
      writer.accepted(writer.queue.appendEncoded(placed, bytes, { durability, resolve, reject }))
      this.#appends++
    })
  }

  read(options?: ReadOptions): AsyncIterableIterator<LogRecord> {
    return this.#reads.read(options)
  }

  readBatches(options?: ReadOptions): AsyncIterableIterator<RecordBatch> {
    return this.#reads.readBatches(options)
  }

  get(offset: number): Promise<LogRecord | undefined> {
    return this.#reads.get(offset)
  }

  getSync(offset: number): LogRecord | undefined {
    return this.#reads.getSync(offset)
  }

  offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | undefined> {
    return this.#reads.offsetForTimestamp(timestampMs)
  }

  async deleteRecordsBefore(offset: number): Promise<void> {
    checkOffset(offset, 'offset')
    await deleteRecordsBefore(this.#writable(), offset)
  }

  async truncateTo(offset: number): Promise<void> {
    checkOffset(offset, 'offset')
    await truncateTo(this.#writable(), offset)
  }

  async roll(): Promise<void> {
    const { writer } = this.#writable()
    await writer.run(async () => {
      if (writer.active.segment.sizeBytes > 0) await writer.roll('asked')
    })
  }

  async flush(): Promise<void> {
    const { writer } = this.#writable()
    await writer.run(() => writer.sync())
  }

  async updateConfig(update: ConfigInput): Promise<void> {
    const parts = this.#writable()
    await parts.maintenance.run(async () => {
      const config = planConfigUpdate(parts.identity.config, update)
      const resolved = this.#opened.resolve(config)
      await parts.writer.run(() => parts.writer.beforeWriting())
      const identity = { ...parts.identity, config }
      await writeIdentity(parts.fileSystem, parts.paths.topicProperties, identity)
      parts.identity = identity
      parts.state.config = resolved
      this.#limits = this.#readLimits()
    })
  }

  segments(): SegmentInfo[] {
    this.#parts.state.checkReadable()
    const { all, last } = this.#parts.state.segments
    return all.map((segment) => segment.toInfo(segment === last))
  }

  stats(): LogStats {
    const { state, writer, removal } = this.#parts
    state.checkReadable()
    return state.toStats({
      endOffset: writer.queue.endOffset,
      durableOffset: writer.durableOffset,
      bufferedBytes: writer.queue.bufferedBytes,
      waitingToBeRemoved: removal.waitingCount,
      appends: this.#appends,
    })
  }

  close(): Promise<void> {
    this.#closing ??= closeLog(this.#opened, this.#parts)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The parts of a log that takes appends. Errors: those of `#writable`, LOG_TRUNCATED, EXPECTED_OFFSET_MISMATCH. */
  #appendable(expectedOffset: number | undefined): LogParts {
    const parts = this.#writable()
    const { refusal, endOffset } = parts.writer.queue
    if (refusal !== undefined) throw refusal
    if (expectedOffset !== undefined && expectedOffset !== endOffset)
      throw expectedOffsetMismatch(expectedOffset, endOffset)
    return parts
  }

  /** The parts of a log that takes changes. Errors: LOG_CLOSED, LOG_READONLY, LOG_POISONED. */
  #writable(): LogParts {
    const { writer } = this.#parts
    if (this.#closing !== undefined) throw closedError(this.directory)
    if (this.#isReadOnly) throw readOnlyError(this.directory, this.#opened.readOnlyReason)
    if (writer.failure !== undefined) throw poisonedError(writer.failure, 'not-written')
    return this.#parts
  }

  #readLimits(): AppendLimits {
    const { config } = this.#parts.state
    return {
      batchBytesMax: config['max.message.bytes'],
      segmentBytes: config['segment.bytes'],
      bufferedBytesMax: this.#opened.options.maxBufferedBytes,
      timestampType: config['message.timestamp.type'],
      timestampBeforeMaxMs: config['message.timestamp.before.max.ms'],
      timestampAfterMaxMs: config['message.timestamp.after.max.ms'],
      keyRequired: config['cleanup.policy'].includes('compact'),
      partitionLeaderEpoch: this.#opened.partitionLeaderEpoch,
    }
  }

  #assemble(opened: OpenedLog): LogParts {
    const { options, paths, state, recoveryPoints, startOffsets, marker, watermark } = opened
    const { fileSystem, clock, random, logger } = options
    const { directory } = paths
    const offset = opened.durableOffset
    const recoveryPoint = new RecoveryPoint({ checkpoint: recoveryPoints, log: paths, clock, logger, offset })
    const publish = (): void => {
      const { readableEndOffset, startOffset, truncatedTo } = state
      const generation = opened.generationBase + state.generation
      watermark?.publish({ generation, readableEndOffset, startOffset, truncatedTo })
    }
    const parts: LogParts = {
      fileSystem,
      clock,
      random,
      logger,
      paths,
      state,
      recoveryPoint,
      recoveryPoints,
      startOffsets,
      marker,
      removal: new SegmentRemoval({ fileSystem, files: state.files, clock, logger, directory }),
      maintenance: new SerialQueue(),
      identity: opened.identity,
      publish,
      writer: new Writer({
        active: opened.active,
        endOffset: opened.active.segment.nextOffset,
        durableOffset: offset,
        hooks: createWriterHooks(() => parts, opened),
      }),
    }
    return parts
  }
}

/** The records of a call as a list. Errors: RangeError when there are none: an empty batch has no place in a log. */
function toList(records: RecordLike | readonly RecordLike[]): readonly RecordLike[] {
  if (!Array.isArray(records)) return [records as RecordLike]
  if (records.length === 0) throw argumentRangeError('append needs at least one record')
  return records as readonly RecordLike[]
}
