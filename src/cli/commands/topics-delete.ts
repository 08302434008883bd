import type { Command } from 'commander'
import { isSeglogError } from '../../index.ts'
import { classifyStoreDirectory } from '../../layout/index.ts'
import type { CommandContext, Start } from '../context.ts'
import { EXIT } from '../failures.ts'
import { findTopic, openStoreForWriting } from '../open-store.ts'
import { refuseOptions } from '../refused-options.ts'
import { ON_DISK } from './topics-list.ts'

interface DeleteFlags {
  readonly topic: string
  readonly ifExists?: true
}

const HELP = `
Example:
  $ seglog topics delete shop -t orders
  deleted orders, for good
  orders-0 is orders-0.9031f3ffd79fd62c3818d1c64a39c78e-delete now
  orders-1 is orders-1.5e80be7f14f23c5361ced92c76293dbb-delete now
  orders-2 is orders-2.2e70c5ba0e96c4ffea982dfec20bf383-delete now
  3 directories are left, and go when the store is next opened for writing

Nothing is asked: the name has to be exact. Committed offsets of groups go with the topic.`

/** Adds `topics delete`: a topic and everything in it. */
export function defineTopicsDelete(topics: Command, start: Start): void {
  const command = topics
    .command('delete')
    .summary('delete a topic and everything in it')
    .description('Delete a topic and everything in it. There is no way back, and nothing is asked.')
    .argument('<dir>', 'the directory of the store')
    .requiredOption('-t, --topic <name>', 'its exact name')
    .option('--if-exists', 'a topic that is not there is no error')
    .addHelpText('after', HELP)
    .action((directory: string, flags: DeleteFlags) => start((context) => remove(context, directory, flags)))
  refuseOptions(command, ON_DISK)
}

async function remove(context: CommandContext, directory: string, flags: DeleteFlags): Promise<number> {
  const { notes } = context
  const before = new Set((await listDeletions(context, directory)).map(({ name }) => name))
  if (!(await deleteTopic(context, directory, flags))) {
    notes.line(`there is no topic ${flags.topic}`)
    return EXIT.ok
  }
  notes.line(`deleted ${flags.topic}, for good`)
  const left = (await listDeletions(context, directory)).filter(({ name }) => !before.has(name))
  for (const { name, log } of left) notes.line(`${log} is ${name} now`)
  if (left.length > 0) {
    const words =
      left.length === 1 ? '1 directory is left, and goes' : `${left.length} directories are left, and go`
    notes.line(`${words} when the store is next opened for writing`)
  }
  return EXIT.ok
}

/** The directories in a store that wait to be removed, and the partitions they were. */
async function listDeletions(
  { machine }: CommandContext,
  directory: string,
): Promise<{ readonly name: string; readonly log: string }[]> {
  const entries = await machine.fileSystem.list(directory).catch(() => []) // opening says what is wrong with it
  return entries
    .flatMap(({ name, kind }) => {
      const entry = classifyStoreDirectory(name)
      return kind === 'directory' && entry.kind === 'delete' ? [{ name, log: entry.of }] : []
    })
    .sort((a, b) => a.log.localeCompare(b.log, 'en', { numeric: true }))
}

/** Deletes the topic and closes the store; false when there is no such topic and that is no error. */
async function deleteTopic(
  context: CommandContext,
  directory: string,
  { topic, ifExists }: DeleteFlags,
): Promise<boolean> {
  await using store = await openStoreForWriting(context, directory)
  try {
    findTopic(store, topic)
  } catch (error) {
    if (ifExists === true && isSeglogError(error, 'TOPIC_NOT_FOUND')) return false
    throw error
  }
  await store.deleteTopic(topic)
  return true
}
