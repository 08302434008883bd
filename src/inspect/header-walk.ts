import type { FileHandle } from '../fs/index.ts'
import {
  BATCH,
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  lastOffsetAt,
  MAGIC,
  magicAt,
} from '../record/index.ts'
import { FileWindow } from '../segment/index.ts'

const CHUNK_BYTES = 64 * 1024

/** What the header of a batch says of offsets and time; nothing of it is checked. */
export interface HeaderFacts {
  readonly position: number
  readonly sizeBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
  /** Exact, whatever the bytes. */
  readonly maxTimestamp: bigint
}

/** Reads the headers of a segment: one at a position, or forward until an offset. Cost: memory is a chunk of 64 KiB. */
export class HeaderWalk {
  readonly #end: number
  readonly #window: FileWindow
  #current: HeaderFacts | undefined
  #nextPosition = 0

  constructor(handle: FileHandle) {
    this.#end = handle.sizeSync()
    this.#window = new FileWindow(handle, { end: this.#end, chunkBytes: CHUNK_BYTES })
  }

  /** The header at `position`; undefined when there can be no batch. */
  async at(position: number): Promise<HeaderFacts | undefined> {
    if (position < 0 || position + BATCH_HEADER_BYTES > this.#end) return undefined
    const { bytes, at, length } = await this.#window.at(position, BATCH_HEADER_BYTES)
    if (length < BATCH_HEADER_BYTES || magicAt(bytes, at) !== MAGIC) return undefined
    const sizeBytes = batchSizeAt(bytes, at)
    if (sizeBytes < BATCH_HEADER_BYTES || position + sizeBytes > this.#end) return undefined
    return {
      position,
      sizeBytes,
      baseOffset: baseOffsetAt(bytes, at),
      lastOffset: lastOffsetAt(bytes, at),
      maxTimestamp: bytes.readBigInt64BE(at + BATCH.maxTimestamp),
    }
  }

  /**
   * The first batch, from the one given last on, whose last offset is `offset` or above; undefined when there is none.
   *
   * Shape:  only ever goes forward, so that a file full of entries in no order costs one pass too.
   */
  async reaching(offset: number): Promise<HeaderFacts | undefined> {
    while (this.#current === undefined || this.#current.lastOffset < offset) {
      const next = await this.at(this.#nextPosition)
      if (next === undefined) return undefined
      this.#current = next
      this.#nextPosition = next.position + next.sizeBytes
    }
    return this.#current
  }
}
