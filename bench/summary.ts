/*
 * The few figures of a run that README.md shows: seglog, the bare loop and the best library, on the same work.
 */
import { formatFigure } from './figures.ts'
import type { Report } from './report.ts'
import type { JudgedRow } from './results.ts'

/** One line of the summary, and where in the report its figures are. */
interface Line {
  readonly work: string
  readonly scenario: string
  readonly subject?: string
  readonly metric?: string
}

const LINES: readonly Line[] = [
  { work: 'append 100 B × 1,000 a batch, `os`', scenario: 'append-100b' },
  { work: 'append 1 KiB × 100 a batch, `os`', scenario: 'append-1kib' },
  { work: 'append 100 B a call, un-awaited, `os`', scenario: 'append-single' },
  { work: 'append 1 KiB, each awaited, `disk`', scenario: 'durable-alone' },
  { work: 'the same with `preallocate`', scenario: 'durable-alone', subject: 'seglog, preallocate' },
  { work: 'append 1 KiB, 64 at once, `disk`', scenario: 'durable-64' },
  { work: 'scan 100 B × 1,000 a batch', scenario: 'scan-100b' },
  { work: 'scan 1 KiB × 100 a batch', scenario: 'scan-1kib' },
  { work: 'random `getSync`, 100 B, warm', scenario: 'point-read', metric: 'readsPerSecond' },
]

/** A paragraph and a table; an error where the report lacks one of the figures. */
export function summaryOf(report: Report): string[] {
  const { date, rounds, machine } = report
  const cells = [
    ['work', 'seglog', 'bare loop', 'best library'],
    ...LINES.map((line) => cellsOf(line, report.rows)),
  ]
  return [
    `Measured on ${date.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores, ${machine.system}, ` +
      `Node ${machine.node}, ${machine.fileSystem.split(' ')[0]}; medians of ${rounds} rounds:`,
    tableOf(cells),
  ]
}

function cellsOf(line: Line, all: readonly JudgedRow[]): string[] {
  const { work, scenario, subject = 'seglog', metric = 'recordsPerSecond' } = line
  const rows = all.filter((row) => row.scenario === scenario && row.metric === metric)
  const own = rows.find((row) => row.subject === subject)
  const [first, ...others] = rows.filter((row) => row.library !== undefined)
  if (own === undefined || first?.beside === undefined)
    throw new Error(`the report has no figures of ${subject} and libraries in ${scenario}`)
  const best = others.reduce((one, other) => (other.figure.median > one.figure.median ? other : one), first)
  return [
    work,
    formatFigure(own.figure.median, own.unit),
    formatFigure(first.beside.figure.median, own.unit),
    `${formatFigure(best.figure.median, best.unit)}, ${best.subject}`,
  ]
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`,
  )
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}
