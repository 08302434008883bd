import { isSeglogError } from '../core/index.ts'
import type { LogRecord, RecordBatch } from '../record/index.ts'
import type { IndexEntry } from '../offset-index/index.ts'
import { isBatchAt, runAsync, type Segment, searchWindow } from '../segment/index.ts'
import { BatchReader, type ReadStart } from './batch-reader.ts'
import { isOfMissingFile } from './failures.ts'
import type { LogView } from './log-view.ts'
import type { CheckedReadOptions } from './read-options.ts'

/** A record found by its time. */
export interface TimestampOffset {
  readonly offset: number
  readonly timestamp: number
}

type LookupOptions = Pick<CheckedReadOptions, 'onDamage' | 'signal'>

type BatchStart = Pick<IndexEntry, 'offset' | 'position'>

/** What is to be read, where its first batch lies, and what is looked for. */
interface TimeRange extends LookupOptions, Pick<ReadStart, 'at'> {
  readonly from: number
  readonly until: number
  readonly timestampMs: number
}

/** The index leads to within a few KiB of the record; only where it has less to say is more to be read. */
const FIRST_READ_BYTES = 32 * 1024
const READ_BYTES = 512 * 1024

/**
 * Finds the first offset, in offset order, whose record has a timestamp at or after `timestampMs`. A timestamp that is
 * no safe integer is no time, and is passed over. Control records count, though no read gives them: Kafka's ListOffsets
 * answers with their offsets too.
 *
 * Cost:   the index narrows it to one stretch of one segment, whose batches are read and verified.
 * Errors: `BATCH_CORRUPT` for damage in that stretch, unless `onDamage` takes it; IO_FAILED, LOG_CLOSED.
 */
export async function findTimestamp(
  view: LogView,
  timestampMs: number,
  options: LookupOptions = { onDamage: undefined, signal: undefined },
): Promise<TimestampOffset | undefined> {
  for (;;) {
    view.checkReadable()
    await view.ensureFacts()
    view.checkReadable()
    const { startOffset, generation } = view
    try {
      return await search(view, timestampMs, options)
    } catch (error) {
      if (isOfMissingFile(error)) await view.catchUp()
      const isOfStart = isSeglogError(error, 'OFFSET_OUT_OF_RANGE') || isOfMissingFile(error)
      const isOfCut = isSeglogError(error, 'LOG_TRUNCATED') || isOfMissingFile(error)
      const moved = (isOfStart && view.startOffset > startOffset) || (isOfCut && view.generation > generation)
      if (!moved) throw error // else the log has changed under the search: again, in what there is now
    }
  }
}

async function search(
  view: LogView,
  timestampMs: number,
  options: LookupOptions,
): Promise<TimestampOffset | undefined> {
  const { all } = view.segments
  for (let slot = Math.max(0, view.segments.slotOf(view.startOffset)); slot < all.length; slot++) {
    const segment = all[slot]!
    // What lies past damage is in no figure about a segment: there, only reading tells.
    const isKnown = segment.facts === 'fresh' || segment.facts === 'stored'
    if (isKnown && segment.maxTimestamp < timestampMs) continue
    const until = Math.min(segment.nextOffset, view.readableEndOffset)
    const { generation } = view
    const start = await searchStart(view, segment, timestampMs)
    const from = Math.max(start.offset, view.startOffset)
    const isThere = from === start.offset && view.generation === generation // else it may have been cut meanwhile
    const at = isThere ? { segment, position: start.position } : undefined
    const found = await findIn(view, { ...options, from, at, until, timestampMs })
    if (found !== undefined) return found
  }
  return undefined
}

/** The batch below which no record of the segment is late enough, as far as the index can be believed. */
async function searchStart(view: LogView, segment: Segment, timestampMs: number): Promise<BatchStart> {
  const head = { offset: segment.baseOffset, position: 0 }
  const entry = view.index.lastBeforeTimestamp(segment.baseOffset, timestampMs)
  if (entry === undefined) return head
  segment.acquire() // or its file would be opened anew, and stay open, once it has left the log
  try {
    if (await runAsync(isBatchAt(segment, entry), searchWindow(segment, view.files.source(segment))))
      return entry
  } finally {
    segment.release()
  }
  view.indexIsWrong(segment)
  return head
}

async function findIn(view: LogView, range: TimeRange): Promise<TimestampOffset | undefined> {
  const near = await findFrom(view, range, { maxBytes: FIRST_READ_BYTES, giveUpAfter: FIRST_READ_BYTES })
  if (near.nextOffset === undefined) return near.found
  const rest = { ...range, from: near.nextOffset, at: undefined }
  return (await findFrom(view, rest, { maxBytes: READ_BYTES, giveUpAfter: Infinity })).found
}

/** Reads until the record is found, or until so many bytes are read: then it says where to go on. */
async function findFrom(
  view: LogView,
  range: TimeRange,
  { maxBytes, giveUpAfter }: { maxBytes: number; giveUpAfter: number },
): Promise<{ found?: TimestampOffset; nextOffset?: number }> {
  const { from, at, until, timestampMs, onDamage, signal } = range
  if (from >= until) return {}
  const options = { until, follow: false, signal, maxBytes, onDamage }
  const reader = new BatchReader(view, { offset: from, exact: true, at }, options)
  let bytesRead = 0
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      if (batch.maxTimestamp >= timestampMs) {
        const record = firstRecord(batch, range)
        if (record !== undefined) return { found: { offset: record.offset, timestamp: record.timestamp } }
      }
      bytesRead += batch.sizeBytes
      if (bytesRead >= giveUpAfter) return { nextOffset: batch.lastOffset + 1 }
    }
    return {}
  } finally {
    reader.close()
  }
}

function firstRecord(
  batch: RecordBatch,
  { from, until, timestampMs, onDamage }: TimeRange,
): LogRecord | undefined {
  try {
    for (const record of batch.rawRecords()) {
      const { offset, timestamp, timestampExact } = record
      if (timestamp >= timestampMs && timestampExact === undefined && offset >= from && offset < until)
        return record
    }
  } catch (error) {
    if (onDamage === undefined || !isSeglogError(error, 'BATCH_CORRUPT')) throw error
    const { path = '', position = 0, message } = error
    const { baseOffset, lastOffset, sizeBytes } = batch
    onDamage({ path, position, offset: baseOffset, nextOffset: lastOffset + 1, sizeBytes, reason: message })
  }
  return undefined
}
