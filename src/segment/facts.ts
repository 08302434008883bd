import type { LogIndex, SegmentFacts } from '../offset-index/index.ts'
import { scanBatches, type ScanProblem } from './batch-scan.ts'
import { IndexFeed, storeFacts } from './index-feed.ts'
import { Segment } from './segment.ts'
import type { SegmentFiles } from './segment-files.ts'

/** Takes over what the index knows of a segment. */
export function adoptFacts(segment: Segment, facts: SegmentFacts): void {
  segment.nextOffset = facts.nextOffset
  segment.maxTimestamp = facts.maxTimestamp
  segment.batchCount = facts.batchCount
  segment.recordCount = facts.recordCount
  segment.facts = 'stored'
}

/**
 * Learns the facts of a segment from its batch headers, and gives the index its entries anew.
 *
 * Cost:  one pass over the headers; the event loop stays free, and batches may be appended to the segment meanwhile.
 * Shape: the segment is changed once, at the end of the pass; what stopped it is given back. Its largest timestamp may
 *        lie past that; the time of the last append stands in for it, so that the segment does not expire early.
 */
export async function rebuildFacts(
  segment: Segment,
  files: SegmentFiles,
  index: LogIndex,
  options: { dense: boolean; batchBytesMax: number; indexIntervalBytes: number },
): Promise<ScanProblem | undefined> {
  const { baseOffset, path, appendedAtMs } = segment
  const learned = new Segment({ baseOffset, path, sizeBytes: 0, nextOffset: baseOffset, appendedAtMs })
  index.truncate(baseOffset, 0)
  const feed = new IndexFeed(learned, index, options.indexIntervalBytes)
  let problem: ScanProblem | undefined
  do {
    const { sizeBytes: from, nextOffset: expectedOffset } = learned
    const range = { ...options, from, end: segment.sizeBytes, expectedOffset, depth: 'headers' as const }
    const result = await scanBatches(files.source(segment), range, (batch) => feed.observe(batch))
    problem = result.problem
  } while (problem === undefined && learned.sizeBytes < segment.sizeBytes)
  segment.nextOffset = learned.nextOffset
  segment.maxTimestamp =
    problem === undefined ? learned.maxTimestamp : Math.max(learned.maxTimestamp, appendedAtMs)
  segment.firstTimestamp = learned.firstTimestamp
  segment.lastBatchPosition = learned.lastBatchPosition
  segment.batchCount = learned.batchCount
  segment.recordCount = learned.recordCount
  segment.facts = problem === undefined ? 'fresh' : 'partial'
  if (problem === undefined) storeFacts(segment, index)
  return problem
}
