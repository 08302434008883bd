import { join } from 'node:path'
import type { Command } from 'commander'
import { formatBytes } from '../../cleanup/index.ts'
import type { GroupStats, Store, Topic } from '../../index.ts'
import { FILE_NAMES, isInternalTopic } from '../../layout/index.ts'
import { readIdentity } from '../../log/index.ts'
import type { CommandContext, Start } from '../context.ts'
import { escapeLine, formatJson } from '../escape.ts'
import { describeFailure } from '../failures.ts'
import { LogFailures } from '../log-failures.ts'
import { findTopic, openedOnly, openStoreForReading, partitionsOf, type StoreLog } from '../open-store.ts'
import { refuseOptions } from '../refused-options.ts'
import { formatTable } from '../table.ts'
import { ON_DISK } from './topics-list.ts'

interface DescribeFlags {
  readonly topic?: string
  readonly excludeInternal?: true
  readonly json?: true
}

/** What is told of a topic. */
interface TopicFacts {
  readonly topic: Topic
  /** What is stored with it; undefined where it is kept elsewhere, as Kafka does, or can't be read. */
  readonly config: ReadonlyMap<string, string> | undefined
  /** Those of its logs that could be opened. */
  readonly logs: readonly StoreLog[]
  readonly groups: readonly GroupStats[]
}

const HELP = `
Example:
  $ seglog topics describe shop -t orders
  Topic: orders  TopicId: 9IFn-8kuRcK9rVoJd-94Ng  PartitionCount: 3  Configs: retention.ms=2592000000
  PARTITION  START OFFSET  END OFFSET  SEGMENTS  SIZE
          0             0           1         1  76 B
          1             0           0         1   0 B
          2             0           2         1  89 B

  GROUP    PARTITION  COMMITTED  LAG
  billing          0          1    0
  billing          2          2    0

Groups are shown where there are some: how far each has come, and how many offsets it has not read yet.`

/** Adds `topics describe`: what a topic is made of, and how far its groups are. */
export function defineTopicsDescribe(topics: Command, start: Start): void {
  const command = topics
    .command('describe')
    .summary('print what topics are made of')
    .description(
      'Print the id, configuration, partitions and groups of a topic, or of all. Takes no lock and writes nothing.',
    )
    .argument('<dir>', 'the directory of a store')
    .option('-t, --topic <name>', 'only this topic')
    .option('--exclude-internal', "leave out the store's own topics, whose names begin with __")
    .option('--json', 'print one JSON object a topic')
    .addHelpText('after', HELP)
    .action((directory: string, flags: DescribeFlags) =>
      start((context) => describe(context, directory, flags)),
    )
  refuseOptions(command, ON_DISK)
}

async function describe(context: CommandContext, directory: string, flags: DescribeFlags): Promise<number> {
  const { output, paint } = context
  await using store = await openStoreForReading(context, directory)
  const failures = new LogFailures(context.notes)
  const topics = flags.topic === undefined ? store.topics() : [findTopic(store, flags.topic)]
  const { groups } = store.stats()
  const shown = topics.filter(({ name }) => flags.excludeInternal !== true || !isInternalTopic(name))
  for (const [slot, topic] of shown.entries()) {
    const facts = findFacts(context, { store, topic, failures, groups })
    if (flags.json === true) output.line(formatJson(toJson(store, facts)))
    else {
      if (slot > 0) output.line('')
      for (const line of toLines(facts, (text) => paint('bold', text))) output.line(line)
    }
  }
  return failures.exitCode
}

function findFacts(
  { machine }: CommandContext,
  work: { store: Store; topic: Topic; failures: LogFailures; groups: readonly GroupStats[] },
): TopicFacts {
  const { store, topic, failures, groups } = work
  const logs = openedOnly(store, partitionsOf(topic, undefined), failures)
  let config: TopicFacts['config']
  try {
    const { directory } = topic.partitions[0]!
    config = readIdentity(machine.fileSystem, join(directory, FILE_NAMES.topicProperties))?.config
  } catch (error) {
    if (logs.some(({ partition }) => partition === 0))
      failures.add({ topic: topic.name, partition: 0 }, error)
  }
  return { topic, config, logs, groups: inOrder(groups.filter((group) => group.topic === topic.name)) }
}

function inOrder(groups: readonly GroupStats[]): GroupStats[] {
  return groups.toSorted(
    (a, b) => (a.group < b.group ? -1 : Number(a.group > b.group)) || a.partition - b.partition,
  )
}

function toJson(store: Store, { topic, config, logs, groups }: TopicFacts): object {
  const { name, id, partitions } = topic
  return {
    topic: name,
    id,
    partitionCount: partitions.length,
    config: config === undefined ? null : Object.fromEntries(config),
    partitions: partitions.map((_, partition) => {
      const open = logs.find((each) => each.partition === partition)
      if (open === undefined) return { partition, error: errorOf(store, { topic: name, partition }) }
      const { startOffset, readableEndOffset: endOffset, segmentCount, sizeBytes } = open.log.stats()
      return { partition, startOffset, endOffset, segmentCount, sizeBytes }
    }),
    groups: groups.map(({ group, partition, committed, lag = null }) => ({
      group,
      partition,
      committed,
      lag,
    })),
  }
}

function errorOf(store: Store, log: { topic: string; partition: number }): object {
  const { error } =
    store.report.logs.find(({ topic, partition }) => topic === log.topic && partition === log.partition) ?? {}
  const { code, message } = describeFailure(error)
  return { code, message }
}

const PARTITION_COLUMNS = [
  { title: 'PARTITION', align: 'right' },
  { title: 'START OFFSET', align: 'right' },
  { title: 'END OFFSET', align: 'right' },
  { title: 'SEGMENTS', align: 'right' },
  { title: 'SIZE', align: 'right' },
] as const

const GROUP_COLUMNS = [
  { title: 'GROUP', align: 'left' },
  { title: 'PARTITION', align: 'right' },
  { title: 'COMMITTED', align: 'right' },
  { title: 'LAG', align: 'right' },
] as const

function toLines({ topic, config, logs, groups }: TopicFacts, heading: (text: string) => string): string[] {
  const { name, id, partitions } = topic
  const configs = escapeLine([...(config ?? [])].map(([key, value]) => `${key}=${value}`).join(','))
  const rows = partitions.map((_, partition) => {
    const open = logs.find((each) => each.partition === partition)
    if (open === undefined) return [String(partition), '-', '-', '-', '-']
    const { startOffset, readableEndOffset, segmentCount, sizeBytes } = open.log.stats()
    const counts = [partition, startOffset, readableEndOffset, segmentCount].map(String)
    return [...counts, formatBytes(sizeBytes)]
  })
  const summary = `Topic: ${name}  TopicId: ${id}  PartitionCount: ${partitions.length}  Configs: ${configs}`
  const [title = '', ...lines] = formatTable(PARTITION_COLUMNS, rows)
  if (groups.length === 0) return [summary.trimEnd(), heading(title), ...lines]
  const groupRows = groups.map(({ group, partition, committed, lag = '-' }) => [
    escapeLine(group),
    ...[partition, committed, lag].map(String),
  ])
  const [groupTitle = '', ...groupLines] = formatTable(GROUP_COLUMNS, groupRows)
  return [summary.trimEnd(), heading(title), ...lines, '', heading(groupTitle), ...groupLines]
}
