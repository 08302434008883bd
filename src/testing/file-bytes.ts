/**
 * The bytes of a simulated file, shared between copies of it until one of them writes.
 *
 * Cost: a copy is a reference; an append is amortised, and the first one after a copy copies the file.
 */
export class FileBytes {
  #buffer: Buffer
  #length: number
  #isShared: boolean

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#buffer = Buffer.from(bytes)
    this.#length = bytes.length
    this.#isShared = false
  }

  get length(): number {
    return this.#length
  }

  /** What is there now; not to be written to, and not to be kept over a write. */
  get view(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  copy(): FileBytes {
    const copy = new FileBytes()
    copy.#buffer = this.#buffer
    copy.#length = this.#length
    copy.#isShared = true
    this.#isShared = true
    return copy
  }

  /** Puts `bytes` at `position`; what lies between the old end and there is zeros. */
  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    this.#own(Math.max(end, this.#length))
    if (position > this.#length) this.#buffer.fill(0, this.#length, position)
    this.#buffer.set(bytes, position)
    this.#length = Math.max(this.#length, end)
  }

  /** Puts zeros at `[from, end)`, as far as that is within the file. */
  zero(from: number, end: number): void {
    const last = Math.min(end, this.#length)
    if (from >= last) return
    this.#own(this.#length)
    this.#buffer.fill(0, from, last)
  }

  /** Cuts the file, or extends it with zeros. */
  resize(length: number): void {
    if (length > this.#length) {
      this.#own(length)
      this.#buffer.fill(0, this.#length, length)
    }
    this.#length = length
  }

  /** Makes sure that nobody else sees what is written, and that `capacity` bytes fit. */
  #own(capacity: number): void {
    if (!this.#isShared && capacity <= this.#buffer.length) return
    const grown = capacity <= this.#buffer.length ? this.#buffer.length : Math.max(256, capacity * 2)
    const buffer = Buffer.allocUnsafe(grown)
    this.#buffer.copy(buffer, 0, 0, this.#length)
    this.#buffer = buffer
    this.#isShared = false
  }
}
