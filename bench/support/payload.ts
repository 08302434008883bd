/** Numbers that look random and are the same in every run (xorshift32). */
export class Noise {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0 || 1
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return state >>> 0
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit)
  }
}

/** Batches to write over and over: values that don't compress, each in memory of its own as a program would have them. */
export function createBatches(shape: {
  batchCount: number
  recordsPerBatch: number
  valueBytes: number
}): Buffer[][] {
  const noise = new Noise(20_260_101)
  return Array.from({ length: shape.batchCount }, () =>
    Array.from({ length: shape.recordsPerBatch }, () => {
      const value = Buffer.allocUnsafe(shape.valueBytes)
      for (let at = 0; at < value.length; at++) value[at] = noise.next()
      return value
    }),
  )
}
