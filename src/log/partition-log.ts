import {
  type ConfigInput,
  overlayConfigUpdate,
  planConfigUpdate,
  type ResolvedConfig,
} from '../config/index.ts'
import { checkOffset, SerialQueue } from '../core/index.ts'
import { assignOffsets, type LogRecord, type RecordBatch, type SealedBatch } from '../record/index.ts'
import type { SegmentInfo } from '../segment/index.ts'
import { type AppendOptions, checkAppendOptions } from './append-options.ts'
import type { AppendLimits, AppendQueue, AppendResult } from './append-queue.ts'
import { whyNotCleaned } from './cleaning-hold.ts'
import { closeLog } from './close-log.ts'
import { lowestCutSince } from './cuts.ts'
import { deleteRecordsBefore } from './delete-segments.ts'
import { checkEncodedBatch } from './encoded-append.ts'
import {
  closedError,
  expectedOffsetMismatch,
  notWritten,
  operationFailure,
  poisonedError,
  readOnlyError,
} from './failures.ts'
import { eventOf, events } from './log-events.ts'
import { identityAfterCut, writeIdentity } from './log-identity.ts'
import type { LogParts } from './log-parts.ts'
import { LogReads } from './log-reads.ts'
import type { LogStats } from './log-stats.ts'
import type { OpenedLog } from './opened-log.ts'
import type { ReadOptions } from './read-options.ts'
import type { RecordLike } from './record-input.ts'
import { RecoveryPoint } from './recovery-point.ts'
import { type RecoveryReport, tellOfOpening } from './recovery-report.ts'
import { SegmentRemoval } from './segment-removal.ts'
import type { TimestampOffset } from './time-lookup.ts'
import { truncateTo } from './truncation.ts'
import { Writer } from './writer.ts'
import { createWriterHooks, drawRollJitter } from './writer-hooks.ts'

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
  /** What `updateConfig` has set since the log was opened: it goes before what was given then. */
  #configUpdates: ReadonlyMap<string, string> = new Map()
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
    tellOfOpening(options.logger, this.directory, recovery)
    if (events.recover.hasSubscribers) events.recover.publish({ ...eventOf(paths), recovery })
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
    return whyNotCleaned(this.#parts.paths, this.#parts.identity)
  }

  /** Rises with every truncation, over restarts. */
  get generation(): number {
    return this.#parts.identity.generation
  }

  /** The lowest offset that a truncation went down to since the log was of `generation`; undefined when there was none. */
  cutSince(generation: number): number | undefined {
    return lowestCutSince(this.#parts.identity.cuts, generation)
  }

  /**
   * Takes durable note that records at and above the end were lost, as if they had been cut: what somebody remembers of
   * them is not said of those that come in their place. Errors: those of a change.
   */
  async noteLoss(): Promise<void> {
    const parts = this.#writable()
    const { writer, maintenance, fileSystem, paths } = parts
    const note = async (): Promise<void> => {
      await writer.beforeWriting()
      const identity = identityAfterCut(parts.identity, writer.writtenEnd)
      await writeIdentity(fileSystem, paths.topicProperties, identity)
      parts.identity = identity
    }
    await this.#do('noting a loss', () => maintenance.run(() => writer.run(note)))
  }

  /** Throws unless the log takes changes. Errors: LOG_CLOSED, LOG_READONLY, LOG_POISONED. */
  checkWritable(): void {
    this.#writable()
  }

  append(records: RecordLike | readonly RecordLike[], options?: AppendOptions): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      try {
        const { durability, expectedOffset } = checkAppendOptions(options, this.#opened.options.durability)
        const { writer, clock } = this.#appendable(expectedOffset)
        const list = Array.isArray(records) ? (records as readonly RecordLike[]) : [records as RecordLike]
        const call = { limits: this.#limits, nowMs: clock.now(), durability, resolve, reject }
        writer.accepted(writer.queue.append(list, call))
        this.#appends++
      } catch (error) {
        reject(notWritten(error))
      }
    })
  }

  appendBatch(input: Uint8Array, options?: AppendOptions): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      try {
        const { durability, expectedOffset } = checkAppendOptions(options, this.#opened.options.durability)
        const { writer } = this.#appendable(expectedOffset)
        const { placed, bytes } = this.#place(input, writer.queue)
        writer.accepted(writer.queue.appendEncoded(placed, bytes, { durability, resolve, reject }))
        this.#appends++
      } catch (error) {
        reject(notWritten(error))
      }
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
    const parts = this.#writable()
    await this.#do('deleting records', () => deleteRecordsBefore(parts, offset))
  }

  async truncateTo(offset: number): Promise<void> {
    checkOffset(offset, 'offset')
    const parts = this.#writable()
    await this.#do('truncating', () => truncateTo(parts, offset))
    this.#limits = this.#readLimits() // the leader epoch may be an earlier one now
  }

  async roll(): Promise<void> {
    const { writer } = this.#writable()
    const rollUnlessEmpty = async (): Promise<void> => {
      if (writer.active.segment.sizeBytes > 0) await writer.roll('asked')
    }
    await this.#do('rolling', () => writer.run(rollUnlessEmpty))
  }

  async flush(): Promise<void> {
    const { writer } = this.#writable()
    await writer.run(() => writer.sync())
    writer.checkNothingLost()
  }

  async updateConfig(update: ConfigInput): Promise<void> {
    const parts = this.#writable()
    await this.#do('updating the configuration', () =>
      parts.maintenance.run(async () => {
        const config = planConfigUpdate(parts.identity.config, update)
        const updates = overlayConfigUpdate(this.#configUpdates, update)
        const resolved = this.#opened.resolve(config, updates)
        await parts.writer.run(() => parts.writer.beforeWriting())
        const identity = { ...parts.identity, config }
        await writeIdentity(parts.fileSystem, parts.paths.topicProperties, identity)
        parts.identity = identity
        parts.state.config = resolved
        this.#configUpdates = updates
        this.#limits = this.#readLimits()
      }),
    )
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
      state: this.#isReadOnly ? 'readonly' : writer.failure === undefined ? 'open' : 'poisoned',
      endOffset: writer.queue.endOffset,
      durableOffset: writer.durableOffset,
      bufferedBytes: writer.queue.bufferedBytes,
      waitingToBeRemoved: removal.waitingCount,
      appends: this.#appends,
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** What whoever is composed with this log has to end before it closes; changes are refused already. */
  protected async beforeClose(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#parts.state.close()
    try {
      await this.beforeClose()
    } finally {
      await closeLog(this.#opened, this.#parts)
    }
  }

  /** Runs an operation of this log; what the system failed is told as an error of ours. */
  async #do(what: string, task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      throw operationFailure(this.#parts.writer.poisonIfFinal(error), `${what} in ${this.directory}`)
    }
  }

  /** Checks an encoded batch and gives a copy of it the next offsets. Errors: those of `checkEncodedBatch`, BUFFER_FULL. */
  #place(input: unknown, queue: AppendQueue): { placed: Omit<SealedBatch, 'startPosition'>; bytes: Buffer } {
    const { clock, state } = this.#parts
    const { decompressedBytesMax } = state
    const limits = this.#limits
    const checked = checkEncodedBatch(input, { limits, decompressedBytesMax, nowMs: clock.now() })
    const { bytes, batch, maxTimestamp } = checked
    queue.checkRoom(bytes.length, limits.bufferedBytesMax)
    const baseOffset = queue.endOffset
    assignOffsets(bytes, 0, { baseOffset, partitionLeaderEpoch: limits.partitionLeaderEpoch })
    const { recordCount, sizeBytes } = batch
    const lastOffset = baseOffset + recordCount - 1
    const firstTimestamp = batch.baseTimestamp
    return { placed: { sizeBytes, baseOffset, lastOffset, recordCount, firstTimestamp, maxTimestamp }, bytes }
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
      partitionLeaderEpoch: this.#parts.leaderEpoch,
    }
  }

  #assemble(opened: OpenedLog): LogParts {
    const { options, paths, state, root, marker, watermark } = opened
    const { recoveryPoints, startOffsets, ballast, openFiles } = root
    const { fileSystem, clock, random, logger } = options
    const { directory } = paths
    const offset = opened.durableOffset
    if (!opened.isReadOnly) opened.active.segment.rollJitterMs = drawRollJitter(random, state.config)
    const recoveryPoint = new RecoveryPoint({
      checkpoint: recoveryPoints,
      log: paths,
      clock,
      logger,
      offset,
      onFailure: (error) => void parts.writer.poisonIfFinal(error),
    })
    const publish = (): void => {
      const { readableEndOffset, startOffset, truncatedTo } = state
      const generation = opened.generationBase + state.generation
      watermark?.publish({ generation, readableEndOffset, startOffset, truncatedTo })
    }
    const parts: LogParts = {
      fileSystem,
      openFiles,
      clock,
      random,
      logger,
      paths,
      state,
      recoveryPoint,
      recoveryPoints,
      startOffsets,
      marker,
      removal: new SegmentRemoval({
        fileSystem,
        files: state.files,
        clock,
        logger,
        directory,
        isRoomWanted: () => ballast.isSpent,
      }),
      maintenance: new SerialQueue(),
      identity: opened.identity,
      leaderEpoch: opened.partitionLeaderEpoch,
      sidecars: opened.sidecars,
      failedMarker: undefined,
      publish,
      writer: new Writer({
        active: opened.active,
        endOffset: opened.active.segment.nextOffset,
        durableOffset: offset,
        inlineSyncMs: options.inlineSyncMs,
        hooks: createWriterHooks(() => parts, opened),
      }),
    }
    return parts
  }
}
