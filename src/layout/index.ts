export {
  CheckpointFile,
  type CheckpointOffsets,
  formatCheckpoint,
  openCheckpointFile,
  parseCheckpoint,
  readCheckpoint,
} from './checkpoint.ts'
export { CHECKPOINT_BYTES_MAX, type Parsed, readSmallText } from './checkpoint-text.ts'
export {
  type CleanLogState,
  type CleanMarker,
  formatCleanMarker,
  parseCleanMarker,
  readCleanMarker,
} from './clean-marker.ts'
export {
  type EpochEntry,
  formatEpochs,
  lastEpoch,
  parseEpochs,
  readEpochs,
  truncateEpochsFromEnd,
  truncateEpochsFromStart,
} from './epoch-checkpoint.ts'
export {
  formatMetaProperties,
  type MetaProperties,
  metaPropertiesError,
  parseMetaProperties,
  readMetaProperties,
} from './meta-properties.ts'
export {
  CLEANED_SUFFIX,
  classifyEntry,
  DELETED_SUFFIX,
  type EntryName,
  FILE_NAMES,
  LOG_SUFFIX,
  parseSegmentFileName,
  SIDECARS,
  type Sidecar,
  SWAP_SUFFIX,
  segmentFileName,
  sidecarFileName,
} from './names.ts'
export {
  formatPartitionMetadata,
  isTopicId,
  parsePartitionMetadata,
  randomTopicId,
  readPartitionMetadata,
} from './partition-metadata.ts'
export {
  type LogHome,
  type LogPaths,
  logPaths,
  resolveHome,
  type RootPaths,
  rootPaths,
  STANDALONE,
} from './paths.ts'
export { classifyStoreDirectory, deletedDirectoryName, type StoreEntry } from './store-names.ts'
export {
  INTERNAL_PREFIX,
  isInternalTopic,
  isLogDirectoryName,
  isPartition,
  parsePartitionDirectoryName,
  partitionDirectoryName,
  quoteName,
  TOPIC_NAME_LENGTH_MAX,
  type TopicPartition,
  topicNameProblem,
} from './topic-names.ts'
export {
  decodeWatermark,
  encodeWatermark,
  WATERMARK_BYTES,
  WATERMARK_SESSION_BYTES,
  type Watermark,
} from './watermark.ts'
