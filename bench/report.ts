import { formatFigure, formatRatio, formatSpread } from './figures.ts'
import { describeGrowth, formatPoints, type JudgedGrowth } from './growth.ts'
import type { Machine } from './machine.ts'
import { formatLoopTable } from './loop-table.ts'
import { formatRivals, type RivalFacts } from './rivals/describe.ts'
import type { JudgedRow, Run } from './results.ts'
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
  readonly growth: readonly JudgedGrowth[]
  /** What can't be measured on this machine. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[]
  readonly scenarios: readonly {
    readonly name: string
    readonly title: string
    readonly parameters: Numbers
    readonly facts: Numbers
    readonly runs: readonly Run[]
  }[]
  /** The libraries that were measured beside, and those that were not. */
  readonly rivals: readonly RivalFacts[]
  readonly absent: readonly Absent[]
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
    ...formatVersions(machine),
    '',
    ...formatRows(report.rows),
    '',
    ...formatGrowth(report.growth),
    ...formatRivals(report.rivals, report.absent),
    ...report.leftOut.flatMap(({ name, why }) => [`Left out: \`${name}\`: ${why}.`, '']),
    ...formatLoopTable(report.scenarios),
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

/** How figures grow with the data, as a section; nothing where nothing was asked. */
export function formatGrowth(growth: readonly JudgedGrowth[]): string[] {
  if (growth.length === 0) return []
  return [
    '## Growth',
    '',
    '| Figure | At | Growth | Goal | |',
    '| --- | --- | --- | --- | --- |',
    ...growth.map((one) => {
      const goal = one.exponentMax === undefined ? '' : `≤ ${one.exponentMax}`
      return `| ${one.work} | ${formatPoints(one)} | ${describeGrowth(one)} | ${goal} | ${formatMet(one.isMet)} |`
    }),
    '',
  ]
}

/** The versions of what took part; what is measured by one version is not what another does. */
function formatVersions({ versions }: Machine): string[] {
  const pairs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return pairs.length === 0 ? [] : ['', `Versions: ${pairs.join(', ')}.`]
}

function formatMet(isMet: boolean | undefined): string {
  return isMet === undefined ? '' : isMet ? 'met' : '**missed**'
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
    notJudged === undefined ? formatMet(isMet) : `not judged: ${notJudged}`,
  ]
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

function formatParameters(parameters: Numbers): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
