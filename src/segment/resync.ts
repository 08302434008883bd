import { isOffset } from '../core/index.ts'
import {
  BATCH,
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  checkBatch,
  lastOffsetAt,
  LOG_OVERHEAD_BYTES,
  MAGIC,
  magicAt,
} from '../record/index.ts'
import { offsetProblem } from './batch-scan.ts'
import type { ByteSource } from './segment-files.ts'
import { FileWindow } from './window.ts'

const CHUNK_BYTES = 1024 * 1024
const CHAIN_CHUNK_BYTES = 64 * 1024

/** A batch found past damage. */
export interface FoundBatch {
  readonly position: number
  readonly baseOffset: number
}

/** Where to look, and which offsets a batch there can have. */
export interface ResyncRange {
  /** Where the damaged batch starts. */
  readonly from: number
  readonly end: number
  readonly offsetMin: number
  readonly offsetEnd: number
  /** True when offsets have no holes. */
  readonly dense: boolean
  readonly batchBytesMax: number
  /** True when the range is known to end with a whole batch; by default it may be torn. */
  readonly endsWhole?: boolean
}

/**
 * Finds the next batch that can be believed: size and CRC right, offsets within the bounds, and followed by batch after
 * batch up to the end. A record may hold the bytes of batches, with any offsets it likes, so what is found inside
 * damage is not believed by itself: such a chain breaks off where the record does. A chain longer than the largest
 * batch can't lie in a record, and is believed without its end.
 *
 * Where more damage further on breaks every chain, the damaged batch's own length is believed if it leads to a sound
 * batch that goes on where this one says it ends, unless the length is all that is wrong with it.
 * Cost: one pass over the bytes up to it, and one over the headers behind it; a CRC only where a chain holds.
 */
export async function findNextBatch(source: ByteSource, range: ResyncRange): Promise<FoundBatch | undefined> {
  const search = new Search(source, range)
  const stepped = await search.stepOver()
  if (stepped !== undefined && (await search.isChained(stepped))) return stepped
  const { boundary, batch } = await search.firstChained()
  const lengthIsWrong = boundary !== undefined && (await search.isWholeUpTo(boundary))
  return stepped === undefined || lengthIsWrong ? batch : stepped
}

/** What could be a batch, going by its header alone. */
interface Candidate extends FoundBatch {
  readonly sizeBytes: number
  readonly nextOffset: number
}

class Search {
  readonly #range: ResyncRange
  readonly #window: FileWindow
  readonly #chainWindow: FileWindow
  /** Positions on chains that broke off: none of them needs to be followed again. */
  readonly #broken = new Set<number>()

  constructor(source: ByteSource, range: ResyncRange) {
    const { end } = range
    this.#range = range
    this.#window = new FileWindow(source, { end, chunkBytes: CHUNK_BYTES })
    this.#chainWindow = new FileWindow(source, { end, chunkBytes: CHAIN_CHUNK_BYTES })
  }

  /** The sound batch where the damaged one says it ends. */
  async stepOver(): Promise<Candidate | undefined> {
    const { from, offsetMin, dense } = this.#range
    const damaged = await this.#candidateAt(from)
    if (damaged === undefined || offsetProblem(damaged.baseOffset, offsetMin, dense) !== undefined)
      return undefined
    const next = await this.#candidateAt(from + damaged.sizeBytes)
    if (next === undefined || offsetProblem(next.baseOffset, damaged.nextOffset, dense) !== undefined)
      return undefined
    return (await this.#isSound(next)) ? next : undefined
  }

  /** The first sound batch, at whatever byte, whose chain holds; and where the first chain starts, sound or not. */
  async firstChained(): Promise<{ boundary: number | undefined; batch: FoundBatch | undefined }> {
    let boundary: number | undefined
    for (let { from: position } = this.#range; position + BATCH_HEADER_BYTES <= this.#range.end; ) {
      const { bytes, at, length } = await this.#window.at(position, BATCH_HEADER_BYTES)
      if (length < BATCH_HEADER_BYTES) break // the file is shorter than it was
      const skip = this.#bytesToHeader(bytes, at, length)
      position += skip
      if (skip > 0) continue
      const candidate = await this.#candidateAt(position)
      if (candidate !== undefined && (await this.isChained(candidate))) {
        boundary ??= position
        if (await this.#isSound(candidate)) return { boundary, batch: candidate }
      }
      position++
    }
    return { boundary, batch: undefined }
  }

  /** True when the damaged batch would be sound if it ended at `position`. */
  async isWholeUpTo(position: number): Promise<boolean> {
    const { from, batchBytesMax } = this.#range
    const sizeBytes = position - from
    if (sizeBytes < BATCH_HEADER_BYTES || sizeBytes > batchBytesMax) return false
    const { bytes, at } = await this.#window.at(from, sizeBytes)
    const batch = Buffer.from(bytes.subarray(at, at + sizeBytes))
    batch.writeInt32BE(sizeBytes - LOG_OVERHEAD_BYTES, BATCH.batchLength)
    return checkBatch(batch, 0, { batchBytesMax }) === undefined
  }

  /** Follows the headers from a batch on, each going on where the one before ends. */
  async isChained(first: Candidate): Promise<boolean> {
    const { end, offsetEnd, dense, batchBytesMax, endsWhole = false } = this.#range
    const members: number[] = []
    let { position, nextOffset } = first
    for (let next: Candidate | undefined = first; next !== undefined; ) {
      if (this.#broken.has(position)) break
      members.push(position)
      position += next.sizeBytes
      nextOffset = next.nextOffset
      if (position - first.position > batchBytesMax) return true
      if (position > end) return !endsWhole
      if (position === end && (!dense || nextOffset === offsetEnd)) return true
      if (position + BATCH_HEADER_BYTES > end && position < end && !endsWhole) return true
      next = await this.#candidateAt(position, this.#chainWindow)
      if (next !== undefined && offsetProblem(next.baseOffset, nextOffset, dense) !== undefined) break
    }
    for (const member of members) this.#broken.add(member)
    return false
  }

  /** How far the next plausible header is, looking only at what is in memory. */
  #bytesToHeader(bytes: Buffer, at: number, length: number): number {
    const last = at + length - BATCH_HEADER_BYTES
    for (let start = at; start <= last; start++) {
      if (bytes[start + BATCH.magic] !== MAGIC) {
        const found = bytes.indexOf(MAGIC, start + BATCH.magic)
        if (found === -1) return length - BATCH.magic
        start = found - BATCH.magic
      }
      if (start <= last && this.#plausible(bytes, start, 0) !== undefined) return start - at
    }
    return last + 1 - at
  }

  async #candidateAt(position: number, window = this.#window): Promise<Candidate | undefined> {
    if (position + BATCH_HEADER_BYTES > this.#range.end) return undefined
    const { bytes, at, length } = await window.at(position, BATCH_HEADER_BYTES)
    return length < BATCH_HEADER_BYTES ? undefined : this.#plausible(bytes, at, position)
  }

  #plausible(bytes: Buffer, at: number, position: number): Candidate | undefined {
    const { offsetMin, offsetEnd, batchBytesMax } = this.#range
    const sizeBytes = batchSizeAt(bytes, at)
    if (magicAt(bytes, at) !== MAGIC || sizeBytes < BATCH_HEADER_BYTES || sizeBytes > batchBytesMax)
      return undefined
    const baseOffset = baseOffsetAt(bytes, at)
    const nextOffset = lastOffsetAt(bytes, at) + 1
    if (!isOffset(baseOffset) || baseOffset < offsetMin || nextOffset <= baseOffset || nextOffset > offsetEnd)
      return undefined
    return { position, sizeBytes, baseOffset, nextOffset }
  }

  async #isSound({ position, sizeBytes }: Candidate): Promise<boolean> {
    const { end, batchBytesMax } = this.#range
    if (position + sizeBytes > end) return false
    const { bytes, at } = await this.#window.at(position, sizeBytes)
    return checkBatch(bytes.subarray(at, at + sizeBytes), 0, { batchBytesMax }) === undefined
  }
}
