/* What the measured work does to the event loop: one line a subject, from what every outcome carries. */
import { type Run, spreadOf } from './results.ts'
import type { LoopMetrics } from './support/loop-watch.ts'

/** What is read of a scenario's results. */
export interface LoopRuns {
  readonly name: string
  readonly runs: readonly Run[]
}

/** A timer due every ms comes after 1.1 ms or so; where none came before this was over, the loop was held. */
const HELD_MS_MIN = 3

const FIGURES: readonly (keyof LoopMetrics)[] = ['eventLoopP99Ms', 'eventLoopMaxMs', 'eventLoopTicks']

/**
 * The table as lines of Markdown, with its heading. What has no such figures, as runs of before they were taken, is not in
 * it; nothing where that is all.
 */
export function formatLoopTable(scenarios: readonly LoopRuns[]): string[] {
  const lines = scenarios.flatMap(({ name, runs }) => linesOf(name, runs))
  if (lines.length === 0) return []
  return [
    '## Event loop by benchmark and subject',
    '',
    'Delay of a timer that is due every ms, about 1.1 ms when nothing happens, while the clock ran in the process of the',
    'subject: medians of the rounds. Benchmarks make their calls back to back: work that is synchronous, or that ends before',
    'the event loop has its turn, holds it from the first call to the last, whatever one call takes. No timer runs then, and',
    'the table says "held" with the length of it; such a line says how long was measured, and nothing about delays.',
    '',
    '| Benchmark | Subject | p99 | max |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ]
}

function linesOf(name: string, runs: readonly Run[]): string[] {
  return [...new Set(runs.filter(hasFigures).map(({ subject }) => subject))].sort().map((subject) => {
    const own = runs.filter((run) => run.subject === subject)
    if (own.some(({ outcome }) => outcome.isElsewhere === true))
      return `| \`${name}\` | ${subject} | not watched: another program did the work |  |`
    const medianOf = (metric: keyof LoopMetrics): number =>
      spreadOf(own.map((run) => metricOf(run, metric))).median
    const [p99, max] = [medianOf('eventLoopP99Ms'), medianOf('eventLoopMaxMs')]
    const isHeld = medianOf('eventLoopTicks') === 0 && max >= HELD_MS_MIN
    const cells = isHeld ? [`held ${formatMs(max)}`, ''] : [formatMs(p99), formatMs(max)]
    return `| \`${name}\` | ${[subject, ...cells].join(' | ')} |`
  })
}

function hasFigures({ outcome }: Run): boolean {
  const { metrics, isElsewhere } = outcome
  return isElsewhere === true || FIGURES.some((figure) => metrics[figure] !== undefined)
}

function metricOf({ subject, outcome }: Run, metric: keyof LoopMetrics): number {
  const value = outcome.metrics[metric]
  if (value === undefined) throw new Error(`${subject} has no ${metric}`)
  return value
}

function formatMs(value: number): string {
  return `${value.toFixed(value >= 100 ? 0 : 1)} ms`
}
