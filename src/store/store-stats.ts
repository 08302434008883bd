import type { Log } from '../cleanup/index.ts'
import { failureOf } from './failed-log.ts'
import type { GroupOffsets } from './group-offsets.ts'
import type { GroupStats, StoreStats } from './store-report.ts'
import type { Topic } from './topic.ts'

/** Adds up the figures of topics, which are in the order of their names. */
export function storeStats(
  topics: readonly Topic[],
  offsets: GroupOffsets,
  openFiles: number | undefined,
): StoreStats {
  const all = topics.flatMap(({ name: topic, partitions }) =>
    partitions.map((log, partition) => ({ topic, partition, log })),
  )
  const logs = all
    .filter(({ log }) => isServed(log))
    .map(({ topic, partition, log }) => ({ topic, partition, ...log.stats() }))
  const failedLogs = all.flatMap(({ topic, partition, log }) => {
    const error = failureOf(log)
    return error === undefined ? [] : [{ topic, partition, error }]
  })
  return {
    topics: topics.length,
    partitions: all.length,
    failed: failedLogs.length,
    sizeBytes: logs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    segmentCount: logs.reduce((sum, { segmentCount }) => sum + segmentCount, 0),
    openFiles: openFiles ?? logs.reduce((sum, log) => sum + log.openFiles, 0),
    logs,
    failedLogs,
    groups: groupStats(topics, offsets),
  }
}

/** Orders texts by their code units, whatever the machine's language. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function isServed(log: Log): boolean {
  return log.state !== 'closed' && failureOf(log) === undefined
}

function groupStats(topics: readonly Topic[], offsets: GroupOffsets): GroupStats[] {
  const byName = new Map(topics.map((topic) => [topic.name, topic]))
  const served = [...offsets.all()].filter(({ topic, topicId }) => byName.get(topic)?.id === topicId)
  const groups = served.map(({ group, topic, partition, nextOffset: committed }) => {
    const log = byName.get(topic)?.partitions[partition]
    const lag =
      log !== undefined && isServed(log) ? Math.max(0, log.readableEndOffset - committed) : undefined
    return { group, topic, partition, committed, lag }
  })
  return groups.sort(
    (a, b) => byText(a.group, b.group) || byText(a.topic, b.topic) || a.partition - b.partition,
  )
}
