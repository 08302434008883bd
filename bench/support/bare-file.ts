/*
 * The bare baseline of appending: what any program could write in its place with nothing but node:fs. A record is its
 * length in 4 bytes, then its bytes; no checksum, no offsets, no recovery.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { RecordTally, type Tally } from './tally.ts'

const LENGTH_BYTES = 4
const CHUNK_BYTES = 1024 * 1024

export class BareFile {
  readonly descriptor: number
  #buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)

  constructor(path: string) {
    this.descriptor = openSync(path, 'a+')
  }

  /** Encodes the values into one buffer and writes it with one call. */
  append(values: readonly Uint8Array[]): void {
    const length = this.#encode(values)
    writeSync(this.descriptor, this.#buffer, 0, length)
  }

  /** The bytes that `append` would write, for a baseline that has nothing left to do but write. */
  encode(values: readonly Uint8Array[]): Buffer {
    const length = this.#encode(values)
    return Buffer.from(this.#buffer.subarray(0, length))
  }

  /** Writes what `encode` made. */
  write(encoded: Buffer): void {
    writeSync(this.descriptor, encoded, 0, encoded.length)
  }

  close(): void {
    closeSync(this.descriptor)
  }

  #encode(values: readonly Uint8Array[]): number {
    let at = 0
    for (let slot = 0; slot < values.length; slot++) {
      const value = values[slot]!
      if (at + LENGTH_BYTES + value.length > this.#buffer.length) this.#grow()
      this.#buffer.writeUInt32BE(value.length, at)
      this.#buffer.set(value, at + LENGTH_BYTES)
      at += LENGTH_BYTES + value.length
    }
    return at
  }

  #grow(): void {
    const grown = Buffer.allocUnsafeSlow(this.#buffer.length * 2)
    grown.set(this.#buffer)
    this.#buffer = grown
  }

  /** Reads the file back, value by value. */
  tally(): Tally {
    const tally = new RecordTally()
    const { size } = fstatSync(this.descriptor)
    for (let position = 0; position < size; ) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, size - position))
      readSync(this.descriptor, chunk, 0, chunk.length, position)
      let at = 0
      while (at + LENGTH_BYTES <= chunk.length) {
        const end = at + LENGTH_BYTES + chunk.readUInt32BE(at)
        if (end > chunk.length) break
        tally.add(chunk.subarray(at + LENGTH_BYTES, end))
        at = end
      }
      position += at
    }
    return tally.take()
  }
}
