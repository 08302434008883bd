import { join } from 'node:path'
import { CleanedLog, type CleanupScheduler, FollowedLog, type Log } from '../cleanup/index.ts'
import { forEachBounded, SeglogError } from '../core/index.ts'
import {
  isInternalTopic,
  type LogHome,
  partitionDirectoryName,
  type TopicPartition,
} from '../layout/index.ts'
import {
  type CheckedLogOptions,
  labelLogger,
  type LogRoot,
  openFollower,
  openPartitionIn,
  RootFiles,
} from '../log/index.ts'
import { FailedLog } from './failed-log.ts'
import { alignPartition } from './make-partition.ts'
import type { PartitionFacts, TopicPlan } from './plan-store.ts'
import { mergeLayers } from './store-options.ts'

/** A topic whose logs have been opened, as far as they could be. */
export interface OpenedTopic {
  readonly name: string
  readonly id: string
  /** By their numbers; those that could not be opened are `FailedLog`s. */
  readonly logs: readonly Log[]
}

/** Opens one log. Errors: those of opening a log. */
export type OpenLog = (topic: TopicPlan, facts: PartitionFacts) => Promise<Log>

/** Where the log of a partition lives in a store. */
export function homeOf(root: string, log: TopicPartition): LogHome {
  const { topic, partition } = log
  return { topic, partition, root, directory: join(root, partitionDirectoryName(log)), inStore: true }
}

/** Opens logs for writing, in a root that is open; those of Kafka's own topics only for reading. */
export function writableOpener(
  root: LogRoot,
  options: CheckedLogOptions,
  scheduler: CleanupScheduler,
): (log: TopicPartition) => Promise<Log> {
  return async (log) => {
    const logger = labelLogger(options.logger, { topic: log.topic, partition: log.partition })
    const adopt = options.adopt && !isInternalTopic(log.topic)
    const each = { ...options, adopt, logger }
    return new CleanedLog(await openPartitionIn(root, homeOf(root.paths.root, log), each), each, scheduler)
  }
}

/** Opens logs for reading only: no lock, nothing written; what is stored with a topic goes before the store's own. */
export function followingOpener(directory: string, options: CheckedLogOptions): OpenLog {
  const rootFiles = new RootFiles(options.fileSystem, options.clock)
  return async (_, { name, topic, partition, config: stored = new Map<string, string>() }) => {
    const config = mergeLayers(stored, options.config)
    const logger = labelLogger(options.logger, { topic, partition })
    const followed = { ...options, config, readOnly: true, logger, rootFiles }
    return new FollowedLog(await openFollower(join(directory, name), followed), followed)
  }
}

/** Brings a partition in line with its topic, then opens it with `openLog`. */
export function aligningOpener(root: LogRoot, openLog: (log: TopicPartition) => Promise<Log>): OpenLog {
  return async (topic, { topic: name, partition }) => {
    const log = { topic: name, partition }
    await alignPartition(root.fileSystem, homeOf(root.paths.root, log), topic)
    return openLog(log)
  }
}

/** Opens with `openLog`, and writes down what is open, for whoever has to close it all. */
export function recordingOpener(openLog: OpenLog, opened: Log[]): OpenLog {
  return async (topic, facts) => {
    const log = await openLog(topic, facts)
    opened.push(log)
    return log
  }
}

/** Opens the logs of all topics, some at a time; one that can't be opened is told of, and takes none with it. */
export async function openTopics(
  directory: string,
  plans: readonly TopicPlan[],
  work: { openLog: OpenLog; parallel: number; logger: CheckedLogOptions['logger'] },
): Promise<OpenedTopic[]> {
  const topics = plans.map((plan) => ({ plan, logs: [] as Log[] }))
  const all = topics.flatMap((topic) => topic.plan.found.map((facts) => ({ topic, facts })))
  await forEachBounded(all, work.parallel, async ({ topic, facts }) => {
    const { topic: name, partition } = facts
    try {
      if (facts.problem !== undefined) throw facts.problem
      checkTopicId(directory, topic.plan, facts)
      topic.logs[partition] = await work.openLog(topic.plan, facts)
    } catch (error) {
      work.logger.error({ error, topic: name, partition }, 'a log could not be opened')
      topic.logs[partition] = new FailedLog(join(directory, facts.name), error)
    }
  })
  return topics.map(({ plan, logs }) => ({
    name: plan.name,
    id: plan.topicId ?? '',
    logs: Array.from({ length: plan.partitionCount }, (_, partition) => {
      const path = join(directory, partitionDirectoryName({ topic: plan.name, partition }))
      return logs[partition] ?? new FailedLog(path, missing(path))
    }),
  }))
}

/** All partitions of a topic have one id; one that has another was put there by somebody. */
function checkTopicId(directory: string, plan: TopicPlan, { name, topicId }: PartitionFacts): void {
  if (topicId === undefined || plan.topicId === undefined || topicId === plan.topicId) return
  const path = join(directory, name)
  const message = `${path} is a partition of another topic: its topic id is ${topicId}, that of ${plan.name} is ${plan.topicId}`
  throw new SeglogError('LOG_CORRUPT', message, { path, found: topicId, expected: plan.topicId })
}

function missing(path: string): SeglogError {
  return new SeglogError(
    'LOG_NOT_FOUND',
    `${path} is missing: its topic has more partitions than there are`,
    { path },
  )
}
