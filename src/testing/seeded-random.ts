import { argumentRangeError, checkInteger, type Random } from '../core/index.ts'

const TWO_POW_32 = 0x1_0000_0000
const TWO_POW_48 = 0x1_0000_0000_0000

/**
 * Chance that a seed replays exactly: the same seed and the same calls give the same results, on every machine.
 *
 *     const random = new SeededRandom(Date.now())
 *     console.log(`seed ${random.seed}`)        // print it, and a failing run can be had again
 *
 * Not for secrets. Source: sfc32, a small fast counting generator of 128 bits by Chris Doty-Humphrey (PractRand).
 */
export class SeededRandom implements Random {
  readonly seed: number
  #a: number
  #b: number
  #c = 0
  #counter = 1

  /** Errors: TypeError or RangeError unless `seed` is a whole number from 0 to 2^53 - 1. */
  constructor(seed: number) {
    this.seed = checkInteger(seed, { name: 'seed', min: 0, max: Number.MAX_SAFE_INTEGER })
    this.#a = Math.floor(seed / TWO_POW_32) | 0
    this.#b = (seed % TWO_POW_32) | 0
    // Seeds that differ in one bit start apart only after the generator has stirred them.
    for (let round = 0; round < 16; round++) this.#next()
  }

  /** A whole number from 0 up to, not including, `limit`, each as likely as the next. */
  below(limit: number): number {
    if (limit <= 1) return 0
    if (!Number.isSafeInteger(limit) || limit >= TWO_POW_48) {
      throw argumentRangeError(`limit must be a whole number under 2^48, found ${limit}`)
    }
    // What lies above the largest multiple of `limit` would favour the small numbers: it is drawn again.
    const range = limit <= TWO_POW_32 ? TWO_POW_32 : TWO_POW_48
    const end = range - (range % limit)
    for (;;) {
      const drawn = range === TWO_POW_32 ? this.#next() : (this.#next() >>> 16) * TWO_POW_32 + this.#next()
      if (drawn < end) return drawn % limit
    }
  }

  bytes(count: number): Buffer {
    const result = Buffer.allocUnsafe(checkInteger(count, { name: 'count', min: 0, max: 0x7fff_ffff }))
    let position = 0
    for (; position + 4 <= count; position += 4) result.writeUInt32LE(this.#next(), position)
    if (position < count)
      result.writeUIntLE(this.#next() % 256 ** (count - position), position, count - position)
    return result
  }

  #next(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }
}
