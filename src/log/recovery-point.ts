import type { Clock, PinoLike, Timer } from '../core/index.ts'
import type { CheckpointFile, TopicPartition } from '../layout/index.ts'

const STORE_BYTES = 64 * 1024 * 1024
const STORE_MS = 5_000

/**
 * Keeps the recovery point checkpoint close behind what is on disk, so that little has to be scanned after a crash.
 *
 * It is stored only after the sync it describes has returned; it may lag, never lead. A failure to store it costs
 * time at the next opening and nothing else, so it is logged and tried again later; the owner is told, for whom a
 * failed sync of the directory is more than that.
 */
export class RecoveryPoint {
  readonly #checkpoint: CheckpointFile
  readonly #log: TopicPartition
  readonly #clock: Clock
  readonly #logger: PinoLike
  readonly #onFailure: (error: unknown) => void
  #durableOffset: number
  #bytesSinceStore = 0
  #timer: Timer | undefined
  #closed = false

  /** `offset`: below it everything is on disk now. */
  constructor(options: {
    checkpoint: CheckpointFile
    log: TopicPartition
    clock: Clock
    logger: PinoLike
    offset: number
    /** Told of a failure to store it, which may be one that the log must not go on after. */
    onFailure: (error: unknown) => void
  }) {
    this.#checkpoint = options.checkpoint
    this.#log = options.log
    this.#clock = options.clock
    this.#logger = options.logger
    this.#onFailure = options.onFailure
    this.#durableOffset = options.offset
  }

  /** Takes note of bytes that were written, before the sync that covers them. */
  wrote(sizeBytes: number): void {
    this.#bytesSinceStore += sizeBytes
  }

  /** Everything below `offset` is on disk: stores it soon, or now if much has been written since the last time. */
  durable(offset: number): void {
    this.#durableOffset = offset
    if (this.#bytesSinceStore >= STORE_BYTES) this.#storeLater()
    else if (!this.#closed) this.#timer ??= this.#clock.schedule(STORE_MS, () => this.#storeLater())
  }

  /** A segment that ends before `offset` is complete and on disk. */
  rolled(offset: number): void {
    this.#durableOffset = offset
    this.#storeLater()
  }

  /** Stores `offset`, above or below what was stored; resolves when it is on disk. */
  async store(offset: number): Promise<void> {
    this.#stopTimer()
    this.#durableOffset = offset
    this.#bytesSinceStore = 0
    // The file knows whether that changes it: what is stored now may be about to be overwritten by a write under way.
    await this.#checkpoint.set(this.#log.topic, this.#log.partition, offset)
  }

  /** Stores nothing more of its own accord. */
  close(): void {
    this.#closed = true
    this.#stopTimer()
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #storeLater(): void {
    if (this.#closed) return
    const offset = this.#durableOffset
    this.store(offset).catch((error: unknown) => {
      this.#logger.warn(
        { error, offset },
        'the recovery point could not be stored; the next opening may scan more',
      )
      this.#onFailure(error)
    })
  }
}
