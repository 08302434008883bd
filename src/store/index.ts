export { type MergedSource, mergeReads } from './merge-reads.ts'
export { murmur2, partitionForKey } from './partitioner.ts'
export { openStore } from './open-store.ts'
export { Store } from './store.ts'
export type { SeglogEvents } from './store-events.ts'
export type {
  CreateTopicOptions,
  StoreCleanOptions,
  StoreOptions,
  StorePlanOptions,
} from './store-options.ts'
export type {
  FailedLogStats,
  GroupStats,
  StoreLogReport,
  StoreLogStats,
  StoreReport,
  StoreStats,
} from './store-report.ts'
export { formatPrometheus, PROMETHEUS_CONTENT_TYPE, type PrometheusSource } from './prometheus.ts'
export { type GroupPosition, Topic, type TopicRecordRead } from './topic.ts'
export type { TopicRecord } from './topic-append.ts'
export { type GroupReset, type TopicReadFrom, type TopicReadOptions } from './topic-read.ts'
