import type { Command } from 'commander'
import type { CommandContext, Start } from '../context.ts'
import { EXIT } from '../failures.ts'
import { describeTopic, openStoreForWriting } from '../open-store.ts'
import { nameAndValue, repeated, toConfig, wholeNumber } from '../option-values.ts'
import { refuseOptions } from '../refused-options.ts'
import { ON_DISK } from './topics-list.ts'

interface CreateFlags {
  readonly topic: string
  readonly partitions?: number
  readonly config?: readonly (readonly [string, string])[]
  readonly ifNotExists?: true
}

const PARTITIONS_MAX = 100_000

const HELP = `
Example:
  $ seglog topics create shop -t orders --partitions 3 --config retention.ms=30d
  created orders: 3 partitions, id 9IFn-8kuRcK9rVoJd-94Ng

The store is made with its first topic, in a directory that is empty or not there yet. What --config says is stored
with the topic; docs/configuration.md has the keys.`

/** Adds `topics create`: a topic, and the store if there is none. */
export function defineTopicsCreate(topics: Command, start: Start): void {
  const command = topics
    .command('create')
    .summary('make a topic, and the store if there is none')
    .description('Make a topic, and the store if there is none.')
    .argument('<dir>', 'the directory of the store')
    .requiredOption('-t, --topic <name>', 'its name: ASCII letters, digits, dots, underscores and dashes')
    .option(
      '--partitions <n>',
      'how many partitions it has, for good (default: 1)',
      wholeNumber('--partitions', { min: 1, max: PARTITIONS_MAX }),
    )
    .option(
      '--config <key=value>',
      "a configuration key of Kafka's for the topic; may be repeated",
      repeated(nameAndValue('--config')),
    )
    .option('--if-not-exists', 'a topic of that name that is there already is no error, and stays as it is')
    .addHelpText('after', HELP)
    .action((directory: string, flags: CreateFlags) => start((context) => create(context, directory, flags)))
  refuseOptions(command, {
    ...ON_DISK,
    '--replication-factor <n>': 'there is one copy of a store',
    '--replica-assignment <list>': 'there is one copy of a store',
  })
}

async function create(context: CommandContext, directory: string, flags: CreateFlags): Promise<number> {
  const { topic: name, partitions, ifNotExists = false } = flags
  await using store = await openStoreForWriting(context, directory, { create: true })
  const wasThere = store.topics().some((topic) => topic.name === name)
  const { topic, warnings } = await store.createTopic(name, {
    config: toConfig(flags.config),
    ifNotExists,
    ...(partitions === undefined ? {} : { partitions }),
  })
  for (const warning of warnings) context.notes.line(`warning: ${warning}`)
  context.notes.line(`${wasThere ? 'there is already' : 'created'} ${describeTopic(topic)}`)
  return EXIT.ok
}
