import { VARINT_BYTES_MAX, VARLONG_BYTES_MAX } from './varint.ts'

/** Says what is wrong with the byte at `position`, by throwing. */
export type ReportDamage = (what: string, position: number) => never

/**
 * Reads variable-length fields one behind another, never past `end`; nothing it reads is trusted.
 *
 * Shape:  `end` may be moved inside `bytes`, to fence off a part; `readBytes` gives views, not copies.
 * Errors: whatever `reportDamage` throws: a field that passes `end`, an integer that is too long or too large.
 */
export class ByteCursor {
  readonly bytes: Buffer
  position: number
  end: number
  readonly #reportDamage: ReportDamage

  constructor(bytes: Buffer, range: { start: number; end: number }, reportDamage: ReportDamage) {
    this.bytes = bytes
    this.position = range.start
    this.end = range.end
    this.#reportDamage = reportDamage
  }

  /** Steps over `count` bytes. */
  skip(count: number): void {
    if (count > this.end - this.position) this.#passesEnd(`${count} bytes`)
    this.position += count
  }

  /** A view of the next `count` bytes. */
  readBytes(count: number): Buffer {
    const start = this.position
    if (count > this.end - start) this.#passesEnd(`${count} bytes`)
    this.position = start + count
    return this.bytes.subarray(start, start + count)
  }

  /** The next `count` bytes as UTF-8 text; what is no UTF-8 becomes U+FFFD. */
  readText(count: number): string {
    const start = this.position
    if (count > this.end - start) this.#passesEnd(`${count} bytes`)
    this.position = start + count
    return this.bytes.toString('utf8', start, start + count)
  }

  /** A zigzag integer of 32 bits. */
  readVarint(): number {
    const { bytes, position } = this
    if (position < this.end) {
      const first = bytes[position]!
      if (first < 0x80) {
        this.position = position + 1
        return (first >>> 1) ^ -(first & 1)
      }
      if (position + 1 < this.end) {
        const second = bytes[position + 1]!
        if (second < 0x80) {
          this.position = position + 2
          return (((first & 0x7f) | (second << 7)) >>> 1) ^ -(first & 1)
        }
      }
    }
    return this.#readAnyVarint()
  }

  /** A zigzag integer of 64 bits; a bigint only when it is no safe integer. Short ones are spelled out again, for speed. */
  readVarlong(): number | bigint {
    const { bytes, position } = this
    if (position < this.end) {
      const first = bytes[position]!
      if (first < 0x80) {
        this.position = position + 1
        return (first >>> 1) ^ -(first & 1)
      }
      if (position + 1 < this.end) {
        const second = bytes[position + 1]!
        if (second < 0x80) {
          this.position = position + 2
          return (((first & 0x7f) | (second << 7)) >>> 1) ^ -(first & 1)
        }
      }
    }
    return this.#readAnyVarlong()
  }

  #readAnyVarint(): number {
    const start = this.position
    let zigzag = 0
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      const byte = this.#readByte('an integer')
      zigzag |= (byte & 0x7f) << (7 * count)
      if (byte < 0x80) {
        if (count === VARINT_BYTES_MAX - 1 && byte > 0x0f)
          this.#reportDamage('an integer passes 32 bits', start)
        return (zigzag >>> 1) ^ -(zigzag & 1)
      }
    }
    return this.#reportDamage(`an integer of more than ${VARINT_BYTES_MAX} bytes`, start)
  }

  /** Collects the value in three parts of 28, 28 and 8 bits, each of which fits a small integer. */
  #readAnyVarlong(): number | bigint {
    const start = this.position
    const parts = [0, 0, 0]
    for (let count = 0; count < VARLONG_BYTES_MAX; count++) {
      const byte = this.#readByte('an integer')
      parts[count >> 2]! |= (byte & 0x7f) << (7 * (count & 3))
      if (byte < 0x80) {
        if (count === VARLONG_BYTES_MAX - 1 && byte > 1)
          this.#reportDamage('an integer passes 64 bits', start)
        return unzigzag(parts[0]!, parts[1]!, parts[2]!)
      }
    }
    return this.#reportDamage(`an integer of more than ${VARLONG_BYTES_MAX} bytes`, start)
  }

  #readByte(what: string): number {
    if (this.position >= this.end) this.#passesEnd(what)
    return this.bytes[this.position++]!
  }

  #passesEnd(what: string): never {
    const left = this.end - this.position
    return this.#reportDamage(`${what} expected where ${left} are left`, this.position)
  }
}

/** Undoes zigzag for a value given as its bits 0-27, 28-55 and 56-63. */
function unzigzag(low: number, middle: number, high: number): number | bigint {
  const magnitude = (low >>> 1) + middle * 2 ** 27 + high * 2 ** 55
  const value = (low & 1) === 0 ? magnitude : -magnitude - 1
  if (Number.isSafeInteger(value)) return value
  const exact = (BigInt(high) << 55n) + (BigInt(middle) << 27n) + BigInt(low >>> 1)
  return (low & 1) === 0 ? exact : -exact - 1n
}
