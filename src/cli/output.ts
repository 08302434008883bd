import { OutputClosedError } from './failures.ts'
import { quietErrors, type Screen } from './machine.ts'

const CHUNK_BYTES = 64 * 1024

/**
 * Standard output, in chunks.
 *
 * Shape:  `write` only keeps; whoever writes much asks `isFull` now and then and awaits `flush`, which waits for the
 *         reader, so that memory stays bounded however slow that one is.
 * Errors: `flush` throws OutputClosedError when nobody reads any more, and the system's errors.
 */
export class Output {
  readonly isTerminal: boolean
  readonly #stream: Screen
  #bytes = Buffer.allocUnsafe(CHUNK_BYTES * 2)
  #length = 0

  constructor(stream: Screen) {
    this.#stream = stream
    this.isTerminal = stream.isTTY === true
    quietErrors(stream)
  }

  /** Adds text, or bytes as they are. */
  write(piece: string | Uint8Array): void {
    if (typeof piece === 'string') {
      this.#reserve(piece.length * 3)
      this.#length += this.#bytes.write(piece, this.#length)
    } else {
      this.#reserve(piece.length)
      this.#bytes.set(piece, this.#length)
      this.#length += piece.length
    }
  }

  line(text: string): void {
    this.write(`${text}\n`)
  }

  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES
  }

  async flush(): Promise<void> {
    if (this.#length === 0) return
    const chunk = this.#bytes.subarray(0, this.#length)
    this.#bytes = Buffer.allocUnsafe(CHUNK_BYTES * 2)
    this.#length = 0
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(chunk, (error) => {
        if (error === null || error === undefined) resolve()
        else reject(isClosed(error) ? new OutputClosedError('the output was closed') : error)
      })
    })
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

function isClosed(error: Error): boolean {
  const { code } = error as { code?: unknown }
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END'
}
