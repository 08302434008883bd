/*
 * Where a command works. Every command takes one directory: that of a log, or that of a store, and then -t names a topic
 * in it and -p one of its partitions. A directory is a store if it has a meta.properties, sound or not.
 */
import { join } from 'node:path'
import type { Command } from 'commander'
import { INT32_MAX } from '../core/index.ts'
import { type FileSystem, nodeFileSystem } from '../fs/index.ts'
import { SeglogError } from '../index.ts'
import {
  classifyEntry,
  FILE_NAMES,
  isInternalTopic,
  parsePartitionDirectoryName,
  partitionDirectoryName,
  type TopicPartition,
} from '../layout/index.ts'
import { UsageError } from './failures.ts'
import { quote, wholeNumber } from './option-values.ts'

/** What `-t` and `-p` were given. */
export interface TopicFlags {
  readonly topic?: string
  readonly partition?: number
}

/** A place in a store; without a topic, all of it. */
export interface StorePlace {
  readonly directory: string
  readonly topic: string | undefined
  readonly partition: number | undefined
}

/** Topics that a message names; more of them would be no help. */
const NAMED_TOPICS_MAX = 10

/** Adds `-t` and `-p` to a command that takes a log or a store. */
export function addTopicOptions(command: Command, words: { topic: string; partition: string }): Command {
  return command
    .option('-t, --topic <name>', words.topic)
    .option('-p, --partition <n>', words.partition, wholeNumber('-p', { min: 0, max: INT32_MAX }))
}

/**
 * Says what part of a store a command is to work on; undefined when its directory is no store, but a log, or nothing yet.
 *
 * Errors: UsageError for `-p` without `-t`, and for either of them with a log; STORE_NOT_FOUND for either with nothing;
 *         where `needsTopic` is set, UsageError for a store without `-t`, naming the topics.
 */
export async function findStorePlace(
  directory: string,
  { topic, partition }: TopicFlags,
  { fileSystem = nodeFileSystem, needsTopic }: { fileSystem?: FileSystem; needsTopic?: boolean },
): Promise<StorePlace | undefined> {
  if (topic === '') throw new UsageError("-t takes a topic's name, found an empty one")
  if (isStore(fileSystem, directory)) {
    if (topic === undefined && partition !== undefined) throw new UsageError('-p goes with -t')
    if (topic === undefined && needsTopic === true) throw await topicNeeded(fileSystem, directory)
    return { directory, topic, partition }
  }
  if (topic === undefined && partition === undefined) return undefined
  if (await isLog(fileSystem, directory)) throw notForLogs(directory)
  throw noStore(directory, topic)
}

/** Says that there is no store, and how to make one. */
export function noStore(directory: string, topic: string | undefined): SeglogError {
  const hint = `seglog topics create ${directory} -t ${topic ?? 'TOPIC'} makes one`
  return new SeglogError('STORE_NOT_FOUND', `there is no store in ${directory}; ${hint}`, { path: directory })
}

/** True for a directory that has what makes it a store. */
export function isStore(fileSystem: FileSystem, directory: string): boolean {
  try {
    return fileSystem.statSync(join(directory, FILE_NAMES.metaProperties)) !== undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return false
    throw error
  }
}

/** The topics that the directories in a store belong to, by their names alone; the store's own and Kafka's are left out. */
export async function listTopicNames(fileSystem: FileSystem, directory: string): Promise<string[]> {
  const topics = (await listPartitions(fileSystem, directory)).map(({ topic }) => topic)
  return [...new Set(topics)].filter((topic) => !isInternalTopic(topic)).sort()
}

/**
 * The directories of a topic's logs in a directory, or that of one of them, in their order, by their names alone; it need
 * not be a store, but hold some.
 * Errors: TOPIC_NOT_FOUND, naming the topics there are; UsageError for a log, and for a partition that is not there.
 */
export async function findTopicDirectories(
  fileSystem: FileSystem,
  directory: string,
  { topic, partition }: { readonly topic: string; readonly partition: number | undefined },
): Promise<string[]> {
  if (await isLog(fileSystem, directory)) throw notForLogs(directory)
  const logs = (await listPartitions(fileSystem, directory))
    .filter((log) => log.topic === topic)
    .sort((a, b) => a.partition - b.partition)
  if (logs.length === 0) {
    const there = wordList(await listTopicNames(fileSystem, directory))
    const message = `there is no topic ${quote(topic)} in ${directory}; ${there}`
    throw new SeglogError('TOPIC_NOT_FOUND', message, { path: directory })
  }
  const wanted = logs.filter((log) => partition === undefined || log.partition === partition)
  if (wanted.length === 0) {
    const numbers = logs.map((log) => log.partition).join(', ')
    throw new UsageError(`-p ${partition}: of ${topic} there are ${numbers}`)
  }
  return wanted.map((log) => join(directory, partitionDirectoryName(log)))
}

async function listPartitions(fileSystem: FileSystem, directory: string): Promise<TopicPartition[]> {
  const entries = await fileSystem.list(directory)
  return entries.flatMap(({ name, kind }) =>
    kind === 'directory' ? (parsePartitionDirectoryName(name) ?? []) : [],
  )
}

function notForLogs(directory: string): UsageError {
  return new UsageError(`${directory} is a log, not a store: -t and -p are for stores`)
}

async function isLog(fileSystem: FileSystem, directory: string): Promise<boolean> {
  const entries = await fileSystem.list(directory).catch(() => []) // whatever it is, it is no log
  return entries.some(({ name }) => classifyEntry(name).kind === 'segment')
}

async function topicNeeded(fileSystem: FileSystem, directory: string): Promise<UsageError> {
  const there = wordList(await listTopicNames(fileSystem, directory))
  return new UsageError(`${directory} is a store: name a topic with -t; ${there}`)
}

function wordList(topics: readonly string[]): string {
  if (topics.length === 0) return 'there is none yet'
  const others = topics.length - NAMED_TOPICS_MAX
  const more = others > 0 ? ` and ${others} more` : ''
  return `there ${topics.length === 1 ? 'is' : 'are'} ${topics.slice(0, NAMED_TOPICS_MAX).join(', ')}${more}`
}
