/*
 * A pass over one segment file that goes on past whatever is wrong with it.
 *
 * A header is believed as far as the file bears it out: a batch whose checksum is wrong is still given, marked as such,
 * when another batch, or the end, follows where it says that it ends. When nothing does, its length is as doubtful as
 * the rest of it, and the next sound batch is looked for byte by byte.
 */
import { isSeglogError } from '../core/index.ts'
import type { FileHandle, FileSystem } from '../fs/index.ts'
import {
  BATCH,
  BATCH_HEADER_BYTES,
  type BatchProblem,
  baseOffsetAt,
  batchSizeAt,
  checkBatch,
  decodeBatch,
  describeLegacy,
  type LegacyMessage,
  legacyChecksumProblem,
  legacyMessageAt,
  MAGIC,
  MAGIC_PREFIX_BYTES,
  magicAt,
  type RecordBatch,
} from '../record/index.ts'
import { FileWindow, type FoundBatch, isZero, offsetProblem } from '../segment/index.ts'
import {
  describeProblem,
  isAboutOffsets,
  isLegacyHead,
  isOrdinary,
  lastOffsetOf,
  readExtent,
} from './header-check.ts'
import { NextBatchSearch } from './next-batch-search.ts'
import type { Inspected, InspectedBatch, InspectedDamage, InspectedTail, InspectOptions } from './types.ts'

const CHUNK_BYTES = 1024 * 1024
const BATCH_BYTES_MAX = 16 * 1024 * 1024
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024

/**
 * Walks over the batches of the segment file at `path`, in file order, to its end; damage is given, never thrown.
 *
 * Shape:  the end is where it is when the walk begins, but a batch that is being written there is waited for no longer
 *         than it takes to look again; whatever lies behind the last batch comes as one tail, and comes last.
 * Cost:   one pass in chunks of 1 MiB; memory is a chunk and the largest batch. Writes nothing, takes no lock.
 * Errors: the system's. While iterating a batch: what iterating any batch throws.
 */
export async function* inspectSegment(
  fileSystem: FileSystem,
  path: string,
  options: InspectOptions = {},
): AsyncGenerator<Inspected, void> {
  const handle = fileSystem.openSync(path, 'read')
  try {
    yield* new SegmentWalk(handle, options).run()
  } finally {
    handle.close()
  }
}

class SegmentWalk {
  readonly #handle: FileHandle
  readonly #batchBytesMax: number
  readonly #decompressedBytesMax: number
  readonly #offsetEnd: number
  /** The caller wants no more than the bytes up to the end: what it cuts off is no damage. */
  readonly #isCut: boolean
  /** Where the file ended when the walk began. */
  readonly #firstEnd: number
  readonly #search: NextBatchSearch
  #end: number
  #window: FileWindow
  #position = 0
  /** The lowest offset that may come next. */
  #expectedOffset: number

  constructor(handle: FileHandle, options: InspectOptions) {
    const { bytesMax = Number.POSITIVE_INFINITY } = options
    const sizeBytes = handle.sizeSync()
    this.#handle = handle
    this.#batchBytesMax = options.batchBytesMax ?? BATCH_BYTES_MAX
    this.#decompressedBytesMax = options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX
    this.#offsetEnd = options.offsetEnd ?? Number.MAX_SAFE_INTEGER
    this.#expectedOffset = options.baseOffset ?? 0
    this.#isCut = sizeBytes > bytesMax
    this.#search = new NextBatchSearch(handle, this.#batchBytesMax)
    this.#firstEnd = Math.min(sizeBytes, bytesMax)
    this.#end = this.#firstEnd
    this.#window = this.#newWindow()
  }

  async *run(): AsyncGenerator<Inspected, void> {
    while (this.#position < this.#firstEnd) {
      const found = await this.#next()
      if (found === undefined) return
      yield found
      this.#position = found.kind === 'batch' ? found.position + found.batch.sizeBytes : endOf(found)
    }
  }

  /** What lies at the position; undefined when the rest is none of the caller's business. */
  async #next(): Promise<Inspected | undefined> {
    const { bytes, at, length } = await this.#window.at(this.#position, BATCH_HEADER_BYTES)
    const head = bytes.subarray(at, at + Math.min(length, BATCH_HEADER_BYTES))
    const left = this.#end - this.#position
    const extent = readExtent(head, { left, batchBytesMax: this.#batchBytesMax })
    if (typeof extent === 'number') return this.#wholeBatch(extent)
    const reachesEnd = extent.reason === 'beyond-end' || extent.reason === 'too-short'
    if (this.#isCut && (reachesEnd || head.length < MAGIC_PREFIX_BYTES)) return undefined
    if (reachesEnd && this.#hasGrown()) return this.#next()
    if (extent.reason === 'zeros' && (await this.#isZeroToEnd())) {
      return this.#tail('zeros', 'zeros up to the end: space that was never written')
    }
    if (extent.reason === 'length-over-limit' && batchSizeAt(head, 0) <= left) {
      const sizeBytes = batchSizeAt(head, 0)
      return (await this.#startsElsewhere({ head, sizeBytes }, extent)) ?? this.#passOver(sizeBytes, extent)
    }
    return this.#searchOn(extent, reachesEnd ? 'torn' : 'invalid')
  }

  /** The batch of `sizeBytes` at the position, sound or not; or the damage that its bytes are. */
  async #wholeBatch(sizeBytes: number): Promise<Inspected> {
    const { bytes, at } = await this.#window.at(this.#position, sizeBytes)
    const whole = bytes.subarray(at, at + sizeBytes)
    const problem = checkBatch(whole, 0, { batchBytesMax: this.#batchBytesMax })
    const older = legacyMessageAt(whole, 0)
    if (older !== undefined && legacyChecksumProblem(whole) === undefined) return this.#passLegacy(older)
    if (problem !== undefined && !isAboutOffsets(problem)) {
      const elsewhere = await this.#startsElsewhere({ head: whole, sizeBytes }, problem)
      if (elsewhere !== undefined) return elsewhere
    }
    if (problem === undefined) return this.#sound(whole)
    if (problem.reason === 'magic' && !this.#isSoundButForMagic(whole))
      return this.#passOver(sizeBytes, damagedLegacy(whole) ?? problem)
    const batch = this.#tryDecode(whole)
    if (batch === undefined) return this.#passOver(sizeBytes, problem)
    const isValid = problem.reason !== 'crc'
    // The offsets of a batch whose checksum is wrong may be wrong too, and must not cast doubt on the next one.
    if (isValid) this.#expectedOffset = batch.lastOffset + 1
    const reason = problem.reason === 'magic' ? MAGIC_DAMAGED : describeProblem(problem)
    return { kind: 'batch', position: this.#position, batch, isValid, problem: reason }
  }

  #sound(whole: Buffer): InspectedBatch {
    const batch = this.#decode(whole)
    const problem = this.#placeProblem(batch)
    this.#expectedOffset = batch.lastOffset + 1
    return { kind: 'batch', position: this.#position, batch, isValid: true, problem }
  }

  #decode(whole: Buffer): RecordBatch {
    const place = { path: this.#handle.path, position: this.#position }
    return decodeBatch(whole, { decompressedBytesMax: this.#decompressedBytesMax, place })
  }

  /** A batch that is known to be wrong somewhere, if its header can be read at all. */
  #tryDecode(whole: Buffer): RecordBatch | undefined {
    try {
      return this.#decode(whole)
    } catch (error) {
      if (isSeglogError(error)) return undefined
      throw error
    }
  }

  /** Tells a batch whose version byte is damaged, which no checksum covers, from one of another version. */
  #isSoundButForMagic(whole: Buffer): boolean {
    if (whole.length < BATCH_HEADER_BYTES) return false
    const mended = Buffer.from(whole)
    mended.writeInt8(MAGIC, BATCH.magic)
    return checkBatch(mended, 0, { batchBytesMax: this.#batchBytesMax }) === undefined
  }

  /** What is wrong with where a sound batch stands. */
  #placeProblem({ baseOffset, lastOffset }: RecordBatch): string | undefined {
    const order = offsetProblem(baseOffset, this.#expectedOffset, false)
    if (order !== undefined) return order.message
    if (lastOffset < this.#offsetEnd) return undefined
    return `batch ends at offset ${lastOffset}, the next segment starts at ${this.#offsetEnd}`
  }

  /**
   * Decides whether the next batch is where a doubtful one says it ends; if it is not, gives what there is instead.
   *
   * A length that is wrong can lead past sound batches, or right to a later one, so only a follower that goes on with
   * the very next offset is believed at once: before any other, a sound batch in between is looked for.
   */
  async #startsElsewhere(
    { head, sizeBytes }: { head: Buffer; sizeBytes: number },
    problem: BatchProblem,
  ): Promise<InspectedDamage | InspectedTail | undefined> {
    const follower = await this.#follower(sizeBytes)
    if (typeof follower === 'number' && follower === lastOffsetOf(head) + 1) return undefined
    const found = await this.#findNext()
    const isInside = found !== undefined && found.position < this.#position + sizeBytes
    return follower === 'none' || isInside ? this.#skipTo(found, problem, 'invalid') : undefined
  }

  /** What follows `sizeBytes` further on: the offset a batch there starts with, `some` end, or `none` that can be. */
  async #follower(sizeBytes: number): Promise<number | 'some' | 'none'> {
    const position = this.#position + sizeBytes
    const { bytes, at, length } = await this.#window.at(position, BATCH_HEADER_BYTES)
    const head = bytes.subarray(at, at + Math.min(length, BATCH_HEADER_BYTES))
    if (head.length < BATCH_HEADER_BYTES) return 'some'
    if (isZero(head)) return 'some'
    const size = batchSizeAt(head, 0)
    const isWhole = position + size <= this.#end
    if (magicAt(head, 0) !== MAGIC) return isLegacyHead(head) && isWhole ? 'some' : 'none'
    if (size < BATCH_HEADER_BYTES || (!isWhole && size > this.#batchBytesMax) || !isOrdinary(head))
      return 'none'
    const offset = baseOffsetAt(head, 0)
    return offset >= this.#expectedOffset ? offset : 'none'
  }

  /** A message of a format before this one, whose checksum is right; so its offsets count for what follows. */
  #passLegacy({ magic, sizeBytes, lastOffset }: LegacyMessage): InspectedDamage {
    const offset = this.#expectedOffset
    this.#expectedOffset = Math.max(offset, lastOffset + 1)
    return {
      kind: 'damage',
      position: this.#position,
      sizeBytes,
      offset,
      nextOffset: this.#expectedOffset,
      reason: `${describeLegacy(magic)} (offset ${lastOffset})`,
      isUnsupported: true,
    }
  }

  /** Bytes that are no batch that can be read, whose extent is not in doubt. */
  #passOver(sizeBytes: number, problem: BatchProblem): InspectedDamage {
    return {
      kind: 'damage',
      position: this.#position,
      sizeBytes,
      offset: this.#expectedOffset,
      nextOffset: this.#expectedOffset,
      reason: describeProblem(problem),
      isUnsupported: problem.reason === 'magic' || problem.reason === 'length-over-limit',
    }
  }

  async #searchOn(
    problem: BatchProblem,
    content: 'torn' | 'invalid',
  ): Promise<InspectedDamage | InspectedTail> {
    return this.#skipTo(await this.#findNext(), problem, content)
  }

  #findNext(): Promise<FoundBatch | undefined> {
    return this.#search.find({
      from: this.#position + 1,
      end: this.#end,
      offsetMin: this.#expectedOffset,
      offsetEnd: this.#offsetEnd,
    })
  }

  /** The way to the next sound batch; or, when there is none, everything up to the end. */
  #skipTo(
    found: FoundBatch | undefined,
    problem: BatchProblem,
    content: 'torn' | 'invalid',
  ): InspectedDamage | InspectedTail {
    if (found === undefined) return this.#tail(content, describeProblem(problem))
    const offset = this.#expectedOffset
    this.#expectedOffset = found.baseOffset
    return {
      kind: 'damage',
      position: this.#position,
      sizeBytes: found.position - this.#position,
      offset,
      nextOffset: found.baseOffset,
      reason: describeProblem(problem),
      isUnsupported: false,
    }
  }

  #tail(content: InspectedTail['content'], reason: string): InspectedTail {
    const position = this.#position
    return { kind: 'tail', position, sizeBytes: this.#end - position, content, reason }
  }

  async #isZeroToEnd(): Promise<boolean> {
    for (let position = this.#position; position < this.#end; ) {
      const { bytes, at, length } = await this.#window.at(position, 1)
      if (length === 0) return true
      if (!isZero(bytes.subarray(at, at + length))) return false
      position += length
    }
    return true
  }

  /** Looks at the end again: a batch that stands across it may have been half written. */
  #hasGrown(): boolean {
    const sizeBytes = this.#handle.sizeSync()
    if (sizeBytes <= this.#end) return false
    this.#end = sizeBytes
    this.#window = this.#newWindow()
    return true
  }

  #newWindow(): FileWindow {
    return new FileWindow(this.#handle, { end: this.#end, chunkBytes: CHUNK_BYTES })
  }
}

const MAGIC_DAMAGED = `its version is not ${MAGIC}, and all else is right: no checksum covers that byte`

/** What is wrong with an old message whose checksum is not right. */
function damagedLegacy(whole: Buffer): BatchProblem | undefined {
  const older = legacyMessageAt(whole, 0)
  const figures = older && legacyChecksumProblem(whole)
  if (figures === undefined) return undefined
  const message = `a message of the old format, version ${older?.magic}, with a checksum that does not match`
  return { reason: 'crc', message, ...figures }
}

function endOf({ position, sizeBytes }: InspectedDamage | InspectedTail): number {
  return position + sizeBytes
}
