import type { ByteSource } from './segment-files.ts'

/** Bytes of a file around a position; `bytes[at]` is the byte at the position asked for. */
export interface Window {
  readonly bytes: Buffer
  readonly at: number
  /** Bytes from `at` on: fewer than asked for only at the end of the range. */
  readonly length: number
}

/**
 * A moving view of a range of a file, read in chunks, for passes that go forward.
 *
 * Cost: one asynchronous read a chunk; memory is one chunk, or the largest piece asked for at once.
 */
export class FileWindow {
  readonly #source: ByteSource
  readonly #end: () => number
  readonly #chunkBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  #position = 0

  /** `end` of the range; a function where it moves: what is read is never past it at that moment. */
  constructor(source: ByteSource, options: { end: number | (() => number); chunkBytes: number }) {
    const { end } = options
    this.#source = source
    this.#end = typeof end === 'number' ? () => end : end
    this.#chunkBytes = options.chunkBytes
  }

  /** Gives at least `bytesMin` bytes from `position`, or all there are before the end of the range. */
  async at(position: number, bytesMin: number): Promise<Window> {
    const wanted = Math.min(bytesMin, this.#end() - position)
    const held = this.#position + this.#bytes.length - position
    if (position < this.#position || held < wanted) await this.#load(position, wanted)
    const at = position - this.#position
    return { bytes: this.#bytes, at, length: Math.max(0, this.#bytes.length - at) }
  }

  async #load(position: number, wanted: number): Promise<void> {
    const size = Math.max(0, Math.min(Math.max(wanted, this.#chunkBytes), this.#end() - position))
    const chunk = Buffer.allocUnsafeSlow(size)
    const count = size === 0 ? 0 : await this.#source.read(chunk, position)
    this.#bytes = chunk.subarray(0, count)
    this.#position = position
  }
}
