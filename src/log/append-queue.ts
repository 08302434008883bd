/*
 * Where records wait, encoded, between `append()` and the write that takes them.
 *
 * Accepting is synchronous and all-or-nothing: a call is checked, gets its offsets and is encoded into one buffer, in
 * call order, or it throws and nothing has changed. Calls that wait together share a batch while it stays small. The
 * writer takes the whole buffer at once; meanwhile a second one fills.
 */
import { argumentTypeError, SeglogError } from '../core/index.ts'
import { BatchBuilder, type SealedBatch, WriteBuffer } from '../record/index.ts'
import type { Durability } from './durability.ts'
import { type RecordLike, RecordReader } from './record-input.ts'

/** What an append was given, and how safe it is. */
export interface AppendResult {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Largest timestamp of the call's records; under LogAppendTime the batch's append time. */
  readonly timestamp: number
  /** The level reached when the promise resolved: at least what was asked for. */
  readonly durability: Durability
}

/** An append that has been accepted and not yet acknowledged. */
export interface PendingAppend {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestamp: number
  readonly durability: Durability
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: unknown) => void
  /** Its promise has been resolved already, when it was accepted. */
  settled: boolean
}

/** A batch in a buffer, with the appends that share it. */
export interface PendingBatch extends SealedBatch {
  readonly appends: PendingAppend[]
  readonly wantsDisk: boolean
}

/** Everything the writer took at once: batches lie one behind another in `buffer`. */
export interface TakenBatches {
  readonly buffer: WriteBuffer
  readonly batches: PendingBatch[]
}

/** The limits that hold for a call, from the configuration in force. */
export interface AppendLimits {
  readonly batchBytesMax: number
  readonly segmentBytes: number
  readonly bufferedBytesMax: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  readonly keyRequired: boolean
  readonly partitionLeaderEpoch: number
}

/** Calls that wait together share a batch up to this size. */
const SHARED_BATCH_BYTES = 64 * 1024
const BUFFER_BYTES = 256 * 1024
/** A buffer that had to grow past this is given back to the collector once it is empty. */
const BUFFER_BYTES_KEPT = 4 * 1024 * 1024

type Settle = Pick<PendingAppend, 'resolve' | 'reject' | 'durability'>

/** Accepts appends, and keeps them encoded until the writer takes them; see the head of this file. */
export class AppendQueue {
  #buffer = new WriteBuffer(BUFFER_BYTES)
  #spare: WriteBuffer | undefined = new WriteBuffer(BUFFER_BYTES)
  #builder = new BatchBuilder(this.#buffer)
  #batches: PendingBatch[] = []
  #openAppends: PendingAppend[] = []
  #openWantsDisk = false
  /** What LogAppendTime gives the open batch; undefined under CreateTime. */
  #openTimestamp: number | undefined
  #takenBytes = 0
  #accepting = false
  readonly #reader = new RecordReader()
  /** The offset the next record gets. */
  endOffset: number
  /** While it is set, nothing is accepted: offsets are about to change. */
  refusal: SeglogError | undefined

  constructor(endOffset: number) {
    this.endOffset = endOffset
  }

  /** Bytes accepted and not yet written. */
  get bufferedBytes(): number {
    return this.#buffer.length + this.#takenBytes
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0 && !this.#builder.isOpen
  }

  /**
   * Accepts one call's records as one atomic batch, perhaps shared with the calls before it.
   *
   * Errors: TypeError, RangeError, RECORD_TOO_LARGE, TIMESTAMP_INVALID, RECORD_INVALID, BUFFER_FULL; nothing changed then.
   */
  append(
    records: readonly RecordLike[],
    options: { limits: AppendLimits; nowMs: number } & Settle,
  ): PendingAppend {
    if (this.#accepting)
      throw argumentTypeError('append() was called from inside a property of a record being appended')
    this.#accepting = true
    try {
      const { limits, nowMs } = options
      const shared = this.#builder.isOpen && this.#encode(records, { limits, nowMs, fresh: false })
      if (!shared) {
        this.sealOpenBatch()
        this.#encode(records, { limits, nowMs, fresh: true })
      }
      return this.#accept(records.length, options)
    } finally {
      this.#accepting = false
    }
  }

  /** Accepts a whole encoded batch, whose offsets have been assigned; it never shares. */
  appendEncoded(batch: Omit<SealedBatch, 'startPosition'>, bytes: Uint8Array, settle: Settle): PendingAppend {
    this.sealOpenBatch()
    const startPosition = this.#buffer.length
    this.#buffer.reserve(bytes.length)
    this.#buffer.bytes.set(bytes, startPosition)
    this.#buffer.length += bytes.length
    const { baseOffset, lastOffset } = batch
    const append = { ...settle, baseOffset, lastOffset, timestamp: batch.maxTimestamp, settled: false }
    this.#batches.push({
      ...batch,
      startPosition,
      appends: [append],
      wantsDisk: settle.durability === 'disk',
    })
    this.endOffset = lastOffset + 1
    return append
  }

  /** Throws BUFFER_FULL if `sizeBytes` more would pass the bound. */
  checkRoom(sizeBytes: number, bufferedBytesMax: number): void {
    if (this.bufferedBytes + sizeBytes <= bufferedBytesMax) return
    throw new SeglogError(
      'BUFFER_FULL',
      `${this.bufferedBytes} bytes wait to be written and maxBufferedBytes is ${bufferedBytesMax}: wait for appends to resolve`,
      { found: this.bufferedBytes + sizeBytes, expected: bufferedBytesMax, outcome: 'not-written' },
    )
  }

  /** Ends the batch that calls are still joining, if there is one. */
  sealOpenBatch(): void {
    if (!this.#builder.isOpen) return
    const sealed = this.#builder.seal(
      this.#openTimestamp === undefined ? {} : { appendTimestamp: this.#openTimestamp },
    )
    this.#batches.push({ ...sealed, appends: this.#openAppends, wantsDisk: this.#openWantsDisk })
    this.#openAppends = []
    this.#openWantsDisk = false
  }

  /** Hands everything over to the writer, which gives the buffer back when it has written it. */
  take(): TakenBatches | undefined {
    this.sealOpenBatch()
    if (this.#batches.length === 0) return undefined
    const taken = { buffer: this.#buffer, batches: this.#batches }
    this.#takenBytes = this.#buffer.length
    this.#batches = []
    this.#buffer = this.#spare ?? new WriteBuffer(BUFFER_BYTES)
    this.#spare = undefined
    this.#builder = new BatchBuilder(this.#buffer)
    return taken
  }

  /** The writer is done with what it took. */
  giveBack(buffer: WriteBuffer): void {
    this.#takenBytes = 0
    buffer.length = 0
    this.#spare = buffer.bytes.length > BUFFER_BYTES_KEPT ? new WriteBuffer(BUFFER_BYTES) : buffer
  }

  /** Takes everything back that was accepted and not taken; offsets go on from `endOffset`. */
  dropAll(endOffset: number): PendingAppend[] {
    this.sealOpenBatch()
    const appends = this.#batches.flatMap((batch) => batch.appends)
    this.#batches = []
    this.#buffer.length = 0
    this.endOffset = endOffset
    return appends
  }

  /** Encodes a call into the open batch, or a fresh one; false when a shared one has no room. */
  #encode(
    records: readonly RecordLike[],
    options: { limits: AppendLimits; nowMs: number; fresh: boolean },
  ): boolean {
    const { limits, nowMs, fresh } = options
    if (fresh) {
      const { timestampType, partitionLeaderEpoch } = limits
      this.#builder.open({ baseOffset: this.endOffset, timestampType, partitionLeaderEpoch })
      this.#openTimestamp = timestampType === 'LogAppendTime' ? nowMs : undefined
    }
    const mark = this.#builder.mark()
    const sizeMax = Math.min(
      limits.batchBytesMax,
      limits.segmentBytes,
      fresh ? limits.bufferedBytesMax : SHARED_BATCH_BYTES,
    )
    try {
      for (let i = 0; i < records.length; i++) {
        const record = this.#reader.read(records[i], { index: i, nowMs, limits })
        if (this.#builder.add(record, sizeMax)) continue
        if (fresh) throw tooLarge(sizeMax, limits)
        this.#builder.rollback(mark)
        return false
      }
      this.checkRoom(0, limits.bufferedBytesMax)
      return true
    } catch (error) {
      if (fresh) this.#builder.abandon()
      else this.#builder.rollback(mark)
      throw error
    }
  }

  #accept(recordCount: number, options: { limits: AppendLimits } & Settle): PendingAppend {
    const { resolve, reject, durability } = options
    const baseOffset = this.endOffset
    const append: PendingAppend = {
      baseOffset,
      lastOffset: baseOffset + recordCount - 1,
      timestamp: this.#openTimestamp ?? this.#reader.takeMaxTimestamp(),
      durability,
      resolve,
      reject,
      settled: false,
    }
    this.#openAppends.push(append)
    this.#openWantsDisk ||= durability === 'disk'
    this.endOffset = baseOffset + recordCount
    return append
  }
}

function tooLarge(sizeMax: number, limits: AppendLimits): SeglogError {
  const name =
    sizeMax === limits.batchBytesMax
      ? 'max.message.bytes'
      : sizeMax === limits.segmentBytes
        ? 'segment.bytes'
        : 'maxBufferedBytes'
  return new SeglogError(
    'RECORD_TOO_LARGE',
    `the records of one append are one batch, and theirs would be over ${name} (${sizeMax} bytes): send fewer at a time, or raise ${name}`,
    { expected: sizeMax, outcome: 'not-written' },
  )
}
