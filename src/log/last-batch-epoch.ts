import { BATCH_HEADER_BYTES, partitionLeaderEpochAt } from '../record/index.ts'
import type { SegmentWriter } from '../segment/index.ts'

/** The leader epoch of the last batch of the active segment; 0 when there is none, or it has none. Errors: the system's. */
export function lastBatchEpoch({ segment, handle }: Pick<SegmentWriter, 'segment' | 'handle'>): number {
  if (segment.lastBatchPosition === undefined) return 0
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  const count = handle.readSync(header, segment.lastBatchPosition)
  return count < header.length ? 0 : Math.max(0, partitionLeaderEpochAt(header, 0))
}
