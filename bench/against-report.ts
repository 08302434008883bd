/*
 * What a comparison of two commits came to, as it is printed and stored.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Revision } from './against-checkout.ts'
import { describeVerdict, type Pair, type Verdict } from './against-verdict.ts'
import { formatFigure, formatRatio, formatSpread } from './figures.ts'
import type { Machine } from './machine.ts'
import { spreadOf } from './results.ts'
import type { Size, Unit } from './scenario.ts'

/** One figure on both sides. */
export interface ComparedRow {
  readonly scenario: string
  readonly work: string
  readonly unit: Unit
  readonly subject: string
  readonly metric: string
  readonly figures: readonly Pair[]
  readonly verdict: Verdict
  /** Why the other commit has no more figures than these. */
  readonly failure?: string
}

/** A whole comparison. */
export interface Comparison {
  readonly date: string
  readonly size: Size
  readonly pairs: number
  readonly seconds: number
  readonly machine: Machine
  /** What is measured here: a commit, or the working tree. */
  readonly mine: string
  readonly other: Revision
  readonly rows: readonly ComparedRow[]
}

/** The comparison as Markdown. */
export function formatComparison({ rows, mine, other, pairs }: Comparison): string {
  const failures = new Map(
    rows.flatMap(({ scenario, subject, failure }) =>
      failure === undefined ? [] : [[`${scenario}, ${subject}`, failure] as const],
    ),
  )
  const lines = [
    `Medians of ${mine} beside ${other.name}, ${countOf(pairs)}. The ratio is of the figures, ${mine} / ${other.name}: its median,`,
    'and the spread that holds the true one in 98 of 100 comparisons; where that contains 1, or the median is within 1 %, there',
    'is no difference. That leaves up to 1 row in 50 to chance: run again what surprises.',
    '',
    `| Work | ${other.name} | ${mine} | Ratio | ${mine} is |`,
    '| --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${cellsOf(row, other).join(' | ')} |`),
    ...(failures.size === 0 ? [] : ['', `What ${other.name} cannot do:`, '']),
    ...[...failures].map(([what, failure]) => `- ${what}: ${failure}`),
  ]
  return `${lines.join('\n')}\n`
}

/** So many pairs. */
export function countOf(pairs: number): string {
  return pairs === 1 ? '1 pair' : `${pairs} pairs`
}

/** Writes a comparison to `directory`. */
export function storeComparison(comparison: Comparison, directory: string): void {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'against.json'), `${JSON.stringify(comparison, null, 2)}\n`)
  writeFileSync(join(directory, 'against.md'), formatComparison(comparison))
}

function cellsOf({ work, unit, figures, verdict, failure }: ComparedRow, other: Revision): string[] {
  const medianOf = (pick: (pair: Pair) => number): string =>
    figures.length === 0 ? '' : formatFigure(spreadOf(figures.map(pick)).median, unit)
  return [
    work,
    medianOf((pair) => pair.other),
    medianOf((pair) => pair.mine),
    verdict.kind === 'none' ? '' : formatSpread(verdict.ratio, formatRatio),
    failure === undefined ? describeVerdict(verdict, unit) : `cannot be told: ${other.name} fails`,
  ]
}
