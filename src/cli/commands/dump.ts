import type { Command } from 'commander'
import { INT32_MAX, isSeglogError } from '../../core/index.ts'
import type { FileSystem } from '../../fs/index.ts'
import { findFiles, type InspectedFile } from '../../inspect/index.ts'
import type { CommandContext, Start } from '../context.ts'
import { Dumper } from '../dump/dumper.ts'
import { Findings } from '../dump/findings.ts'
import { jsonPrinter, linePrinter } from '../dump/printer.ts'
import { describeFailure, isSystemError, UsageError } from '../failures.ts'
import { repeated, wholeNumber } from '../option-values.ts'
import { addTopicOptions, findTopicDirectories, type TopicFlags } from '../topic-options.ts'
import { refuseOptions } from '../refused-options.ts'

interface DumpFlags extends TopicFlags {
  readonly files?: readonly string[]
  readonly deepIteration?: true
  readonly printDataLog?: true
  readonly skipRecordMetadata?: true
  readonly maxBytes?: number
  readonly maxMessageSize?: number
  readonly verifyIndexOnly?: true
  readonly indexSanityCheck?: true
  readonly json?: true
}

const HELP = `
Example:
  $ seglog dump --print-data-log data/samples/kafka/stopped/orders-0
  Dumping data/samples/kafka/stopped/orders-0/00000000000000000000.log
  Log starting offset: 0
  baseOffset: 0 lastOffset: 2 count: 3 baseSequence: -1 lastSequence: -1 …
  | offset: 0 CreateTime: 1700000000000 keySize: 7 valueSize: 25 …

Without --json the output is that of kafka-dump-log, so that the two can be compared. Damage is passed over,
and told on standard error; the exit code is 1 then.`

const NO_DECODERS = 'keys and values are printed as text; use --json for bytes that are none'

/** Adds `dump`: what is in segments, index files, logs and stores. */
export function defineDump(program: Command, start: Start): void {
  const command = program
    .command('dump')
    .summary('print what is in segments and index files')
    .description("Print the batches of segments, a log or a store, and the entries of Kafka's index files.")
    .argument('[path...]', 'segments, index files, logs, stores')
  addTopicOptions(command, {
    topic: 'of each store, only this topic',
    partition: 'only this partition of it',
  })
    .option(
      '--files <paths>',
      'the same, joined by commas',
      repeated((text) => text),
    )
    .option('--deep-iteration', 'print records too, without keys and values')
    .option('--print-data-log', 'print records too, with keys and values')
    .option('--skip-record-metadata', 'of records print only keys and values, of control records nothing')
    .option('--max-bytes <n>', 'look only at the first n bytes of a segment', size('--max-bytes'))
    .option(
      '--max-message-size <n>',
      'largest batch that is read (default: 16777216)',
      size('--max-message-size'),
    )
    .option('--verify-index-only', 'compare index files with their segments, and print no entries')
    .option('--index-sanity-check', 'say only whether Kafka would keep an index file when it starts')
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', HELP)
    .action((paths: string[], flags: DumpFlags) => start((context) => dump(context, paths, flags)))
  refuseOptions(command, {
    '--key-decoder-class [class]': NO_DECODERS,
    '--value-decoder-class [class]': NO_DECODERS,
    '--offsets-decoder': NO_DECODERS,
    '--transaction-log-decoder': NO_DECODERS,
    '--cluster-metadata-decoder': NO_DECODERS,
    '--remote-log-metadata-decoder': NO_DECODERS,
    '--share-group-state-decoder': NO_DECODERS,
  })
}

const size = (option: string) => wholeNumber(option, { min: 0, max: INT32_MAX })

async function dump(context: CommandContext, paths: readonly string[], flags: DumpFlags): Promise<number> {
  const listed = (flags.files ?? []).flatMap((list) => list.split(',')).filter((path) => path !== '')
  const findings = new Findings(context.notes)
  const files = await findAll(context, [...paths, ...listed], { flags, findings })
  const printsData = flags.printDataLog === true
  const lines = { printsData, skipsMetadata: flags.skipRecordMetadata === true }
  const dumper = new Dumper(context, {
    printer: (flags.json === true ? jsonPrinter : linePrinter)(context.output, lines),
    findings,
    options: {
      isDeep: flags.deepIteration === true || printsData,
      bytesMax: flags.maxBytes === INT32_MAX ? undefined : flags.maxBytes, // Kafka's word for all
      batchBytesMax: flags.maxMessageSize,
      verifiesIndexOnly: flags.verifyIndexOnly === true,
      checksIndexSanity: flags.indexSanityCheck === true,
    },
    totalBytes: files.reduce((bytes, file) => bytes + sizeOf(context, file), 0),
  })
  for (const file of files) {
    try {
      await dumper.dump(file)
    } catch (error) {
      if (isSeglogError(error) && error.kind === 'damage') {
        findings.damage(error.code, error.message) // of this file: the others may be sound
        continue
      }
      if (!isSystemError(error) || (error as NodeJS.ErrnoException).syscall === 'write') throw error
      const { code, message } = describeFailure(error)
      findings.incomplete(code, `${file.path}: ${message}`) // retention may have taken it meanwhile
    }
  }
  await context.output.flush()
  return findings.finish()
}

async function findAll(
  { machine }: CommandContext,
  paths: readonly string[],
  { flags, findings }: { flags: TopicFlags; findings: Findings },
): Promise<InspectedFile[]> {
  const { topic, partition } = flags
  if (paths.includes('')) throw new UsageError('dump takes paths, found an empty one')
  if (paths.length === 0) throw new UsageError('dump takes at least one path: seglog dump PATH…')
  if (partition !== undefined && topic === undefined) throw new UsageError('-p goes with -t')
  const { fileSystem } = machine
  const found: InspectedFile[] = []
  for (const path of paths.map((each) => each.replace(/\/{2,}/g, '/'))) {
    if (topic === undefined) found.push(...(await findFiles(fileSystem, path)))
    else {
      for (const directory of await findTopicDirectories(fileSystem, path, { topic, partition })) {
        found.push(...(await findLog(fileSystem, directory, findings)))
      }
    }
  }
  return found
}

/** The files of one log of a topic; one that has none hides no other. */
async function findLog(
  fileSystem: FileSystem,
  directory: string,
  findings: Findings,
): Promise<InspectedFile[]> {
  try {
    return await findFiles(fileSystem, directory)
  } catch (error) {
    if (!isSeglogError(error, 'LOG_NOT_FOUND')) throw error
    findings.incomplete(error.code, error.message)
    return []
  }
}

function sizeOf({ machine }: CommandContext, { realPath }: InspectedFile): number {
  return machine.fileSystem.statSync(realPath)?.sizeBytes ?? 0
}
