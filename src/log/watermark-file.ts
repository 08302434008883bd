import type { PinoLike, Random } from '../core/index.ts'
import { type FileHandle, type FileSystem, type OpenFileLimit, openReopening } from '../fs/index.ts'
import { encodeWatermark, WATERMARK_BYTES, WATERMARK_SESSION_BYTES } from '../layout/index.ts'
import { isWantOfRoom } from './failures.ts'

/** How far followers in other processes may read. */
export interface WatermarkState {
  readonly generation: number
  readonly readableEndOffset: number
  readonly startOffset: number
  readonly truncatedTo: number
}

/**
 * Tells followers in other processes how far they may read, by writing 64 bytes in place; never synced.
 *
 * Cost: one small write an acknowledgement. A failure only keeps followers from moving on, so it is logged once; a file
 * that could not be made for want of room is made at a later write.
 */
export class WatermarkFile {
  readonly #open: () => FileHandle
  #handle: FileHandle | undefined
  readonly #logger: PinoLike
  readonly #bytes = Buffer.alloc(WATERMARK_BYTES)
  readonly #session: Uint8Array
  #sequence = 0
  #failed = false

  constructor(
    place: { fileSystem: FileSystem; limit: OpenFileLimit },
    path: string,
    options: { random: Random; logger: PinoLike },
  ) {
    this.#open = () => openReopening(place, path, 'overwrite')
    this.#session = options.random.bytes(WATERMARK_SESSION_BYTES)
    this.#logger = options.logger
    try {
      this.#handle = this.#open()
    } catch (error) {
      if (!isWantOfRoom(error)) throw error
      this.#fail(error)
    }
  }

  publish(state: WatermarkState): void {
    this.#sequence++
    const { generation, readableEndOffset, startOffset, truncatedTo } = state
    encodeWatermark(this.#bytes, {
      generation,
      readableEndOffset,
      startOffset,
      truncatedTo,
      session: this.#session,
      sequence: this.#sequence,
    })
    try {
      this.#handle ??= this.#open()
      this.#handle.overwriteSync(this.#bytes, 0)
    } catch (error) {
      this.#fail(error)
    }
  }

  close(): void {
    this.#handle?.close()
  }

  #fail(error: unknown): void {
    if (!this.#failed) this.#logger.warn({ error }, 'the watermark could not be written; followers will lag')
    this.#failed = true
  }
}
