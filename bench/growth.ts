/*
 * How a figure grows with the amount of data: figures at several sizes lie on a line where both are taken as
 * logarithms, and the slope of that line is the exponent. 0 is a figure that the data does not change, 1 one that
 * doubles with it.
 */
import { formatFigure, formatSigned, isMoreBetter } from './figures.ts'
import { type Run, spreadOf } from './results.ts'
import type { Numbers, Unit } from './scenario.ts'

/** A figure of a scenario at several sizes. */
export interface Growth<P extends Numbers = Numbers> {
  readonly work: string
  /** What is more of, as it stands in a sentence: "the data", "the segments". */
  readonly by: string
  readonly unit: Unit
  readonly metric: string
  /** The subject that measures each size, and the size, in whatever `by` is counted in. */
  sizes(parameters: P): Numbers
  /** A subject with nothing of it: what it takes is taken off the others, round by round. */
  readonly over?: string
  /** The goal. */
  readonly exponentMax?: number
}

/** The line through the figures. */
export interface Fit {
  /** Least squares over all rounds. */
  readonly exponent: number
  /** The least and the most that a round alone gives. */
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** A growth with its figures. */
export interface JudgedGrowth {
  readonly scenario: string
  readonly work: string
  readonly by: string
  readonly unit: Unit
  readonly metric: string
  readonly over?: string
  /** Medians, with what `over` takes already taken off. */
  readonly points: readonly { readonly size: number; readonly figure: number }[]
  /** Undefined where no round has figures that a line can be drawn through. */
  readonly fit: Fit | undefined
  readonly exponentMax?: number
  /** Undefined where there is no goal, or nothing to hold against it. */
  readonly isMet: boolean | undefined
}

/** A figure of one round at one size. */
export interface Point {
  readonly round: number
  readonly size: number
  readonly figure: number
}

/** Up to here a hundred times the data is less than 1.6 times the figure. */
const FLAT_MAX = 0.1
/** Rounds that are farther apart than this say nothing together. */
const NOISE_MAX = 0.5

/** Fills in a scenario's growths; without goals where its figures are those of tiny parameters. */
export function judgeGrowth(
  scenario: { readonly name: string; readonly growth?: readonly Growth[] },
  { parameters, runs, hasGoals }: { parameters: Numbers; runs: readonly Run[]; hasGoals: boolean },
): JudgedGrowth[] {
  return (scenario.growth ?? []).map((growth) => {
    const { work, by, unit, metric, over, exponentMax } = growth
    const points = pointsOf(growth, { parameters, runs })
    const fit = fitGrowth(points)
    const hasGoal = hasGoals && exponentMax !== undefined
    return {
      scenario: scenario.name,
      work,
      by,
      unit,
      metric,
      ...(over === undefined ? {} : { over }),
      points: mediansOf(points),
      fit,
      ...(hasGoal ? { exponentMax } : {}),
      isMet: hasGoal && fit !== undefined ? fit.exponent <= exponentMax : undefined,
    }
  })
}

/**
 * The exponent of figures by size: the least-squares slope of the logarithm of one on that of the other, over all
 * rounds. A round that has a figure which is not above 0 has no logarithm and is left out as a whole; undefined
 * where fewer than half of the rounds are left, or only one size.
 */
export function fitGrowth(points: readonly Point[]): Fit | undefined {
  const rounds = [...Map.groupBy(points, ({ round }) => round).values()]
  const usable = rounds.filter((round) => round.every(({ figure }) => figure > 0 && Number.isFinite(figure)))
  const hasSizes = usable.every((round) => new Set(round.map(({ size }) => size)).size > 1)
  if (usable.length === 0 || usable.length * 2 < rounds.length || !hasSizes) return undefined
  const { min, max } = spreadOf(usable.map(slopeOf))
  return { exponent: slopeOf(usable.flat()), min, max, rounds: usable.length }
}

/** A growth in words: the exponent, its spread, and what that means. */
export function describeGrowth({ by, unit, fit }: JudgedGrowth): string {
  if (fit === undefined) return 'no exponent: too little of it is above what there is without any'
  const { exponent, min, max } = fit
  const spread = min === max ? '' : ` (${formatSigned(min, 2)} – ${formatSigned(max, 2)})`
  return `exponent ${formatSigned(exponent, 2)}${spread}: ${meaningOf(fit, { by, unit })}`
}

/** The figures that an exponent stands for. */
export function formatPoints({ points, unit }: JudgedGrowth): string {
  const [first] = points
  return points
    .map(({ size, figure }) => `${timesOf(size / first!.size)}: ${formatFigure(figure, unit)}`)
    .join(', ')
}

function meaningOf({ exponent, min, max }: Fit, { by, unit }: Pick<JudgedGrowth, 'by' | 'unit'>): string {
  if (max - min > NOISE_MAX) return 'the rounds are too far apart to tell'
  if (isMoreBetter(unit)) {
    if (Math.abs(exponent) <= FLAT_MAX) return `does not change with ${by}`
    return exponent < 0 ? `falls with ${by}` : `rises with ${by}`
  }
  if (exponent < -FLAT_MAX) return `falls with ${by}`
  if (exponent <= FLAT_MAX) return `does not grow with ${by}`
  if (exponent < 1 - FLAT_MAX) return `grows, but less than ${by}`
  return exponent <= 1 + FLAT_MAX ? `grows in proportion to ${by}` : `grows more than ${by}`
}

function pointsOf(
  { metric, over, sizes }: Growth,
  { parameters, runs }: { parameters: Numbers; runs: readonly Run[] },
): Point[] {
  const figureOf = (round: number, subject: string): number => {
    const figure = runs.find((run) => run.round === round && run.subject === subject)?.outcome.metrics[metric]
    if (figure === undefined) throw new Error(`${subject} has no ${metric}`)
    return figure
  }
  return [...new Set(runs.map(({ round }) => round))]
    .sort((a, b) => a - b)
    .flatMap((round) => {
      const nothing = over === undefined ? 0 : figureOf(round, over)
      return Object.entries(sizes(parameters)).map(([subject, size]) => ({
        round,
        size,
        figure: figureOf(round, subject) - nothing,
      }))
    })
}

function mediansOf(points: readonly Point[]): JudgedGrowth['points'] {
  return [...Map.groupBy(points, ({ size }) => size)]
    .sort(([a], [b]) => a - b)
    .map(([size, all]) => ({ size, figure: spreadOf(all.map(({ figure }) => figure)).median }))
}

function slopeOf(points: readonly Point[]): number {
  const logs = points.map(({ size, figure }) => ({ x: Math.log(size), y: Math.log(figure) }))
  const mean = (pick: (log: { x: number; y: number }) => number): number =>
    logs.reduce((sum, log) => sum + pick(log), 0) / logs.length
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)]
  return mean(({ x, y }) => (x - meanX) * (y - meanY)) / mean(({ x }) => (x - meanX) ** 2)
}

function timesOf(times: number): string {
  return `${Number(times.toFixed(1))} ×`
}
