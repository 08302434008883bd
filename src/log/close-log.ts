/*
 * Closing a log: everything accepted is written, zeros ahead of it are cut off, and all is synced, then the checkpoints, then the clean marker, in that order,
 * so that the marker never promises what is not on disk. On a full disk they have the ballast's room. Whatever fails, the
 * files are closed and the lock is given back; without a marker the next opening scans the tail. A poisoned log, or one
 * whose lock is another's by now, stores nothing.
 */
import { BATCH } from '../record/index.ts'
import { storeFacts } from '../segment/index.ts'
import { operationFailure } from './failures.ts'
import { identityName } from './log-identity.ts'
import { closeRoot } from './log-root.ts'
import type { LogParts } from './log-parts.ts'
import type { OpenedLog } from './opened-log.ts'

/** Closes an open log. Errors: those of the last writes; everything has been let go all the same. */
export async function closeLog(opened: OpenedLog, parts: LogParts): Promise<void> {
  const { writer, state } = parts
  const failures: unknown[] = []
  const attempt = async (step: () => unknown): Promise<void> => {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (!opened.isReadOnly && writer.failure === undefined) {
    await attempt(() =>
      finish(opened, parts).catch((error: unknown) => {
        throw writer.poisonIfFinal(error)
      }),
    )
  }
  await attempt(() => writer.checkNothingLost())
  state.close()
  parts.recoveryPoint.close()
  await attempt(() => parts.maintenance.idle())
  await attempt(() => parts.removal.close())
  await attempt(() => parts.failedMarker)
  const { root, ownsRoot } = opened
  await attempt(() => Promise.all([root.recoveryPoints.idle(), root.startOffsets.idle()]))
  await attempt(() => state.idle())
  await attempt(() => writer.closeFile())
  await attempt(() => state.files.closeAll())
  await attempt(() => state.files.idle())
  await attempt(() => opened.watermark?.close())
  await attempt(() => state.index.close())
  if (ownsRoot) await closeRoot(root, attempt)
  if (failures.length > 0) throw operationFailure(failures[0], `closing the log in ${parts.paths.directory}`)
}

async function finish(opened: OpenedLog, parts: LogParts): Promise<void> {
  const { writer, state } = parts
  await parts.maintenance.idle()
  await writer.run(() => writer.syncAsEnd())
  const problem = opened.placeProblem()
  if (problem !== undefined) throw problem // what comes now would be written into another one's log
  storeFacts(writer.active.segment, state.index)
  await parts.recoveryPoint.store(writer.writtenEnd)
  writer.checkAlive() // a checkpoint on its way may have met a sync that failed
  const last = lastBatch(parts)
  const { segment } = writer.active
  await parts.marker.closed({
    topic: parts.paths.topic,
    partition: parts.paths.partition,
    identity: identityName(parts.identity),
    activeBase: segment.baseOffset,
    sizeBytes: segment.sizeBytes,
    nextOffset: segment.nextOffset,
    lastBatchPosition: last?.position ?? null,
    lastBatchCrc: last?.crc ?? null,
    maxTimestamp: segment.maxTimestamp,
  })
}

/** The place and stored CRC of the last batch, by which the next opening knows the file again. */
function lastBatch({ writer }: LogParts): { position: number; crc: number } | undefined {
  const position = writer.active.segment.lastBatchPosition
  if (position === undefined) return undefined
  const crc = Buffer.alloc(4)
  writer.active.handle.readSync(crc, position + BATCH.crc)
  return { position, crc: crc.readUInt32BE(0) }
}
