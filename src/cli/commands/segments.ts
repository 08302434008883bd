import type { Command } from 'commander'
import { formatBytes, formatTime } from '../../cleanup/index.ts'
import { openLog, type SegmentInfo } from '../../index.ts'
import type { CommandContext, Start } from '../context.ts'
import { formatJson } from '../escape.ts'
import { EXIT } from '../failures.ts'
import { formatTable } from '../table.ts'

const HELP = `
Example:
  $ seglog segments data/samples/kafka/stopped/orders-0
  BASE OFFSET  NEXT OFFSET     SIZE  MAX TIMESTAMP             APPENDED
            0           20  1.2 KiB  2023-11-14T22:32:20.000Z  2026-11-23T06:32:08.350Z
           20           27    420 B  2026-11-23T06:31:31.560Z  2026-11-23T06:32:08.350Z  active`

/** Adds `segments`: the files a log is made of. */
export function defineSegments(program: Command, start: Start): void {
  program
    .command('segments')
    .summary("list a log's segments")
    .description('List the segments of a log, oldest first. Takes no lock and writes nothing.')
    .argument('<dir>', 'the directory of a log')
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', HELP)
    .action((directory: string, flags: { json?: true }) =>
      start((context) => listSegments(context, directory, flags)),
    )
}

async function listSegments(
  { output, paint, machine }: CommandContext,
  directory: string,
  flags: { json?: true },
): Promise<number> {
  const { fileSystem, clock } = machine
  await using log = await openLog(directory, { readOnly: true, fileSystem, clock })
  await log.plan() // a plan is made from what is in the segments, which a log opened for reading has not looked at yet
  const segments = log.segments()
  if (flags.json === true) for (const segment of segments) output.line(formatJson(segment))
  else for (const line of segmentTable(segments, (text) => paint('bold', text))) output.line(line)
  return EXIT.ok
}

const COLUMNS = [
  { title: 'BASE OFFSET', align: 'right' },
  { title: 'NEXT OFFSET', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'MAX TIMESTAMP', align: 'left' },
  { title: 'APPENDED', align: 'left' },
  { title: '', align: 'left' },
] as const

/** The segments in columns, for people; the first line is the heading. */
function segmentTable(segments: readonly SegmentInfo[], heading: (text: string) => string): string[] {
  const rows = segments.map((segment) => [
    String(segment.baseOffset),
    String(segment.nextOffset),
    formatBytes(segment.sizeBytes),
    segment.maxTimestamp < 0 ? '-' : formatTime(segment.maxTimestamp),
    formatTime(segment.appendedAt),
    segment.active ? 'active' : '',
  ])
  const [title = '', ...lines] = formatTable(COLUMNS, rows)
  return [heading(title), ...lines]
}
