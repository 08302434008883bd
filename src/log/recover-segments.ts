import type { ResolvedConfig } from '../config/index.ts'
import type { LogPaths } from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { Segment, type SegmentFiles, SegmentWriter } from '../segment/index.ts'
import type { LogDirectory, SegmentFile } from './log-directory.ts'
import type { LogIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import { readBatchBytesMax } from './log-state.ts'
import type { LogRoot } from './opened-log.ts'
import { recoverTail } from './recover-tail.ts'
import type { OpenDamage, RecoveryReport } from './recovery-report.ts'
import { checkSealed, logCorrupt } from './sealed-segments.ts'
import { readFirstTimestamp } from './tail-scan.ts'

/** What recovery starts from: a directory that has been read, under a lock. */
export interface RecoverInput {
  readonly options: CheckedLogOptions
  readonly paths: LogPaths
  readonly root: LogRoot
  readonly directory: LogDirectory
  readonly identity: LogIdentity
  readonly config: ResolvedConfig
  readonly index: LogIndex
  readonly files: SegmentFiles
  /** Nothing may be changed on disk. */
  readonly isReadOnly: boolean
  readonly startedMs: number
  readonly notes: readonly string[]
  readonly settledFiles: readonly string[]
}

/** Segments that can be served, and what it took. */
export interface Recovered {
  readonly segments: readonly Segment[]
  readonly active: SegmentWriter
  readonly startOffset: number
  readonly endOffset: number
  readonly report: RecoveryReport
}

/** Turns the files of a log into segments that can be served. Errors: LOG_CORRUPT, the system's. */
export async function recoverSegments(input: RecoverInput): Promise<Recovered> {
  const { options, paths, root, directory, index, identity, config } = input
  const { fileSystem, clock } = options
  const storedStart = root.startOffsets.get(paths.topic, paths.partition)
  const segments = directory.segments.map((file) => toSegment(file))
  if (segments.length === 0) segments.push(await createFirstSegment(input, storedStart ?? 0))
  const damage = [
    ...missingHead(input, segments[0]!, storedStart),
    ...(await checkAllSealed(input, segments)),
  ]
  refuse(damage, options)
  const isReadOnly = input.isReadOnly || damage.length > 0
  const storedRecoveryPoint = root.recoveryPoints.get(paths.topic, paths.partition) ?? 0
  const { marker } = root
  const tail = await recoverTail(segments, {
    fileSystem,
    paths,
    identity,
    config,
    index,
    marker,
    storedRecoveryPoint,
    isReadOnly,
  })
  const last = segments.at(-1)!
  if (tail.damage !== undefined) damage.push(tail.damage)
  damage.push(...missingTail(segments, storedStart, identity))
  refuse(damage, options)
  const active = openActive(input, last, isReadOnly || damage.length > 0)
  return {
    segments,
    active,
    startOffset: Math.min(Math.max(storedStart ?? 0, segments[0]!.baseOffset), last.nextOffset),
    endOffset: last.nextOffset,
    report: {
      clean: tail.clean,
      recoveryPoint: tail.recoveryPoint,
      scannedBytes: tail.scannedBytes,
      scannedBatches: tail.scannedBatches,
      cut: tail.cut,
      settledFiles: input.settledFiles,
      unrecognisedFiles: directory.unrecognised,
      droppedFiles: tail.droppedFiles,
      damage,
      notes: input.notes,
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
  options.fileSystem.openSync(path, 'create').close()
  await options.fileSystem.syncDirectory(paths.directory)
  const appendedAtMs = options.clock.now()
  const segment = new Segment({ baseOffset, path, sizeBytes: 0, nextOffset: baseOffset, appendedAtMs })
  segment.facts = 'fresh'
  return segment
}

function openActive(input: RecoverInput, segment: Segment, isReadOnly: boolean): SegmentWriter {
  const { options, index, config } = input
  const handle = options.fileSystem.openSync(segment.path, isReadOnly ? 'read' : 'append')
  if (segment.sizeBytes > 0) segment.firstTimestamp ??= readFirstTimestamp(handle)
  const indexIntervalBytes = config['index.interval.bytes']
  return new SegmentWriter({ segment, handle, createdMs: options.clock.now(), index, indexIntervalBytes })
}

function checkAllSealed(input: RecoverInput, segments: readonly Segment[]): Promise<OpenDamage[]> {
  return checkSealed(segments, {
    files: input.files,
    index: input.index,
    dense: input.identity.offsets === 'dense',
    batchBytesMax: readBatchBytesMax(input.config),
    indexIntervalBytes: input.config['index.interval.bytes'],
  })
}

/** A log of ours starts where its start offset says, or below: retention stores that before the first file goes. */
function missingHead(input: RecoverInput, first: Segment, storedStart: number | undefined): OpenDamage[] {
  const startOffset = storedStart ?? 0
  const isJudgeable = input.identity.offsets === 'dense' && input.root.startOffsets.problem === undefined
  if (!isJudgeable || first.baseOffset <= startOffset) return []
  return [
    {
      kind: 'missing-head',
      path: first.path,
      position: 0,
      firstLostOffset: startOffset,
      nextGoodOffset: first.baseOffset,
      message: `this is the first segment, and the log starts at offset ${startOffset}`,
    },
  ]
}

/** Segments behind the last one with bytes must start where it ends, and the start offset can't lie past the end. */
function missingTail(
  segments: readonly Segment[],
  storedStart: number | undefined,
  identity: LogIdentity,
): OpenDamage[] {
  const last = segments.at(-1)!
  const tail = segments.findLast((segment) => segment.sizeBytes > 0) ?? segments[0]!
  const end = tail.nextOffset
  const hole =
    tail !== last && (identity.offsets === 'dense' ? end !== last.baseOffset : end > last.baseOffset)
  const isShort = (storedStart ?? 0) > last.nextOffset
  if (!hole && !isShort) return []
  return [
    {
      kind: 'missing-tail',
      path: tail.path,
      position: tail.sizeBytes,
      firstLostOffset: end,
      nextGoodOffset: hole ? last.baseOffset : undefined,
      message: hole
        ? `the segment ends before offset ${end}, and ${last.path} is empty behind it`
        : `the log ends before offset ${last.nextOffset}, and starts at ${storedStart}`,
    },
  ]
}
