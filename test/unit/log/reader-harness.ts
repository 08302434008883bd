import { appendFileSync } from 'node:fs'
import { BatchReader, type BatchReaderOptions } from '../../../src/log/batch-reader.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import { lastOffsetAt, maxTimestampAt } from '../../../src/record/index.ts'

/** Reads to the end and waits for nothing; damage is an error. */
export const options: BatchReaderOptions = {
  until: Infinity,
  follow: false,
  signal: undefined,
  maxBytes: 8192,
  onDamage: undefined,
}

export function readerOf(
  view: LogState,
  from = view.startOffset,
  more: Partial<BatchReaderOptions> = {},
): BatchReader {
  return new BatchReader(view, { offset: from, exact: true }, { ...options, ...more })
}

/** The ranges of offsets of all batches that a reader gives. */
export async function drain(reader: BatchReader): Promise<[number, number][]> {
  const ranges: [number, number][] = []
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next())
    ranges.push([batch.baseOffset, batch.lastOffset])
  return ranges
}

/** Appends a batch to the last segment, as the writer does. */
export function append(view: LogState, batch: Buffer): void {
  const segment = view.segments.last!
  appendFileSync(segment.path, batch)
  segment.sizeBytes += batch.length
  segment.nextOffset = lastOffsetAt(batch, 0) + 1
  segment.maxTimestamp = Math.max(segment.maxTimestamp, maxTimestampAt(batch, 0))
}
