import { isOffset } from '../core/index.ts'
import { isTimestamp } from './entry-columns.ts'
import { CHECKSUM_SEED, hashInteger } from './row-checksum.ts'
import type { SegmentFacts } from './types.ts'

/** Stands for "nothing" in a column of whole numbers, none of which is below 0 otherwise. */
const NONE = -1

/** What the index has stored of a segment as a whole. */
export interface StoredSegment {
  /** Names the segment's entries; never given twice, so that entries left of a forgotten segment are nobody's. */
  readonly id: number
  readonly baseOffset: number
  /** Entries at or past this offset are dead, and wait to be deleted; Infinity: none. */
  readonly liveBelow: number
  readonly facts: SegmentFacts | undefined
}

/** log, base_offset, id, live_below, size_bytes, next_offset, max_timestamp, batch_count, record_count, checksum */
export type SegmentRow = [number, number, number, number, number, number, number, number, number, number]

const COLUMN_COUNT = 9

/** True for facts whose numbers are in range and agree with one another. */
export function isFacts(facts: SegmentFacts): boolean {
  return (
    isOffset(facts.baseOffset) &&
    isOffset(facts.sizeBytes) &&
    isOffset(facts.nextOffset) &&
    facts.nextOffset >= facts.baseOffset &&
    isTimestamp(facts.maxTimestamp) &&
    isOffset(facts.batchCount) &&
    isOffset(facts.recordCount)
  )
}

/** Encodes a segment of the log with the id `log`. */
export function encodeSegmentRow(log: number, segment: StoredSegment): SegmentRow {
  const { id, baseOffset, liveBelow, facts } = segment
  const row: SegmentRow = [
    log,
    baseOffset,
    id,
    liveBelow === Number.POSITIVE_INFINITY ? NONE : liveBelow,
    facts?.sizeBytes ?? NONE,
    facts?.nextOffset ?? NONE,
    facts?.maxTimestamp ?? NONE,
    facts?.batchCount ?? NONE,
    facts?.recordCount ?? NONE,
    0,
  ]
  row[COLUMN_COUNT] = checksumOf(row)
  return row
}

/** Decodes what a row says; undefined when it is not one that was written: a wrong type, range or checksum. */
export function decodeSegmentRow(row: readonly unknown[]): StoredSegment | undefined {
  if (row.length !== COLUMN_COUNT + 1) return undefined
  for (let column = 0; column < COLUMN_COUNT; column++) {
    const value = row[column]
    if (!Number.isSafeInteger(value) || (value as number) < NONE) return undefined
  }
  const values = row as SegmentRow
  if (checksumOf(values) !== values[COLUMN_COUNT]) return undefined
  const [, baseOffset, id, liveBelow, sizeBytes, nextOffset, maxTimestamp, batchCount, recordCount] = values
  const facts = { baseOffset, sizeBytes, nextOffset, maxTimestamp, batchCount, recordCount }
  return {
    id,
    baseOffset,
    liveBelow: liveBelow === NONE ? Number.POSITIVE_INFINITY : liveBelow,
    facts: isFacts(facts) ? facts : undefined,
  }
}

function checksumOf(row: Readonly<SegmentRow>): number {
  let hash: number = CHECKSUM_SEED.segment
  for (let column = 0; column < COLUMN_COUNT; column++) hash = hashInteger(hash, row[column]!)
  return hash
}
