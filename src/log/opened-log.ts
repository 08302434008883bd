import type { ResolvedConfig } from '../config/index.ts'
import type { DirectoryLock } from '../fs/index.ts'
import type { CheckpointFile, LogPaths } from '../layout/index.ts'
import type { IndexDatabase } from '../offset-index/index.ts'
import type { SegmentWriter } from '../segment/index.ts'
import type { CleanMarkerFile } from './clean-marker-file.ts'
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
  readonly isReadOnly: boolean
  readonly readOnlyReason: string
  /** The configuration in force with `stored` in the log's own file. Errors: CONFIG_INVALID. */
  resolve(stored: ReadonlyMap<string, string>): ResolvedConfig
  /** Runs once, before the first byte is written. */
  beforeFirstWrite(): Promise<void>
}
