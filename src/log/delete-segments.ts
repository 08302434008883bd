/*
 * Moving the start of a log forward, and taking away segments that lie before it.
 *
 *   1. start offset replaced durably         the commit point: records below it are gone for readers
 *   2. segments leave the list               memory only
 *   3. files renamed to .deleted, and later removed (segment-removal.ts)
 * A crash after 1 leaves segments below the start; opening keeps them, and the next clean takes them.
 */
import { SeglogError } from '../core/index.ts'
import type { Segment } from '../segment/index.ts'
import { outOfRange } from './failures.ts'
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
 * Deletes the sealed segments that start at `baseOffsets`, oldest first, as far as they are still the oldest.
 * Gives back those that went.
 */
export async function deleteSegments(parts: LogParts, baseOffsets: ReadonlySet<number>): Promise<Segment[]> {
  const { state } = parts
  const gone: Segment[] = []
  for (const segment of state.segments.all.slice(0, -1)) {
    if (!baseOffsets.has(segment.baseOffset)) break
    gone.push(segment)
  }
  const next = state.segments.all[gone.length]
  if (gone.length === 0 || next === undefined) return []
  await parts.writer.run(() => parts.writer.beforeWriting())
  if (next.baseOffset > state.startOffset) await storeStart(parts, next.baseOffset)
  for (let from = 0; from < gone.length; from += SLICE) {
    const slice = gone.slice(from, from + SLICE)
    state.segments.remove(new Set(slice))
    await parts.removal.remove(slice, { delayMs: state.config['file.delete.delay.ms'] })
    for (const segment of slice) state.index.drop(segment.baseOffset)
  }
  return gone
}

async function storeStart(parts: LogParts, offset: number): Promise<void> {
  const { topic, partition } = parts.paths
  await parts.startOffsets.set(topic, partition, offset)
  parts.state.setStart(offset)
  parts.publish()
}
