export {
  BatchBuilder,
  type BatchMark,
  type BatchOpening,
  type RecordToAppend,
  type SealedBatch,
} from './batch-builder.ts'
export {
  type BatchLimits,
  type BatchProblem,
  type BatchProblemReason,
  batchProblemError,
  checkBatch,
  checkExtent,
} from './batch-check.ts'
export { decodeBatch, type DecodeOptions, validateRecords } from './batch-decode.ts'
export {
  attributesAt,
  baseOffsetAt,
  batchSizeAt,
  isMaxTimestampExactAt,
  lastOffsetAt,
  magicAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  readBatchHeader,
  recordCountAt,
} from './batch-header.ts'
export {
  ATTRIBUTE,
  BATCH,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_MIN,
  LOG_OVERHEAD_BYTES,
  MAGIC,
  MAGIC_PREFIX_BYTES,
  NO_PRODUCER,
  NO_TIMESTAMP,
  type TimestampType,
} from './batch-layout.ts'
export { checkClientBatch, type ClientBatchLimits } from './client-batch.ts'
export { encodeBatch, type EncodeBatchOptions, type RecordToEncode } from './encode-batch.ts'
export {
  describeLegacy,
  type LegacyMessage,
  legacyChecksumProblem,
  legacyMessageAt,
} from './legacy-message.ts'
export { assignOffsets, setMaxTimestamp } from './patch.ts'
export { decodeRecordAlone, decodeRecordAt, locateRecords, type RecordLocations } from './record-location.ts'
export type { PlainFrame } from './plain-decode.ts'
export { plainFrameOf, type RecordFrame } from './record-reader.ts'
export type { FieldBytes, RecordFields } from './record-writer.ts'
export type {
  BatchHeader,
  BatchPlace,
  ControlRecord,
  ControlType,
  LogRecord,
  RecordBatch,
  RecordHeader,
} from './types.ts'
export { WriteBuffer } from './write-buffer.ts'
