/*
 * What a run leaves behind: the report as JSON, and what is made of it and can be made again, the table, the charts and
 * the parts of docs/performance.md and README.md between two marks.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHART_MARK, chartOf } from './chart.ts'
import { describeGrowth, formatPoints } from './growth.ts'
import { formatReport, type Report } from './report.ts'
import { KAFKA, LIBRARY_NAMES } from './rivals/index.ts'
import type { Scenario } from './scenario.ts'
import { summaryOf } from './summary.ts'

/** Where complete runs are kept. */
export const RESULTS = fileURLToPath(new URL('results/', import.meta.url))
const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url))
const README = fileURLToPath(new URL('../README.md', import.meta.url))
const BEGIN = '<!-- begin: written by npm run bench -->'
const END = '<!-- end: written by npm run bench -->'

/** Medians of fewer rounds are not kept. */
const ROUNDS_MIN = 5

/** A chart as it is kept. */
interface Chart {
  readonly name: string
  readonly title: string
  readonly svg: string
}

/** Writes a run's files. */
export function storeReport(
  report: Report,
  place: {
    readonly directory: string
    readonly scenarios: readonly Scenario[]
    readonly isComplete: boolean
  },
): void {
  mkdirSync(place.directory, { recursive: true })
  writeFileSync(join(place.directory, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeViews(report, place)
}

/** Why the results of a whole run are not ones to keep and show; undefined when they are. */
export function whyNotKept({ size, rounds, rivals }: Report): string | undefined {
  if (size !== 'full') return `it is a ${size} run`
  if (rounds < ROUNDS_MIN) return `medians are of at least ${ROUNDS_MIN} rounds, found ${rounds}`
  const missing = LIBRARY_NAMES.filter(
    (name) => name !== KAFKA && !rivals.some((rival) => rival.name === name),
  )
  return missing.length === 0 ? undefined : `without ${missing.join(', ')}; npm run bench:install has them`
}

/**
 * Makes the table, the charts and the pages anew from the stored report.
 * Errors: ENOENT when there is none; Error, and nothing changed, when it is not one to show.
 */
export function redraw(scenarios: readonly Scenario[]): void {
  const report = readReport(RESULTS)
  const why = whyNotKept(report)
  if (why !== undefined) throw new Error(`the results in ${RESULTS} are not shown: ${why}`)
  writeViews(report, { directory: RESULTS, scenarios, isComplete: true })
}

/** The report that a run left in `directory`, with what older ones don't have left empty. */
export function readReport(directory: string): Report {
  const report = JSON.parse(readFileSync(join(directory, 'latest.json'), 'utf8')) as Report
  return {
    ...report,
    growth: report.growth ?? [],
    leftOut: report.leftOut ?? [],
    rivals: report.rivals ?? [],
    absent: report.absent ?? [],
    machine: { ...report.machine, versions: report.machine.versions ?? {} },
  }
}

/** The charts of a report, in its order; scenarios that are gone have none. */
export function chartsOf(report: Report, scenarios: readonly Scenario[]): Chart[] {
  return report.scenarios.flatMap(({ name, runs }) => {
    const found = scenarios.find((scenario) => scenario.name === name)
    const svg = found && chartOf(found, runs)
    return svg === undefined ? [] : [{ name, title: found!.title, svg }]
  })
}

/** The page with its figures put in anew. Errors: Error when the page has no place for them. */
export function fillPage(page: string, report: Report, charts: readonly Chart[]): string {
  return fillBetweenMarks(page, figuresOf(report, charts))
}

/** README.md with its few figures put in anew. Errors: Error when it has no place for them, or the report lacks one. */
export function fillReadme(readme: string, report: Report): string {
  return fillBetweenMarks(readme, summaryOf(report))
}

function fillBetweenMarks(page: string, paragraphs: readonly string[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the page has no '${BEGIN}' with '${END}' after it`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${paragraphs.join('\n\n')}\n\n${page.slice(end)}`
}

function writeViews(
  report: Report,
  place: {
    readonly directory: string
    readonly scenarios: readonly Scenario[]
    readonly isComplete: boolean
  },
): void {
  const { directory, scenarios, isComplete } = place
  const isShown = isComplete && resolve(directory) === resolve(RESULTS)
  const charts = chartsOf(report, scenarios)
  // Made before anything is written: a report that lacks something changes no file.
  const pages: readonly [string, string][] = isShown
    ? [
        [PAGE, fillPage(readFileSync(PAGE, 'utf8'), report, charts)],
        [README, fillReadme(readFileSync(README, 'utf8'), report)],
      ]
    : []
  writeFileSync(join(directory, 'latest.md'), formatReport(report))
  for (const { name, svg } of charts) writeFileSync(join(directory, `${name}.svg`), svg)
  if (!isComplete) return
  const kept = new Set(charts.map(({ name }) => `${name}.svg`))
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    if (name.endsWith('.svg') && !kept.has(name) && readFileSync(path, 'utf8').includes(CHART_MARK))
      rmSync(path)
  }
  for (const [path, text] of pages) writeFileSync(path, text)
}

/** Paragraphs: where the figures come from, the growths, the charts. */
function figuresOf(report: Report, charts: readonly Chart[]): string[] {
  const { date, size, rounds, machine, growth } = report
  const commit = machine.commit === undefined ? '' : ` of commit ${machine.commit}`
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  return [
    `A ${size} run${commit} on ${date.slice(0, 10)}, ${rounds} rounds: ${machine.processor}, ${machine.cores} cores, ` +
      `${machine.memoryGB} GB; ${machine.system}; Node ${machine.node}; ${machine.fileSystem}` +
      `${versions.length === 0 ? '' : `; ${versions.join(', ')}`}.`,
    '### Growth',
    growth.length === 0
      ? 'This run has no figures of growth.'
      : growth.map((one) => `- ${one.work}: ${describeGrowth(one)} (${formatPoints(one)})`).join('\n'),
    '### Charts',
    ...charts.map(({ name, title }) => `![${title}](../bench/results/${name}.svg)`),
  ]
}
