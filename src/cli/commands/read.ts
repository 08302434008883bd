import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { openLog } from '../../index.ts'
import { parsePartitionDirectoryName, STANDALONE, type TopicPartition } from '../../layout/index.ts'
import type { CommandContext, Start } from '../context.ts'
import { formatJson } from '../escape.ts'
import { UsageError } from '../failures.ts'
import { LogFailures } from '../log-failures.ts'
import { repeated, wholeNumber } from '../option-values.ts'
import { parseReadRange, resolveRange } from '../read-range.ts'
import { readTopic } from '../read-topic.ts'
import { Reading } from '../reading.ts'
import { type FormatRecord, parseRecordFormat } from '../record-format.ts'
import { toJsonRecord } from '../record-json.ts'
import { refuseOptions } from '../refused-options.ts'
import { addTopicOptions, findStorePlace, type TopicFlags } from '../topic-options.ts'

interface ReadFlags extends TopicFlags {
  readonly group?: string
  readonly offset?: readonly string[]
  readonly count?: number
  readonly follow?: true
  readonly exit?: true
  readonly format?: string
  readonly json?: true
  readonly keyDelimiter?: string
  readonly delimiter?: string
  readonly null?: true
  readonly quiet?: true
}

const HELP = `
Formats (-f), in kcat's notation:
  %o offset       %T timestamp, ms   %h headers, name=value    %t topic      %% a percent sign
  %k key          %s value           \\n \\r \\t \\\\ \\xNN           %p partition
  %K its length   %S its length      %R as 4 bytes, big-endian

Example:
  $ seglog read data/samples/kafka/stopped/orders-0 -o 5 -c 2 -Z -f '%o %k %s\\n'
  5 order-5 NULL
  6 order-6 {"item":"chair","count":3}

  $ seglog read data/store -t strong-quakes -G alerts -c 1
  {"id":"us2000crkq","time":1517364031800,"net":"us","mag":5.3,"place":"50km NNW of Sangiang, Indonesia",…
  group alerts: 1 record printed, committed partition 0 at 1

Of a topic, all partitions are read, in order within each and as they come between them. A group (-G) begins where it
has committed last, or at the beginning, and commits what was printed at the end, also at Ctrl-C; that takes the store's
lock, so no other process can append meanwhile, and --follow would wait for nothing.

Values are printed as they are; on a terminal, what it would act on is escaped. Damage is passed over, and told on
standard error; the exit code is 1 then.`

/** Adds `read`: records, from a place on, perhaps for ever. */
export function defineRead(program: Command, start: Start): void {
  const command = program
    .command('read')
    .summary('print records, and follow')
    .description(
      'Print the records of a log or a topic. Without -G it takes no lock and writes nothing; another process may be appending.',
    )
    .argument('<dir>', 'the directory of a log, or of a store')
  addTopicOptions(command, {
    topic: 'the topic, when the directory is a store',
    partition: 'only this partition of it',
  })
    .option('-G, --group <name>', 'go on where this group has come to, and commit what was printed')
    .option(
      '-o, --offset <place>',
      'beginning (default), end, N, -N: the last N, s@MS: from a time on, e@MS: up to a time; may be given twice; stored: where the group is',
      repeated((text) => text),
    )
    .option(
      '-c, --count <n>',
      'stop after so many records',
      wholeNumber('-c', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    .option('--follow', 'wait for more at the end, until Ctrl-C')
    .option('-e, --exit', 'stop at the end (the default without --follow)')
    .option('-f, --format <format>', "how to print a record (default: '%s\\n')")
    .option('-J, --json', 'print one JSON object a record, which append --json reads')
    .option('-K, --key-delimiter <text>', 'print the key and this before the value')
    .option('-D, --delimiter <text>', "print this after each record (default: '\\n')")
    .option('-Z, --null', 'print null as NULL, not as nothing')
    .option('-q, --quiet', 'say nothing of what a group committed')
    .addHelpText('after', HELP)
    .action((directory: string, flags: ReadFlags) => start((context) => read(context, directory, flags)))
  refuseOptions(command, {
    '-b <brokers>': 'the log is read from disk',
    '-s <format>': 'values are printed as they are; a decoder can be put behind a pipe',
    '-u': 'output is never held back while more is waited for',
  })
}

async function read(context: CommandContext, directory: string, flags: ReadFlags): Promise<number> {
  checkFlags(flags)
  const { fileSystem, clock } = context.machine
  const range = parseReadRange(flags.offset ?? [], { hasGroup: flags.group !== undefined })
  const formatFor = (log: TopicPartition): FormatRecord => chooseFormat(log, flags)
  formatFor(STANDALONE) // what is wrong with it is told before anything is opened
  const place = await findStorePlace(directory, flags, { fileSystem, needsTopic: true })
  if (place !== undefined) return readTopic(context, place, { ...flags, range, formatFor })
  if (flags.group !== undefined)
    throw new UsageError('-G is for the topics of a store; -o says where to start in a log')
  await using log = await openLog(directory, { readOnly: true, fileSystem, clock })
  const { from, until } = await resolveRange(log, range)
  const format = formatFor(parsePartitionDirectoryName(basename(resolve(directory))) ?? STANDALONE)
  const failures = new LogFailures(context.notes)
  const { follow = false, count } = flags
  const sources = [{ partition: 0, log, from, until, format }]
  await new Reading(context, { sources, follow, count, failures, topic: undefined }).run() // before the log is closed
  return failures.exitCode
}

function checkFlags(flags: ReadFlags): void {
  if (flags.follow === true && flags.exit === true) throw new UsageError('-e and --follow exclude each other')
  if (flags.group !== undefined && flags.follow === true) {
    throw new UsageError(
      '-G and --follow exclude each other: committing takes the lock of the store, so nothing could come meanwhile',
    )
  }
  const ways = [
    ['-f', flags.format],
    ['--json', flags.json],
    ['-K', flags.keyDelimiter],
  ] as const
  const [first, second] = ways.filter(([, value]) => value !== undefined)
  if (second !== undefined) throw new UsageError(`${first?.[0]} and ${second[0]} exclude each other`)
  if (flags.delimiter !== undefined && (flags.format ?? flags.json) !== undefined) {
    throw new UsageError('-D goes with -K or alone: a format says itself how a record ends')
  }
}

function chooseFormat(log: TopicPartition, flags: ReadFlags): FormatRecord {
  if (flags.json === true) {
    const place = flags.topic === undefined ? undefined : log
    return (record, write) => write(`${formatJson(toJsonRecord(record, place))}\n`)
  }
  const key = flags.keyDelimiter === undefined ? '' : `%k${literally(flags.keyDelimiter)}`
  const format = flags.format ?? `${key}%s${literally(flags.delimiter ?? '\\n')}`
  return parseRecordFormat(format, { ...log, nullText: flags.null === true ? 'NULL' : '' })
}

/** A text that stands for itself in a format. */
function literally(text: string): string {
  return text.replaceAll('%', '%%')
}
