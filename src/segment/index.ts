export {
  isZero,
  offsetProblem,
  type ScannedBatch,
  type ScannedLegacy,
  type ScanProblem,
  type ScanRange,
  type ScanResult,
  scanBatches,
} from './batch-scan.ts'
export { adoptFacts, rebuildFacts } from './facts.ts'
export { IndexFeed, storeFacts } from './index-feed.ts'
export { findLegacyEnd } from './legacy-run.ts'
export {
  type BatchPlace,
  bytesAt,
  corruptAt,
  isBatchAt,
  runAsync,
  runSync,
  type Search,
  searchOffset,
  searchWindow,
} from './locate.ts'
export { type PointRead, readRecordInBatch, readVerifiedRecord } from './point-read.ts'
export { type Quarantined, quarantineBytes } from './quarantine.ts'
export { type FoundBatch, findNextBatch, type ResyncRange } from './resync.ts'
export { Segment, type SegmentInfo } from './segment.ts'
export { type ByteSource, SegmentFiles } from './segment-files.ts'
export { SegmentWriter, type WritableBatch } from './segment-writer.ts'
export { type VerifiedBatch, type VerifiedRecord, VerifiedRecords } from './verified-records.ts'
export { FileWindow } from './window.ts'
