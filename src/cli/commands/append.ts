import type { Command } from 'commander'
import { openAppendTarget } from '../append-target.ts'
import { Appender, type AppendTarget, type AppendTotals, type OffsetRange } from '../appender.ts'
import type { CommandContext, Start } from '../context.ts'
import { EXIT, UsageError } from '../failures.ts'
import type { Durability } from '../../index.ts'
import { nameAndValue, oneOf, quote, repeated, toConfig, wholeNumber } from '../option-values.ts'
import { PieceSplitter } from '../piece-splitter.ts'
import { type LineOptions, recordMaker } from '../record-lines.ts'
import { refuseOptions } from '../refused-options.ts'
import { parseEscapes } from '../text-bytes.ts'
import { addTopicOptions, type TopicFlags } from '../topic-options.ts'
import { plural } from '../words.ts'

interface AppendFlags extends TopicFlags {
  readonly keyDelimiter?: Buffer
  readonly key?: string
  readonly header?: readonly (readonly [string, string])[]
  readonly delimiter?: Buffer
  readonly null?: true
  readonly count?: number
  readonly json?: true
  readonly durability?: Durability
  readonly create?: boolean
  readonly config?: readonly (readonly [string, string])[]
  readonly quiet?: true
}

const HELP = `
Example:
  $ printf 'k1:first\\nk2:second\\n' | seglog append events -K :
  appended 2 records, 15 bytes, at offsets 0 to 1, durable at level disk

  $ printf 'k1:first\\nk2:second\\n' | seglog append shop -t orders -K :
  appended 2 records, 15 bytes, to orders: partition 0 at offset 0, partition 2 at offset 0, durable at level disk

A topic's records go to the partitions that their keys say, as those of Kafka's producers do; those without a key, some
KiB to one partition and then to another. Topics are made by seglog topics create, and not here.

Nothing is ever deleted by append, whatever retention says: that is for seglog clean, or for a program's own log.`

const LEVELS = ['memory', 'os', 'disk'] as const
/** Partitions that the summary names; of more, it says how many. */
const NAMED_PARTITIONS_MAX = 8
const NEW_LINE = Buffer.from('\n')
/** JSON may take six characters for a byte, and names its fields. */
const JSON_BYTES_PER_BYTE = 6
const JSON_OVERHEAD_BYTES = 64 * 1024

/** Adds `append`: records from standard input. */
export function defineAppend(program: Command, start: Start): void {
  const command = program
    .command('append')
    .summary('append lines from standard input')
    .description('Append records from standard input, a line each, and make the log if there is none.')
    .argument('<dir>', 'the directory of a log, or of a store')
  addTopicOptions(command, {
    topic: 'the topic, when the directory is a store',
    partition: 'its partition, for all records; without it, keys decide',
  })
    .option('-K, --key-delimiter <text>', 'a line is a key, this, and a value', delimiter('-K'))
    .option('-k, --key <text>', 'the key of every record that brings none')
    .option(
      '-H, --header <name=value>',
      'a header of every record; may be repeated',
      repeated(nameAndValue('-H')),
    )
    .option('-D, --delimiter <text>', "what ends a record (default: '\\n')", delimiter('-D'))
    .option('-Z, --null', 'append an empty key or value as null')
    .option(
      '-c, --count <n>',
      'stop after so many records',
      wholeNumber('-c', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    .option('-J, --json', 'lines are JSON objects, as read --json prints them')
    .option('--durability <level>', 'memory, os or disk (default)', oneOf('--durability', LEVELS))
    .option('--create [yes]', 'make the log if there is none (default)', yesOrNo('--create'))
    .option('--no-create', 'fail if there is no log')
    .option(
      '--config <key=value>',
      "a configuration key of Kafka's; may be repeated",
      repeated(nameAndValue('--config')),
    )
    .option('-q, --quiet', 'print no summary')
    .addHelpText('after', HELP)
    .action((directory: string, flags: AppendFlags) => start((context) => append(context, directory, flags)))
  refuseOptions(command, {
    '-z, --compression [codec]': 'batches are written uncompressed',
    '-b <brokers>': 'the log is on disk',
    '-l': 'standard input is always split at the delimiter: seglog append DIR < FILE',
    '-T': 'put tee in front',
  })
}

async function append(context: CommandContext, directory: string, flags: AppendFlags): Promise<number> {
  const options = lineOptions(flags)
  const { stdin } = context.machine
  const { durability = 'disk', create } = flags
  const config = toConfig(flags.config)
  await using target = await openAppendTarget(context, directory, { flags, config, durability, create })
  const appender = new Appender(target, durability)
  try {
    await feed(context, { target, appender, options, flags })
    await appender.finish()
    context.interrupt.throwIfAborted()
    return EXIT.ok
  } finally {
    stdin.destroy() // or an input that stays open would keep the process alive
    await appender.finish().catch(() => {}) // what failed is on its way up already
    if (flags.quiet !== true)
      context.notes.line(summarize(appender.totals, { topic: target.topic, durability }))
  }
}

interface Feed {
  readonly target: AppendTarget
  readonly appender: Appender
  readonly options: LineOptions
  readonly flags: AppendFlags
}

/** Appends what comes, as it comes, until the end, the count, or an interruption. */
async function feed(context: CommandContext, { target, appender, options, flags }: Feed): Promise<void> {
  const makeRecord = recordMaker(options)
  const splitter = new PieceSplitter({
    delimiter: flags.delimiter ?? NEW_LINE,
    pieceBytesMax: pieceBytesMax(target, options),
  })
  let left = flags.count ?? Number.POSITIVE_INFINITY
  let doneBytes = 0
  const add = (piece: Buffer): void => {
    const record = makeRecord(piece)
    if (record === undefined) return
    appender.add(record)
    left--
  }
  for await (const chunk of untilInterrupted(context)) {
    for (const piece of splitter.push(chunk)) {
      add(piece)
      if (left === 0) return
      if (appender.isBusy) await appender.drain()
    }
    appender.send() // a line that has come is not kept waiting for the next one
    await appender.drain()
    doneBytes += chunk.length
    context.notes.progress({ doneBytes, text: `${appender.totals.records} records` })
  }
  const last = context.interrupt.aborted ? undefined : splitter.finish()
  if (last !== undefined) add(last)
}

/** The chunks of standard input; an interruption ends them as their end would. */
async function* untilInterrupted({ machine, interrupt }: CommandContext): AsyncGenerator<Buffer, void> {
  const { stdin } = machine
  const stop = (): void => void stdin.destroy()
  interrupt.addEventListener('abort', stop)
  try {
    if (interrupt.aborted) return
    for await (const chunk of stdin) yield chunk as Buffer
  } catch (error) {
    if (!interrupt.aborted) throw error
  } finally {
    interrupt.removeEventListener('abort', stop)
  }
}

function lineOptions(flags: AppendFlags): LineOptions {
  if (flags.json === true) {
    const others = [
      ['-K', flags.keyDelimiter],
      ['-k', flags.key],
      ['-H', flags.header],
      ['-D', flags.delimiter],
      ['-Z', flags.null],
    ] as const
    const other = others.find(([, value]) => value !== undefined)
    if (other !== undefined) throw new UsageError(`--json and ${other[0]} exclude each other`)
  }
  return {
    isJson: flags.json === true,
    keyDelimiter: flags.keyDelimiter,
    key: flags.key,
    headers: flags.header ?? [],
    emptyIsNull: flags.null === true,
  }
}

/** No piece that is longer can become a record, so none is held. */
function pieceBytesMax({ config }: AppendTarget, { isJson }: LineOptions): number {
  const recordBytesMax = Math.min(config['max.message.bytes'], config['segment.bytes'])
  return isJson ? recordBytesMax * JSON_BYTES_PER_BYTE + JSON_OVERHEAD_BYTES : recordBytesMax
}

function summarize(
  { records, bytes, offsets }: AppendTotals,
  { topic, durability }: { topic: string | undefined; durability: Durability },
): string {
  if (records === 0) return 'appended nothing'
  const what = `appended ${plural(records, 'record')}, ${plural(bytes, 'byte')}`
  return `${what}, ${describePlaces(offsets, topic)}, durable at level ${durability}`
}

function describePlaces(offsets: AppendTotals['offsets'], topic: string | undefined): string {
  const places = [...offsets].sort(([a], [b]) => a - b)
  if (topic === undefined) return places.map(([, range]) => describeRange(range)).join()
  if (places.length > NAMED_PARTITIONS_MAX) return `to ${places.length} partitions of ${topic}`
  return `to ${topic}: ${places.map(([partition, range]) => `partition ${partition} ${describeRange(range)}`).join(', ')}`
}

function describeRange({ firstOffset, lastOffset }: OffsetRange): string {
  return firstOffset === lastOffset
    ? `at offset ${firstOffset}`
    : `at offsets ${firstOffset} to ${lastOffset}`
}

function delimiter(option: string): (text: string) => Buffer {
  return (text) => {
    const bytes = parseEscapes(text)
    if (bytes !== undefined && bytes.length > 0) return bytes
    throw new UsageError(
      `${option} takes a text, with \\n \\r \\t \\\\ \\xNN for what can't be typed, found ${quote(text)}`,
    )
  }
}

function yesOrNo(option: string): (text: string) => boolean {
  const read = oneOf(option, ['true', 'false'])
  return (text) => read(text) === 'true'
}
