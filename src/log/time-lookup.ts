import { BatchReader } from './batch-reader.ts'
import type { LogView } from './log-view.ts'

/** A record found by its time. */
export interface TimestampOffset {
  readonly offset: number
  readonly timestamp: number
}

const READ_BYTES = 512 * 1024

/**
 * Finds the first offset, in offset order, whose record has a timestamp at or after `timestampMs`.
 *
 * Cost:   the index narrows it to one stretch of one segment, whose batches are read and verified.
 * Errors: `BATCH_CORRUPT` for damage in that stretch.
 */
export async function findTimestamp(
  view: LogView,
  timestampMs: number,
): Promise<TimestampOffset | undefined> {
  view.checkReadable()
  await view.ensureFacts()
  const { all } = view.segments
  for (let slot = Math.max(0, view.segments.slotOf(view.startOffset)); slot < all.length; slot++) {
    const segment = all[slot]!
    if (segment.maxTimestamp < timestampMs) continue
    const entry = view.index.lastBeforeTimestamp(segment.baseOffset, timestampMs)
    const from = Math.max(entry?.offset ?? segment.baseOffset, view.startOffset)
    const until = Math.min(segment.nextOffset, view.readableEndOffset)
    const found = await findIn(view, { from, until, timestampMs })
    if (found !== undefined) return found
  }
  return undefined
}

async function findIn(
  view: LogView,
  range: { from: number; until: number; timestampMs: number },
): Promise<TimestampOffset | undefined> {
  const { from, until, timestampMs } = range
  if (from >= until) return undefined
  const options = { until, follow: false, signal: undefined, maxBytes: READ_BYTES, onDamage: undefined }
  const reader = new BatchReader(view, from, options)
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      if (batch.maxTimestamp < timestampMs) continue
      for (const { offset, timestamp } of batch) {
        if (timestamp >= timestampMs && offset >= from && offset < until) return { offset, timestamp }
      }
    }
    return undefined
  } finally {
    reader.close()
  }
}
