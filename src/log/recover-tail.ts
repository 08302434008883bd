import type { ResolvedConfig } from '../config/index.ts'
import { type FileHandle, type FileSystem, removeFile, syncBytes, syncNames } from '../fs/index.ts'
import type { CleanLogState, LogPaths } from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { BATCH, BATCH_HEADER_BYTES, baseOffsetAt, batchSizeAt, lastOffsetAt } from '../record/index.ts'
import { type Quarantined, type Segment, scanBatches, storeFacts } from '../segment/index.ts'
import type { LogMarker } from './clean-marker-file.ts'
import { removeSidecarFiles } from './kafka-sidecars.ts'
import { removeLeftovers } from './leftovers.ts'
import type { StateFile } from './log-directory.ts'
import { identityName, type LogIdentity } from './log-identity.ts'
import { readBatchBytesMax } from './log-state.ts'
import type { OpenDamage, TailCut } from './recovery-report.ts'
import { rewriteSegment } from './rewrite-segment.ts'
import { cutTail, findBatchBehind, inspectTail, keepTail, type TornTail } from './tail-scan.ts'

/** What recovery of the tail needs to know of the log. */
export interface TailInput {
  readonly fileSystem: FileSystem
  readonly paths: LogPaths
  readonly identity: LogIdentity
  readonly config: ResolvedConfig
  readonly index: LogIndex
  readonly marker: LogMarker
  /** What the checkpoints say; 0 without one. */
  readonly storedRecoveryPoint: number
  readonly storedStart: number
  /** Nothing may be changed on disk. */
  readonly isReadOnly: boolean
  /** Kafka's files beside the segments, which it would believe after a cut. */
  readonly sidecars: readonly StateFile[]
  /** What was never renamed; it goes before anything is written, since it may be what fills the disk. */
  readonly temporary: readonly string[]
}

/** How the end of the log was found. */
export interface RecoveredTail {
  readonly clean: boolean
  readonly recoveryPoint: number
  readonly scannedBytes: number
  readonly scannedBatches: number
  readonly cut: TailCut | undefined
  readonly droppedFiles: readonly string[]
  readonly damage: OpenDamage | undefined
  readonly notes: readonly string[]
}

/**
 * Finds the end of the log and makes it durable; the last segments then describe what is really there. Where there is
 * damage that must not be cut, nothing changes on disk.
 */
export async function recoverTail(segments: readonly Segment[], input: TailInput): Promise<RecoveredTail> {
  const { fileSystem, paths, marker, identity, storedStart } = input
  const last = segments.at(-1)!
  const nothing = {
    scannedBytes: 0,
    scannedBatches: 0,
    cut: undefined,
    droppedFiles: [],
    damage: undefined,
    notes: [],
  }
  const hasFailed = fileSystem.statSync(paths.failed) !== undefined
  if (!hasFailed && isAsClosed(fileSystem, last, { state: marker.own, identity })) {
    adoptCleanState(last, marker.own!, input.index)
    const damage = missingTail(segments, last, { storedStart, identity })
    return { ...nothing, clean: true, recoveryPoint: last.nextOffset, damage }
  }
  // What lies below the start has been given up: retention may have been half-way through taking it away.
  const isAllBelowStart = last.baseOffset <= storedStart
  const tail = isAllBelowStart ? last : (segments.findLast((segment) => segment.sizeBytes > 0) ?? last)
  const recoveryPoint = planRecoveryPoint(segments, tail, input)
  const handle = fileSystem.openSync(tail.path, input.isReadOnly ? 'read' : 'append')
  try {
    const fileBytes = tail.sizeBytes
    const options = {
      segment: tail,
      fileBytes,
      recoveryPoint,
      emptyUpTo: identity.offsets === 'dense' ? tail.baseOffset : last.baseOffset,
      index: input.index,
      dense: identity.offsets === 'dense',
      batchBytesMax: readBatchBytesMax(input.config),
      indexIntervalBytes: input.config['index.interval.bytes'],
    }
    const found = await inspectTail(handle, options)
    const { scannedBytes, scannedBatches } = found
    const counts = { ...nothing, scannedBytes, scannedBatches, clean: false, recoveryPoint }
    if (found.damage !== undefined) await passDamage(handle, options)
    const damage =
      found.damage === undefined
        ? missingTail(segments, tail, { storedStart, identity })
        : seenFromEnd(found.damage, tail, last)
    if (damage !== undefined || input.isReadOnly) return { ...counts, damage }
    await removeLeftovers(fileSystem, paths, input.temporary)
    const torn = found.tear && { segment: tail, fileBytes, tear: found.tear }
    const kept = torn && (await keepTail(fileSystem, paths, handle, torn)) // it may end the opening: nothing before it
    await marker.remove()
    const { cut, droppedFiles } = await settleTail({ ...input, handle, tail, torn, kept, hasFailed })
    await syncNames(fileSystem, paths.directory) // a segment may have been made, and its name not synced
    if (tail !== last) storeFacts(tail, input.index)
    return { ...counts, cut, droppedFiles, notes: notesOn(cut) }
  } finally {
    handle.close()
  }
}

/**
 * Below which offset everything is known to be on disk: what the checkpoints say (the log is synced before its start
 * moves), and where the last segment starts, since a segment of ours is synced before the next one is made. Kafka rolls
 * without a sync, so there only a segment with bytes in it says something.
 */
function planRecoveryPoint(segments: readonly Segment[], tail: Segment, input: TailInput): number {
  const { storedRecoveryPoint, storedStart, identity } = input
  const proven = identity.offsets === 'dense' ? segments.at(-1)! : tail
  return Math.max(storedRecoveryPoint, storedStart, proven.baseOffset)
}

/** Damage of the last segment with bytes, as it looks when there is an empty one behind it. */
function seenFromEnd(damage: OpenDamage, tail: Segment, last: Segment): OpenDamage {
  if (tail === last) return damage
  const { baseOffset, path } = last
  if (damage.firstLostOffset >= baseOffset) return { ...damage, path, position: 0 }
  return { ...damage, nextGoodOffset: damage.nextGoodOffset ?? baseOffset }
}

/** Segments behind the last one with bytes must start where it ends, and the start offset can't lie past the end. */
function missingTail(
  segments: readonly Segment[],
  tail: Segment,
  { storedStart, identity }: { storedStart: number; identity: LogIdentity },
): OpenDamage | undefined {
  const last = segments.at(-1)!
  const end = tail.nextOffset
  const isJoined = identity.offsets === 'dense' ? end === last.baseOffset : end <= last.baseOffset
  const place = { kind: 'missing-tail', path: tail.path, position: tail.sizeBytes } as const
  if (tail !== last && !isJoined) {
    const lost = { firstLostOffset: Math.min(end, last.baseOffset), nextGoodOffset: last.baseOffset }
    return {
      ...place,
      ...lost,
      message: `the segment ends at offset ${end}, and ${last.path} is empty behind it`,
    }
  }
  if (storedStart <= Math.max(end, last.baseOffset)) return undefined
  const message = `the log ends at offset ${end}, and starts at ${storedStart}`
  return { ...place, firstLostOffset: end, nextGoodOffset: undefined, message }
}

/** Cuts what is torn, saves what a failed fsync left, and syncs. */
async function settleTail(
  work: TailInput & {
    handle: FileHandle
    tail: Segment
    torn: TornTail | undefined
    kept: Quarantined | undefined
    hasFailed: boolean
  },
): Promise<{ cut: TailCut | undefined; droppedFiles: readonly string[] }> {
  const { fileSystem, paths, handle, tail, torn, kept, hasFailed, index, sidecars } = work
  let result: Awaited<ReturnType<typeof settleTail>> = { cut: undefined, droppedFiles: [] }
  if (torn !== undefined) {
    await removeSidecarFiles(fileSystem, paths, { sidecars, from: tail.baseOffset })
    await index.settle() // or rows of what is cut could come back and speak of what is written in its place
    result = await cutTail(handle, torn, { kept, inPlace: !hasFailed })
  }
  if (hasFailed) {
    const copyPath = paths.segmentCopy(tail.baseOffset)
    const nothing = Buffer.alloc(0)
    await rewriteSegment(fileSystem, tail.path, { copyPath, sizeBytes: tail.sizeBytes, tail: nothing })
    await removeFile(fileSystem, paths.failed)
  } else await syncBytes(handle)
  return result
}

function notesOn(cut: TailCut | undefined): string[] {
  if (cut === undefined || cut.kind === 'zeros' || cut.quarantinedTo !== undefined) return []
  return [
    `the ${cut.sizeBytes} bytes cut from ${cut.path} were not kept: there was no room on the disk for a copy`,
  ]
}

/** True when the last segment is exactly as the clean marker says it was left. */
export function isAsClosed(
  fileSystem: FileSystem,
  last: Segment,
  { state, identity }: { state: CleanLogState | undefined; identity: LogIdentity },
): boolean {
  if (state === undefined || state.identity !== identityName(identity)) return false
  if (state.activeBase !== last.baseOffset || state.sizeBytes !== last.sizeBytes) return false
  if (state.lastBatchPosition === null) return last.sizeBytes === 0 && state.nextOffset === last.baseOffset
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  const handle = fileSystem.openSync(last.path, 'read')
  try {
    if (handle.readSync(header, state.lastBatchPosition) < BATCH_HEADER_BYTES) return false
  } finally {
    handle.close()
  }
  return (
    header.readUInt32BE(BATCH.crc) === state.lastBatchCrc &&
    state.lastBatchPosition + batchSizeAt(header, 0) === last.sizeBytes &&
    baseOffsetAt(header, 0) >= last.baseOffset &&
    lastOffsetAt(header, 0) + 1 === state.nextOffset
  )
}

function adoptCleanState(last: Segment, state: CleanLogState, index: LogIndex): void {
  last.nextOffset = state.nextOffset
  last.maxTimestamp = state.maxTimestamp
  last.lastBatchPosition = state.lastBatchPosition ?? undefined
  last.facts = 'stored'
  const facts = index.facts(last.baseOffset)
  if (facts?.sizeBytes !== last.sizeBytes) return
  last.batchCount = facts.batchCount
  last.recordCount = facts.recordCount
}

/**
 * Goes on past damage that must not be cut, so that what is sound behind it can be read; `segment`, which ends before it,
 * ends behind the last sound batch afterwards. Gives back the first sound offset, if there is one.
 */
export async function passDamage(
  handle: FileHandle,
  options: { segment: Segment; fileBytes: number; dense: boolean; batchBytesMax: number },
): Promise<number | undefined> {
  const { segment, fileBytes: end, dense, batchBytesMax } = options
  let firstOffset: number | undefined
  for (;;) {
    const { sizeBytes: from, nextOffset: offsetMin } = segment
    const next = await findBatchBehind(handle, { from, end, offsetMin, dense, batchBytesMax })
    if (next === undefined) return firstOffset
    firstOffset ??= next.baseOffset
    const rest = { from: next.position, end, expectedOffset: next.baseOffset, dense, batchBytesMax }
    const result = await scanBatches(handle, { ...rest, depth: 'checksums' }, (batch) => {
      segment.maxTimestamp = Math.max(segment.maxTimestamp, batch.maxTimestamp)
    })
    segment.sizeBytes = result.end
    segment.nextOffset = result.nextOffset
    if (result.problem === undefined) return firstOffset
  }
}
