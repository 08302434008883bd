export type { ControlMessage } from './control-message.ts'
export {
  checkIndexSanity,
  type IndexFile,
  type IndexSanity,
  type InspectedOffsetEntry,
  type InspectedTimeEntry,
  inspectOffsetIndex,
  inspectTimeIndex,
} from './index-file.ts'
export { classifyFile, findFiles, type InspectedFile, type InspectedFileKind } from './inspect-path.ts'
export { inspectSegment } from './inspect-segment.ts'
export {
  type ProducerSnapshot,
  type ProducerState,
  readProducerSnapshot,
} from './producer-snapshot-file.ts'
export { type InspectedControl, type InspectedRecord, inspectRecords } from './inspect-records.ts'
export {
  type AbortedTransaction,
  inspectTransactionIndex,
  TRANSACTION_INDEX_VERSION,
  transactionIndexRemainder,
} from './transaction-index-file.ts'
export type {
  Inspected,
  InspectedBatch,
  InspectedDamage,
  InspectedTail,
  InspectOptions,
} from './types.ts'
