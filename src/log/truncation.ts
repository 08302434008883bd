/*
 * Dropping everything at and above an offset: the only operation that takes acknowledged records back. It runs in the
 * writer's queue, so nothing is written meanwhile.
 *
 *   0. everything accepted before is written, the zeros ahead of it are cut off, and all is synced; the records kept of a batch cut in two are encoded anew
 *   1. if there are such records: the segment's head and they to <segment>.tmp, synced
 *                              crash: a .tmp, removed at the next opening
 *   2. recovery point lowered, durably; and what Kafka stored of the log: up to where it is compacted, and replicated
 *                              crash: more is scanned, or compacted again
 *   3. generation raised, durably
 *                              the commit point: nothing at or above the offset is promised any more
 *                              crash: the index and the clean marker are not believed, which costs time
 *   4. readers and followers told: nothing is read at or above the offset from here on
 *   5. what Kafka keeps beside segments that change is removed; later segments to .deleted, newest first, directory synced
 *   6. the segment that holds the offset ends before it:
 *        between two batches   cut there, synced
 *        inside a batch        <segment>.tmp renamed over it, directory synced
 *   7. index rows and remembered batches dropped; the segment is the active one now
 *   8. leader epochs that began at or above the offset dropped, durably; readers look again
 *                              crash before it: opening counts none that begins above the end
 * A crash after 3 leaves whole batches above the offset, which opening keeps: they are valid, merely not dropped. A
 * crash after 5 leaves the same up to that segment's end. Records below the offset are on disk all the time.
 *
 * What needs room on the disk comes before anything is visible: a failure of 1 to 3, want of room above all, leaves the log
 * as it was, and it goes on. A failed sync, and any failure from 4 on, poisons it.
 */
import { assert, SeglogError } from '../core/index.ts'
import {
  type FileHandle,
  type FileSystem,
  type OpenFileLimit,
  openReopening,
  replaceFile,
} from '../fs/index.ts'
import {
  formatEpochs,
  lastEpoch,
  openCheckpointFile,
  readEpochs,
  truncateEpochsFromEnd,
} from '../layout/index.ts'
import { decodeBatch, encodeBatch } from '../record/index.ts'
import { runAsync, type Segment, SegmentWriter, searchOffset, searchWindow } from '../segment/index.ts'
import { operationFailure, outOfRange, poisonedError } from './failures.ts'
import { removeSidecars } from './kafka-sidecars.ts'
import { identityAfterCut, identityName, writeIdentity } from './log-identity.ts'
import type { LogParts } from './log-parts.ts'
import { activeMode } from './preallocation.ts'
import { copySegment, placeCopy } from './rewrite-segment.ts'

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
  await writer.syncAsEnd()
  try {
    await lowerPromises(parts, offset, cut)
    writer.checkAlive() // by the failed sync of a checkpoint, say: half of it is not to become the whole
  } catch (error) {
    throw await abandon(parts, cut, error)
  }
  try {
    state.cut(offset)
    parts.publish()
    await removeSidecars(parts, { from: cut.segment.baseOffset })
    await removeAbove(parts, offset, cut)
    await dropEpochs(parts, offset)
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
    searchWindow(segment, state.files.source(segment)),
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

/** Steps 1 to 3. Errors: the system's; nothing that matters has changed then. */
async function lowerPromises(parts: LogParts, offset: number, cut: Cut): Promise<void> {
  const { fileSystem, paths } = parts
  const { segment, position: sizeBytes, keptBytes: tail } = cut
  const copyPath = paths.segmentCopy(segment.baseOffset)
  if (tail.length > 0) await copySegment(fileSystem, segment.path, { copyPath, sizeBytes, tail })
  await parts.recoveryPoint.store(Math.min(offset, parts.writer.durableOffset))
  await lowerPoints(parts, offset)
  const identity = identityAfterCut(parts.identity, offset)
  await writeIdentity(fileSystem, paths.topicProperties, identity)
  parts.identity = identity
}

/** What Kafka would go on believing of records that come to lie where those were which are cut now. */
async function lowerPoints({ fileSystem, paths }: LogParts, offset: number): Promise<void> {
  const { topic, partition } = paths
  for (const path of [paths.cleanerOffsets, paths.highWatermarks]) {
    const points = openCheckpointFile(fileSystem, path)
    const stored = points.get(topic, partition)
    if (stored !== undefined && stored > offset) await points.set(topic, partition, offset)
  }
}

/** After a failure of steps 1 to 3: the error to reject with. The log goes on, unless it was a sync that failed. */
async function abandon(parts: LogParts, cut: Cut, error: unknown): Promise<unknown> {
  const { fileSystem, paths, writer } = parts
  const told = writer.poisonIfFinal(error)
  if (writer.failure !== undefined) return told
  parts.recoveryPoint.durable(writer.durableOffset) // it may have been lowered
  if (cut.keptBytes.length > 0)
    await fileSystem.remove(paths.segmentCopy(cut.segment.baseOffset)).catch(() => {}) // opening removes it
  return operationFailure(error, `truncating the log in ${paths.directory}`)
}

/** Steps 5 to 7, the sidecars excepted. */
async function removeAbove(parts: LogParts, offset: number, cut: Cut): Promise<void> {
  const { state, fileSystem, paths, writer } = parts
  const { segment } = cut
  const later = state.segments.all.filter((other) => other.baseOffset > segment.baseOffset)
  state.segments.remove(new Set(later))
  await parts.removal.remove(later, { delayMs: state.config['file.delete.delay.ms'], newestFirst: true })
  writer.active.handle.close()
  state.files.forget(segment)
  if (cut.keptBytes.length > 0) {
    await placeCopy(fileSystem, segment.path, { copyPath: paths.segmentCopy(segment.baseOffset) })
    state.files.forget(segment) // a reader may have opened the file that is gone now
  }
  const end = cut.position + cut.keptBytes.length
  const mode = activeMode(state.config)
  const handle = await openCut({ fileSystem, limit: parts.openFiles, mode }, segment.path, end)
  try {
    await activate(parts, { segment, handle, isFilledAhead: mode === 'fill', end, offset, later })
  } catch (error) {
    handle.close()
    throw error
  }
}

/** Step 7: the cut segment is the one that is written to. */
async function activate(
  parts: LogParts,
  cut: {
    segment: Segment
    handle: FileHandle
    isFilledAhead: boolean
    end: number
    offset: number
    later: readonly Segment[]
  },
): Promise<void> {
  const { state, writer, clock, identity, logger } = parts
  const { segment, handle, isFilledAhead, end, offset, later } = cut
  segment.sizeBytes = end
  segment.nextOffset = offset
  if (end === 0) segment.firstWriteMs = undefined
  for (const gone of later) state.index.drop(gone.baseOffset)
  await state.learnFacts(segment)
  await state.index.settle() // or dropped rows could come back beside what is written in their place
  const indexIntervalBytes = state.config['index.interval.bytes']
  const createdMs = clock.now()
  const { index } = state
  const active = { segment, handle, createdMs, isFilledAhead, index, indexIntervalBytes }
  writer.replaceActive(new SegmentWriter(active), offset)
  logger.info({ offset, identity: identityName(identity) }, 'the log was truncated')
}

/** Opens a segment to append to at `end`, and makes it durable that it ends there. Errors: the system's, IO_FAILED. */
async function openCut(
  place: { fileSystem: FileSystem; limit: OpenFileLimit; mode: ReturnType<typeof activeMode> },
  path: string,
  end: number,
): Promise<FileHandle> {
  const handle = openReopening(place, path, place.mode)
  try {
    if (handle.sizeSync() > end) handle.truncateSync(end)
    await handle.syncData()
    const found = handle.sizeSync()
    if (found === end) return handle
    const message = `${path} has ${found} bytes after it was cut to ${end}`
    throw new SeglogError('IO_FAILED', message, { path, found, expected: end })
  } catch (error) {
    handle.close()
    throw error
  }
}

/** Step 8. */
async function dropEpochs(parts: LogParts, offset: number): Promise<void> {
  const { fileSystem, paths } = parts
  const epochs = readEpochs(fileSystem, paths.leaderEpochs).value ?? []
  const left = truncateEpochsFromEnd(epochs, offset)
  if (left.length === epochs.length) return
  await replaceFile(fileSystem, paths.leaderEpochs, formatEpochs(left))
  parts.leaderEpoch = lastEpoch(left)
}
