import {
  ATTRIBUTE,
  attributesAt,
  BATCH,
  BATCH_HEADER_BYTES,
  type BatchProblem,
  baseOffsetAt,
  batchSizeAt,
  checkExtent,
  lastOffsetAt,
  LOG_OVERHEAD_BYTES,
  MAGIC_PREFIX_BYTES,
  magicAt,
  NO_PRODUCER,
  recordCountAt,
} from '../record/index.ts'
import { isZero } from '../segment/index.ts'

/** The smallest message of the oldest format. */
const LEGACY_BYTES_MIN = LOG_OVERHEAD_BYTES + 14

/** The size of the batch that `head` begins, or why that can't be believed. */
export function readExtent(
  head: Buffer,
  bounds: { left: number; batchBytesMax: number },
): number | BatchProblem {
  const { left, batchBytesMax } = bounds
  if (head.length < MAGIC_PREFIX_BYTES) {
    if (isZero(head)) return { reason: 'zeros', message: 'zeros up to the end' }
    const figures = { found: head.length, expected: BATCH_HEADER_BYTES }
    return { reason: 'too-short', message: 'too few bytes for a batch', ...figures }
  }
  const problem = checkExtent(head, 0, { batchBytesMax })
  // `head` is only the beginning of the batch, so what `checkExtent` says of the end is not to the point.
  if (problem !== undefined && problem.reason !== 'beyond-end' && problem.reason !== 'magic') return problem
  const size = batchSizeAt(head, 0)
  if (size <= left) return size
  return { reason: 'beyond-end', message: `a batch of ${size} bytes, of which ${left} are there` }
}

/** True for what only the offsets in a header are guilty of: its length is covered by a checksum that is right. */
export function isAboutOffsets({ reason }: BatchProblem): boolean {
  return reason === 'offset-range' || reason === 'delta' || reason === 'count'
}

/** True when every field of the header at the start of `head` has a value that Kafka, or this library, gives it. */
export function isOrdinary(head: Buffer): boolean {
  const lastOffsetDelta = head.readInt32BE(BATCH.lastOffsetDelta)
  const count = recordCountAt(head, 0)
  return (
    baseOffsetAt(head, 0) < Number.MAX_SAFE_INTEGER && // what is outside the safe range reads as the largest in it
    attributesAt(head, 0) < ATTRIBUTE.deleteHorizon * 2 &&
    lastOffsetDelta >= 0 &&
    count >= 0 &&
    count <= lastOffsetDelta + 1 &&
    head.readBigInt64BE(BATCH.producerId) >= NO_PRODUCER &&
    head.readInt32BE(BATCH.baseSequence) >= NO_PRODUCER
  )
}

/** The last offset of the batch that `head` begins; NaN for a message of a format that has no such field, or is cut before it. */
export function lastOffsetOf(head: Buffer): number {
  return head.length < BATCH_HEADER_BYTES ? Number.NaN : lastOffsetAt(head, 0)
}

/** True for the head of a message of the formats before this one. */
export function isLegacyHead(head: Buffer): boolean {
  const magic = magicAt(head, 0)
  return (magic === 0 || magic === 1) && batchSizeAt(head, 0) >= LEGACY_BYTES_MIN
}

/** A problem in words, with what was found and what was expected. */
export function describeProblem({ message, found, expected }: BatchProblem): string {
  return found === undefined ? message : `${message} (${found} found, ${expected} expected)`
}
