/*
 * `read -t`: the partitions of a topic as one, and for a group the record of how far it is.
 *
 * A group commits what has been handed to whoever reads the output, and nothing else, once at the end: also after Ctrl-C,
 * after a failure, and when the reader of a pipe has gone. A process that is killed has committed nothing, and its records
 * are printed again: at least once.
 */
import type { Topic } from '../index.ts'
import type { TopicPartition } from '../layout/index.ts'
import type { CommandContext } from './context.ts'
import { UsageError } from './failures.ts'
import { LogFailures } from './log-failures.ts'
import {
  findTopic,
  openedOnly,
  openStoreForReading,
  openStoreForWriting,
  partitionsOf,
  type StoreLog,
} from './open-store.ts'
import { type ReadRange, resolveRange } from './read-range.ts'
import { Reading, type ReadSource } from './reading.ts'
import type { FormatRecord } from './record-format.ts'
import type { StorePlace } from './topic-options.ts'
import { plural } from './words.ts'

/** How to read a topic. */
export interface ReadTopicFlags {
  readonly range: ReadRange
  readonly group?: string
  readonly follow?: true
  readonly count?: number
  readonly quiet?: true
  formatFor(log: TopicPartition): FormatRecord
}

/** Partitions that the summary names; of more, it says how many. */
const NAMED_PARTITIONS_MAX = 8

/** Prints the records of a topic; gives the exit code. */
export async function readTopic(
  context: CommandContext,
  { directory, topic: name = '', partition }: StorePlace,
  flags: ReadTopicFlags,
): Promise<number> {
  const { group, range, follow = false, count } = flags
  const openForIt = group === undefined ? openStoreForReading : openStoreForWriting
  await using store = await openForIt(context, directory)
  const topic = findTopic(store, name)
  const wanted = partitionsOf(topic, partition)
  if (wanted.length > 1) checkRange(range, topic)
  const failures = new LogFailures(context.notes)
  const logs = openedOnly(store, wanted, failures)
  const starts =
    group === undefined ? await findStarts(logs, range, failures) : resume(context, topic, logs, group)
  const sources = starts.map((start) => ({
    ...start,
    format: flags.formatFor({ topic: name, partition: start.partition }),
  }))
  const reading = new Reading(context, { sources, follow, count, failures, topic: name })
  if (group === undefined) await reading.run()
  else await readForGroup(context, reading, { topic, group, quiet: flags.quiet === true })
  return failures.exitCode
}

type Start = Omit<ReadSource, 'format'>

/** Offsets count within a partition: one number says nothing of several. */
function checkRange({ start }: ReadRange, { name, partitions }: Topic): void {
  if (typeof start === 'string' || 'timestamp' in start) return
  const found = 'offset' in start ? start.offset : `-${start.last}`
  throw new UsageError(
    `-o ${found} counts offsets of one partition, and ${name} has ${partitions.length}: say which with -p`,
  )
}

async function findStarts(
  logs: readonly StoreLog[],
  range: ReadRange,
  failures: LogFailures,
): Promise<Start[]> {
  const starts: Start[] = []
  for (const each of logs) {
    try {
      starts.push({ ...each, ...(await resolveRange(each.log, range)) })
    } catch (error) {
      failures.add(each, error)
    }
  }
  return starts
}

/** Where a group goes on; it is told when that is not where it was. */
function resume({ notes }: CommandContext, topic: Topic, logs: readonly StoreLog[], group: string): Start[] {
  return logs.map(({ log, partition }) => {
    const { committed, resumesAt: from } = topic.position(group, partition)
    if (committed !== undefined && committed !== from) {
      const { startOffset, readableEndOffset } = log
      const isThere = committed >= startOffset && committed <= readableEndOffset
      const why = isThere ? 'lies behind a truncation' : `is outside ${startOffset} to ${readableEndOffset}`
      const place = `${topic.name}-${partition}`
      notes.line(`group ${group}: offset ${committed} of ${place} ${why}; it goes on at ${from}`)
    }
    return { partition, log, from, until: undefined }
  })
}

async function readForGroup(
  { notes }: CommandContext,
  reading: Reading,
  { topic, group, quiet }: { topic: Topic; group: string; quiet: boolean },
): Promise<void> {
  try {
    await reading.run()
    await reading.flush()
  } catch (error) {
    await reading.flush().catch(() => {}) // what was not handed over is not committed
    throw error
  } finally {
    const places = [...reading.flushed].sort(([a], [b]) => a - b)
    await Promise.all(places.map(([partition, nextOffset]) => topic.commit(group, { partition, nextOffset })))
    if (!quiet) notes.line(`group ${group}: ${describe(reading.flushedCount, places)}`)
  }
}

function describe(count: number, places: readonly (readonly [number, number])[]): string {
  if (places.length === 0) return 'nothing printed, nothing committed'
  const printed = `${plural(count, 'record')} printed`
  if (places.length > NAMED_PARTITIONS_MAX) return `${printed}, committed in ${places.length} partitions`
  const committed = places.map(([partition, next]) => `partition ${partition} at ${next}`)
  return `${printed}, committed ${committed.join(', ')}`
}
