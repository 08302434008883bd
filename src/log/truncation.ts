/*
 * Dropping everything at and above an offset: the only operation that takes acknowledged records back. It runs in the
 * writer's queue, so nothing is written meanwhile.
 *
 *   0. everything accepted before is written and synced; the records kept of a batch cut in two are encoded anew
 *   1. watermark lowered; recovery point lowered, leader epochs cut and generation raised, durably
 *                              the commit point: nothing at or above the offset is promised any more
 *   2. what Kafka keeps beside segments that change is removed; later segments to .deleted, newest first, directory synced
 *   3. the segment that holds the offset ends before it:
 *        between two batches   cut there, synced
 *        inside a batch        its head and the batch of kept records to <segment>.tmp, synced, renamed over it
 *   4. index rows and remembered batches dropped; the segment is the active one now; readers look again
 * A crash after 1 leaves whole batches above the offset, which opening keeps: they are valid, merely not dropped. A
 * crash after 2 leaves the same up to that segment's end. Records below the offset are on disk all the time.
 */
import { assert, SeglogError } from '../core/index.ts'
import { replaceFile } from '../fs/index.ts'
import { formatEpochs, lastEpoch, readEpochs, truncateEpochsFromEnd } from '../layout/index.ts'
import { decodeBatch, encodeBatch } from '../record/index.ts'
import { runAsync, type Segment, SegmentWriter, searchOffset } from '../segment/index.ts'
import { operationFailure, outOfRange, poisonedError } from './failures.ts'
import { removeSidecars } from './kafka-sidecars.ts'
import { identityName, writeIdentity } from './log-identity.ts'
import type { LogParts } from './log-parts.ts'
import { rewriteSegment } from './rewrite-segment.ts'

/**
 * Readers are told twice, before the first byte goes and after the last: so many generations one truncation takes. Odd
 * ones, as followers know, are those in between.
 */
const GENERATIONS_PER_CUT = 2

/** Where the segment that stays will end. */
interface Cut {
  readonly segment: Segment
  readonly position: number
  /** Records of the batch at `position` that stay, as one batch; empty when the cut lies between two batches. */
  readonly keptBytes: Buffer
}

/**
 * Drops every record at and above `offset`; appends made until it has resolved are refused with LOG_TRUNCATED.
 * Errors: OFFSET_OUT_OF_RANGE, BATCH_CORRUPT; nothing changed then.
 */
export async function truncateTo(parts: LogParts, offset: number): Promise<void> {
  const { queue } = parts.writer
  const refusal = new SeglogError(
    'LOG_TRUNCATED',
    'the log is being truncated: append again when that has resolved',
    { path: parts.paths.directory, outcome: 'not-written' },
  )
  queue.refusal = refusal
  try {
    await parts.maintenance.run(() => parts.writer.run(() => truncateAlone(parts, offset)))
  } finally {
    if (queue.refusal === refusal) queue.refusal = undefined // else a later truncation waits, and ends it
  }
}

async function truncateAlone(parts: LogParts, offset: number): Promise<void> {
  const { state, writer } = parts
  const { startOffset, readableEndOffset } = state
  if (offset < startOffset || offset > writer.writtenEnd)
    throw outOfRange(offset, { startOffset, readableEndOffset })
  if (offset === writer.writtenEnd) return
  assert(writer.queue.isEmpty, 'appends were accepted during a truncation')
  const cut = await findCut(parts, offset)
  try {
    await writer.beforeWriting()
  } catch (error) {
    throw operationFailure(error, `truncating the log in ${parts.paths.directory}`)
  }
  await writer.sync()
  try {
    await lowerPromises(parts, offset)
    await removeSidecars(parts, { from: cut.segment.baseOffset })
    await removeAbove(parts, offset, cut)
    state.cut(offset) // once more: readers may have seen the old bytes after the first time
    parts.publish()
  } catch (error) {
    writer.poison(error) // half cut: only opening anew knows what is there
    throw poisonedError(error, undefined)
  }
}

async function findCut(parts: LogParts, offset: number): Promise<Cut> {
  const { state } = parts
  const segment = state.segments.floor(offset)!
  const place = await runAsync(
    searchOffset(segment, offset, { entry: undefined, dense: state.dense, onWrongEntry: () => {} }),
    () => state.files.handle(segment),
  )
  const noBytes = Buffer.alloc(0)
  if (place === undefined) return { segment, position: segment.sizeBytes, keptBytes: noBytes }
  const { position, sizeBytes, baseOffset } = place
  if (baseOffset >= offset) return { segment, position, keptBytes: noBytes }
  const bytes = Buffer.allocUnsafe(sizeBytes)
  await state.files.handle(segment).read(bytes, position)
  const batch = decodeBatch(bytes, {
    decompressedBytesMax: state.decompressedBytesMax,
    place: { path: segment.path, position },
  })
  const kept = [...batch.rawRecords()].filter((record) => record.offset < offset)
  if (kept.length === 0) return { segment, position, keptBytes: noBytes }
  const { timestampType, maxTimestamp, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = batch
  const keptBytes = encodeBatch(kept, {
    baseOffset,
    lastOffset: offset - 1,
    timestampType,
    ...(timestampType === 'LogAppendTime' ? { maxTimestamp } : {}),
    partitionLeaderEpoch,
    producerId,
    producerEpoch,
    baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    deleteHorizonMs: batch.deleteHorizonMs,
  })
  return { segment, position, keptBytes }
}

/** Step 1. */
async function lowerPromises(parts: LogParts, offset: number): Promise<void> {
  const { state, fileSystem, paths } = parts
  state.cut(offset)
  parts.publish()
  await parts.recoveryPoint.store(Math.min(offset, parts.writer.durableOffset))
  const epochs = readEpochs(fileSystem, paths.leaderEpochs).value ?? []
  const left = truncateEpochsFromEnd(epochs, offset)
  if (left.length < epochs.length) {
    await replaceFile(fileSystem, paths.leaderEpochs, formatEpochs(left))
    parts.leaderEpoch = lastEpoch(left)
  }
  const generation = parts.identity.generation + GENERATIONS_PER_CUT
  parts.identity = { ...parts.identity, generation }
  await writeIdentity(fileSystem, paths.topicProperties, parts.identity)
}

/** Steps 2 to 4. */
async function removeAbove(parts: LogParts, offset: number, cut: Cut): Promise<void> {
  const { state, fileSystem, paths, writer } = parts
  const { segment } = cut
  const later = state.segments.all.filter((other) => other.baseOffset > segment.baseOffset)
  state.segments.remove(new Set(later))
  await parts.removal.remove(later, { delayMs: state.config['file.delete.delay.ms'], newestFirst: true })
  writer.active.handle.close()
  state.files.forget(segment)
  if (cut.keptBytes.length > 0) {
    const copyPath = paths.segmentCopy(segment.baseOffset)
    await rewriteSegment(fileSystem, segment.path, { copyPath, sizeBytes: cut.position, tail: cut.keptBytes })
    state.files.forget(segment) // a reader may have opened the file that is gone now
  }
  const handle = fileSystem.openSync(segment.path, 'append')
  const end = cut.position + cut.keptBytes.length
  if (handle.sizeSync() > end) handle.truncateSync(end)
  await handle.syncData()
  if (handle.sizeSync() !== end) {
    throw new SeglogError(
      'IO_FAILED',
      `${segment.path} has ${handle.sizeSync()} bytes after it was cut to ${end}`,
      {
        path: segment.path,
      },
    )
  }
  segment.sizeBytes = end
  segment.nextOffset = offset
  if (end === 0) segment.firstWriteMs = undefined
  for (const gone of later) state.index.drop(gone.baseOffset)
  await state.learnFacts(segment)
  await state.index.settle() // or dropped rows could come back beside what is written in their place
  const indexIntervalBytes = state.config['index.interval.bytes']
  const active = new SegmentWriter({
    segment,
    handle,
    createdMs: parts.clock.now(),
    index: state.index,
    indexIntervalBytes,
  })
  writer.replaceActive(active, offset)
  parts.logger.info({ offset, identity: identityName(parts.identity) }, 'the log was truncated')
}
