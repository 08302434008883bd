/*
 * Whether one commit is faster than another, from pairs of figures that were taken one right after the other.
 *
 * The rule. Each pair gives a ratio. The spread is the interval of these ratios that holds the true median in 98 of 100
 * comparisons, whatever the noise looks like, as long as it is the same for both: so many of the least and of the most
 * are left out that chance alone, a coin thrown for each pair, would leave the median outside in 2 of 100 at most
 * (a sign test, turned round). Of 7 pairs none is left out, of 11 one at each end. There is a difference where the
 * spread does not contain 1 and the median is 1 % away from it.
 */
import { isMoreBetter } from './figures.ts'
import { type Spread, spreadOf } from './results.ts'
import type { Unit } from './scenario.ts'

/** The fewest pairs of which anything is said. */
export const PAIRS_MIN = 7

const CHANCE_MAX = 0.02
const RATIO_MIN = 1.01

/** Two figures, taken one right after the other. */
export interface Pair {
  readonly mine: number
  readonly other: number
}

/** What pairs come to. `ratio` is mine / other, as figures; its `min` and `max` are the ends of the spread. */
export type Verdict =
  | { readonly kind: 'better' | 'worse' | 'same'; readonly ratio: Spread }
  | { readonly kind: 'few'; readonly ratio: Spread }
  /** A figure is 0 or less, so that there is no ratio. */
  | { readonly kind: 'none' }

/** Says which side is better, if any is. */
export function verdictOf(pairs: readonly Pair[], unit: Unit): Verdict {
  const ratios = pairs.map(({ mine, other }) => (mine === other ? 1 : mine / other)).sort((a, b) => a - b)
  if (ratios.length === 0 || !ratios.every((ratio) => ratio > 0 && Number.isFinite(ratio)))
    return { kind: 'none' }
  const { median } = spreadOf(ratios)
  const leftOut = countLeftOut(ratios.length)
  const ratio = { median, min: ratios[leftOut]!, max: ratios.at(-1 - leftOut)! }
  if (ratios.length < PAIRS_MIN) return { kind: 'few', ratio }
  const isFar = Math.max(median, 1 / median) >= RATIO_MIN
  if (!isFar || (ratio.min <= 1 && ratio.max >= 1)) return { kind: 'same', ratio }
  return { kind: median > 1 === isMoreBetter(unit) ? 'better' : 'worse', ratio }
}

/** How many of so many sorted ratios are left out at each end. */
export function countLeftOut(count: number): number {
  let outcomes = 1 // ways in which so many coins of `count` fall on one side
  let tail = outcomes
  let leftOut = 0
  while ((2 * (tail + (outcomes * (count - leftOut)) / (leftOut + 1))) / 2 ** count <= CHANCE_MAX) {
    outcomes = (outcomes * (count - leftOut)) / (leftOut + 1)
    tail += outcomes
    leftOut++
  }
  return leftOut
}

/** A verdict in words: "faster by 1.12 × (1.05 – 1.20)". */
export function describeVerdict(verdict: Verdict, unit: Unit): string {
  switch (verdict.kind) {
    case 'none':
      return 'no ratio: a figure is not above 0'
    case 'few':
      return `too few pairs to tell; ${PAIRS_MIN} are needed`
    case 'same':
      return 'no difference'
    case 'better':
    case 'worse': {
      const { median, min, max } = verdict.ratio
      const [by, low, high] = median > 1 ? [median, min, max] : [1 / median, 1 / max, 1 / min]
      return `${wordOf(verdict.kind, unit)} by ${by.toFixed(2)} × (${low.toFixed(2)} – ${high.toFixed(2)})`
    }
  }
}

function wordOf(kind: 'better' | 'worse', unit: Unit): string {
  const isAmount = !unit.endsWith('/s') && !unit.endsWith('s')
  if (isAmount) return kind === 'better' ? 'smaller' : 'larger'
  return kind === 'better' ? 'faster' : 'slower'
}
