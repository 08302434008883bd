import type { Command } from 'commander'
import type { CommandContext, Start } from '../context.ts'
import { formatJson } from '../escape.ts'
import { isInternalTopic } from '../../layout/index.ts'
import { LogFailures } from '../log-failures.ts'
import { logsOf, openedOnly, openStoreForReading } from '../open-store.ts'
import { refuseOptions } from '../refused-options.ts'

/** What the commands on topics say of an option of Kafka's that names a broker. */
export const ON_DISK = { '--bootstrap-server <host>': 'the store is on disk' } as const

interface ListFlags {
  readonly excludeInternal?: true
  readonly json?: true
}

const HELP = `
Example:
  $ seglog topics list data/store
  __seglog_offsets
  earthquakes
  strong-quakes`

/** Adds `topics list`: the names of a store's topics. */
export function defineTopicsList(topics: Command, start: Start): void {
  const command = topics
    .command('list')
    .summary('print the names of the topics')
    .description('Print the names of the topics of a store, a line each. Takes no lock and writes nothing.')
    .argument('<dir>', 'the directory of a store')
    .option('--exclude-internal', "leave out the store's own topics, whose names begin with __")
    .option('--json', 'print one JSON object a topic')
    .addHelpText('after', HELP)
    .action((directory: string, flags: ListFlags) => start((context) => list(context, directory, flags)))
  refuseOptions(command, ON_DISK)
}

async function list(context: CommandContext, directory: string, flags: ListFlags): Promise<number> {
  await using store = await openStoreForReading(context, directory)
  const failures = new LogFailures(context.notes)
  for (const { name, id, partitions } of store.topics()) {
    if (flags.excludeInternal === true && isInternalTopic(name)) continue
    if (flags.json === true)
      context.output.line(formatJson({ topic: name, id, partitions: partitions.length }))
    else context.output.line(name)
  }
  openedOnly(store, logsOf(store, { topic: undefined, partition: undefined }), failures)
  return failures.exitCode
}
