import { SeglogError } from '../core/index.ts'

/** Splits a stream of bytes at a delimiter, holding no more than one piece that is not complete. */
export class PieceSplitter {
  readonly #delimiter: Buffer
  readonly #pieceBytesMax: number
  readonly #held: Buffer[] = []
  #heldBytes = 0

  /** `pieceBytesMax` bounds what is held while a delimiter is waited for. */
  constructor(options: { delimiter: Buffer; pieceBytesMax: number }) {
    this.#delimiter = options.delimiter
    this.#pieceBytesMax = options.pieceBytesMax
  }

  /**
   * The pieces that end in `chunk`, without their delimiters; they are views of it, or copies.
   * Errors: `RECORD_TOO_LARGE` for one that is over the bound.
   */
  *push(chunk: Buffer): Generator<Buffer, void> {
    let bytes = chunk
    const tail = this.#heldTail(this.#delimiter.length - 1)
    if (tail.length > 0) {
      // The delimiter may have come in two: look at it in one, from where it can begin.
      const seam = Buffer.concat([tail, chunk.subarray(0, this.#delimiter.length - 1)])
      const at = seam.indexOf(this.#delimiter)
      if (at !== -1) {
        const piece = this.#takeHeld()
        yield piece.subarray(0, piece.length - (tail.length - at))
        bytes = chunk.subarray(at + this.#delimiter.length - tail.length)
      }
    }
    let start = 0
    for (;;) {
      const end = bytes.indexOf(this.#delimiter, start)
      if (end === -1) break
      this.#check(this.#heldBytes + end - start)
      const piece = bytes.subarray(start, end)
      yield this.#heldBytes === 0 ? piece : Buffer.concat([this.#takeHeld(), piece])
      start = end + this.#delimiter.length
    }
    this.#hold(bytes.subarray(start))
  }

  /** What stands behind the last delimiter; undefined when there is nothing. */
  finish(): Buffer | undefined {
    return this.#heldBytes === 0 ? undefined : this.#takeHeld()
  }

  #hold(rest: Buffer): void {
    if (rest.length === 0) return
    this.#check(this.#heldBytes + rest.length)
    this.#held.push(Buffer.from(rest)) // a copy: the chunk it is a view of can be much larger
    this.#heldBytes += rest.length
  }

  #takeHeld(): Buffer {
    const piece = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    this.#held.length = 0
    this.#heldBytes = 0
    return piece
  }

  /** Up to `count` of the bytes held last. */
  #heldTail(count: number): Buffer {
    const pieces: Buffer[] = []
    let left = count
    for (let slot = this.#held.length - 1; slot >= 0 && left > 0; slot--) {
      const piece = this.#held[slot]!.subarray(-left)
      pieces.unshift(piece)
      left -= piece.length
    }
    return Buffer.concat(pieces)
  }

  #check(sizeBytes: number): void {
    if (sizeBytes <= this.#pieceBytesMax) return
    throw new SeglogError(
      'RECORD_TOO_LARGE',
      `more than ${this.#pieceBytesMax} bytes without a delimiter, and max.message.bytes allows no larger record`,
      { found: sizeBytes, expected: this.#pieceBytesMax },
    )
  }
}
