import type { ResolvedConfig } from '../config/index.ts'
import { type FileHandle, type FileSystem, removeFile, syncBytes, syncNames } from '../fs/index.ts'
import type { CleanLogState, LogPaths } from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { BATCH, BATCH_HEADER_BYTES, baseOffsetAt, batchSizeAt, lastOffsetAt } from '../record/index.ts'
import { type ByteSource, type Quarantined, type Segment, scanBatches, storeFacts } from '../segment/index.ts'
import type { LogMarker } from './clean-marker-file.ts'
import { type Handover, takeOver } from './kafka-handover.ts'
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
  /** Kafka's files beside the segments. */
  readonly sidecars: readonly StateFile[]
  readonly handover: Handover
  /** What was never renamed; it goes before anything is written, since it may be what fills the disk. */
  readonly temporary: readonly string[]
}

/** Where recovery has to look, by what is known of how the log ended; nothing is done yet. */
export interface TailPlan {
  /** The last segment is exactly as the clean marker says it was left. */
  readonly isAsClosed: boolean
  readonly hasFailed: boolean
  /** The one that may be torn. */
  readonly tail: Segment
  /** Below it everything is known to be on disk. */
  readonly recoveryPoint: number
  /** Segments before the tail of which that is not known, in order. */
  readonly unproven: readonly Segment[]
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
  /** Kafka's files that are still there. */
  readonly sidecars: readonly StateFile[]
}

/** Decides where recovery has to look. */
export function planTail(segments: readonly Segment[], input: TailInput): TailPlan {
  const { fileSystem, paths, marker, identity, storedStart } = input
  const last = segments.at(-1)!
  const hasFailed = fileSystem.statSync(paths.failed) !== undefined
  if (!hasFailed && isAsClosed(fileSystem, last, { state: marker.own, identity }))
    return { isAsClosed: true, hasFailed, tail: last, recoveryPoint: last.baseOffset, unproven: [] }
  // What lies below the start has been given up: retention may have been half-way through taking it away.
  const isAllBelowStart = last.baseOffset <= storedStart
  const tail = isAllBelowStart ? last : (segments.findLast((segment) => segment.sizeBytes > 0) ?? last)
  const recoveryPoint = planRecoveryPoint(segments, tail, input)
  const unproven = segments
    .slice(0, segments.indexOf(tail))
    .filter((_, slot) => segments[slot + 1]!.baseOffset > recoveryPoint)
  return { isAsClosed: false, hasFailed, tail, recoveryPoint, unproven }
}

/**
 * Finds the end of the log and makes it durable; the last segments then describe what is really there. Where there is
 * damage that must not be cut, nothing changes on disk.
 */
export async function recoverTail(
  segments: readonly Segment[],
  plan: TailPlan,
  input: TailInput,
): Promise<RecoveredTail> {
  const { fileSystem, paths, marker, identity, storedStart, sidecars } = input
  const last = segments.at(-1)!
  const { tail, recoveryPoint, unproven } = plan
  const nothing = {
    scannedBytes: 0,
    scannedBatches: 0,
    cut: undefined,
    droppedFiles: [],
    damage: undefined,
    notes: [],
    sidecars,
  }
  if (plan.isAsClosed) {
    adoptCleanState(last, marker.own!, input.index)
    const damage = missingTail(segments, last, { storedStart, identity })
    const isLeft = damage !== undefined || input.isReadOnly
    const left = isLeft ? sidecars : await takeOver(input, last.baseOffset)
    return { ...nothing, clean: true, recoveryPoint: last.nextOffset, damage, sidecars: left }
  }
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
    const left = await takeOver(input, (unproven[0] ?? tail).baseOffset)
    await marker.remove()
    const { cut, droppedFiles } = await settleTail({ ...input, ...plan, handle, torn, kept })
    await syncNames(fileSystem, paths.directory) // a segment may have been made, and its name not synced
    if (tail !== last) storeFacts(tail, input.index)
    return { ...counts, cut, droppedFiles, notes: notesOn(cut), sidecars: left }
  } finally {
    handle.close()
  }
}

/**
 * Below which offset everything is known to be on disk: what the checkpoints say (the log is synced before its start
 * moves), and where the last segment starts, since a segment of ours is synced before the next one is made. Kafka rolls
 * without a sync: of a log that it may have written only the checkpoints say something. One that is merely read is not
 * scanned for that, since nothing comes to rest on it.
 */
function planRecoveryPoint(segments: readonly Segment[], tail: Segment, input: TailInput): number {
  const { storedRecoveryPoint, storedStart, identity, isReadOnly } = input
  const stored = Math.max(storedRecoveryPoint, storedStart)
  if (identity.offsets === 'dense') return Math.max(stored, segments.at(-1)!.baseOffset)
  return isReadOnly ? Math.max(stored, tail.baseOffset) : stored
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
  work: TailInput &
    TailPlan & { handle: FileHandle; torn: TornTail | undefined; kept: Quarantined | undefined },
): Promise<{ cut: TailCut | undefined; droppedFiles: readonly string[] }> {
  const { fileSystem, paths, handle, tail, torn, kept, hasFailed, index, unproven } = work
  let result: Awaited<ReturnType<typeof settleTail>> = { cut: undefined, droppedFiles: [] }
  if (torn !== undefined) {
    await index.settle() // or rows of what is cut could come back and speak of what is written in its place
    result = await cutTail(handle, torn, { kept, inPlace: !hasFailed })
  }
  if (hasFailed) {
    for (const { path, baseOffset, sizeBytes } of [...unproven, tail]) {
      const copyPath = paths.segmentCopy(baseOffset)
      await rewriteSegment(fileSystem, path, { copyPath, sizeBytes, tail: Buffer.alloc(0) })
    }
    await removeFile(fileSystem, paths.failed)
  } else {
    for (const { path } of unproven) await syncSegment(fileSystem, path)
    await syncBytes(handle)
  }
  return result
}

async function syncSegment(fileSystem: FileSystem, path: string): Promise<void> {
  const handle = fileSystem.openSync(path, 'append')
  try {
    await syncBytes(handle)
  } finally {
    handle.close()
  }
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
  handle: ByteSource,
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
