/**
 * The sizes that a file can have which is written to and extended at the same time.
 *
 * Whoever writes at positions can't leave it to the system that a write meets the end; so a size that can't have come
 * from here is how it is noticed that somebody else has changed the file. What an extension adds counts as possible
 * from its beginning, and is looked up at its end.
 */
export class ExpectedSize {
  #min: number
  #max: number
  #extendingBytes = 0

  constructor(sizeBytes: number) {
    this.#min = sizeBytes
    this.#max = sizeBytes
  }

  /** The least size that the file may have. */
  get least(): number {
    return this.#min
  }

  /** The largest size that the file may have. */
  get most(): number {
    return this.#max
  }

  /** True when the file may have this size. */
  allows(sizeBytes: number): boolean {
    return sizeBytes >= this.#min && sizeBytes <= this.#max
  }

  /** A write that ends at `end` is about to begin; it may fail half-way. */
  writing(end: number): void {
    this.#max = Math.max(this.#max, end + this.#extendingBytes)
  }

  written(end: number): void {
    this.#min = Math.max(this.#min, end)
  }

  cutTo(sizeBytes: number): void {
    this.#min = sizeBytes
    this.#max = sizeBytes + this.#extendingBytes
  }

  extending(sizeBytes: number): void {
    this.#extendingBytes += sizeBytes
    this.#max += sizeBytes
  }

  /** An extension has ended, well or not, and left the file at `foundBytes`. */
  extended(sizeBytes: number, foundBytes: number): void {
    this.#extendingBytes -= sizeBytes
    if (this.#extendingBytes > 0 || !this.allows(foundBytes)) return // the next write says that it is another size
    this.#min = foundBytes
    this.#max = foundBytes
  }
}
