import type { Command } from 'commander'
import type { ConfigInput } from '../../config/index.ts'
import type { CommandContext, Start } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import { findOwnTopic, openStoreForWriting } from '../open-store.ts'
import { nameAndValue, repeated } from '../option-values.ts'
import { refuseOptions } from '../refused-options.ts'
import { ON_DISK } from './topics-list.ts'

interface AlterFlags {
  readonly topic: string
  readonly config?: readonly (readonly [string, string])[]
  readonly deleteConfig?: readonly string[]
}

const HELP = `
Example:
  $ seglog topics alter shop -t orders --config retention.ms=3d --delete-config retention.bytes
  altered orders: retention.ms=3d, retention.bytes as by default`

/** Adds `topics alter`: the configuration that is stored with a topic. */
export function defineTopicsAlter(topics: Command, start: Start): void {
  const command = topics
    .command('alter')
    .summary('change the configuration of a topic')
    .description('Change the configuration that is stored with a topic.')
    .argument('<dir>', 'the directory of the store')
    .requiredOption('-t, --topic <name>', 'the topic')
    .option(
      '--config <key=value>',
      "store a value for a configuration key of Kafka's; may be repeated",
      repeated(nameAndValue('--config')),
    )
    .option(
      '--delete-config <key>',
      'store none for this key, so that the default holds; may be repeated',
      repeated((text) => text),
    )
    .addHelpText('after', HELP)
    .action((directory: string, flags: AlterFlags) => start((context) => alter(context, directory, flags)))
  refuseOptions(command, {
    ...ON_DISK,
    '--partitions <n>': 'a topic keeps the partitions it was made with, or its keys would change places',
    '--add-config <list>': 'use --config, once for each key',
  })
}

async function alter(context: CommandContext, directory: string, flags: AlterFlags): Promise<number> {
  const update = readUpdate(flags)
  await using store = await openStoreForWriting(context, directory)
  await findOwnTopic(store, flags.topic).updateConfig(update)
  const changes = Object.entries(update).map(([key, value]) =>
    value === null ? `${key} as by default` : `${key}=${String(value)}`,
  )
  context.notes.line(`altered ${flags.topic}: ${changes.join(', ')}`)
  return EXIT.ok
}

/** What is to be stored; null for what is not to be stored any more. Errors: UsageError. */
function readUpdate({ config = [], deleteConfig = [] }: AlterFlags): ConfigInput {
  const both = deleteConfig.find((key) => config.some(([other]) => other === key))
  if (both !== undefined) throw new UsageError(`${both} is given with --config and with --delete-config`)
  if (config.length + deleteConfig.length === 0)
    throw new UsageError('alter needs something to change: --config key=value, or --delete-config key')
  return Object.fromEntries([...config, ...deleteConfig.map((key) => [key, null] as const)]) as ConfigInput
}
