import { isSeglogError, SeglogError } from '../core/index.ts'
import type { FileHandle } from '../fs/index.ts'
import type { IndexEntry } from '../offset-index/index.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  lastOffsetAt,
  describeLegacy,
  type LegacyMessage,
  legacyMessageAt,
  MAGIC,
  magicAt,
} from '../record/index.ts'
import { offsetProblem } from './batch-scan.ts'
import type { ByteSource } from './segment-files.ts'
import type { Segment } from './segment.ts'
import { FileWindow } from './window.ts'

/** A piece of a file that a search wants to see next; answered with what there is of it. */
export interface ReadRequest {
  readonly position: number
  readonly sizeBytes: number
}

/** A search that asks for bytes and does no input or output itself, so that one text serves both ways to read. */
export type Search<T> = Generator<ReadRequest, T, Buffer>

const WINDOW_BYTES = 16 * 1024

/** Where a batch lies. */
export interface BatchPlace {
  readonly position: number
  readonly sizeBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
}

/**
 * Finds the batch that holds `offset`, or else the first one after it; undefined past the last batch.
 *
 * `entry` is where the index says to start; `onWrongEntry` is told when a batch with that offset does not start there,
 * or when what follows can be read only from the head of the segment. Then the search starts at the head.
 * Errors: `BATCH_CORRUPT` for a header that can't be followed, `FORMAT_UNSUPPORTED` for one of an older format.
 */
export function* searchOffset(
  segment: Segment,
  offset: number,
  options: { entry: IndexEntry | undefined; dense: boolean; onWrongEntry: () => void },
): Search<BatchPlace | undefined> {
  const { entry, dense } = options
  const head = { position: 0, offset: segment.baseOffset }
  if (entry === undefined) return yield* walk(segment, offset, { from: head, dense })
  let isRight = yield* isBatchAt(segment, entry)
  if (isRight) {
    try {
      const found = yield* walk(segment, offset, { from: entry, dense })
      if (found !== undefined || !dense) return found
    } catch (error) {
      if (!isUnreadable(error)) throw error
      isRight = false
    }
  }
  const found = yield* walk(segment, offset, { from: head, dense }) // throws if it was damage, after all
  if (!isRight || found !== undefined) options.onWrongEntry()
  return found
}

/** True when a batch with the entry's offset starts where the entry says, as far as its header tells. */
export function* isBatchAt(segment: Segment, entry: IndexEntry): Search<boolean> {
  const remaining = segment.sizeBytes - entry.position
  if (remaining < BATCH_HEADER_BYTES) return false
  const header = yield { position: entry.position, sizeBytes: BATCH_HEADER_BYTES }
  return headerProblem(header, 0, remaining) === undefined && baseOffsetAt(header, 0) === entry.offset
}

function* walk(
  segment: Segment,
  target: number,
  options: { from: { position: number; offset: number }; dense: boolean },
): Search<BatchPlace | undefined> {
  let { position, offset: expectedOffset } = options.from
  let window: Buffer = Buffer.alloc(0)
  let windowPosition = position
  /** The first of the old messages that lead here. */
  let passed: LegacyPlace | undefined
  while (position < segment.sizeBytes) {
    if (position + BATCH_HEADER_BYTES > windowPosition + window.length) {
      window = yield { position, sizeBytes: Math.min(WINDOW_BYTES, segment.sizeBytes - position) }
      windowPosition = position
    }
    const at = position - windowPosition
    const remaining = segment.sizeBytes - position
    const place = { position, offset: expectedOffset }
    const older = options.dense ? undefined : legacyMessageAt(window, at)
    if (older !== undefined && canPass(older, { target, expectedOffset, remaining })) {
      passed ??= { ...place, message: describeLegacy(older.magic), magic: older.magic }
      position += older.sizeBytes // which may be wrong: what comes next is looked at
      expectedOffset = older.lastOffset + 1
      continue
    }
    const problem = headerProblem(window, at, remaining)
    if (problem !== undefined) {
      const { dense } = options
      const here = { ...place, ...problem }
      throw corruptAt(segment, { ...(problem.magic === undefined ? (passed ?? here) : here), dense })
    }
    passed = undefined
    const baseOffset = baseOffsetAt(window, at)
    const order = offsetProblem(baseOffset, expectedOffset, options.dense)
    if (order !== undefined) throw corruptAt(segment, { ...place, message: order.message })
    const sizeBytes = batchSizeAt(window, at)
    const lastOffset = lastOffsetAt(window, at)
    if (lastOffset < baseOffset)
      throw corruptAt(segment, { ...place, message: `last offset ${lastOffset} below ${baseOffset}` })
    if (target <= lastOffset) return { position, sizeBytes, baseOffset, lastOffset }
    position += sizeBytes
    expectedOffset = lastOffset + 1
  }
  return undefined
}

/** Where an old message lies that can't be read. */
interface LegacyPlace {
  readonly position: number
  readonly offset: number
  readonly message: string
  readonly magic: number
}

/** True for an old message that does not have to be read: it is all there, and ends below what is looked for. */
function canPass(
  { sizeBytes, lastOffset }: LegacyMessage,
  { target, expectedOffset, remaining }: { target: number; expectedOffset: number; remaining: number },
): boolean {
  return sizeBytes <= remaining && lastOffset >= expectedOffset && lastOffset < target
}

function headerProblem(
  window: Buffer,
  at: number,
  remaining: number,
): { message: string; magic?: number } | undefined {
  const older = legacyMessageAt(window, at)
  if (older !== undefined) return { message: describeLegacy(older.magic), magic: older.magic }
  if (window.length - at < BATCH_HEADER_BYTES)
    return { message: `${window.length - at} bytes where a batch header was due` }
  const magic = magicAt(window, at)
  const size = batchSizeAt(window, at)
  if (size < BATCH_HEADER_BYTES || size > remaining)
    return { message: `batch of ${size} bytes, ${remaining} are left` }
  return magic === MAGIC ? undefined : { message: `format version ${magic}, ${MAGIC} is read`, magic }
}

function isUnreadable(error: unknown): boolean {
  return isSeglogError(error, 'BATCH_CORRUPT') || isSeglogError(error, 'FORMAT_UNSUPPORTED')
}

/**
 * The error for a place in a segment that can't be read as a batch. A version of the format before this one is
 * `FORMAT_UNSUPPORTED` in a log that Kafka may have written; in one of ours it is damage like any other.
 */
export function corruptAt(
  segment: Segment,
  place: { position: number; offset: number; message: string; magic?: number; dense?: boolean },
): SeglogError {
  const { position, offset, message, magic, dense = true } = place
  const { path } = segment
  const code = !dense && (magic === 0 || magic === 1) ? 'FORMAT_UNSUPPORTED' : 'BATCH_CORRUPT'
  const text = `${path} at position ${position}, offset ${offset}: ${message}`
  return new SeglogError(code, text, { path, position, offset })
}

/** Runs a search with reads that block: about 1 µs each while the file is in memory, a disk access when it is not. */
export function runSync<T>(search: Search<T>, source: Pick<FileHandle, 'readSync'>): T {
  let step = search.next()
  while (step.done !== true) {
    const bytes = Buffer.allocUnsafe(step.value.sizeBytes)
    const count = source.readSync(bytes, step.value.position)
    step = search.next(bytes.subarray(0, count))
  }
  return step.value
}

/** What a search that does not block reads through: a read takes its way through the thread pool, so it takes a window. */
export function searchWindow(segment: Segment, source: ByteSource): FileWindow {
  return new FileWindow(source, { end: () => segment.sizeBytes, chunkBytes: WINDOW_BYTES })
}

/** Runs a search without ever blocking the event loop. */
export async function runAsync<T>(search: Search<T>, window: FileWindow): Promise<T> {
  let step = search.next()
  while (step.done !== true) {
    const { position, sizeBytes } = step.value
    step = search.next(await bytesAt(window, position, sizeBytes))
  }
  return step.value
}

/** So many bytes from `position` on, or what there is of them. */
export async function bytesAt(window: FileWindow, position: number, sizeBytes: number): Promise<Buffer> {
  const { bytes, at } = await window.at(position, sizeBytes)
  return bytes.subarray(at, at + sizeBytes)
}
