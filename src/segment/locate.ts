import { SeglogError } from '../core/index.ts'
import type { FileHandle } from '../fs/index.ts'
import type { IndexEntry } from '../offset-index/index.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  lastOffsetAt,
  MAGIC,
  magicAt,
} from '../record/index.ts'
import { offsetProblem } from './batch-scan.ts'
import type { Segment } from './segment.ts'

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
 * `entry` is where the index says to start; it is believed only if a batch with that offset really starts there, and
 * `onWrongEntry` is told when not. Then the search starts at the head of the segment.
 * Errors: `BATCH_CORRUPT` for a header that can't be followed.
 */
export function* searchOffset(
  segment: Segment,
  offset: number,
  options: { entry: IndexEntry | undefined; dense: boolean; onWrongEntry: () => void },
): Search<BatchPlace | undefined> {
  const { entry } = options
  if (entry !== undefined) {
    const found = yield* walk(segment, offset, { ...options, from: entry, trusted: false })
    if (found !== 'wrong-start') return found
    options.onWrongEntry()
  }
  const from = { position: 0, offset: segment.baseOffset }
  const found = yield* walk(segment, offset, { ...options, from, trusted: true })
  return found === 'wrong-start' ? undefined : found
}

function* walk(
  segment: Segment,
  target: number,
  options: { from: { position: number; offset: number }; trusted: boolean; dense: boolean },
): Search<BatchPlace | undefined | 'wrong-start'> {
  let { position } = options.from
  let expectedOffset = options.from.offset
  let window: Buffer = Buffer.alloc(0)
  let windowPosition = position
  const isStart = (): boolean => !options.trusted && position === options.from.position
  if (position > segment.sizeBytes) return 'wrong-start'
  while (position < segment.sizeBytes) {
    if (position + BATCH_HEADER_BYTES > windowPosition + window.length) {
      window = yield { position, sizeBytes: Math.min(WINDOW_BYTES, segment.sizeBytes - position) }
      windowPosition = position
    }
    const at = position - windowPosition
    const problem = headerProblem(window, at, segment.sizeBytes - position)
    if (problem !== undefined) {
      if (isStart()) return 'wrong-start'
      throw corruptAt(segment, { position, offset: expectedOffset, message: problem })
    }
    const baseOffset = baseOffsetAt(window, at)
    if (isStart() && baseOffset !== expectedOffset) return 'wrong-start'
    const order = offsetProblem(baseOffset, expectedOffset, options.dense)
    if (order !== undefined)
      throw corruptAt(segment, { position, offset: expectedOffset, message: order.message })
    const sizeBytes = batchSizeAt(window, at)
    const lastOffset = lastOffsetAt(window, at)
    if (lastOffset < baseOffset) {
      throw corruptAt(segment, {
        position,
        offset: expectedOffset,
        message: `last offset ${lastOffset} below ${baseOffset}`,
      })
    }
    if (target <= lastOffset) return { position, sizeBytes, baseOffset, lastOffset }
    position += sizeBytes
    expectedOffset = lastOffset + 1
  }
  return undefined
}

function headerProblem(window: Buffer, at: number, remaining: number): string | undefined {
  if (window.length - at < BATCH_HEADER_BYTES)
    return `${window.length - at} bytes where a batch header was due`
  const size = batchSizeAt(window, at)
  if (size < BATCH_HEADER_BYTES || size > remaining) return `batch of ${size} bytes, ${remaining} are left`
  if (magicAt(window, at) !== MAGIC) return `format version ${magicAt(window, at)}, ${MAGIC} is read`
  return undefined
}

/** The error for a place in a segment that can't be read as a batch. */
export function corruptAt(
  segment: Segment,
  place: { position: number; offset: number; message: string },
): SeglogError {
  const { position, offset, message } = place
  return new SeglogError(
    'BATCH_CORRUPT',
    `${segment.path} at position ${position}, offset ${offset}: ${message}`,
    {
      path: segment.path,
      position,
      offset,
    },
  )
}

/** Runs a search with reads that block: about 1 µs each while the file is in memory, a disk access when it is not. */
export function runSync<T>(search: Search<T>, handle: FileHandle): T {
  let step = search.next()
  while (step.done !== true) {
    const bytes = Buffer.allocUnsafe(step.value.sizeBytes)
    const count = handle.readSync(bytes, step.value.position)
    step = search.next(bytes.subarray(0, count))
  }
  return step.value
}

/** Runs a search without ever blocking the event loop. */
export async function runAsync<T>(search: Search<T>, handle: () => FileHandle): Promise<T> {
  let step = search.next()
  while (step.done !== true) {
    const bytes = Buffer.allocUnsafe(step.value.sizeBytes)
    const count = await handle().read(bytes, step.value.position)
    step = search.next(bytes.subarray(0, count))
  }
  return step.value
}
