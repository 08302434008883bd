import { type FileHandle, isBeingSynced } from '../fs/index.ts'
import type { SyncPace } from './sync-pace.ts'
import type { WriterHooks } from './writer-hooks-type.ts'

/** Who wants to know of syncs. */
type SyncObserver = Pick<WriterHooks, 'synced' | 'monotonic'>

/** A sync on its way. */
interface BegunSync {
  readonly startedMs: number
  readonly unsyncedBytes: number
  readonly wasInline: boolean
}

/**
 * At most one fdatasync at a time, and what is known to be on disk because of it.
 *
 * A sync covers the bytes that were written before it began; so whoever needs a byte on disk that was written while
 * one is under way waits for it and starts another. An error is final: the caller poisons the log, nothing is retried.
 */
export class SyncGate {
  readonly #observer: SyncObserver
  readonly #pace: SyncPace
  #underWay: Promise<void> | undefined
  #durableOffset: number
  /** Written since the last sync began. */
  #unsyncedBytes = 0

  constructor(durableOffset: number, observer: SyncObserver, pace: SyncPace) {
    this.#durableOffset = durableOffset
    this.#observer = observer
    this.#pace = pace
  }

  /** Below it everything is on disk. */
  get durableOffset(): number {
    return this.#durableOffset
  }

  get isSyncing(): boolean {
    return this.#underWay !== undefined
  }

  /** Takes note of bytes that the next sync has to cover. */
  wrote(sizeBytes: number): void {
    this.#unsyncedBytes += sizeBytes
  }

  /** Makes everything below `writtenOffset` durable, given that `handle` holds what is not yet; `mayBlock` the event loop. */
  async sync(handle: FileHandle, writtenOffset: number, { mayBlock }: { mayBlock: boolean }): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay
    if (writtenOffset <= this.#durableOffset) return
    if (mayBlock && this.#pace.isInline(this.#unsyncedBytes) && !isBeingSynced(handle))
      return this.#runInline(handle, writtenOffset)
    this.#underWay = this.#run(handle, writtenOffset)
    await this.#underWay
  }

  /** Makes a cut durable as well, where nothing new was written: a power loss would undo it. */
  async syncCut(handle: FileHandle, writtenOffset: number): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay
    this.#underWay = this.#run(handle, writtenOffset)
    await this.#underWay
  }

  async #run(handle: FileHandle, writtenOffset: number): Promise<void> {
    const begun = this.#begin(false)
    try {
      await handle.syncData()
      this.#durableOffset = Math.max(this.#durableOffset, writtenOffset)
    } finally {
      this.#underWay = undefined
    }
    this.#ended(begun)
  }

  #runInline(handle: FileHandle, writtenOffset: number): void {
    const begun = this.#begin(true)
    handle.syncDataSync()
    this.#durableOffset = Math.max(this.#durableOffset, writtenOffset)
    this.#ended(begun)
  }

  #begin(wasInline: boolean): BegunSync {
    const unsyncedBytes = this.#unsyncedBytes
    this.#unsyncedBytes = 0
    return { startedMs: this.#observer.monotonic(), unsyncedBytes, wasInline }
  }

  #ended({ startedMs, ...sync }: BegunSync): void {
    const ms = this.#observer.monotonic() - startedMs
    this.#pace.took(ms, sync)
    this.#observer.synced(this.#durableOffset, ms)
  }

  /** After a cut: nothing at or above `offset` exists any more. */
  lower(offset: number): void {
    this.#durableOffset = Math.min(this.#durableOffset, offset)
  }
}
