import type { ResolvedConfig } from '../config/index.ts'
import { openReopening, syncNames } from '../fs/index.ts'
import type { LogPaths } from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { Segment, type SegmentFiles, SegmentWriter } from '../segment/index.ts'
import type { LogDirectory, SegmentFile, StateFile } from './log-directory.ts'
import type { LogIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import { readBatchBytesMax } from './log-state.ts'
import type { LogMarker } from './clean-marker-file.ts'
import type { LogRoot } from './log-root.ts'
import { type Handover, wasWithKafka } from './kafka-handover.ts'
import { planTail, recoverTail } from './recover-tail.ts'
import { activeMode } from './preallocation.ts'
import type { OpenDamage, RecoveryReport } from './recovery-report.ts'
import { checkSealed, checkUnproven, logCorrupt, missingHead, type SealedOptions } from './sealed-segments.ts'
import { readFirstTimestamp } from './tail-scan.ts'

/** What recovery starts from: a directory that has been read, under a lock. */
export interface RecoverInput {
  readonly options: CheckedLogOptions
  readonly paths: LogPaths
  readonly root: LogRoot
  readonly marker: LogMarker
  readonly directory: LogDirectory
  readonly identity: LogIdentity
  readonly handover: Handover
  readonly config: ResolvedConfig
  readonly index: LogIndex
  readonly files: SegmentFiles
  /** Nothing may be changed on disk. */
  readonly isReadOnly: boolean
  readonly startedMs: number
  readonly inertConfig: readonly string[]
  readonly notes: readonly string[]
  readonly settledFiles: readonly string[]
  /** To be removed once the log has been found sound. */
  readonly remove: readonly string[]
}

/** Segments that can be served, and what it took. */
export interface Recovered {
  readonly segments: readonly Segment[]
  readonly active: SegmentWriter
  readonly startOffset: number
  readonly endOffset: number
  /** Kafka's files beside segments that are still there. */
  readonly sidecars: readonly StateFile[]
  readonly report: RecoveryReport
}

/** Turns the files of a log into segments that can be served. Errors: LOG_CORRUPT, the system's. */
export async function recoverSegments(input: RecoverInput): Promise<Recovered> {
  const { options, paths, root, directory, index, identity, config, handover } = input
  const { fileSystem, clock } = options
  const { sidecars, temporary } = directory
  const storedStart = root.startOffsets.get(paths.topic, paths.partition) ?? 0
  const storedRecoveryPoint = root.recoveryPoints.get(paths.topic, paths.partition) ?? 0
  const segments = directory.segments.map((file) => toSegment(file))
  if (segments.length === 0) segments.push(await createFirstSegment(input, storedStart))
  // What the index knows is of the time before Kafka had the log, and may have written other bytes of the same size.
  if (handover.isIdentityStale || wasWithKafka(directory)) index.clear()
  const sealed = sealedOptions(input, storedStart)
  const damage = [
    ...findMissingHead(input, segments[0]!, storedStart),
    ...(await checkSealed(segments, sealed)),
  ]
  refuse(damage, options)
  const checkpoints = { storedRecoveryPoint, storedStart }
  const known = { fileSystem, paths, identity, config, index, marker: input.marker, ...checkpoints }
  const found = { sidecars, temporary, handover }
  const tailInput = { ...known, ...found, isReadOnly: input.isReadOnly || damage.length > 0 }
  const plan = planTail(segments, tailInput)
  damage.push(...(await checkUnproven(segments, plan.unproven, sealed)))
  refuse(damage, options)
  const tail = await recoverTail(segments, plan, {
    ...tailInput,
    isReadOnly: tailInput.isReadOnly || damage.length > 0,
  })
  if (!tail.clean) for (const segment of segments) input.files.forget(segment) // one may be another file by now
  const last = segments.at(-1)!
  if (tail.damage !== undefined) damage.push(tail.damage)
  refuse(damage, options)
  const isReadOnly = input.isReadOnly || damage.length > 0
  const active = openActive(input, last, isReadOnly)
  return {
    segments,
    active,
    startOffset: Math.min(Math.max(storedStart, segments[0]!.baseOffset), last.nextOffset),
    endOffset: last.nextOffset,
    sidecars: tail.sidecars,
    report: {
      clean: tail.clean,
      recoveryPoint: tail.recoveryPoint,
      scannedBytes: plan.unproven.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, tail.scannedBytes),
      scannedBatches: plan.unproven.reduce(
        (count, { batchCount }) => count + batchCount,
        tail.scannedBatches,
      ),
      cut: tail.cut,
      settledFiles: [...input.settledFiles, ...(isReadOnly ? [] : input.remove)].sort(),
      unrecognisedFiles: directory.unrecognised,
      droppedFiles: tail.droppedFiles,
      damage,
      inertConfig: input.inertConfig,
      notes: [...input.notes, ...tail.notes],
      durationMs: clock.monotonic() - input.startedMs,
    },
  }
}

function refuse(damage: readonly OpenDamage[], { onCorruption }: CheckedLogOptions): void {
  if (damage.length > 0 && onCorruption === 'throw') throw logCorrupt(damage[0]!)
}

function toSegment({ baseOffset, path, sizeBytes, modifiedMs }: SegmentFile): Segment {
  return new Segment({ baseOffset, path, sizeBytes, nextOffset: baseOffset, appendedAtMs: modifiedMs })
}

async function createFirstSegment(input: RecoverInput, baseOffset: number): Promise<Segment> {
  const { options, paths } = input
  const path = paths.segment(baseOffset)
  // What says whose log this is may be there in the cache only, from a process that was killed: a segment without it
  // would be taken for Kafka's.
  await syncNames(options.fileSystem, paths.directory)
  options.fileSystem.openSync(path, 'create').close()
  await syncNames(options.fileSystem, paths.directory)
  const appendedAtMs = options.clock.now()
  const segment = new Segment({ baseOffset, path, sizeBytes: 0, nextOffset: baseOffset, appendedAtMs })
  segment.facts = 'fresh'
  return segment
}

function openActive(input: RecoverInput, segment: Segment, isReadOnly: boolean): SegmentWriter {
  const { options, index, config, root } = input
  const { fileSystem } = options
  const handle = isReadOnly
    ? fileSystem.openSync(segment.path, 'read')
    : openReopening({ fileSystem, limit: root.openFiles }, segment.path, activeMode(config))
  try {
    if (segment.sizeBytes > 0) segment.firstTimestamp ??= readFirstTimestamp(handle)
  } catch (error) {
    handle.close()
    throw error
  }
  const indexIntervalBytes = config['index.interval.bytes']
  const isFilledAhead = !isReadOnly && activeMode(config) === 'fill'
  const createdMs = options.clock.now()
  return new SegmentWriter({ segment, handle, createdMs, isFilledAhead, index, indexIntervalBytes })
}

function sealedOptions({ files, index, identity, config }: RecoverInput, startOffset: number): SealedOptions {
  return {
    files,
    index,
    dense: identity.offsets === 'dense',
    batchBytesMax: readBatchBytesMax(config),
    indexIntervalBytes: config['index.interval.bytes'],
    startOffset,
  }
}

/** Where offsets may be missing, or nobody knows where the log starts, a missing head can't be told. */
function findMissingHead(
  { identity, root }: RecoverInput,
  first: Segment,
  startOffset: number,
): OpenDamage[] {
  const isJudgeable = identity.offsets === 'dense' && root.startOffsets.problem === undefined
  return isJudgeable && first.baseOffset > startOffset ? [missingHead(first, startOffset)] : []
}
