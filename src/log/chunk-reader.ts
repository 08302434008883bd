import { BATCH_HEADER_BYTES, batchSizeAt } from '../record/index.ts'
import type { Segment } from '../segment/index.ts'
import type { LogView } from './log-view.ts'

/** A piece of a segment in memory, never reused: records given out are views of it. */
interface Chunk {
  readonly segment: Segment
  readonly position: number
  readonly bytes: Buffer
  readonly endOffset: number
}

interface ChunkAhead extends Omit<Chunk, 'bytes'> {
  readonly bytes: Promise<Buffer>
}

/** What was written a moment ago is in memory: to read so much takes less than the way to a thread pool and back. */
const NEW_BYTES_MAX = 64 * 1024

type ChunkView = Pick<LogView, 'files' | 'readableEndOffset' | 'unseen' | 'catchUp'>

/**
 * Reads segments forward in chunks, the next one while the last is being used.
 *
 * Cost: memory is two chunks, or one piece that is larger; each byte is read once, but for batches that do not fit. Reads
 * leave the event loop free, but for short ones of what is new.
 */
export class ChunkReader {
  readonly #view: ChunkView
  readonly #chunkBytes: number
  #chunk: Chunk | undefined
  #ahead: ChunkAhead | undefined
  #closed = false
  /** What is read next has been written since the last read. */
  #isNew = false

  constructor(view: ChunkView, chunkBytes: number) {
    this.#view = view
    this.#chunkBytes = chunkBytes
  }

  /**
   * The readable end of the log when the bytes given last were asked for: what lies past it may have been half written,
   * or cut off since.
   */
  get endOffset(): number {
    return this.#chunk?.endOffset ?? 0
  }

  /** At least `bytesMin` bytes of `segment` from `position` on, or all that it has. Errors: IO_FAILED, LOG_CLOSED. */
  async at(segment: Segment, position: number, bytesMin: number): Promise<Buffer> {
    const held = this.#chunk
    if (held !== undefined && held.segment === segment && position >= held.position) {
      const at = position - held.position
      if (held.bytes.length - at >= bytesMin) return held.bytes.subarray(at)
    }
    const chunk = await this.#load(segment, position, bytesMin)
    if (this.#closed) return chunk.bytes
    this.#chunk = chunk
    this.#readAhead(chunk)
    return chunk.bytes
  }

  /** Takes note that the end was reached, and that there is more now. */
  sawNew(): void {
    this.#isNew = true
  }

  /** Forgets what was read: the file may say something else by now. */
  drop(): void {
    this.#chunk = undefined
    this.#ahead = undefined
  }

  /** Forgets what was read, and reads no more ahead. */
  close(): void {
    this.#closed = true
    this.drop()
  }

  async #load(segment: Segment, position: number, bytesMin: number): Promise<Chunk> {
    const ahead = this.#ahead
    this.#ahead = undefined
    const wanted = Math.min(bytesMin, segment.sizeBytes - position)
    if (ahead !== undefined && ahead.segment === segment && ahead.position === position) {
      const bytes = await ahead.bytes
      if (bytes.length >= wanted) return { ...ahead, bytes }
    }
    const { readableEndOffset: endOffset } = this.#view
    const bytes = await this.#read(segment, position, Math.max(bytesMin, this.#chunkBytes))
    return { segment, position, bytes, endOffset }
  }

  #readAhead({ segment, position, bytes }: Chunk): void {
    const next = position + wholeBatchesLength(bytes)
    if (next === position || next >= segment.sizeBytes) return
    const { readableEndOffset: endOffset } = this.#view
    const ahead = this.#read(segment, next, this.#chunkBytes)
    ahead.catch(() => {}) // heard when it is awaited, or of no concern to anyone
    this.#ahead = { segment, position: next, bytes: ahead, endOffset }
  }

  async #read(segment: Segment, position: number, sizeBytes: number): Promise<Buffer> {
    const length = Math.max(0, Math.min(sizeBytes, segment.sizeBytes - position))
    this.#isNew &&= length <= NEW_BYTES_MAX
    const chunk = Buffer.allocUnsafeSlow(length)
    const source = this.#view.files.source(segment)
    const read = this.#isNew ? source.readSync : source.read
    const count = length === 0 ? 0 : await read(chunk, position)
    // The bytes may be what was written after a cut that nobody here knows of; whoever asked sees the new generation.
    const cutTo = this.#view.unseen?.cutTo ?? Infinity
    if (cutTo < Infinity) await this.#view.catchUp()
    return chunk.subarray(0, count)
  }
}

/** Bytes at the head of `bytes` that are whole batches, going by their lengths alone. */
function wholeBatchesLength(bytes: Buffer): number {
  let at = 0
  while (at + BATCH_HEADER_BYTES <= bytes.length) {
    const size = batchSizeAt(bytes, at)
    if (size < BATCH_HEADER_BYTES || at + size > bytes.length) break
    at += size
  }
  return at
}
