import type { ResolvedConfig } from '../config/index.ts'
import type { Clock, PinoLike, Random, SerialQueue } from '../core/index.ts'
import type { FileSystem, OpenFileLimit } from '../fs/index.ts'
import type { CheckpointFile, LogPaths } from '../layout/index.ts'
import type { LogMarker } from './clean-marker-file.ts'
import type { StateFile } from './log-directory.ts'
import type { LogIdentity } from './log-identity.ts'
import type { LogState } from './log-state.ts'
import type { RecoveryPoint } from './recovery-point.ts'
import type { SegmentRemoval } from './segment-removal.ts'
import type { Writer } from './writer.ts'

/** What the operations on an open, writable log work on. */
export interface LogParts {
  readonly fileSystem: FileSystem
  readonly openFiles: OpenFileLimit
  readonly clock: Clock
  readonly random: Random
  readonly logger: PinoLike
  readonly paths: LogPaths
  readonly state: LogState
  readonly writer: Writer
  readonly removal: SegmentRemoval
  readonly recoveryPoint: RecoveryPoint
  readonly recoveryPoints: CheckpointFile
  readonly startOffsets: CheckpointFile
  readonly marker: LogMarker
  /** Retention, start offset, truncation and configuration change one at a time. */
  readonly maintenance: SerialQueue
  identity: LogIdentity
  /** The leader epoch that new batches carry. */
  leaderEpoch: number
  /** Files that Kafka wrote beside segments and that are still there. */
  sidecars: readonly StateFile[]
  /** The writing of `FAILED`, once the log is poisoned; never rejects. */
  failedMarker: Promise<void> | undefined
  /** Publishes how far followers may read. */
  publish(): void
}

/** `segment.ms`, lowered to `max.compaction.lag.ms` where compaction waits for it. */
export function effectiveSegmentMs(config: ResolvedConfig): number {
  const lagMs = config['max.compaction.lag.ms']
  const lowered = config['cleanup.policy'].includes('compact') && lagMs > 0
  return lowered ? Math.min(lagMs, config['segment.ms']) : config['segment.ms']
}
