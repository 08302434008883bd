export type {
  CleanBlock,
  CleanFailure,
  CleanOptions,
  CleanPlan,
  CleanReport,
  CleanRoll,
  CleanRule,
  DeletedSegment,
  Log,
  SegmentPlan,
  SkippedSegment,
} from './cleanup/index.ts'
export { explainPlan } from './cleanup/index.ts'
export type { ConfigInput, ConfigKey, ResolvedConfig } from './config/index.ts'
export {
  type Clock,
  type ErrorCode,
  type ErrorKind,
  isSeglogError,
  type PinoLike,
  type Random,
  SeglogError,
  type Timer,
} from './core/index.ts'
export type {
  DirectoryEntry,
  DirectoryLock,
  FileHandle,
  FileStat,
  FileSystem,
  OpenMode,
  Watcher,
} from './fs/index.ts'
export type {
  AppendOptions,
  AppendResult,
  Bytes,
  Damage,
  Durability,
  HeadersInput,
  LogOptions,
  LogStats,
  OpenDamage,
  ReadFrom,
  ReadOptions,
  RecordInput,
  RecordLike,
  RecoveryReport,
  TailCut,
  TimestampOffset,
} from './log/index.ts'
export { openLog } from './open-log.ts'
export {
  type BatchHeader,
  type ControlRecord,
  type ControlType,
  encodeBatch,
  type EncodeBatchOptions,
  type LogRecord,
  type RecordBatch,
  type RecordHeader,
  type RecordToEncode,
} from './record/index.ts'
export type { SegmentInfo } from './segment/index.ts'
export {
  type CreateTopicOptions,
  type GroupReset,
  type GroupStats,
  openStore,
  Store,
  type StoreCleanOptions,
  type StoreLogReport,
  type StoreLogStats,
  type StoreOptions,
  type StorePlanOptions,
  type StoreReport,
  type StoreStats,
  Topic,
  type TopicReadFrom,
  type TopicReadOptions,
  type TopicRecord,
  type TopicRecordRead,
} from './store/index.ts'
