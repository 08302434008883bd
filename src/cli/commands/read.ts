import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { isSeglogError } from '../../core/index.ts'
import { type Damage, type Log, openLog, type RecordBatch } from '../../index.ts'
import { parsePartitionDirectoryName, STANDALONE } from '../../layout/index.ts'
import type { CommandContext, Start } from '../context.ts'
import { escapeText, formatJson } from '../escape.ts'
import { EXIT, UsageError } from '../failures.ts'
import { repeated, wholeNumber } from '../option-values.ts'
import { parseReadRange, resolveRange } from '../read-range.ts'
import { type FormatRecord, parseRecordFormat } from '../record-format.ts'
import { toJsonRecord } from '../record-json.ts'
import { refuseOptions } from '../refused-options.ts'
import { decodeText } from '../text-bytes.ts'
import { plural } from '../words.ts'

interface ReadFlags {
  readonly offset?: readonly string[]
  readonly count?: number
  readonly follow?: true
  readonly exit?: true
  readonly format?: string
  readonly json?: true
  readonly keyDelimiter?: string
  readonly delimiter?: string
  readonly null?: true
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

Values are printed as they are; on a terminal, what it would act on is escaped. Damage is passed over, and told on
standard error; the exit code is 1 then.`

/** Adds `read`: records, from a place on, perhaps for ever. */
export function defineRead(program: Command, start: Start): void {
  const command = program
    .command('read')
    .summary('print records, and follow')
    .description(
      'Print the records of a log. Takes no lock and writes nothing; another process may be appending.',
    )
    .argument('<dir>', 'the directory of a log')
    .option(
      '-o, --offset <place>',
      'beginning (default), end, N, -N: the last N, s@MS: from a time on, e@MS: up to a time; may be given twice',
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
    .addHelpText('after', HELP)
    .action((directory: string, flags: ReadFlags) => start((context) => read(context, directory, flags)))
  refuseOptions(command, {
    '-t <topic>': 'name the directory of the log instead',
    '-p <partition>': 'name the directory of the log instead',
    '-b <brokers>': 'the log is read from disk',
    '-G <group>': 'there are no consumer groups here; -o says where to start',
    '-s <format>': 'values are printed as they are; a decoder can be put behind a pipe',
    '-u': 'output is never held back while more is waited for',
  })
}

async function read(context: CommandContext, directory: string, flags: ReadFlags): Promise<number> {
  checkFlags(flags)
  const range = parseReadRange(flags.offset ?? [])
  const format = chooseFormat(directory, flags)
  const { fileSystem, clock } = context.machine
  await using log = await openLog(directory, { readOnly: true, fileSystem, clock })
  const { from, until } = await resolveRange(log, range)
  return await new Reading(context, { log, from, until, format, flags }).run() // before the log is closed
}

function checkFlags(flags: ReadFlags): void {
  if (flags.follow === true && flags.exit === true) throw new UsageError('-e and --follow exclude each other')
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

function chooseFormat(directory: string, flags: ReadFlags): FormatRecord {
  if (flags.json === true) return (record, write) => write(`${formatJson(toJsonRecord(record))}\n`)
  const key = flags.keyDelimiter === undefined ? '' : `%k${literally(flags.keyDelimiter)}`
  const format = flags.format ?? `${key}%s${literally(flags.delimiter ?? '\\n')}`
  return parseRecordFormat(format, {
    ...(parsePartitionDirectoryName(basename(resolve(directory))) ?? STANDALONE),
    nullText: flags.null === true ? 'NULL' : '',
  })
}

/** A text that stands for itself in a format. */
function literally(text: string): string {
  return text.replaceAll('%', '%%')
}

interface ReadingParts {
  readonly log: Log
  readonly from: number
  readonly until: number | undefined
  readonly format: FormatRecord
  readonly flags: ReadFlags
}

/** One pass over a log. */
class Reading {
  readonly #context: CommandContext
  readonly #parts: ReadingParts
  readonly #write: (piece: Buffer | string) => void
  #left: number
  #isDamaged = false
  #isIncomplete = false
  #doneBytes = 0

  constructor(context: CommandContext, parts: ReadingParts) {
    const { output } = context
    this.#context = context
    this.#parts = parts
    this.#left = parts.flags.count ?? Number.POSITIVE_INFINITY
    this.#write = output.isTerminal
      ? (piece) => output.write(escapeText(typeof piece === 'string' ? piece : decodeText(piece)))
      : (piece) => output.write(piece)
  }

  async run(): Promise<number> {
    const { log, from, until, flags } = this.#parts
    const { interrupt, output } = this.#context
    const batches = log.readBatches({
      from,
      ...(until === undefined ? {} : { until }),
      follow: flags.follow === true,
      signal: interrupt,
      onDamage: (damage) => this.#pass(damage),
    })
    for await (const batch of batches) {
      this.#print(batch)
      this.#doneBytes += batch.sizeBytes
      if (flags.follow === true || output.isTerminal || output.isFull) await output.flush()
      if (this.#left === 0) break
      this.#context.notes.progress({ doneBytes: this.#doneBytes, text: `offset ${batch.lastOffset}` })
    }
    if (this.#isDamaged) return EXIT.damage
    return this.#isIncomplete ? EXIT.failed : EXIT.ok
  }

  /** Tells what reading has passed over: damage, or what is not broken and can't be read here. */
  #pass({ path, position, sizeBytes, offset, nextOffset, reason, isUnsupported }: Damage): void {
    const place = `${path}: ${plural(sizeBytes, 'byte')} from position ${position} on: ${reason}`
    const offsets = `offsets ${offset} to ${nextOffset - 1}`
    if (isUnsupported !== true) return this.#damage(`${place}; ${offsets} are lost`)
    this.#isIncomplete = true
    this.#context.notes.problem('FORMAT_UNSUPPORTED', `${place}; ${offsets} are left out`)
  }

  /** Prints the records that are wanted of a batch, up to the first that can't be read. */
  #print(batch: RecordBatch): void {
    const { from, until = Number.POSITIVE_INFINITY, format } = this.#parts
    try {
      for (const record of batch) {
        if (record.offset < from) continue
        if (record.offset >= until || this.#left === 0) return
        format(record, this.#write)
        this.#left--
      }
    } catch (error) {
      if (!isSeglogError(error) || error.kind !== 'damage') throw error
      this.#damage(error.message)
    }
  }

  #damage(message: string): void {
    this.#isDamaged = true
    this.#context.notes.problem('BATCH_CORRUPT', message)
  }
}
