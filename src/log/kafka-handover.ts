/*
 * Taking over a log that Kafka has had: for the first time (adoption: nothing of ours is in its directory yet), or again,
 * after a broker served a log of ours.
 *
 * What Kafka keeps beside segments (indexes, snapshots of producers) it believes where it finds it, and builds anew where it
 * doesn't. It writes much of that without a sync and leaves files of unused space behind when it is killed; its own
 * recovery would build them anew from the recovery point on, which this opening raises. So they go. Nothing changes
 * before the log has been found sound; then, in this order,
 *   adopted                                           taken back
 *   1. all of Kafka's files beside segments removed,  1. identity, if it has to say from now on that offsets may be
 *      directory synced                                  missing, durably; then what the index knew is gone, durably
 *                                                     2. Kafka's files beside the segment of the recovery point and
 *                                                        later ones removed, directory synced
 *   2. clean marker removed, torn tail cut, every segment from the recovery point on synced
 *   3. identity, durably: the log is ours             3. (has been written)
 *   4. recovery point stored: the end of the log
 * A crash before 3 of an adoption leaves a log of Kafka's, some of whose indexes it has to build; a crash before 4, a log
 * that is scanned from the old recovery point at the next opening. Taken back, the traces by which a log is known to have
 * been Kafka's go last, so that a crash does not leave them half believed.
 */
import type { FileSystem } from '../fs/index.ts'
import { type LogPaths, readEpochs } from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { removeSidecarFiles } from './kafka-sidecars.ts'
import type { LogDirectory, StateFile } from './log-directory.ts'
import { type LogIdentity, writeIdentity } from './log-identity.ts'

/** What an opening that takes a log over has to do. */
export interface Handover {
  /** There is nothing of ours in the directory yet. */
  readonly isAdoption: boolean
  /** The stored identity is of the time before Kafka had the log. */
  readonly isIdentityStale: boolean
}

/**
 * True where Kafka has had the log open: it makes index files for every segment it finds, and writes the leader epoch
 * durably before it appends anything. Neither is ever made here.
 */
export function hasTracesOfKafka(
  fileSystem: FileSystem,
  paths: Pick<LogPaths, 'leaderEpochs'>,
  sidecars: readonly StateFile[],
): boolean {
  if (sidecars.length > 0) return true
  const epochs = readEpochs(fileSystem, paths.leaderEpochs)
  return epochs.problem !== undefined || epochs.value.length > 0
}

/**
 * True where Kafka has had the log open since it was last open here, up to `endOffset`: then there are files of Kafka's beside
 * the segment that was the last one, or behind it.
 */
export function wasWithKafka({ segments, sidecars }: LogDirectory, endOffset = Infinity): boolean {
  const last = segments.findLast(({ baseOffset }) => baseOffset <= endOffset) ?? segments[0]
  return last !== undefined && sidecars.some(({ baseOffset }) => baseOffset >= last.baseOffset)
}

/**
 * Does the first steps; see the head of this file. `from` is the base of the segment that has the recovery point. Gives back
 * Kafka's files that stay.
 */
export async function takeOver(
  work: {
    readonly fileSystem: FileSystem
    readonly paths: LogPaths
    readonly identity: LogIdentity
    readonly index: LogIndex
    readonly sidecars: readonly StateFile[]
    readonly handover: Handover
  },
  from: number,
): Promise<readonly StateFile[]> {
  const { fileSystem, paths, identity, index, sidecars, handover } = work
  if (handover.isIdentityStale) await writeIdentity(fileSystem, paths.topicProperties, identity)
  const range = { sidecars, from: handover.isAdoption ? 0 : from }
  if (sidecars.some(({ baseOffset }) => baseOffset >= range.from)) await index.settle()
  const gone = await removeSidecarFiles(fileSystem, paths, range)
  return sidecars.filter((sidecar) => !gone.includes(sidecar))
}
