import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const OVERHEAD_BYTES = 12
const LENGTH_POSITION = 8
const HEADER_BYTES = 61

/** A random number of 0 or more, below `end`. */
export type Below = (end: number) => number

/** Ways in which the end of the last segment can be torn. */
export const TEARS: Readonly<Record<string, (bytes: Buffer, below: Below) => Buffer>> = {
  'not at all': (bytes) => bytes,
  'by a cut in its last batch': (bytes, below) => {
    // Its length stays: with less than that, nothing but zeros may be left, or nothing at all.
    const start = lastBatchPosition(bytes) + OVERHEAD_BYTES
    return bytes.subarray(0, start + below(Math.max(1, bytes.length - start)))
  },
  'by garbage behind it': (bytes, below) =>
    Buffer.concat([bytes, Buffer.from(Array.from({ length: 1 + below(200) }, () => below(256)))]),
  'by zeros behind it': (bytes, below) => Buffer.concat([bytes, Buffer.alloc(1 + below(5000))]),
  'by a bit that is wrong in its last batch': (bytes, below) => {
    const copy = Buffer.from(bytes)
    const start = lastBatchPosition(bytes) + 21 // from here on the checksum covers it
    copy[start + below(copy.length - start)]! ^= 1 << below(8)
    return copy
  },
  'by the head of a batch without the rest': (bytes, below) =>
    Buffer.concat([
      bytes,
      bytes
        .subarray(lastBatchPosition(bytes))
        .subarray(0, OVERHEAD_BYTES + below(HEADER_BYTES - OVERHEAD_BYTES)),
    ]),
}

/**
 * Tears the tail of the log in `directory`, as one of `TEARS` says; false where its last segment is empty: what was
 * written before that has been flushed, as far as Kafka knows, and a broker may not even start when it is torn.
 */
export function tearTail(directory: string, tear: string, below: Below): boolean {
  const path = segmentsIn(directory).at(-1)!
  const bytes = readFileSync(path)
  if (bytes.length === 0) return false
  const torn = TEARS[tear]!(bytes, below)
  if (!torn.equals(bytes)) writeFileSync(path, torn)
  return true
}

/** The paths of the segments in `directory`, in the order of their offsets. */
export function segmentsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .sort()
    .map((name) => join(directory, name))
}

/** Where the batches of a segment start; the last one may be cut off. */
export function batchPositions(bytes: Buffer): number[] {
  const positions: number[] = []
  for (let position = 0; position + HEADER_BYTES <= bytes.length; ) {
    positions.push(position)
    position += OVERHEAD_BYTES + bytes.readInt32BE(position + LENGTH_POSITION)
  }
  return positions
}

function lastBatchPosition(bytes: Buffer): number {
  return batchPositions(bytes).at(-1) ?? 0
}
