import { isSafeInt64 } from '../codec/index.ts'
import { SeglogError } from '../core/index.ts'
import {
  baseOffsetAt,
  batchSizeAt,
  computeBatchCrc,
  magicAt,
  recordCountAt,
  storedCrcAt,
} from './batch-header.ts'
import {
  BATCH,
  BATCH_LENGTH_MIN,
  LEGACY_LENGTH_MIN,
  LOG_OVERHEAD_BYTES,
  MAGIC,
  MAGIC_PREFIX_BYTES,
} from './batch-layout.ts'
import { describeLegacy } from './legacy-message.ts'
import type { BatchPlace } from './types.ts'

/** Why bytes are not a good batch, in the order the checks are made. */
export type BatchProblemReason =
  | 'too-short'
  | 'zeros'
  | 'length-under-minimum'
  | 'length-over-limit'
  | 'beyond-end'
  | 'magic'
  | 'crc'
  | 'offset-range'
  | 'delta'
  | 'count'

/** What is wrong with a batch; the message says it without a place, and never shows record contents. */
export interface BatchProblem {
  readonly reason: BatchProblemReason
  readonly message: string
  readonly found?: number | string
  readonly expected?: number | string
}

/** Bounds on what is believed before it is read. */
export interface BatchLimits {
  /** Largest whole batch, in bytes. */
  readonly batchBytesMax: number
}

/**
 * Checks the batch at `at`: size, version, CRC and header, but not its records; undefined when it is good.
 *
 * Cost:   one pass over the batch for the CRC; allocates nothing that the bytes ask for.
 */
export function checkBatch(bytes: Buffer, at: number, limits: BatchLimits): BatchProblem | undefined {
  return checkExtent(bytes, at, limits) ?? checkContent(bytes, at)
}

/**
 * Checks only that the batch at `at` has a sane size and a known version, and is all there.
 *
 * Cost:   constant; `checkBatch` is this, the CRC and the header.
 */
export function checkExtent(bytes: Buffer, at: number, limits: BatchLimits): BatchProblem | undefined {
  const left = bytes.length - at
  if (left < MAGIC_PREFIX_BYTES) {
    return problemOf('too-short', 'too few bytes for a batch', { found: left, expected: MAGIC_PREFIX_BYTES })
  }
  if (isZeroPrefix(bytes, at)) return { reason: 'zeros', message: 'zeros where a batch was expected' }
  const size = batchSizeAt(bytes, at)
  const magic = magicAt(bytes, at)
  const sizeMin = LOG_OVERHEAD_BYTES + (magic === 0 || magic === 1 ? LEGACY_LENGTH_MIN : BATCH_LENGTH_MIN)
  if (size < sizeMin) {
    return problemOf('length-under-minimum', 'a batch size under the minimum', {
      found: size,
      expected: sizeMin,
    })
  }
  if (size > limits.batchBytesMax) {
    return problemOf('length-over-limit', 'a batch larger than the limit', {
      found: size,
      expected: limits.batchBytesMax,
    })
  }
  if (size > left) {
    return problemOf('beyond-end', 'a batch that ends beyond the bytes there are', {
      found: left,
      expected: size,
    })
  }
  if (magic === MAGIC) return undefined
  const what =
    magic === 0 || magic === 1
      ? describeLegacy(magic)
      : `a batch of unknown version: only version ${MAGIC} is read`
  return problemOf('magic', what, { found: magic, expected: MAGIC })
}

function checkContent(bytes: Buffer, at: number): BatchProblem | undefined {
  const storedCrc = storedCrcAt(bytes, at)
  const actualCrc = computeBatchCrc(bytes, { at, sizeBytes: batchSizeAt(bytes, at) })
  if (actualCrc !== storedCrc) {
    return problemOf('crc', 'a checksum that does not match', {
      found: hex(actualCrc),
      expected: hex(storedCrc),
    })
  }
  const baseOffset = baseOffsetAt(bytes, at)
  const lastOffsetDelta = bytes.readInt32BE(at + BATCH.lastOffsetDelta)
  if (lastOffsetDelta < 0) {
    return problemOf('delta', 'a negative last offset delta', { found: lastOffsetDelta, expected: 0 })
  }
  if (
    baseOffset < 0 ||
    !isSafeInt64(bytes, at + BATCH.baseOffset) ||
    baseOffset + lastOffsetDelta > Number.MAX_SAFE_INTEGER
  ) {
    const found = `${bytes.readBigInt64BE(at + BATCH.baseOffset)} + ${lastOffsetDelta}`
    return problemOf('offset-range', 'offsets outside the safe range', { found, expected: '0 to 2^53 - 1' })
  }
  const count = recordCountAt(bytes, at)
  if (count < 0) return problemOf('count', 'a negative record count', { found: count, expected: 0 })
  if (count > lastOffsetDelta + 1) {
    return problemOf('count', 'more records than the batch has offsets', {
      found: count,
      expected: lastOffsetDelta + 1,
    })
  }
  return undefined
}

/** The error for a problem: `FORMAT_UNSUPPORTED` for another version of the format, otherwise `BATCH_CORRUPT`. */
export function batchProblemError(
  problem: BatchProblem,
  place: BatchPlace & { offset?: number | undefined },
): SeglogError {
  const where = place.position === undefined ? '' : ` at position ${place.position}`
  const file = place.path === undefined ? '' : ` of ${place.path}`
  const { reason, message, found, expected } = problem
  const figures = found === undefined ? '' : ` (${found} found, ${expected} expected)`
  const code = reason === 'magic' ? 'FORMAT_UNSUPPORTED' : 'BATCH_CORRUPT'
  return new SeglogError(code, `${message}${figures}${where}${file}`, { ...place, found, expected })
}

type Figures = Required<Pick<BatchProblem, 'found' | 'expected'>>

function problemOf(reason: BatchProblemReason, message: string, figures: Figures): BatchProblem {
  return { reason, message, ...figures }
}

function isZeroPrefix(bytes: Buffer, at: number): boolean {
  for (let slot = at; slot < at + MAGIC_PREFIX_BYTES; slot++) if (bytes[slot] !== 0) return false
  return true
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
