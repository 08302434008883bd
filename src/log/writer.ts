/*
 * The one loop that writes a log: takes what has gathered, writes it, syncs it if anyone asked, acknowledges it.
 *
 * A run is what goes into one segment with one write. Its steps, and what is left by a crash after each:
 *   1. write              the tail may be torn: recovery cuts it; nobody was told
 *   2. fdatasync          only where someone in the run asked for `disk`; whole and durable, nobody was told
 *   3. publish watermark  followers may see it
 *   4. resolve promises   in offset order
 * A write that fails is undone: the file is cut back to its last good end and the cut synced, for a power loss would bring
 * back what was refused; then the run and what waits behind it reject. If that can't be done the log is poisoned.
 * A roll is: zeros ahead cut off (preallocation.ts) → fdatasync(old) → create new → fsync(directory) → first byte into the new. A crash in between leaves an
 * empty last segment, which opening reuses. Commands (flush, roll, truncate, close) run between runs, in call order.
 */
import { isSeglogError, type SeglogError, yieldToEventLoop } from '../core/index.ts'
import type { SegmentWriter } from '../segment/index.ts'
import {
  AppendQueue,
  type PendingAppend,
  type PendingBatch,
  resolveAppend,
  type TakenBatches,
} from './append-queue.ts'
import type { Durability } from './durability.ts'
import { appendFailure, isStale, lostError, poisonedError } from './failures.ts'
import { planRoll, type RollReason } from './roll-plan.ts'
import { SyncGate } from './sync-gate.ts'
import { SyncPace } from './sync-pace.ts'
import type { WriterHooks } from './writer-hooks-type.ts'

interface Command {
  /** Runs once everything below it has been written; lowered when what it waited for was refused. */
  afterOffset: number
  readonly run: () => Promise<void>
  readonly reject: (error: unknown) => void
}

const RUN_BYTES_MAX = 4 * 1024 * 1024

/** Writes, syncs and acknowledges what the queue accepts; see the head of this file. */
export class Writer {
  readonly queue: AppendQueue
  readonly #hooks: WriterHooks
  readonly #gate: SyncGate
  readonly #commands: Command[] = []
  #active: SegmentWriter
  #writtenEnd: number
  #readableEnd: number
  #unacknowledged = 0
  #unsyncedRecords = 0
  #taken: TakenBatches | undefined
  #cursor = 0
  /** Written, and nobody has been told yet. */
  #unannounced: readonly PendingBatch[] = []
  /** Undefined while nobody wants to know how long runs take. */
  #runStartedMs: number | undefined
  #running = false
  #looping: Promise<void> = Promise.resolve()
  #hasWritten = false
  #isFull = false
  #failure: SeglogError | undefined
  /** Why records were refused that had been acknowledged at `memory` already: their callers are gone. */
  #loss: SeglogError | undefined

  constructor(options: {
    active: SegmentWriter
    endOffset: number
    durableOffset: number
    /** How long a sync may be expected to block the event loop. */
    inlineSyncMs: number
    hooks: WriterHooks
  }) {
    this.#active = options.active
    this.#writtenEnd = this.#readableEnd = options.endOffset
    this.#hooks = options.hooks
    this.#gate = new SyncGate(options.durableOffset, options.hooks, new SyncPace(options.inlineSyncMs))
    this.queue = new AppendQueue(options.endOffset)
  }

  get active(): SegmentWriter {
    return this.#active
  }

  get writtenEnd(): number {
    return this.#writtenEnd
  }

  get readableEnd(): number {
    return this.#readableEnd
  }

  get durableOffset(): number {
    return this.#gate.durableOffset
  }

  get failure(): SeglogError | undefined {
    return this.#failure
  }

  /** Takes note of an append that the queue has just accepted. */
  accepted(append: PendingAppend): void {
    if (append.durability === 'memory' && this.#unacknowledged === 0) {
      append.settled = true
      resolveAppend(append, 'memory')
    } else this.#unacknowledged++
    this.#wake()
  }

  /** Runs `task` alone, after everything accepted so far has been written. */
  run<T>(task: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(poisonedError(this.#failure, 'not-written'))
      this.queue.sealOpenBatch()
      const run = async (): Promise<void> => resolve(await task())
      this.#commands.push({ afterOffset: this.queue.endOffset, run, reject })
      this.#wake()
    })
  }

  /** Makes everything written so far durable; inside `run`, that is everything accepted before it. */
  sync({ mayBlock = true }: { mayBlock?: boolean } = {}): Promise<void> {
    return this.#sync('written', mayBlock)
  }

  /** Cuts off the zeros ahead of the records, and makes everything written durable; only inside `run`, or by the loop itself. */
  async syncAsEnd(): Promise<void> {
    try {
      const isCut = await this.#hooks.preallocation.cutRoom(this.#active)
      await this.#sync(isCut ? 'cut' : 'written', !isCut)
    } catch (error) {
      if (!isStale(error)) throw error
      this.poison(error)
      throw poisonedError(error, 'not-written')
    }
  }

  async #sync(what: 'written' | 'cut', mayBlock: boolean): Promise<void> {
    if (this.#failure !== undefined) throw poisonedError(this.#failure, 'unknown')
    const before = this.#gate.durableOffset
    const { handle } = this.#active
    try {
      this.#hooks.checkPlace() // what is synced where nobody finds it again is lost
      if (what === 'written') await this.#gate.sync(handle, this.#writtenEnd, { mayBlock })
      else await this.#gate.syncCut(handle, this.#writtenEnd)
    } catch (error) {
      this.poison(error)
      throw poisonedError(this.#failure ?? error, 'unknown')
    }
    // Poisoned meanwhile, by a sync of another file: this one was in time, and nothing more may rest on it all the same.
    if (this.#failure !== undefined) throw poisonedError(this.#failure, 'unknown')
    if (this.#gate.durableOffset > before) this.#hooks.durable(this.#gate.durableOffset)
    if (this.#gate.durableOffset >= this.#writtenEnd) this.#unsyncedRecords = 0
  }

  /** Throws, once, if records acknowledged at `memory` were refused later: who flushes or closes has to learn of it. */
  checkNothingLost(): void {
    const loss = this.#loss
    this.#loss = undefined
    if (loss !== undefined) throw lostError(loss)
  }

  /** Throws once the log is poisoned: what only seemed to go well meanwhile must not be gone on from. */
  checkAlive(): void {
    if (this.#failure !== undefined) throw poisonedError(this.#failure, undefined)
  }

  get isSyncing(): boolean {
    return this.#gate.isSyncing
  }

  /** Closes the active segment and starts a new one; only inside `run`, or by the loop itself. */
  async roll(reason: RollReason | 'asked'): Promise<void> {
    await this.beforeWriting()
    await this.syncAsEnd()
    const old = this.#active
    try {
      this.#active = await this.#hooks.createSegment(this.#writtenEnd)
    } catch (error) {
      throw this.poisonIfFinal(error)
    }
    this.#hooks.rolled(old, reason)
  }

  /** Puts another segment in the place of the active one, after a truncation; only inside `run`. */
  replaceActive(active: SegmentWriter, endOffset: number): void {
    this.#active = active
    this.#writtenEnd = this.#readableEnd = endOffset
    this.queue.endOffset = endOffset
    this.#gate.lower(endOffset)
  }

  /** Ends the taking of appends for good: everything not acknowledged rejects, in order; nothing is retried. */
  poison(cause: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = poisonedError(cause, undefined)
    this.#hooks.poisoned(this.#failure)
    const written = this.#unannounced.flatMap((batch) => batch.appends)
    this.#unannounced = []
    this.#rejectAll([...written, ...this.#dropWaiting()], poisonedError(cause, 'unknown'))
    for (const command of this.#commands.splice(0)) command.reject(poisonedError(cause, 'unknown'))
  }

  /** Poisons the log where nobody may go on after `error`: a failed sync, a lost lock. Gives back what the caller is told. */
  poisonIfFinal(error: unknown): unknown {
    if (!isSeglogError(error) || !error.poisons) return error
    this.poison(error)
    return poisonedError(error, error.outcome)
  }

  /** Waits for what is under way, which a poisoned log leaves half-way through a roll, and closes the file. */
  async closeFile(): Promise<void> {
    await this.#looping
    while (this.#gate.isSyncing) await yieldToEventLoop()
    await this.#hooks.preallocation.settle()
    this.#active.handle.close()
  }

  /** Makes sure that what must happen before the first change of this opening has happened; only inside `run`. */
  async beforeWriting(): Promise<void> {
    if (this.#hasWritten) return
    try {
      await this.#hooks.beforeFirstWrite()
    } catch (error) {
      throw this.poisonIfFinal(error)
    }
    this.#hasWritten = true
  }

  #wake(): void {
    if (this.#running) return
    this.#running = true
    this.#looping = Promise.resolve()
      .then(() => this.#loop())
      .catch((error: unknown) => this.poison(error)) // a bug of ours: nobody may be left waiting
  }

  async #loop(): Promise<void> {
    while (this.#failure === undefined) {
      while (this.#hooks.isTurnOver()) await yieldToEventLoop()
      const command = this.#commands[0]
      if (command !== undefined && this.#writtenEnd >= command.afterOffset) {
        this.#commands.shift()
        await command.run().catch(command.reject)
        continue
      }
      this.#taken ??= this.queue.take()
      if (this.#taken === undefined) break
      await this.#writeRun(this.#taken)
    }
    this.#running = false
  }

  async #writeRun(taken: TakenBatches): Promise<void> {
    const first = taken.batches[this.#cursor]!
    this.#runStartedMs = this.#hooks.runStarted()
    try {
      this.#hooks.regainRoom()
      if (!this.#hasWritten) await this.beforeWriting()
      const reason = this.#rollReason(first, { sizeBytes: 0, firstTimestamp: undefined })
      if (reason !== null) {
        await this.roll(reason)
        this.#hooks.regainRoom() // the roll may have found the disk full
      }
      const opening = this.#hooks.reopen(this.#active) // last: a wait after it, and it may be closed again
      if (opening !== undefined) await opening
    } catch (error) {
      return this.#refuse(this.poisonIfFinal(error))
    }
    if (this.#failure !== undefined) return // poisoned meanwhile: what was taken has been rejected
    const end = this.#runEnd(taken, first)
    const batches = taken.batches.slice(this.#cursor, end)
    const last = batches.at(-1)!
    const bytes = taken.buffer.bytes.subarray(first.startPosition, last.startPosition + last.sizeBytes)
    try {
      this.#active.writeSync(bytes, batches, this.#hooks.now())
    } catch (error) {
      return this.#cutBackAndRefuse(error)
    }
    this.#unannounced = batches
    this.#setFull(false)
    this.#gate.wrote(bytes.length)
    this.#hooks.wrote(bytes.length)
    this.#writtenEnd = last.lastOffset + 1
    this.#cursor = end
    if (end === taken.batches.length) this.#release(taken)
    await this.#acknowledge(batches, bytes.length)
  }

  /** Place of the first batch that goes into another segment, or into the next run. */
  #runEnd(taken: TakenBatches, first: PendingBatch): number {
    const { batches } = taken
    let end = this.#cursor + 1
    let sizeBytes = first.sizeBytes
    for (; end < batches.length; end++) {
      const batch = batches[end]!
      if (sizeBytes + batch.sizeBytes > RUN_BYTES_MAX) break
      if (this.#rollReason(batch, { sizeBytes, firstTimestamp: first.maxTimestamp }) !== null) break
      if (batch.baseOffset >= (this.#commands[0]?.afterOffset ?? Infinity)) break
      sizeBytes += batch.sizeBytes
    }
    return end
  }

  #rollReason(
    batch: PendingBatch,
    ahead: { sizeBytes: number; firstTimestamp: number | undefined },
  ): RollReason | null {
    const { segment, createdMs } = this.#active
    const limits = this.#hooks.rollLimits()
    const isEmpty = segment.sizeBytes === 0
    const state = {
      baseOffset: segment.baseOffset,
      sizeBytes: segment.sizeBytes + ahead.sizeBytes,
      firstTimestamp: isEmpty ? ahead.firstTimestamp : segment.firstTimestamp,
      createdMs,
      rollJitterMs: segment.rollJitterMs,
      indexFull: this.#active.isIndexFull(limits.indexBytes),
    }
    return planRoll(state, batch, limits, this.#hooks.now())
  }

  async #acknowledge(batches: readonly PendingBatch[], sizeBytes: number): Promise<void> {
    let reached: Durability = 'os'
    for (const batch of batches) this.#unsyncedRecords += batch.recordCount
    if (batches.some((batch) => batch.wantsDisk) || this.#unsyncedRecords >= this.#hooks.flushMessages()) {
      try {
        await this.sync()
      } catch {
        return // poisoned: these have been rejected with all the others
      }
      reached = 'disk'
    } else this.#hooks.wroteUnsynced(sizeBytes)
    this.#readableEnd = batches.at(-1)!.lastOffset + 1
    this.#hooks.readable(this.#readableEnd)
    for (const batch of batches) {
      for (const append of batch.appends) {
        if (append.settled) continue
        this.#unacknowledged--
        resolveAppend(append, reached)
      }
    }
    this.#unannounced = []
    this.#hooks.preallocation.appended(this.#active)
    if (this.#runStartedMs === undefined) return
    const { baseOffset } = batches[0]!
    const lastOffset = this.#readableEnd - 1
    const records = lastOffset - baseOffset + 1
    const run = { baseOffset, lastOffset, records, bytes: sizeBytes, durability: reached }
    this.#hooks.acknowledged(run, this.#runStartedMs)
  }

  /** After a failed write: back to the last good end, so that the next append is contiguous. */
  async #cutBackAndRefuse(error: unknown): Promise<void> {
    if (isStale(error)) return this.poison(error)
    await this.#hooks.preallocation.settle()
    try {
      const wasCut = this.#active.cutBack()
      if (wasCut) await this.#sync('cut', false)
    } catch (cutError) {
      return this.poison(cutError)
    }
    this.#refuse(error)
  }

  /** Rejects the run and everything accepted behind it, in order; offsets go on from the written end. */
  #refuse(error: unknown): void {
    if (this.#failure !== undefined) return
    for (const command of this.#commands)
      command.afterOffset = Math.min(command.afterOffset, this.#writtenEnd)
    const failure = appendFailure(error, this.#active.segment.path)
    this.#setFull(failure.code === 'DISK_FULL')
    this.#rejectAll(this.#dropWaiting(), failure)
  }

  #setFull(isFull: boolean): void {
    if (this.#isFull === isFull) return
    this.#isFull = isFull
    this.#hooks.full(isFull)
  }

  #dropWaiting(): PendingAppend[] {
    const taken = this.#taken
    const appends =
      taken === undefined ? [] : taken.batches.slice(this.#cursor).flatMap((batch) => batch.appends)
    if (taken !== undefined) this.#release(taken)
    return [...appends, ...this.queue.dropAll(this.#writtenEnd)]
  }

  #release(taken: TakenBatches): void {
    this.queue.giveBack(taken.buffer)
    this.#taken = undefined
    this.#cursor = 0
  }

  #rejectAll(appends: readonly PendingAppend[], error: SeglogError): void {
    this.#unacknowledged = 0
    if (appends.some(({ settled }) => settled)) this.#loss = error
    for (const append of appends) append.reject(error)
  }
}
