/*
 * Where records wait, encoded, between `append()` and the write that takes them.
 *
 * Accepting is synchronous and all-or-nothing: a call is checked, gets its offsets and is encoded into one buffer, in
 * call order, or it throws and nothing has changed. Calls that wait together share a batch while it stays small. The
 * writer takes the whole buffer at once; meanwhile a second one fills.
 */
import { argumentRangeError, argumentTypeError, SeglogError } from '../core/index.ts'
import { BatchBuilder, type BatchMark, type SealedBatch, WriteBuffer } from '../record/index.ts'
import type { Durability } from './durability.ts'
import { type EncodableRecord, type RecordLike, RecordReader } from './record-input.ts'

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
/** From so many records on, a call's size is guessed before all of it is encoded into a batch it may not fit. */
const MANY_RECORDS = 8
/** What a buffer starts with: a log that is hardly written needs no more, and one that is grows it once. */
const BUFFER_BYTES = 4 * 1024
/** A buffer that had to grow past this is given back to the collector once it is empty. */
const BUFFER_BYTES_KEPT = 4 * 1024 * 1024

/** One call of `append` while it is encoded. */
interface EncodingCall {
  readonly records: readonly RecordLike[]
  readonly recordCount: number
  readonly limits: AppendLimits
  readonly nowMs: number
}

/** What a call asks for, and how it is told. */
type AppendSettlement = Pick<PendingAppend, 'resolve' | 'reject' | 'durability'>

/** Accepts appends, and keeps them encoded until the writer takes them; see the head of this file. */
export class AppendQueue {
  #buffer = new WriteBuffer(BUFFER_BYTES)
  /** Made when the first is taken: a log that is never written to needs none. */
  #spare: WriteBuffer | undefined
  #builder = new BatchBuilder(this.#buffer)
  #batches: PendingBatch[] = []
  #openAppends: PendingAppend[] = []
  #openWantsDisk = false
  /** What LogAppendTime gives the open batch; undefined under CreateTime. */
  #openTimestamp: number | undefined
  #takenBytes = 0
  #accepting = false
  readonly #reader = new RecordReader()
  /** Records of the call at hand that were read while it tried to join a batch that had no room. */
  readonly #alreadyRead: EncodableRecord[] = []
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
    options: { limits: AppendLimits; nowMs: number } & AppendSettlement,
  ): PendingAppend {
    this.#checkReentry()
    const { limits, nowMs } = options
    this.#accepting = true
    try {
      const recordCount = this.#checkCount(records.length) // read once: a getter of a record may change the list
      const call = { records, recordCount, limits, nowMs }
      const shared = this.#isShareable(limits) && this.#share(call)
      if (!shared) {
        this.#seal()
        this.#encode(call)
      }
      return this.#accept(recordCount, options)
    } finally {
      this.#accepting = false
      if (this.#alreadyRead.length > 0) this.#alreadyRead.length = 0 // V8 makes a slow call of it, even from 0 to 0
    }
  }

  /** Accepts a whole encoded batch, whose offsets have been assigned; it never shares. */
  appendEncoded(
    batch: Omit<SealedBatch, 'startPosition'>,
    bytes: Uint8Array,
    settle: AppendSettlement,
  ): PendingAppend {
    this.sealOpenBatch()
    this.#checkCount(batch.recordCount)
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

  /** Ends the batch that calls are still joining, if there is one. Errors: TypeError from inside `append`. */
  sealOpenBatch(): void {
    this.#checkReentry()
    this.#seal()
  }

  /** Hands everything over to the writer, which gives the buffer back when it has written it. */
  take(): TakenBatches | undefined {
    this.#seal()
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
    this.#seal()
    const appends = this.#batches.flatMap((batch) => batch.appends)
    this.#batches = []
    this.#buffer.length = 0
    this.endOffset = endOffset
    return appends
  }

  #seal(): void {
    if (!this.#builder.isOpen) return
    const sealed = this.#builder.seal(
      this.#openTimestamp === undefined ? {} : { appendTimestamp: this.#openTimestamp },
    )
    this.#batches.push({ ...sealed, appends: this.#openAppends, wantsDisk: this.#openWantsDisk })
    this.#openAppends = []
    this.#openWantsDisk = false
  }

  /** A property of a record can be code, and that code can call the log: the batch half encoded must not be touched. */
  #checkReentry(): void {
    if (this.#accepting)
      throw argumentTypeError('the log was called from inside a property of a record being appended')
  }

  #checkCount(recordCount: number): number {
    if (!Number.isSafeInteger(recordCount) || recordCount < 1)
      throw argumentRangeError('append needs at least one record')
    if (recordCount <= Number.MAX_SAFE_INTEGER - this.endOffset) return recordCount
    throw new SeglogError('OFFSET_OUT_OF_RANGE', `no offsets are left after ${this.endOffset}`, {
      offset: this.endOffset,
      outcome: 'not-written',
    })
  }

  /** True for an open batch that began under the same rules: its timestamps are all of one type. */
  #isShareable({ timestampType }: AppendLimits): boolean {
    return this.#builder.isOpen && (this.#openTimestamp !== undefined) === (timestampType === 'LogAppendTime')
  }

  /** Encodes a call into the open batch; false, and nothing changed, when it has no room. */
  #share(call: EncodingCall): boolean {
    const builder = this.#builder
    const mark = builder.mark()
    const sizeMax = Math.min(call.limits.batchBytesMax, call.limits.segmentBytes, SHARED_BATCH_BYTES)
    try {
      for (let slot = 0; slot < call.recordCount; slot++) {
        const record = this.#read(call, slot)
        const roomForAll =
          builder.add(record, sizeMax) && (slot > 0 || this.#looksFitting(mark, call, sizeMax))
        if (call.recordCount > 1 || !roomForAll) this.#alreadyRead.push({ ...record })
        if (roomForAll) continue
        builder.rollback(mark)
        return false
      }
      this.checkRoom(0, call.limits.bufferedBytesMax)
      return true
    } catch (error) {
      builder.rollback(mark)
      throw error
    }
  }

  /** Judges a call of many records by its first, just added: encoding them in vain would cost more than it gains. */
  #looksFitting(mark: BatchMark, { recordCount }: EncodingCall, sizeMax: number): boolean {
    if (recordCount < MANY_RECORDS) return true
    const firstBytes = this.#buffer.length - mark.length
    return this.#builder.sizeBytes + firstBytes * (recordCount - 1) <= sizeMax
  }

  /** Encodes a call into a batch of its own, which later calls may join. */
  #encode(call: EncodingCall): void {
    const { limits, nowMs } = call
    const { timestampType, partitionLeaderEpoch } = limits
    this.#builder.open({ baseOffset: this.endOffset, timestampType, partitionLeaderEpoch })
    this.#openTimestamp = timestampType === 'LogAppendTime' ? nowMs : undefined
    const sizeMax = Math.min(limits.batchBytesMax, limits.segmentBytes, limits.bufferedBytesMax)
    try {
      for (let slot = this.#addLeading(call, sizeMax); slot < call.recordCount; slot++) {
        if (!this.#builder.add(this.#read(call, slot), sizeMax)) throw tooLarge(sizeMax, limits)
      }
      this.checkRoom(0, limits.bufferedBytesMax)
    } catch (error) {
      this.#builder.abandon()
      throw error
    }
  }

  /** Encodes the records that the call begins with if they are bytes alone, as most are; gives the slot of the first other. */
  #addLeading({ records, recordCount, limits, nowMs }: EncodingCall, sizeMax: number): number {
    if (this.#alreadyRead.length > 0 || limits.keyRequired) return 0
    const slot = this.#builder.addValues(records, { from: 0, end: recordCount }, nowMs, sizeMax)
    if (slot > 0) this.#reader.tookBytes(nowMs)
    return slot
  }

  /** The record at `slot`: each is read from the caller's object once, however often it is encoded. */
  #read({ records, limits, nowMs }: EncodingCall, slot: number): EncodableRecord {
    return this.#alreadyRead[slot] ?? this.#reader.read(records[slot], { index: slot, nowMs, limits })
  }

  #accept(recordCount: number, options: { limits: AppendLimits } & AppendSettlement): PendingAppend {
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

/** Tells whoever appended that it has been done, and how well. */
export function resolveAppend(append: PendingAppend, durability: Durability): void {
  const { baseOffset, lastOffset, timestamp } = append
  append.resolve({ baseOffset, lastOffset, timestamp, durability })
}
