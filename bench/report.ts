import type { Machine } from './machine.ts'
import { formatRivals, type RivalFacts } from './rivals/describe.ts'
import type { JudgedRow, Spread } from './results.ts'
import type { Goal, Numbers, Size, Unit } from './scenario.ts'
import type { Absent } from './select.ts'

/** A whole run, as it is stored in latest.json. */
export interface Report {
  readonly date: string
  readonly size: Size
  readonly rounds: number
  readonly seconds: number
  readonly machine: Machine
  readonly rows: readonly JudgedRow[]
  readonly scenarios: readonly {
    readonly name: string
    readonly title: string
    readonly parameters: Numbers
    readonly facts: Numbers
    readonly runs: readonly unknown[]
  }[]
  /** The libraries that were measured beside, and those that were not. */
  readonly rivals: readonly RivalFacts[]
  readonly absent: readonly Absent[]
}

const PER_SECOND: Readonly<Record<Unit, boolean>> = {
  'records/s': true,
  'reads/s': true,
  'MB/s': false,
  ms: false,
  µs: false,
  ns: false,
  MB: false,
  KB: false,
  'bytes/byte': false,
}

/** The run as Markdown. */
export function formatReport(report: Report): string {
  const { date, size, rounds, seconds, machine } = report
  const commit = machine.commit === undefined ? '' : `, commit ${machine.commit}`
  const lines = [
    `# Benchmarks, ${date.slice(0, 10)}`,
    '',
    `${size} run, ${rounds} rounds, ${Math.round(seconds)} s; medians, with least and most in brackets${commit}.`,
    '',
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGB} GB; ${machine.system}; Node ${machine.node}; ${machine.fileSystem}.`,
    '',
    ...formatRows(report.rows),
    '',
    ...formatRivals(report.rivals, report.absent),
    '## Parameters',
    '',
    '| Benchmark | Parameters |',
    '| --- | --- |',
    ...report.scenarios.map(
      ({ name, title, parameters }) => `| \`${name}\`: ${title} | ${formatParameters(parameters)} |`,
    ),
    '',
  ]
  return lines.join('\n')
}

/** The rows alone. */
export function formatRows(rows: readonly JudgedRow[]): string[] {
  return [
    '| Work | Result | Beside | Comparison | Goal | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${cellsOf(row).join(' | ')} |`),
  ]
}

function cellsOf(row: JudgedRow): string[] {
  const { work, unit, figure, beside, goal, isMet, notJudged } = row
  return [
    work,
    formatSpread(figure, (value) => formatFigure(value, unit)),
    beside === undefined
      ? ''
      : `${beside.subject}: ${formatSpread(beside.figure, (value) => formatFigure(value, unit))}`,
    beside === undefined ? '' : formatComparison(beside, unit),
    goal === undefined ? '' : formatGoal(goal, row),
    notJudged === undefined ? formatVerdict(isMet) : `not judged: ${notJudged}`,
  ]
}

function formatVerdict(isMet: boolean | undefined): string {
  if (isMet === undefined) return ''
  return isMet ? 'met' : '**missed**'
}

function formatComparison(beside: NonNullable<JudgedRow['beside']>, unit: Unit): string {
  const { compare, comparison } = beside
  return formatSpread(comparison, (value) =>
    compare === 'ratio'
      ? formatRatio(value)
      : `${value < 0 ? '−' : '+'}${formatFigure(Math.abs(value), unit)}`,
  )
}

function formatGoal(goal: Goal, { unit, beside }: JudgedRow): string {
  const sign = goal.kind === 'comparison-min' ? '≥' : '≤'
  if (goal.kind === 'figure-max') return `${sign} ${formatFigure(goal.limit, unit)}`
  return beside?.compare === 'difference'
    ? `${sign} +${formatFigure(goal.limit, unit)}`
    : `${sign} ${formatRatio(goal.limit)}`
}

function formatSpread({ median, min, max }: Spread, format: (value: number) => string): string {
  return min === max ? format(median) : `${format(median)} (${format(min)} – ${format(max)})`
}

function formatRatio(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ×`
}

function formatFigure(value: number, unit: Unit): string {
  if (PER_SECOND[unit]) {
    if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M ${unit}`
    return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k ${unit}` : `${value.toFixed(0)} ${unit}`
  }
  if (unit === 'bytes/byte') return value.toFixed(3)
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${unit}`
}

function formatParameters(parameters: Numbers): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
