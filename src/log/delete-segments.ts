/*
 * Moving the start of a log forward, and taking away segments that lie before it.
 *
 *   1. start offset replaced durably         the commit point: records below it are gone for readers
 *      leader epochs below it dropped        those that stay for want of room speak of nothing, and go the next time
 *   2. segments leave the list               memory only
 *   3. files renamed to .deleted, and later removed (segment-removal.ts)
 * A crash after 1 leaves segments below the start; opening keeps them, and the next clean takes them.
 */
import { SeglogError } from '../core/index.ts'
import { replaceFile } from '../fs/index.ts'
import { formatEpochs, readEpochs, truncateEpochsFromStart } from '../layout/index.ts'
import type { Segment, SegmentInfo } from '../segment/index.ts'
import { isWantOfRoom, operationFailure, outOfRange } from './failures.ts'
import { eventOf, events } from './log-events.ts'
import { removeSidecars } from './kafka-sidecars.ts'
import type { LogParts } from './log-parts.ts'

/** Segments leave the list in slices, with a turn of the event loop after each. */
const SLICE = 100

/** Makes `offset` the first readable one. Errors: POLICY_VIOLATION, OFFSET_OUT_OF_RANGE; nothing changed then. */
export async function deleteRecordsBefore(parts: LogParts, offset: number): Promise<void> {
  await parts.maintenance.run(async () => {
    const { state, writer } = parts
    if (!state.config['cleanup.policy'].includes('delete')) {
      throw new SeglogError(
        'POLICY_VIOLATION',
        'records can be deleted only where cleanup.policy includes delete',
      )
    }
    const { startOffset, readableEndOffset } = state
    if (offset > readableEndOffset) throw outOfRange(offset, { startOffset, readableEndOffset })
    if (offset <= startOffset) return
    await writer.run(async () => {
      await writer.beforeWriting()
      await writer.sync()
    })
    await storeStart(parts, offset)
  })
}

/**
 * Deletes the sealed segments that are still as `planned`, oldest first, up to the first that is not.
 *
 * Shape:  gives back those that went, and what stopped it half-way, if anything did.
 */
export async function deleteSegments(
  parts: LogParts,
  planned: readonly Pick<SegmentInfo, 'baseOffset' | 'nextOffset' | 'sizeBytes'>[],
): Promise<{ gone: readonly Segment[]; error?: unknown }> {
  const result = await deleteSealed(parts, planned)
  const { gone } = result
  if (gone.length > 0 && events.delete.hasSubscribers) {
    const { startOffset } = parts.state
    const segments = gone.map(({ baseOffset, nextOffset, sizeBytes }) => ({
      baseOffset,
      nextOffset,
      sizeBytes,
    }))
    events.delete.publish({ kind: 'segments', ...eventOf(parts.paths), startOffset, segments })
  }
  return result
}

async function deleteSealed(
  parts: LogParts,
  planned: readonly Pick<SegmentInfo, 'baseOffset' | 'nextOffset' | 'sizeBytes'>[],
): Promise<{ gone: readonly Segment[]; error?: unknown }> {
  const { state } = parts
  const gone: Segment[] = []
  try {
    // Appends accepted before this may have gone into a segment that was planned as the last one: so look after them.
    await parts.writer.run(() => parts.writer.beforeWriting())
    const going = stillAsPlanned(state.segments.all, planned)
    const next = state.segments.all[going.length]
    if (going.length === 0 || next === undefined) return { gone }
    if (next.baseOffset > state.startOffset) await storeStart(parts, next.baseOffset)
    for (let from = 0; from < going.length; from += SLICE) {
      const slice = going.slice(from, from + SLICE)
      await removeSlice(parts, slice, gone)
    }
    await removeSidecars(parts, { before: next.baseOffset })
    return { gone }
  } catch (error) {
    const cause = parts.writer.poisonIfFinal(error)
    return { gone, error: operationFailure(cause, `deleting segments of ${parts.paths.directory}`) }
  }
}

/** Takes segments out of the list and away; what could not be renamed is put back, for the next clean. */
async function removeSlice(parts: LogParts, slice: readonly Segment[], gone: Segment[]): Promise<void> {
  const { state, removal } = parts
  state.segments.remove(new Set(slice))
  try {
    await removal.remove(slice, { delayMs: state.config['file.delete.delay.ms'] })
  } finally {
    const renamed = slice.filter((segment) => removal.has(segment))
    for (const segment of renamed) state.index.drop(segment.baseOffset)
    gone.push(...renamed)
    if (renamed.length < slice.length)
      state.segments.replaceAll([...slice.slice(renamed.length), ...state.segments.all])
  }
}

function stillAsPlanned(
  segments: readonly Segment[],
  planned: readonly Pick<SegmentInfo, 'baseOffset' | 'nextOffset' | 'sizeBytes'>[],
): Segment[] {
  const sealed = segments.slice(0, -1)
  const end = sealed.findIndex((segment, slot) => {
    const plan = planned[slot]
    return (
      plan === undefined ||
      plan.baseOffset !== segment.baseOffset ||
      plan.nextOffset !== segment.nextOffset ||
      plan.sizeBytes !== segment.sizeBytes
    )
  })
  return end === -1 ? sealed : sealed.slice(0, end)
}

async function storeStart(parts: LogParts, offset: number): Promise<void> {
  const { fileSystem, paths } = parts
  await parts.startOffsets.set(paths.topic, paths.partition, offset)
  parts.state.setStart(offset)
  parts.publish()
  const epochs = readEpochs(fileSystem, paths.leaderEpochs).value ?? []
  const left = truncateEpochsFromStart(epochs, offset)
  const isSame = left.length === epochs.length && left[0]?.startOffset === epochs[0]?.startOffset
  if (isSame) return
  try {
    await replaceFile(fileSystem, paths.leaderEpochs, formatEpochs(left))
  } catch (error) {
    if (!isWantOfRoom(error)) throw error
    // For want of room they stay: the start has moved, and nobody is to be told that it has not.
    parts.logger.warn(
      { error, path: paths.leaderEpochs },
      'leader epochs below the start could not be dropped',
    )
  }
}
