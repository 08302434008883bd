/*
 * The bare baseline of appending keyed documents: a record is its key, its value, and its headers, each with its length
 * in 4 bytes before it, and before the headers how many there are. No checksum, no offsets, no recovery.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { DocumentTally, type EncodedDocument } from './documents.ts'
import type { Tally } from './tally.ts'

const LENGTH_BYTES = 4
const FIRST_BYTES = 64 * 1024

export class BareDocumentFile {
  readonly #descriptor: number
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #at = 0

  constructor(path: string) {
    this.#descriptor = openSync(path, 'a+')
  }

  /** Encodes the documents into one buffer and writes it with one call. */
  append(documents: readonly EncodedDocument[]): void {
    this.#at = 0
    for (const { key, value, headers } of documents) {
      this.#put(key)
      this.#put(value)
      this.#putCount(headers.length)
      for (const [name, bytes] of headers) {
        this.#putText(name)
        this.#put(bytes)
      }
    }
    writeSync(this.#descriptor, this.#buffer, 0, this.#at)
  }

  /** Reads the whole file back into memory, and what is in it. */
  tally(): Tally {
    const bytes = Buffer.allocUnsafeSlow(fstatSync(this.#descriptor).size)
    for (let read = 0; read < bytes.length; ) {
      const count = readSync(this.#descriptor, bytes, read, bytes.length - read, read)
      if (count === 0) throw new Error(`the file ends at ${read}`)
      read += count
    }
    const tally = new DocumentTally()
    let at = 0
    const takeCount = (): number => {
      at += LENGTH_BYTES
      return bytes.readUInt32BE(at - LENGTH_BYTES)
    }
    const take = (): Buffer => {
      const length = takeCount()
      at += length
      return bytes.subarray(at - length, at)
    }
    while (at < bytes.length) {
      const key = take()
      const value = take()
      const headers = Array.from({ length: takeCount() }, () => [take().toString(), take()] as const)
      tally.add({ key, value, headers })
    }
    return tally.take()
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #put(bytes: Uint8Array): void {
    this.#reserve(LENGTH_BYTES + bytes.length)
    this.#buffer.writeUInt32BE(bytes.length, this.#at)
    this.#buffer.set(bytes, this.#at + LENGTH_BYTES)
    this.#at += LENGTH_BYTES + bytes.length
  }

  #putText(text: string): void {
    const byteLength = Buffer.byteLength(text)
    this.#putCount(byteLength)
    this.#reserve(byteLength)
    this.#at += this.#buffer.write(text, this.#at)
  }

  #putCount(count: number): void {
    this.#reserve(LENGTH_BYTES)
    this.#buffer.writeUInt32BE(count, this.#at)
    this.#at += LENGTH_BYTES
  }

  #reserve(byteCount: number): void {
    if (this.#at + byteCount <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow((this.#at + byteCount) * 2)
    grown.set(this.#buffer.subarray(0, this.#at))
    this.#buffer = grown
  }
}
