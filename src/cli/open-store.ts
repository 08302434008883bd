import { join } from 'node:path'
import { nearestName } from '../core/index.ts'
import { type Log, openStore, SeglogError, type Store, type StoreOptions, type Topic } from '../index.ts'
import { FILE_NAMES, isInternalTopic, readMetaProperties } from '../layout/index.ts'
import type { CommandContext } from './context.ts'
import { UsageError } from './failures.ts'
import type { LogFailures } from './log-failures.ts'
import { quote } from './option-values.ts'
import { plural } from './words.ts'

/** A log of a store, and which one it is. */
export interface StoreLog {
  readonly topic: string
  readonly partition: number
  readonly log: Log
}

/** Opens a store without a lock and without writing; another process, or Kafka, may have it. */
export function openStoreForReading(
  { machine }: CommandContext,
  directory: string,
  options: Pick<StoreOptions, 'config'> = {},
): Promise<Store> {
  const { fileSystem, clock } = machine
  return openStore(directory, { ...options, readOnly: true, fileSystem, clock })
}

/** Opens a store for writing, without anything that deletes by itself. Errors: those of `openStore`; LOG_READONLY for Kafka's. */
export async function openStoreForWriting(
  { machine }: CommandContext,
  directory: string,
  options: Pick<StoreOptions, 'config' | 'durability' | 'create'> = {},
): Promise<Store> {
  const { fileSystem, clock } = machine
  const meta = readMetaProperties(fileSystem, join(directory, FILE_NAMES.metaProperties))
  if (meta !== undefined && meta.problem === undefined && !meta.value.isOurs) {
    const message = `${directory} was written by Kafka: it is read here, and never changed`
    throw new SeglogError('LOG_READONLY', message, { path: directory })
  }
  return openStore(directory, { create: false, ...options, cleanup: false, fileSystem, clock })
}

/** Finds a topic by its exact name. Errors: TOPIC_NOT_FOUND, with the nearest name and how to make one. */
export function findTopic(store: Store, name: string): Topic {
  const topics = store.topics()
  const topic = topics.find((candidate) => candidate.name === name)
  if (topic !== undefined) return topic
  const nearest = nearestName(
    name,
    topics.map((other) => other.name),
  )
  const meant = nearest === undefined ? '' : `, did you mean ${nearest}?`
  const hint = `see seglog topics list and seglog topics create`
  throw new SeglogError(
    'TOPIC_NOT_FOUND',
    `there is no topic ${quote(name)} in ${store.directory}${meant}; ${hint}`,
  )
}

/** As `findTopic`, for what changes the topic. Errors: UsageError for a topic that belongs to the store or to Kafka. */
export function findOwnTopic(store: Store, name: string): Topic {
  const topic = findTopic(store, name)
  if (!isInternalTopic(name)) return topic
  throw new UsageError(`${name} is an internal topic, which can be read and nothing else`)
}

/** The partitions of a topic that are wanted: one, or all. Errors: UsageError for a number it does not have. */
export function partitionsOf(topic: Topic, partition: number | undefined): StoreLog[] {
  const all = topic.partitions.map((log, number) => ({ topic: topic.name, partition: number, log }))
  if (partition === undefined) return all
  const wanted = all[partition]
  if (wanted !== undefined) return [wanted]
  const range = all.length === 1 ? 'only partition 0' : `partitions 0 to ${all.length - 1}`
  throw new UsageError(`-p ${partition}: ${topic.name} has ${range}`)
}

/** The logs that a place in a store stands for, in the order of topics and partitions. Errors: those of `findTopic`, `partitionsOf`. */
export function logsOf(
  store: Store,
  { topic, partition }: { topic: string | undefined; partition: number | undefined },
): StoreLog[] {
  if (topic !== undefined) return partitionsOf(findTopic(store, topic), partition)
  return store.topics().flatMap((each) => partitionsOf(each, undefined))
}

/** Tells of those that could not be opened, and gives the others. */
export function openedOnly<T extends Omit<StoreLog, 'log'>>(
  store: Store,
  logs: readonly T[],
  failures: LogFailures,
): T[] {
  const errors = new Map(
    store.report.logs.flatMap(({ topic, partition, error }) =>
      error === undefined ? [] : [[`${topic}-${partition}`, error] as const],
    ),
  )
  return logs.filter((log) => {
    const error = errors.get(`${log.topic}-${log.partition}`)
    if (error !== undefined) failures.add(log, error)
    return error === undefined
  })
}

/** 'orders: 3 partitions, id …', for notes about a topic. */
export function describeTopic({ name, id, partitions }: Topic): string {
  return `${name}: ${plural(partitions.length, 'partition')}, id ${id}`
}
