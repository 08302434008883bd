export type { AppendOptions } from './append-options.ts'
export type { AppendResult } from './append-queue.ts'
export { deleteSegments } from './delete-segments.ts'
export type { Durability } from './durability.ts'
export { closedError, operationFailure, readOnlyError } from './failures.ts'
export { FollowerLog, openFollower } from './follower-log.ts'
export {
  type AppendEvent,
  type DeleteEvent,
  eventOf,
  events,
  type FlushEvent,
  type LogEvent,
  type PoisonEvent,
  type RecoverEvent,
  type RollEvent,
} from './log-events.ts'
export { labelLogger } from './guarded-logger.ts'
export { type LogIdentity, newIdentity, readIdentity, writeIdentity } from './log-identity.ts'
export { effectiveSegmentMs, type LogParts } from './log-parts.ts'
export { type CheckedLogOptions, checkDirectory, checkLogOptions, type LogOptions } from './log-options.ts'
export type { LogState } from './log-state.ts'
export type { LogStats } from './log-stats.ts'
export { closeRoot, type LogRoot, lockRoot, openRoot } from './log-root.ts'
export { openPartition, openPartitionIn } from './open-partition.ts'
export type { OpenedLog } from './opened-log.ts'
export { type LogStateName, PartitionLog } from './partition-log.ts'
export type { Damage, ReadFrom, ReadOptions } from './read-options.ts'
export type { Bytes, HeadersInput, RecordInput, RecordLike } from './record-input.ts'
export type { OpenDamage, RecoveryReport, TailCut } from './recovery-report.ts'
export { RootFiles } from './root-files.ts'
export type { TimestampOffset } from './time-lookup.ts'
