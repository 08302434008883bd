import { isOffset } from '../core/index.ts'
import type { FileHandle } from '../fs/index.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  checkBatch,
  lastOffsetAt,
  MAGIC,
  magicAt,
} from '../record/index.ts'
import { offsetProblem } from './batch-scan.ts'
import { FileWindow } from './window.ts'

const CHUNK_BYTES = 1024 * 1024
const MAGIC_POSITION = 16

/** A batch found past damage. */
export interface FoundBatch {
  readonly position: number
  readonly baseOffset: number
}

/** Where to look, and which offsets a batch there can have. */
export interface ResyncRange {
  readonly from: number
  readonly end: number
  readonly offsetMin: number
  readonly offsetEnd: number
  /** True when offsets have no holes. */
  readonly dense: boolean
  readonly batchBytesMax: number
}

/**
 * Looks byte by byte for the next batch that can be believed: size and CRC right, offsets within the bounds, and
 * followed by a batch that goes on where it ends, or by the end. The last matters because the CRC does not cover the
 * offset, and because a record may hold the bytes of a batch.
 *
 * Cost: one pass over the bytes up to it; a CRC only where magic, length and offsets already fit.
 */
export async function findNextBatch(handle: FileHandle, range: ResyncRange): Promise<FoundBatch | undefined> {
  const window = new FileWindow(handle, { end: range.end, chunkBytes: CHUNK_BYTES })
  let position = range.from
  while (position + BATCH_HEADER_BYTES <= range.end) {
    const { bytes, at, length } = await window.at(position, BATCH_HEADER_BYTES)
    const skip = bytesToMagic(bytes.subarray(at, at + length))
    if (skip > 0) position += skip
    else {
      const found = await soundBatchAt(window, position, range)
      if (found !== undefined) return found
      position++
    }
  }
  return undefined
}

/** How far a batch could start at the earliest, going by its magic byte alone. */
function bytesToMagic(bytes: Buffer): number {
  const found = bytes.indexOf(MAGIC, MAGIC_POSITION)
  return found === -1 ? Math.max(1, bytes.length - MAGIC_POSITION) : found - MAGIC_POSITION
}

async function soundBatchAt(
  window: FileWindow,
  position: number,
  range: ResyncRange,
): Promise<FoundBatch | undefined> {
  const head = await window.at(position, BATCH_HEADER_BYTES)
  const size = batchSizeAt(head.bytes, head.at)
  const baseOffset = baseOffsetAt(head.bytes, head.at)
  if (size < BATCH_HEADER_BYTES || size > range.batchBytesMax || position + size > range.end) return undefined
  if (!isOffset(baseOffset) || baseOffset < range.offsetMin || baseOffset >= range.offsetEnd) return undefined
  const whole = await window.at(position, size)
  const batch = whole.bytes.subarray(whole.at, whole.at + size)
  if (checkBatch(batch, 0, { batchBytesMax: range.batchBytesMax }) !== undefined) return undefined
  const nextOffset = lastOffsetAt(batch, 0) + 1
  if (nextOffset > range.offsetEnd) return undefined
  const goesOn = await continuesAt(window, position + size, { nextOffset, range })
  return goesOn ? { position, baseOffset } : undefined
}

async function continuesAt(
  window: FileWindow,
  position: number,
  { nextOffset, range }: { nextOffset: number; range: ResyncRange },
): Promise<boolean> {
  if (position === range.end) return !range.dense || nextOffset === range.offsetEnd
  const { bytes, at, length } = await window.at(position, BATCH_HEADER_BYTES)
  if (length < BATCH_HEADER_BYTES || magicAt(bytes, at) !== MAGIC) return false
  return offsetProblem(baseOffsetAt(bytes, at), nextOffset, range.dense) === undefined
}
