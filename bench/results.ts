/*
 * From what the processes measured to what the table says. Figures of two subjects are compared round by round, since
 * what slows a machine down slows neighbours in time down together; the median is of these.
 */
import type { BestOf, Goal, Outcome, Row, Scenario } from './scenario.ts'

/** One process's outcome. */
export interface Run {
  readonly round: number
  readonly subject: string
  readonly outcome: Outcome
}

/** Several measurements of one thing. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** A row with its figures. */
export interface JudgedRow extends Omit<Row, 'beside' | 'besideBest' | 'compare'> {
  readonly scenario: string
  /** The library that the subject is, where it is one. */
  readonly library?: string
  readonly figure: Spread
  readonly beside?: {
    readonly subject: string
    readonly figure: Spread
    readonly compare: 'ratio' | 'difference'
    readonly comparison: Spread
  }
  /** By the median; undefined where there is no goal, or a reason not to judge by it. */
  readonly isMet: boolean | undefined
  /** Why a row with a goal is not judged. */
  readonly notJudged?: string
}

/** Fills in the rows of a scenario; without goals where its figures are those of tiny parameters. */
export function judge(
  scenario: Scenario,
  { runs, hasGoals }: { runs: readonly Run[]; hasGoals: boolean },
): JudgedRow[] {
  return scenario.rows.map((row) => {
    const { work, unit, subject, metric } = row
    const goal = hasGoals ? row.goal : undefined
    const values = valuesOf(runs, subject, metric)
    const figure = spreadOf(values)
    const other = row.besideBest === undefined ? row.beside : findBest(row.besideBest, metric, runs)
    const beside = other === undefined ? undefined : compare({ ...row, beside: other }, values, runs)
    const missing = row.besideBest === undefined ? [] : missingFrom(row.besideBest, runs)
    const notJudged = goal === undefined || missing.length === 0 ? undefined : `${missing.join(', ')} missing`
    const library = scenario.libraries?.[subject]
    return {
      scenario: scenario.name,
      work,
      unit,
      subject,
      metric,
      figure,
      ...(library === undefined ? {} : { library }),
      ...(goal === undefined ? {} : { goal }),
      ...(beside === undefined ? {} : { beside }),
      ...(notJudged === undefined ? {} : { notJudged }),
      isMet:
        goal === undefined || notJudged !== undefined ? undefined : isMet(goal, figure, beside?.comparison),
    }
  })
}

/** The subject with the highest median; undefined when none was in the run. Every best is of a figure that is to be high. */
function findBest(
  { subjects }: BestOf,
  metric: string,
  runs: readonly Run[],
): { subject: string } | undefined {
  const present = subjects.filter((subject) => runs.some((run) => run.subject === subject))
  if (present.length === 0) return undefined
  const medians = present.map((subject) => ({
    subject,
    median: spreadOf(valuesOf(runs, subject, metric)).median,
  }))
  return medians.reduce((best, next) => (next.median > best.median ? next : best))
}

function missingFrom({ needed }: BestOf, runs: readonly Run[]): string[] {
  return needed.filter((subject) => !runs.some((run) => run.subject === subject))
}

/** The median with its neighbours at both ends. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

function compare(
  row: Row,
  values: readonly number[],
  runs: readonly Run[],
): NonNullable<JudgedRow['beside']> {
  const { subject, metric = row.metric } = row.beside!
  const others = valuesOf(runs, subject, metric)
  const isRatio = (row.compare ?? 'ratio') === 'ratio'
  const comparison = values.map((value, round) => (isRatio ? value / others[round]! : value - others[round]!))
  return {
    subject,
    figure: spreadOf(others),
    compare: isRatio ? 'ratio' : 'difference',
    comparison: spreadOf(comparison),
  }
}

function valuesOf(runs: readonly Run[], subject: string, metric: string): number[] {
  return runs
    .filter((run) => run.subject === subject)
    .sort((a, b) => a.round - b.round)
    .map(({ outcome }) => {
      const value = outcome.metrics[metric]
      if (value === undefined || !Number.isFinite(value)) throw new Error(`${subject} has no ${metric}`)
      return value
    })
}

function isMet(goal: Goal, figure: Spread, comparison: Spread | undefined): boolean {
  if (goal.kind === 'figure-max') return figure.median <= goal.limit
  if (comparison === undefined) throw new Error('a goal for a comparison that there is not')
  return goal.kind === 'comparison-min' ? comparison.median >= goal.limit : comparison.median <= goal.limit
}
