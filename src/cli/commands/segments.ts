import type { Command } from 'commander'
import { formatBytes, formatTime } from '../../cleanup/index.ts'
import { type Log, openLog, type SegmentInfo } from '../../index.ts'
import type { CommandContext, Start } from '../context.ts'
import { formatJson } from '../escape.ts'
import { EXIT } from '../failures.ts'
import { LogFailures } from '../log-failures.ts'
import { logsOf, openedOnly, openStoreForReading } from '../open-store.ts'
import { type Column, formatTable } from '../table.ts'
import { addTopicOptions, findStorePlace, type StorePlace, type TopicFlags } from '../topic-options.ts'

interface SegmentsFlags extends TopicFlags {
  readonly json?: true
}

/** A segment, and, in a store, the log it belongs to. */
type Row = SegmentInfo & { readonly topic?: string; readonly partition?: number }

const HELP = `
Example:
  $ seglog segments data/samples/kafka/stopped/orders-0
  BASE OFFSET  NEXT OFFSET     SIZE  MAX TIMESTAMP             APPENDED
            0           20  1.2 KiB  2023-11-14T22:32:20.000Z  2026-11-23T06:32:08.350Z
           20           27    420 B  2026-11-23T06:31:31.560Z  2026-11-23T06:32:08.350Z  active

Of a store, all logs are gone through, and a column says which one it is.`

/** Adds `segments`: the files a log is made of. */
export function defineSegments(program: Command, start: Start): void {
  const command = program
    .command('segments')
    .summary("list a log's segments")
    .description(
      'List the segments of a log, or of all logs of a store, oldest first. Takes no lock and writes nothing.',
    )
    .argument('<dir>', 'the directory of a log or a store')
  addTopicOptions(command, { topic: 'of a store, only this topic', partition: 'only this partition of it' })
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', HELP)
    .action((directory: string, flags: SegmentsFlags) =>
      start((context) => listSegments(context, directory, flags)),
    )
}

async function listSegments(
  context: CommandContext,
  directory: string,
  flags: SegmentsFlags,
): Promise<number> {
  const { fileSystem, clock } = context.machine
  const place = await findStorePlace(directory, flags, { fileSystem })
  if (place !== undefined) return listStore(context, place, flags)
  await using log = await openLog(directory, { readOnly: true, fileSystem, clock })
  print(context, await segmentsOf(log), flags)
  return EXIT.ok
}

async function listStore(context: CommandContext, place: StorePlace, flags: SegmentsFlags): Promise<number> {
  await using store = await openStoreForReading(context, place.directory)
  const failures = new LogFailures(context.notes)
  const rows: Row[] = []
  for (const each of openedOnly(store, logsOf(store, place), failures)) {
    const { topic, partition, log } = each
    try {
      rows.push(...(await segmentsOf(log)).map((segment) => ({ topic, partition, ...segment })))
    } catch (error) {
      failures.add(each, error)
    }
  }
  print(context, rows, flags)
  return failures.exitCode
}

async function segmentsOf(log: Log): Promise<SegmentInfo[]> {
  await log.plan() // a plan is made from what is in the segments, which a log opened for reading has not looked at yet
  return log.segments()
}

function print({ output, paint }: CommandContext, rows: readonly Row[], { json }: SegmentsFlags): void {
  if (json === true) for (const row of rows) output.line(formatJson(row))
  else for (const line of segmentTable(rows, (text) => paint('bold', text))) output.line(line)
}

const LOG_COLUMN: Column = { title: 'LOG', align: 'left' }

const COLUMNS: readonly Column[] = [
  { title: 'BASE OFFSET', align: 'right' },
  { title: 'NEXT OFFSET', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'MAX TIMESTAMP', align: 'left' },
  { title: 'APPENDED', align: 'left' },
  { title: '', align: 'left' },
]

/** The segments in columns, for people; the first line is the heading. */
function segmentTable(segments: readonly Row[], heading: (text: string) => string): string[] {
  const isOfStore = segments.some(({ topic }) => topic !== undefined)
  const rows = segments.map((segment) => [
    ...(isOfStore ? [`${segment.topic}-${segment.partition}`] : []),
    String(segment.baseOffset),
    String(segment.nextOffset),
    formatBytes(segment.sizeBytes),
    segment.maxTimestamp < 0 ? '-' : formatTime(segment.maxTimestamp),
    formatTime(segment.appendedAt),
    segment.active ? 'active' : '',
  ])
  const [title = '', ...lines] = formatTable(isOfStore ? [LOG_COLUMN, ...COLUMNS] : COLUMNS, rows)
  return [heading(title), ...lines]
}
