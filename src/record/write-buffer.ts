import { assert } from '../core/index.ts'

const CAPACITY_MIN = 4096

/**
 * Memory that batches are written into, one behind another; grows by doubling and keeps what is in it.
 *
 * Shape:  `bytes` is replaced when it grows, so hold positions, not views; only `[0, length)` has been written.
 *         While a batch is open in it, `take`, `swap` and `reset` are out of bounds.
 */
export class WriteBuffer {
  bytes: Buffer
  length = 0
  readonly #capacityKept: number

  /** Starts with `capacity` bytes; `reset` gives back whatever it has grown beyond them. */
  constructor(capacity: number) {
    this.#capacityKept = Math.max(CAPACITY_MIN, capacity)
    this.bytes = Buffer.allocUnsafeSlow(this.#capacityKept)
  }

  /** Makes room for `extraBytes` behind `length`. */
  reserve(extraBytes: number): void {
    const needed = this.length + extraBytes
    if (needed > this.bytes.length) this.#grow(needed)
  }

  /** A view of what has been written, good until the next `reset`. */
  filled(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  /** Hands over what has been written, memory and all, and goes on with new memory. */
  take(): Buffer {
    const filled = this.filled()
    this.bytes = Buffer.allocUnsafeSlow(this.#capacityKept)
    this.length = 0
    return filled
  }

  /** Trades memory and contents with `other`, so that one can be written out while the other is filled. */
  swap(other: WriteBuffer): void {
    const { bytes, length } = this
    this.bytes = other.bytes
    this.length = other.length
    other.bytes = bytes
    other.length = length
  }

  /** Forgets what has been written; the memory is used again. */
  reset(): void {
    this.length = 0
    if (this.bytes.length > this.#capacityKept) this.bytes = Buffer.allocUnsafeSlow(this.#capacityKept)
  }

  #grow(needed: number): void {
    assert(Number.isSafeInteger(needed), 'a write buffer was asked for no number of bytes')
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    grown.set(this.filled())
    this.bytes = grown
  }
}
