import type { ConfigInput, Durability } from '../index.ts'
import { openLog } from '../index.ts'
import type { AppendTarget } from './appender.ts'
import type { CommandContext } from './context.ts'
import { UsageError } from './failures.ts'
import { LogFailures } from './log-failures.ts'
import { findOwnTopic, openedOnly, openStoreForWriting, partitionsOf } from './open-store.ts'
import { findStorePlace, type StorePlace, type TopicFlags } from './topic-options.ts'

/** An append target that is open, and what to call it. */
export interface OpenTarget extends AppendTarget, AsyncDisposable {
  /** The topic, where its partitions are chosen record by record. */
  readonly topic: string | undefined
}

/** How to open what records go to. */
export interface TargetOptions {
  readonly flags: TopicFlags
  readonly config: ConfigInput
  readonly durability: Durability
  /** Undefined when nobody has said: a log is made then, and a topic never. */
  readonly create: boolean | undefined
}

/**
 * Opens the log in a directory, or, in a store, a topic or one of its partitions. A topic is never made here.
 * Errors: UsageError for a store without `-t`; STORE_NOT_FOUND, TOPIC_NOT_FOUND; those of opening.
 */
export async function openAppendTarget(
  context: CommandContext,
  directory: string,
  options: TargetOptions,
): Promise<OpenTarget> {
  const { fileSystem, clock } = context.machine
  const place = await findStorePlace(directory, options.flags, { fileSystem, needsTopic: true })
  if (place !== undefined) return openTopic(context, place, options)
  const { config, durability, create = true } = options
  const log = await openLog(directory, { config, durability, create, cleanup: false, fileSystem, clock })
  return {
    topic: undefined,
    config: log.config,
    takesBatches: true,
    append: async (records, how) => ({ ...(await log.append(records, how)), partition: 0 }),
    [Symbol.asyncDispose]: () => log.close(),
  }
}

async function openTopic(
  context: CommandContext,
  { directory, topic: name = '', partition }: StorePlace,
  { config, durability, create }: TargetOptions,
): Promise<OpenTarget> {
  if (create === true)
    throw new UsageError(`--create is for logs; seglog topics create ${directory} -t ${name} makes a topic`)
  const store = await openStoreForWriting(context, directory, { config, durability })
  try {
    const topic = findOwnTopic(store, name)
    const wanted = partitionsOf(topic, partition)
    openedOnly(store, wanted, new LogFailures(context.notes)) // told before the first record meets one
    return {
      topic: partition === undefined ? name : undefined,
      config: wanted[0]!.log.config,
      takesBatches: partition !== undefined,
      append: (records, how) =>
        topic.append(partition === undefined ? records[0]! : { partition, records }, how),
      [Symbol.asyncDispose]: () => store.close(),
    }
  } catch (error) {
    await store.close()
    throw error
  }
}
