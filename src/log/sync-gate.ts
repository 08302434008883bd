import type { FileHandle } from '../fs/index.ts'
import type { WriterHooks } from './writer-hooks-type.ts'

/** Who wants to know of syncs. */
type SyncObserver = Pick<WriterHooks, 'syncStarted' | 'synced'>

/**
 * At most one fdatasync at a time, and what is known to be on disk because of it.
 *
 * A sync covers the bytes that were written before it began; so whoever needs a byte on disk that was written while
 * one is under way waits for it and starts another. An error is final: the caller poisons the log, nothing is retried.
 */
export class SyncGate {
  readonly #observer: SyncObserver
  #underWay: Promise<void> | undefined
  #durableOffset: number

  constructor(durableOffset: number, observer: SyncObserver) {
    this.#durableOffset = durableOffset
    this.#observer = observer
  }

  /** Below it everything is on disk. */
  get durableOffset(): number {
    return this.#durableOffset
  }

  get isSyncing(): boolean {
    return this.#underWay !== undefined
  }

  /** Makes everything below `writtenOffset` durable, given that `handle` holds what is not yet. */
  async sync(handle: FileHandle, writtenOffset: number): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay
    if (writtenOffset <= this.#durableOffset) return
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
    const startedMs = this.#observer.syncStarted()
    try {
      await handle.syncData()
      this.#durableOffset = Math.max(this.#durableOffset, writtenOffset)
    } finally {
      this.#underWay = undefined
    }
    if (startedMs !== undefined) this.#observer.synced(this.#durableOffset, startedMs)
  }

  /** After a cut: nothing at or above `offset` exists any more. */
  lower(offset: number): void {
    this.#durableOffset = Math.min(this.#durableOffset, offset)
  }
}
