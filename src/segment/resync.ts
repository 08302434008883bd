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

/** Bytes of unsound batches that are checksummed whatever comes of it, and how many more for each byte passed. */
const VAIN_BYTES_MIN = 64 * 1024 * 1024
const VAIN_BYTES_RATIO = 8

/** A batch found past damage. */
export interface FoundBatch {
  readonly position: number
  readonly baseOffset: number
}

/** Where to look, and which offsets a batch there can have. */
export interface ResyncRange {
  /** Where the damaged batch starts, or the hole where batches are missing. */
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
 *
 * Bytes made to look like thousands of long batches, each leading to a real one, are not checksummed for ever: past
 * some bytes in vain one that is sound may be passed over. More is lost then than need be, and nothing wrong is found.
 * Cost: one pass over the bytes up to it, and one over the headers behind it; a CRC only where a chain holds, of eight
 * times as many bytes at most, and 64 MiB.
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

/** A chain as far as it has been followed: whoever meets one of its batches goes on from there. */
interface Chain {
  /** Where the last batch of it ends. */
  end: number
  nextOffset: number
  isBroken: boolean
  /** The chain that it runs into. */
  into: Chain | undefined
}

/** A batch of a chain, by its header. */
interface Link {
  readonly baseOffset: number
  chain: Chain
}

class Search {
  readonly #range: ResyncRange
  readonly #window: FileWindow
  readonly #chainWindow: FileWindow
  /** Batches of chains by position, from where the search is: none is read or followed twice. */
  readonly #links = new Map<number, Link>()
  #linksMax = 1024
  #vainBytes = 0

  constructor(source: ByteSource, range: ResyncRange) {
    const { end } = range
    this.#range = range
    this.#window = new FileWindow(source, { end, chunkBytes: CHUNK_BYTES })
    this.#chainWindow = new FileWindow(source, { end, chunkBytes: CHAIN_CHUNK_BYTES })
  }

  /** The sound batch where the damaged one says it ends; or the one at `from`, if others are missing before it. */
  async stepOver(): Promise<Candidate | undefined> {
    const { from, offsetMin, dense } = this.#range
    const first = await this.#candidateAt(from)
    if (first === undefined || offsetProblem(first.baseOffset, offsetMin, dense) !== undefined)
      return undefined
    const next = await this.#candidateAt(from + first.sizeBytes)
    if (next === undefined || offsetProblem(next.baseOffset, first.nextOffset, dense) !== undefined)
      return undefined
    if (!(await this.#isSound(next))) return undefined
    const isHole = first.baseOffset > offsetMin && (await this.#isSound(first))
    return isHole ? first : next
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
        if (this.#mayCheck(position) && (await this.#isSound(candidate)))
          return { boundary, batch: candidate }
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
    let chain = this.#chainOf(this.#links.get(first.position)) ?? this.#startChain(first)
    while (!chain.isBroken) {
      const { end: position, nextOffset } = chain
      if (position - first.position > batchBytesMax) return true
      if (position > end) return !endsWhole
      if (position === end && (!dense || nextOffset === offsetEnd)) return true
      if (position + BATCH_HEADER_BYTES > end && position < end && !endsWhole) return true
      const known = this.#links.get(position)
      const next = known ?? (await this.#candidateAt(position, this.#chainWindow))
      if (next === undefined || offsetProblem(next.baseOffset, nextOffset, dense) !== undefined)
        chain.isBroken = true
      else if ('sizeBytes' in next) this.#addLink(chain, next)
      else chain = chain.into = this.#chainOf(next)
    }
    return false
  }

  #chainOf(link: Link): Chain
  #chainOf(link: Link | undefined): Chain | undefined
  #chainOf(link: Link | undefined): Chain | undefined {
    while (link?.chain.into !== undefined) link.chain = link.chain.into
    return link?.chain
  }

  #startChain(first: Candidate): Chain {
    const chain: Chain = { end: 0, nextOffset: 0, isBroken: false, into: undefined }
    this.#addLink(chain, first)
    if (this.#links.size > this.#linksMax) {
      for (const position of this.#links.keys()) if (position < first.position) this.#links.delete(position)
      this.#linksMax = Math.max(this.#linksMax, 2 * this.#links.size)
    }
    return chain
  }

  #addLink(chain: Chain, { position, sizeBytes, baseOffset, nextOffset }: Candidate): void {
    this.#links.set(position, { baseOffset, chain })
    chain.end = position + sizeBytes
    chain.nextOffset = nextOffset
  }

  /** False once so many bytes have been checksummed in vain that the search would take for ever. */
  #mayCheck(position: number): boolean {
    return this.#vainBytes <= VAIN_BYTES_MIN + VAIN_BYTES_RATIO * (position - this.#range.from)
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
    const isSound = checkBatch(bytes.subarray(at, at + sizeBytes), 0, { batchBytesMax }) === undefined
    if (!isSound) this.#vainBytes += sizeBytes
    return isSound
  }
}
