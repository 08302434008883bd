import type { ResolvedConfig } from '../config/index.ts'
import type { DirectoryLock } from '../fs/index.ts'
import type { CheckpointFile, LogPaths } from '../layout/index.ts'
import type { IndexDatabase } from '../offset-index/index.ts'
import type { SegmentWriter } from '../segment/index.ts'
import type { Ballast } from './ballast.ts'
import type { CleanMarkerFile } from './clean-marker-file.ts'
import type { StateFile } from './log-directory.ts'
import type { LogIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import type { LogState } from './log-state.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { WatermarkFile } from './watermark-file.ts'

/** What the log's root directory gives it, and takes back when it closes. */
export interface LogRoot {
  readonly lock: DirectoryLock
  readonly indexDatabase: IndexDatabase
  readonly recoveryPoints: CheckpointFile
  readonly startOffsets: CheckpointFile
  readonly marker: CleanMarkerFile
  readonly ballast: Ballast
}

/** A log as opening leaves it: recovered, its end known, ready to be served. */
export interface OpenedLog extends LogRoot {
  readonly options: CheckedLogOptions
  readonly paths: LogPaths
  readonly identity: LogIdentity
  readonly state: LogState
  readonly active: SegmentWriter
  readonly durableOffset: number
  readonly partitionLeaderEpoch: number
  /** Undefined when nothing may be written. */
  readonly watermark: WatermarkFile | undefined
  /** Generations of this opening are counted from here, so that followers see them rise over restarts. */
  readonly generationBase: number
  readonly recovery: RecoveryReport
  /** Files that Kafka wrote beside segments. */
  readonly sidecars: readonly StateFile[]
  readonly isReadOnly: boolean
  readonly readOnlyReason: string
  /**
   * The configuration in force with `stored` in the log's own file; what has been updated since it was opened goes before
   * what was given then. Errors: CONFIG_INVALID.
   */
  resolve(stored: ReadonlyMap<string, string>, updates?: ReadonlyMap<string, string>): ResolvedConfig
  /** Runs once, before the first byte is written. */
  beforeFirstWrite(): Promise<void>
}
