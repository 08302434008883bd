import type { LogStats, RecoveryReport } from '../log/index.ts'

/** What opening found of one log. */
export interface StoreLogReport {
  readonly topic: string
  readonly partition: number
  readonly recovery: RecoveryReport
  /** Why it could not be opened; undefined when it could. */
  readonly error: unknown
}

/** What opening a store found and did. */
export interface StoreReport {
  /** The store was made by this opening. */
  readonly isNew: boolean
  /** In the order of topics and partitions. */
  readonly logs: readonly StoreLogReport[]
  /** Directories of topics whose deletion an earlier process had begun; they go in the background. */
  readonly finishedDeletions: readonly string[]
  /** Directories of topics that an earlier process had not finished making; they are gone. */
  readonly discarded: readonly string[]
  /** Names in the store that mean nothing here; left alone. */
  readonly unrecognised: readonly string[]
  /** Configuration that was given and that nothing depends on. */
  readonly inertConfig: readonly string[]
  /** What else was odd, in words. */
  readonly notes: readonly string[]
  readonly durationMs: number
}

/** Figures of one log of a store. */
export interface StoreLogStats extends LogStats {
  readonly topic: string
  readonly partition: number
}

/** A log of a store that could not be opened; or, where the store is open for reading only, is not there any more. */
export interface FailedLogStats {
  readonly topic: string
  readonly partition: number
  /** Why. */
  readonly error: unknown
}

/** How far a group is in one partition. */
export interface GroupStats {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly committed: number
  /** Offsets between there and the readable end; undefined where that is not known, since the log is one of the `failedLogs`. */
  readonly lag: number | undefined
}

/** Figures of an open store, at one moment. */
export interface StoreStats {
  readonly topics: number
  readonly partitions: number
  /** How many logs could not be opened. */
  readonly failed: number
  readonly sizeBytes: number
  readonly segmentCount: number
  /** Files open over all logs, for reading and for writing. */
  readonly openFiles: number
  /** In the order of topics and partitions, but for those that could not be opened or are about to be deleted. */
  readonly logs: readonly StoreLogStats[]
  /** In the same order. */
  readonly failedLogs: readonly FailedLogStats[]
  /** In the order of groups, topics and partitions. */
  readonly groups: readonly GroupStats[]
}
