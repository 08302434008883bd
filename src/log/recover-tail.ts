import type { ResolvedConfig } from '../config/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { removeFile } from '../fs/index.ts'
import type { CleanLogState, LogPaths } from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { BATCH, BATCH_HEADER_BYTES, baseOffsetAt, batchSizeAt, lastOffsetAt } from '../record/index.ts'
import { findNextBatch, type Segment, scanBatches, storeFacts } from '../segment/index.ts'
import type { CleanMarkerFile } from './clean-marker-file.ts'
import { identityName, type LogIdentity } from './log-identity.ts'
import { readBatchBytesMax } from './log-state.ts'
import type { OpenDamage, TailCut } from './recovery-report.ts'
import { rewriteSegment } from './rewrite-segment.ts'
import { cutTail, inspectTail, type TailFinding } from './tail-scan.ts'

/** What recovery of the tail needs to know of the log. */
export interface TailInput {
  readonly fileSystem: FileSystem
  readonly paths: LogPaths
  readonly identity: LogIdentity
  readonly config: ResolvedConfig
  readonly index: LogIndex
  readonly marker: CleanMarkerFile
  /** What the checkpoint says; 0 without one. */
  readonly storedRecoveryPoint: number
  /** Nothing may be changed on disk. */
  readonly isReadOnly: boolean
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
}

/** Finds the end of the log and makes it durable; the last segments then describe what is really there. */
export async function recoverTail(segments: readonly Segment[], input: TailInput): Promise<RecoveredTail> {
  const { fileSystem, paths, marker } = input
  const last = segments.at(-1)!
  const nothing = { scannedBytes: 0, scannedBatches: 0, cut: undefined, droppedFiles: [], damage: undefined }
  const hasFailed = fileSystem.statSync(paths.failed) !== undefined
  if (!hasFailed && isAsClosed(fileSystem, last, { state: marker.own, identity: input.identity })) {
    adoptCleanState(last, marker.own!, input.index)
    return { ...nothing, clean: true, recoveryPoint: last.nextOffset }
  }
  const tail = segments.findLast((segment) => segment.sizeBytes > 0) ?? last
  const recoveryPoint = planRecoveryPoint(segments, tail, input)
  const handle = fileSystem.openSync(tail.path, input.isReadOnly ? 'read' : 'append')
  try {
    const fileBytes = tail.sizeBytes
    const options = {
      segment: tail,
      fileBytes,
      recoveryPoint,
      index: input.index,
      dense: input.identity.offsets === 'dense',
      batchBytesMax: readBatchBytesMax(input.config),
      indexIntervalBytes: input.config['index.interval.bytes'],
    }
    const found = await inspectTail(handle, options)
    const counts = { ...nothing, ...pickCounts(found), clean: false, recoveryPoint }
    if (found.damage !== undefined) {
      await passDamage(handle, options)
      return { ...counts, damage: found.damage }
    }
    if (input.isReadOnly) return counts
    await marker.remove()
    const { cut, droppedFiles } = await settleTail({ ...input, handle, tail, fileBytes, found, hasFailed })
    if (tail !== last) storeFacts(tail, input.index)
    return { ...counts, cut, droppedFiles }
  } finally {
    handle.close()
  }
}

/**
 * Below which offset everything is known to be on disk: what the checkpoint says, and where the last segment starts,
 * since a segment of ours is synced before the next one is made. Kafka rolls without a sync, so there only a segment
 * with bytes in it says something.
 */
function planRecoveryPoint(segments: readonly Segment[], tail: Segment, input: TailInput): number {
  const last = segments.at(-1)!
  return Math.max(
    input.storedRecoveryPoint,
    input.identity.offsets === 'dense' ? last.baseOffset : tail.baseOffset,
  )
}

/** Cuts what is torn, saves what a failed fsync left, and syncs. */
async function settleTail(
  work: TailInput & {
    handle: Parameters<typeof inspectTail>[0]
    tail: Segment
    fileBytes: number
    found: TailFinding
    hasFailed: boolean
  },
): Promise<{ cut: TailCut | undefined; droppedFiles: readonly string[] }> {
  const { fileSystem, paths, handle, tail, fileBytes, found, hasFailed, index } = work
  let result: { cut: TailCut | undefined; droppedFiles: readonly string[] } = {
    cut: undefined,
    droppedFiles: [],
  }
  if (found.tear !== undefined) {
    await index.settle() // or rows of what is cut could come back and speak of what is written in its place
    result = await cutTail(fileSystem, paths, handle, { segment: tail, fileBytes, tear: found.tear })
  }
  if (hasFailed) {
    const copyPath = paths.segmentCopy(tail.baseOffset)
    const tailBytes = Buffer.alloc(0)
    await rewriteSegment(fileSystem, tail.path, { copyPath, sizeBytes: tail.sizeBytes, tail: tailBytes })
    await removeFile(fileSystem, paths.failed)
  } else await handle.syncData()
  return result
}

/** True when the last segment is exactly as the clean marker says it was left. */
function isAsClosed(
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

/** Goes on past damage that must not be cut, so that what is sound behind it can be read. */
async function passDamage(
  handle: Parameters<typeof inspectTail>[0],
  options: Parameters<typeof inspectTail>[1],
): Promise<void> {
  const { segment, fileBytes, dense, batchBytesMax } = options
  const offsetEnd = Number.MAX_SAFE_INTEGER
  for (;;) {
    const from = segment.sizeBytes
    const range = {
      from,
      end: fileBytes,
      offsetMin: segment.nextOffset,
      offsetEnd,
      dense: false,
      batchBytesMax,
    }
    const next = await findNextBatch(handle, range)
    if (next === undefined) return
    const rest = {
      from: next.position,
      end: fileBytes,
      expectedOffset: next.baseOffset,
      dense,
      batchBytesMax,
    }
    const result = await scanBatches(handle, { ...rest, depth: 'checksums' }, (batch) => {
      segment.maxTimestamp = Math.max(segment.maxTimestamp, batch.maxTimestamp)
    })
    segment.sizeBytes = result.end
    segment.nextOffset = result.nextOffset
    if (result.problem === undefined) return
  }
}

function pickCounts({ scannedBytes, scannedBatches }: TailFinding): {
  scannedBytes: number
  scannedBatches: number
} {
  return { scannedBytes, scannedBatches }
}
