import { isOffset } from '../core/index.ts'
import {
  BATCH_HEADER_BYTES,
  type BatchProblem,
  baseOffsetAt,
  batchSizeAt,
  checkBatch,
  checkExtent,
  describeLegacy,
  lastOffsetAt,
  type LegacyMessage,
  legacyMessageAt,
  MAGIC,
  magicAt,
  maxTimestampAt,
  recordCountAt,
} from '../record/index.ts'
import type { ByteSource } from './segment-files.ts'
import { FileWindow, type Window } from './window.ts'

/** A batch found by a pass over a segment, as its header describes it. */
export interface ScannedBatch {
  readonly position: number
  readonly sizeBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly recordCount: number
}

/** A message of a format before version 2 that a pass went over, as its head describes it. */
export interface ScannedLegacy extends LegacyMessage {
  readonly position: number
}

/** The first place where a pass could not go on, and why. */
export interface ScanProblem {
  readonly position: number
  readonly reason: BatchProblem['reason'] | 'gap' | 'order'
  readonly message: string
  readonly found?: unknown
  readonly expected?: unknown
}

/** Which bytes of a segment a pass walks over, and what it believes. */
export interface ScanRange {
  /** Where the first batch starts. */
  readonly from: number
  /** Bytes at and past it are not looked at. */
  readonly end: number
  /** What the first batch must start with; later ones follow from it. */
  readonly expectedOffset: number
  /** Batches that start at or past it are not looked at. */
  readonly offsetEnd?: number
  /** True when offsets have no holes: a batch starts where the one before it ended. */
  readonly dense: boolean
  /** Largest batch believed. */
  readonly batchBytesMax: number
  /** `headers` reads no more than it must and checks no CRC; `checksums` reads everything. */
  readonly depth: 'headers' | 'checksums'
  /** Takes the messages of formats before version 2, whose checksums are not looked at; without it, they end the pass. */
  readonly onLegacy?: ((message: ScannedLegacy) => void) | undefined
}

/** How far a pass came. */
export interface ScanResult {
  /** Where the last whole batch ends. */
  readonly end: number
  readonly nextOffset: number
  readonly problem: ScanProblem | undefined
}

const HEADER_CHUNK_BYTES = 64 * 1024
const CHECKSUM_CHUNK_BYTES = 1024 * 1024

/** Walks over the batches of a segment and stops at the first that can't be believed; never throws for damage. */
export async function scanBatches(
  source: ByteSource,
  range: ScanRange,
  visit: (batch: ScannedBatch) => void,
): Promise<ScanResult> {
  const chunkBytes = range.depth === 'headers' ? HEADER_CHUNK_BYTES : CHECKSUM_CHUNK_BYTES
  const window = new FileWindow(source, { end: range.end, chunkBytes })
  let position = range.from
  let expectedOffset = range.expectedOffset
  const { offsetEnd = Infinity } = range
  while (position < range.end && expectedOffset < offsetEnd) {
    const head = await window.at(position, BATCH_HEADER_BYTES)
    const size = plausibleSize(head.bytes, head.at, head.length, { ...range, position })
    const mayBeOlder = typeof size !== 'number' && range.onLegacy !== undefined
    const older = mayBeOlder ? legacyIn(head, { expectedOffset, left: range.end - position }) : undefined
    if (older !== undefined) {
      range.onLegacy?.({ position, ...older })
      position += older.sizeBytes
      expectedOffset = older.lastOffset + 1
      continue
    }
    if (typeof size !== 'number') return { end: position, nextOffset: expectedOffset, problem: size }
    const whole = range.depth === 'headers' ? head : await window.at(position, size)
    const problem =
      range.depth === 'headers'
        ? undefined
        : checkBatch(whole.bytes.subarray(whole.at, whole.at + size), 0, {
            batchBytesMax: range.batchBytesMax,
          })
    if (problem !== undefined)
      return { end: position, nextOffset: expectedOffset, problem: { ...problem, position } }
    const baseOffset = baseOffsetAt(whole.bytes, whole.at)
    const order = offsetProblem(baseOffset, expectedOffset, range.dense)
    if (order !== undefined)
      return { end: position, nextOffset: expectedOffset, problem: { ...order, position } }
    const lastOffset = lastOffsetAt(whole.bytes, whole.at)
    if (lastOffset < baseOffset || !isOffset(lastOffset + 1)) {
      const message = `last offset ${lastOffset} does not follow base offset ${baseOffset}`
      const delta = { position, reason: 'delta' as const, message }
      return { end: position, nextOffset: expectedOffset, problem: delta }
    }
    visit({
      position,
      sizeBytes: size,
      baseOffset,
      lastOffset,
      maxTimestamp: maxTimestampAt(whole.bytes, whole.at),
      recordCount: recordCountAt(whole.bytes, whole.at),
    })
    position += size
    expectedOffset = lastOffset + 1
  }
  return { end: position, nextOffset: expectedOffset, problem: undefined }
}

/** What is wrong with a batch that starts with `baseOffset` where `expectedOffset` was due, if anything is. */
export function offsetProblem(
  baseOffset: number,
  expectedOffset: number,
  dense: boolean,
): Omit<ScanProblem, 'position'> | undefined {
  if (!isOffset(baseOffset)) {
    return {
      reason: 'offset-range',
      message: `offset ${baseOffset} is outside 0 to 2^53 - 1`,
      found: baseOffset,
    }
  }
  if (baseOffset === expectedOffset || (!dense && baseOffset > expectedOffset)) return undefined
  const reason = baseOffset > expectedOffset ? 'gap' : 'order'
  return {
    reason,
    message: `batch starts at offset ${baseOffset}, ${expectedOffset} was due`,
    found: baseOffset,
    expected: expectedOffset,
  }
}

/** The old message in a window, if it is one that can stand there. */
function legacyIn(
  { bytes, at, length }: Window,
  { expectedOffset, left }: { expectedOffset: number; left: number },
): LegacyMessage | undefined {
  const message = legacyMessageAt(bytes.subarray(at, at + length), 0)
  const fits = message !== undefined && message.sizeBytes <= left && message.lastOffset >= expectedOffset
  return fits ? message : undefined
}

/** The size of the batch at `at`, or why its header can't be believed; `length` bytes are there to look at. */
function plausibleSize(
  bytes: Buffer,
  at: number,
  length: number,
  range: { position: number; end: number; batchBytesMax: number; dense: boolean },
): number | ScanProblem {
  const { position } = range
  const left = range.end - position
  if (length < BATCH_HEADER_BYTES) {
    if (isZero(bytes.subarray(at, at + length)))
      return { position, reason: 'zeros', message: 'zeros up to the end' }
    const older = range.dense ? undefined : legacyMessageAt(bytes.subarray(at, at + length), 0)
    if (older !== undefined && older.sizeBytes <= left) {
      const message = describeLegacy(older.magic) // it has no header of that size, and is whole
      return { position, reason: 'magic', message, found: older.magic, expected: MAGIC }
    }
    const message = `${length} bytes where a batch header of ${BATCH_HEADER_BYTES} was due`
    return { position, reason: 'too-short', message, found: length, expected: BATCH_HEADER_BYTES }
  }
  const size = batchSizeAt(bytes, at)
  if (size > left) {
    const message = `a batch of ${size} bytes, ${left} are left`
    return { position, reason: 'beyond-end', message, found: left, expected: size }
  }
  const header = bytes.subarray(at, at + BATCH_HEADER_BYTES)
  const problem = checkExtent(header, 0, range)
  if (problem !== undefined && problem.reason !== 'beyond-end') return { ...problem, position }
  const magic = magicAt(header, 0)
  if (magic === MAGIC) return size
  const isLegacy = magic === 0 || magic === 1
  const message = isLegacy ? describeLegacy(magic) : `format version ${magic}, only ${MAGIC} is read`
  return { position, reason: 'magic', message, found: magic, expected: MAGIC }
}

const ZEROS = Buffer.alloc(64 * 1024)

/** True when every byte is zero: space that was never written. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length)
    if (!ZEROS.subarray(0, piece.length).equals(piece)) return false // compared, not counted: there may be 1 GiB of them
  }
  return true
}
