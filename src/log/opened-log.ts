import type { ResolvedConfig } from '../config/index.ts'
import type { SeglogError } from '../core/index.ts'
import type { LogPaths } from '../layout/index.ts'
import type { SegmentWriter } from '../segment/index.ts'
import type { LogMarker } from './clean-marker-file.ts'
import type { StateFile } from './log-directory.ts'
import type { LogIdentity } from './log-identity.ts'
import type { CheckedLogOptions } from './log-options.ts'
import type { LogRoot } from './log-root.ts'
import type { LogState } from './log-state.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { WatermarkFile } from './watermark-file.ts'

/** A log as opening leaves it: recovered, its end known, ready to be served. */
export interface OpenedLog {
  readonly root: LogRoot
  /** Nobody but this log uses the root: closing the log closes it. */
  readonly ownsRoot: boolean
  readonly marker: LogMarker
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
  /** What poisons the log when its lock, or its directory, is not the one that was opened any more; undefined while it is. */
  placeProblem(): SeglogError | undefined
  /** Runs once, before the first byte is written. */
  beforeFirstWrite(): Promise<void>
}
