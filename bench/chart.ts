/*
 * A scenario's chart, as SVG: a bar for every subject that has the metric. The same runs give the same bytes.
 *
 *   title
 *   what the bars are
 *   subject  ▇▇▇▇▇▇▇▇▇▇|—|         ratio   figure
 *   bare     ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇    1.00 ×  figure
 */
import { formatFigure, formatRatio, isMoreBetter } from './figures.ts'
import { type Run, type Spread, spreadOf } from './results.ts'
import type { Scenario, Unit } from './scenario.ts'

/** What a chart shows. */
export interface ChartSpec {
  readonly metric: string
  readonly unit: Unit
  /** The subject that the others are divided by, round by round; figures are shown as they are where there is none. */
  readonly baseline?: string
  /** The scenario's, by default. */
  readonly title?: string
}

/** One bar. */
interface Bar {
  readonly subject: string
  readonly figure: Spread
  /** What the bar's length is: the ratio to the baseline, or the figure. */
  readonly length: Spread
}

/** By this the files that we may replace and remove are told from others. */
export const CHART_MARK = '<!-- drawn by npm run bench -->'

const WIDTH = 760
const MARGIN = 16
const BARS_TOP = 62
const ROW = 26
const BAR = 14
const AXIS = 30
const CHARACTER = 7
const LABEL_CHARACTERS_MAX = 30
/** Room for the figures at the right, and for ratios before them. */
const FIGURES = 128
const RATIOS = 62

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .quiet { fill: #59636e }
  .paper { fill: #ffffff }
  .ours { fill: #1f6feb }
  .bare { fill: #8b949e }
  .other { fill: #bf8700 }
  .line { stroke: #d1d9e0 }
  .one { stroke: #59636e; stroke-dasharray: 3 3 }
  .whisker { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .paper { fill: #0d1117 }
    .line { stroke: #3d444d }
    .one { stroke: #9198a1 }
    .whisker { stroke: #f0f6fc }
  }
`

/** What a scenario's chart shows, said by itself or not. */
export function chartSpecOf({
  chart,
  rows,
  subjects,
}: Pick<Scenario, 'chart' | 'rows' | 'subjects'>): ChartSpec | undefined {
  const [first] = rows
  if (chart !== undefined || first === undefined) return chart
  const { metric, unit, compare } = first
  const baseline =
    compare === 'difference' ? undefined : Object.keys(subjects).find((subject) => subject.startsWith('bare'))
  return { metric, unit, ...(baseline === undefined ? {} : { baseline }) }
}

/**
 * The chart of a scenario's runs; undefined when it shows nothing, or none of the runs has the metric, or there is
 * nothing to divide by.
 */
export function chartOf(
  scenario: Pick<Scenario, 'title' | 'chart' | 'rows' | 'subjects'>,
  runs: readonly Run[],
): string | undefined {
  const spec = chartSpecOf(scenario)
  return spec === undefined
    ? undefined
    : drawChart(
        { title: scenario.title, ...spec },
        barsOf(spec, { subjects: Object.keys(scenario.subjects), runs }),
      )
}

function drawChart(chart: ChartSpec & { readonly title: string }, bars: readonly Bar[]): string | undefined {
  if (bars.length === 0) return undefined
  const longest = Math.max(...bars.map(({ subject }) => Math.min(subject.length, LABEL_CHARACTERS_MAX)))
  const left = MARGIN + longest * CHARACTER + 10
  const right = WIDTH - MARGIN - FIGURES - (chart.baseline === undefined ? 0 : RATIOS)
  const bottom = BARS_TOP + bars.length * ROW
  const height = bottom + AXIS
  const longestBar = Math.max(...bars.map(({ length }) => length.max))
  const x = (length: number): number => left + (Math.max(length, 0) / (longestBar || 1)) * (right - left)
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">`,
    CHART_MARK,
    `<title id="title">${escape(chart.title)}</title>`,
    `<desc id="desc">${escape(`${captionOf(chart)}. ${bars.map((bar) => describeBar(bar, chart)).join('; ')}.`)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="6"/>`,
    textAt({ x: MARGIN, y: 26, text: chart.title, role: 'title' }),
    textAt({ x: MARGIN, y: 46, text: captionOf(chart), role: 'quiet' }),
    ...ticksOf(longestBar).flatMap((tick) => drawTick(tick, { x: x(tick), bottom, chart })),
    ...(chart.baseline === undefined ? [] : [drawLine('one', { x: x(1), bottom })]),
    ...bars.flatMap((bar, row) => drawBar(bar, { chart, x, top: BARS_TOP + row * ROW })),
    '</svg>',
  ]
  return `${lines.join('\n')}\n`
}

/** Best first where all do the same work; as the scenario has them where they don't. */
function barsOf(
  { metric, unit, baseline }: ChartSpec,
  { subjects, runs }: { subjects: readonly string[]; runs: readonly Run[] },
): Bar[] {
  const figuresOf = (subject: string | undefined): Map<number, number> =>
    new Map(
      runs
        .filter((run) => run.subject === subject && Number.isFinite(run.outcome.metrics[metric]))
        .map(({ round, outcome }) => [round, outcome.metrics[metric]!]),
    )
  const base = figuresOf(baseline)
  const bars = subjects.flatMap((subject): Bar[] => {
    const byRound = figuresOf(subject)
    if (byRound.size === 0) return []
    const figure = spreadOf([...byRound.values()])
    if (baseline === undefined) return [{ subject, figure, length: figure }]
    const ratios = [...byRound]
      .filter(([round]) => (base.get(round) ?? 0) > 0)
      .map(([round, value]) => value / base.get(round)!)
    return ratios.length === 0 ? [] : [{ subject, figure, length: spreadOf(ratios) }]
  })
  if (baseline === undefined) return bars
  const sign = isMoreBetter(unit) ? -1 : 1
  return bars.sort((a, b) => sign * (a.length.median - b.length.median))
}

function captionOf({ unit, baseline }: ChartSpec): string {
  const what = baseline === undefined ? unit : `${unit}, as a ratio to ${baseline}`
  return `${what}: ${isMoreBetter(unit) ? 'more' : 'less'} is better; bars are medians, whiskers go from least to most`
}

function describeBar({ subject, figure, length }: Bar, { unit, baseline }: ChartSpec): string {
  const value = formatFigure(figure.median, unit)
  const format = (amount: number): string =>
    baseline === undefined ? formatFigure(amount, unit) : formatRatio(amount)
  const spread = `from ${format(length.min)} to ${format(length.max)}`
  return baseline === undefined
    ? `${subject} ${value}, ${spread}`
    : `${subject} ${format(length.median)}, ${spread}, ${value}`
}

function drawBar(
  bar: Bar,
  place: { readonly chart: ChartSpec; readonly top: number; x(length: number): number },
): string[] {
  const { subject, figure, length } = bar
  const { chart, top, x } = place
  const middle = top + ROW / 2
  const [start, end, least, most] = [0, length.median, length.min, length.max].map(x) as [
    number,
    number,
    number,
    number,
  ]
  const whisker =
    length.min === length.max
      ? []
      : [
          `<path class="whisker" d="M${tenths(least)} ${middle}H${tenths(most)}M${tenths(least)} ${middle - 4}v8M${tenths(most)} ${middle - 4}v8"/>`,
        ]
  const role = roleOf(subject, chart)
  return [
    `<g><title>${escape(describeBar(bar, chart))}</title>`,
    textAt({ x: tenths(start) - 8, y: middle + 4, text: shorten(subject), anchor: 'end' }),
    `<rect class="${role}" x="${tenths(start)}" y="${middle - BAR / 2}" width="${tenths(Math.max(end - start, 1))}" height="${BAR}"/>`,
    ...whisker,
    ...(chart.baseline === undefined
      ? []
      : [
          textAt({
            x: WIDTH - MARGIN - FIGURES,
            y: middle + 4,
            text: formatRatio(length.median),
            anchor: 'end',
          }),
        ]),
    textAt({
      x: WIDTH - MARGIN,
      y: middle + 4,
      text: formatFigure(figure.median, chart.unit),
      anchor: 'end',
      ...(chart.baseline === undefined ? {} : { role: 'quiet' }),
    }),
    '</g>',
  ]
}

function drawTick(
  tick: number,
  { x, bottom, chart }: { x: number; bottom: number; chart: ChartSpec },
): string[] {
  const name = chart.baseline === undefined ? formatFigure(tick, chart.unit) : `${Number(tick.toFixed(6))} ×`
  const text = tick === 0 ? '0' : name
  return [
    drawLine('line', { x, bottom }),
    textAt({ x: tenths(x), y: bottom + 18, text, anchor: 'middle', role: 'quiet' }),
  ]
}

function drawLine(role: string, { x, bottom }: { x: number; bottom: number }): string {
  return `<path class="${role}" d="M${tenths(x)} ${BARS_TOP}V${bottom + 4}"/>`
}

/** Two to five round numbers from 0 on. */
function ticksOf(most: number): number[] {
  if (!(most > 0)) return [0]
  const power = 10 ** Math.floor(Math.log10(most))
  const step = [0.25, 0.5, 1].map((part) => part * power).find((size) => most / size < 5) ?? 2 * power
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, slot) => slot * step)
}

function roleOf(subject: string, { baseline }: ChartSpec): string {
  if (baseline === undefined) return isBare(subject) ? 'bare' : 'ours'
  if (subject === baseline || isBare(subject)) return 'bare'
  return subject.startsWith('seglog') ? 'ours' : 'other'
}

function isBare(subject: string): boolean {
  return /\bbare\b/.test(subject)
}

function shorten(text: string): string {
  return text.length <= LABEL_CHARACTERS_MAX ? text : `${text.slice(0, LABEL_CHARACTERS_MAX - 1)}…`
}

function textAt(text: {
  readonly x: number
  readonly y: number
  readonly text: string
  readonly anchor?: 'middle' | 'end'
  readonly role?: string
}): string {
  const role = text.role === undefined ? '' : ` class="${text.role}"`
  const anchor = text.anchor === undefined ? '' : ` text-anchor="${text.anchor}"`
  return `<text${role} x="${text.x}" y="${text.y}"${anchor}>${escape(text.text)}</text>`
}

function tenths(position: number): number {
  return Math.round(position * 10) / 10
}

/** Text as it may stand in XML, which has no way to write most control characters. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
