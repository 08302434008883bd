/*
 * npm run bench: plans the processes, starts one after another, and says what they came to.
 *
 *   for each scenario          prepare once
 *     for each round           the subjects, one after another, in turning order: neighbours in time are compared
 *       for each subject       a fresh process in an empty directory
 * Nothing else runs meanwhile; a smoke run, whose figures nobody reads, has several processes at a time.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { compareWith } from './against.ts'
import { findRevision, type Revision } from './against-checkout.ts'
import { formatComparison, storeComparison } from './against-report.ts'
import { type Arguments, parseArguments, USAGE } from './arguments.ts'
import { type JudgedGrowth, judgeGrowth } from './growth.ts'
import { type Job, type Launch, runJob } from './job.ts'
import { describeMachine, isInMemory } from './machine.ts'
import { Progress } from './progress.ts'
import { formatGrowth, formatRows, type Report } from './report.ts'
import { type JudgedRow, judge, type Run } from './results.ts'
import type { Numbers, Outcome, Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { RESULTS, redraw, storeReport } from './stored.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
const EXIT_INTERRUPTED = 130

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  let options: Arguments
  let revision: Revision | undefined
  try {
    options = parseArguments(words)
    if (options.against !== undefined) revision = findRevision(options.against)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    return EXIT_USAGE
  }
  if (options.help) return print(USAGE)
  if (options.redraw) {
    redraw(SCENARIOS)
    return print(`made anew in ${RESULTS}\n`)
  }
  const scenarios = SCENARIOS.filter(({ name }) => isWanted(name, options.words))
  if (scenarios.length === 0) {
    process.stderr.write('no matching benchmarks\n')
    return EXIT_USAGE
  }
  if (options.list) return print(scenarios.map(({ name, title }) => `${name.padEnd(16)}${title}\n`).join(''))
  return inDirectory(options, (place) =>
    revision === undefined
      ? measureAndStore(options, scenarios, place)
      : compareAndPrint(revision, { options, scenarios }, place),
  )
}

function isWanted(name: string, words: readonly string[]): boolean {
  return words.length === 0 || words.some((word) => name.includes(word))
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

interface Place {
  readonly root: string
  readonly signal: AbortSignal
}

/** Does `work` in a directory of its own, which goes away whatever happens. */
async function inDirectory(options: Arguments, work: (place: Place) => Promise<number>): Promise<number> {
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  let root: string | undefined
  try {
    root = realpathSync(mkdtempSync(join(resolve(options.directory ?? tmpdir()), 'seglog-bench-')))
    return await work({ root, signal: interrupted.signal })
  } catch (error) {
    await nextTurn() // a signal that has ended a process of the run is on its way here too
    if (interrupted.signal.aborted) return EXIT_INTERRUPTED
    process.stderr.write(`\n${(error as Error).message}\n`)
    return EXIT_FAILED
  } finally {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
    if (root !== undefined) rmSync(root, { recursive: true, force: true })
  }
}

async function measureAndStore(
  options: Arguments,
  scenarios: readonly Scenario[],
  place: Place,
): Promise<number> {
  const report = await measure(options, scenarios, place)
  // Results of a run that left nothing out are kept; of others, where the command line says so.
  const isComplete = options.size !== 'smoke' && options.words.length === 0
  const directory = options.out ?? (isComplete ? RESULTS : undefined)
  if (directory !== undefined) {
    storeReport(report, { directory, scenarios, isComplete })
    process.stderr.write(`written to ${directory}\n`)
  }
  return print(
    options.size === 'smoke'
      ? ''
      : [...formatRows(report.rows), '', ...formatGrowth(report.growth)].join('\n'),
  )
}

async function compareAndPrint(
  revision: Revision,
  what: { options: Arguments; scenarios: readonly Scenario[] },
  place: Place,
): Promise<number> {
  const comparison = await compareWith(revision, what, place)
  const { out } = what.options
  if (out !== undefined) {
    storeComparison(comparison, out)
    process.stderr.write(`written to ${out}\n`)
  }
  return print(formatComparison(comparison))
}

async function measure(options: Arguments, scenarios: readonly Scenario[], place: Place): Promise<Report> {
  const startedMs = performance.now()
  const date = new Date().toISOString()
  const machine = describeMachine(place.root)
  process.stderr.write(`files in ${place.root}, ${machine.fileSystem}\n`)
  if (isInMemory(machine))
    process.stderr.write('that is memory, not a disk: no figure of a sync means anything\n')
  const compileCache = join(place.root, 'compiled')
  const launch: Launch = { compileCache, profiles: options.profiles, signal: place.signal }
  await runJob({ kind: 'load' }, launch)
  const leftOut = findLeftOut(scenarios, place.root)
  const measured = scenarios.filter(({ name }) => !leftOut.some((other) => other.name === name))
  const progress = new Progress(measured, options.rounds)
  const rows: JudgedRow[] = []
  const growth: JudgedGrowth[] = []
  const details: Report['scenarios'][number][] = []
  for (const scenario of measured) {
    const { facts, runs } = await measureScenario(scenario, { options, root: place.root, launch, progress })
    const hasGoals = options.size !== 'smoke'
    const parameters = scenario.parameters[options.size]
    rows.push(...judge(scenario, { runs, hasGoals }))
    growth.push(...judgeGrowth(scenario, { parameters, runs, hasGoals }))
    const { name, title } = scenario
    details.push({ name, title, parameters, facts, runs })
  }
  progress.end()
  const seconds = (performance.now() - startedMs) / 1000
  const { size, rounds } = options
  return { date, size, rounds, seconds, machine, rows, growth, leftOut, scenarios: details }
}

/** Names what can't be measured here, and why. */
function findLeftOut(scenarios: readonly Scenario[], root: string): Report['leftOut'] {
  const leftOut = scenarios.flatMap((scenario) => {
    const why = scenario.missing?.(root)
    return why === undefined ? [] : [{ name: scenario.name, why }]
  })
  for (const { name, why } of leftOut) process.stderr.write(`${name} is left out: ${why}\n`)
  return leftOut
}

async function measureScenario(
  scenario: Scenario,
  run: { options: Arguments; root: string; launch: Launch; progress: Progress },
): Promise<{ facts: Numbers; runs: Run[] }> {
  const { options, progress } = run
  const scenarioName = scenario.name
  const isCold = scenario.isCold === true && options.size !== 'smoke'
  const launch = isCold ? { ...run.launch, compileCache: undefined } : run.launch
  const home = join(run.root, scenarioName)
  const prepared = join(home, 'prepared')
  mkdirSync(prepared, { recursive: true })
  const job = { scenario: scenarioName, size: options.size, directory: prepared, prepared, facts: {} }
  progress.show(scenarioName, 'preparing')
  const facts =
    scenario.prepare === undefined ? {} : ((await runJob({ ...job, kind: 'prepare' }, launch)) as Numbers)
  const runs: Run[] = []
  const start = async ({ round, subject }: Turn): Promise<void> => {
    progress.show(scenarioName, subject)
    const directory = join(home, `${round}-${Object.keys(scenario.subjects).indexOf(subject)}`)
    mkdirSync(directory)
    const work: Job = { ...job, kind: 'run', subject, directory, facts }
    runs.push({ round, subject, outcome: (await runJob(work, launch)) as Outcome })
    rmSync(directory, { recursive: true })
    progress.step()
  }
  await runAll(
    turnsOf(scenario, options.rounds),
    start,
    options.size === 'smoke' ? availableParallelism() : 1,
  )
  rmSync(home, { recursive: true })
  return { facts, runs }
}

interface Turn {
  readonly round: number
  readonly subject: string
}

/** Each round begins with another subject, so that none is always the one that comes after the pause, or the noise. */
function turnsOf(scenario: Scenario, rounds: number): Turn[] {
  const subjects = Object.keys(scenario.subjects)
  return Array.from({ length: rounds }, (_, round) =>
    subjects.map((_subject, slot) => ({ round, subject: subjects[(slot + round) % subjects.length]! })),
  ).flat()
}

async function runAll(
  turns: readonly Turn[],
  start: (turn: Turn) => Promise<void>,
  atOnce: number,
): Promise<void> {
  const waiting = [...turns]
  const lane = async (): Promise<void> => {
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) await start(turn)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
