import { type ConfigRow, DAY_MS, KIB, MIB, MINUTE_MS } from './config-row.ts'

/*
 * The broker-level keys that are no synonym of a topic-level one: the schedule of the work around a log, and what a broker
 * does with many of them. Names, types, defaults and ranges are those of Apache Kafka 4 (`ServerLogConfigs`,
 * `CleanerConfig`, `KafkaConfig`).
 */

/** When the work around a log is done; an embedded log goes by these itself. */
const SCHEDULE_KEYS = [
  {
    name: 'log.retention.check.interval.ms',
    scope: 'broker',
    kind: 'long',
    unit: 'ms',
    default: 5 * MINUTE_MS,
    min: 1,
    status: 'active',
    doc: 'How often the scheduler looks for segments to delete or compact.',
  },
  {
    name: 'log.initial.task.delay.ms',
    scope: 'broker',
    kind: 'long',
    unit: 'ms',
    default: 30_000,
    min: 0,
    status: 'active',
    doc: 'How long after opening the scheduler does its work for the first time.',
  },
  {
    name: 'log.flush.offset.checkpoint.interval.ms',
    scope: 'broker',
    kind: 'int',
    unit: 'ms',
    default: MINUTE_MS,
    min: 0,
    status: 'active',
    doc: 'The recovery point is stored at least this often while a log is written to.',
  },
] as const satisfies readonly ConfigRow[]

/** Limits of a broker's pool of compaction threads. */
const CLEANER_KEYS = [
  {
    name: 'log.cleaner.enable',
    scope: 'broker',
    kind: 'boolean',
    default: true,
    status: 'inert',
    doc: 'Whether a broker compacts at all; on its way out of Kafka.',
  },
  {
    name: 'log.cleaner.threads',
    scope: 'broker',
    kind: 'int',
    default: 1,
    min: 0,
    status: 'inert',
    doc: 'How many threads a broker compacts with.',
  },
  {
    name: 'log.cleaner.dedupe.buffer.size',
    scope: 'broker',
    kind: 'long',
    unit: 'bytes',
    default: 128 * MIB,
    min: 0,
    status: 'inert',
    doc: 'Memory for the map from key to newest offset, over all threads; more than 1 MiB for each.',
  },
  {
    name: 'log.cleaner.io.buffer.size',
    scope: 'broker',
    kind: 'int',
    unit: 'bytes',
    default: 512 * KIB,
    min: 0,
    status: 'inert',
    doc: 'Memory for reading and writing while compacting, over all threads.',
  },
  {
    name: 'log.cleaner.io.buffer.load.factor',
    scope: 'broker',
    kind: 'double',
    default: 0.9,
    status: 'inert',
    doc: 'How full the map from key to newest offset may become.',
  },
  {
    name: 'log.cleaner.io.max.bytes.per.second',
    scope: 'broker',
    kind: 'double',
    default: Number.MAX_VALUE,
    status: 'inert',
    doc: 'How much compaction reads and writes a second, on average.',
  },
  {
    name: 'log.cleaner.backoff.ms',
    scope: 'broker',
    kind: 'long',
    unit: 'ms',
    default: 15_000,
    min: 0,
    status: 'inert',
    doc: 'How long a compaction thread that found nothing to do sleeps.',
  },
] as const satisfies readonly ConfigRow[]

/** What concerns many logs, or a machine in a cluster. */
const SERVER_KEYS = [
  {
    name: 'num.partitions',
    scope: 'broker',
    kind: 'int',
    default: 1,
    min: 1,
    status: 'inert',
    doc: 'How many partitions a topic gets when its creator names no number; a store goes by it, a single log has no use for it.',
  },
  {
    name: 'log.dirs',
    scope: 'broker',
    kind: 'list',
    default: null,
    nonEmpty: true,
    distinct: true,
    synonyms: [{ name: 'log.dir' }],
    status: 'inert',
    doc: 'Where a broker keeps its logs; a log or store of seglog is opened at the directory it is given.',
  },
  {
    name: 'cordoned.log.dirs',
    scope: 'broker',
    kind: 'list',
    default: [],
    distinct: true,
    status: 'inert',
    doc: 'Directories of a broker that get no new partitions, `*` for all of them.',
  },
  {
    name: 'auto.create.topics.enable',
    scope: 'broker',
    kind: 'boolean',
    default: true,
    status: 'inert',
    doc: 'Whether a broker creates a topic when it is first asked for.',
  },
  {
    name: 'num.recovery.threads.per.data.dir',
    scope: 'broker',
    kind: 'int',
    default: 2,
    min: 1,
    status: 'inert',
    doc: 'How many logs of a directory a broker opens at the same time.',
  },
  {
    name: 'log.flush.start.offset.checkpoint.interval.ms',
    scope: 'broker',
    kind: 'int',
    unit: 'ms',
    default: MINUTE_MS,
    min: 0,
    status: 'inert',
    doc: 'How often a broker stores where its logs start; seglog stores it at every change, before it acts on it.',
  },
  {
    name: 'log.dir.failure.timeout.ms',
    scope: 'broker',
    kind: 'long',
    unit: 'ms',
    default: 30_000,
    min: 1,
    status: 'inert',
    doc: "How long a broker goes on when it can't tell the controller of a failed directory.",
  },
  {
    name: 'producer.id.expiration.ms',
    scope: 'broker',
    kind: 'int',
    unit: 'ms',
    default: DAY_MS,
    min: 1,
    status: 'inert',
    doc: 'How long a silent idempotent producer is remembered.',
  },
  {
    name: 'producer.id.expiration.check.interval.ms',
    scope: 'broker',
    kind: 'int',
    unit: 'ms',
    default: 10 * MINUTE_MS,
    min: 1,
    status: 'inert',
    doc: 'How often a broker looks for producers to forget.',
  },
] as const satisfies readonly ConfigRow[]

/** All broker-level keys that are no synonym, in the order of the documentation. */
export const BROKER_KEYS = [...SCHEDULE_KEYS, ...CLEANER_KEYS, ...SERVER_KEYS] as const
