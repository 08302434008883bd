/*
 * npm run bench: plans the processes, starts one after another, and says what they came to.
 *
 *   for each scenario          prepare once
 *     for each round           the subjects, one after another, in turning order: neighbours in time are compared
 *       for each subject       a fresh process in an empty directory
 * Nothing else runs meanwhile; a smoke run, whose figures nobody reads, has several processes at a time.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { type Arguments, parseArguments, USAGE } from './arguments.ts'
import { type Job, type Launch, runJob } from './job.ts'
import { describeMachine, isInMemory } from './machine.ts'
import { Progress } from './progress.ts'
import { formatReport, formatRows, type Report } from './report.ts'
import { type JudgedRow, judge, type Run } from './results.ts'
import { describeRivals } from './rivals/describe.ts'
import { LIBRARIES_OF_SIZE, LIBRARY_NAMES } from './rivals/index.ts'
import { describeMissing } from './rivals/missing.ts'
import type { Numbers, Outcome, Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { librariesOf, readWords, type Selection, select, type Wanted } from './select.ts'

const RESULTS = fileURLToPath(new URL('results/', import.meta.url))
const EXIT_FAILED = 1
const EXIT_USAGE = 2
const EXIT_INTERRUPTED = 130

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  let options: Arguments
  let wanted: Wanted
  try {
    options = parseArguments(words)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    return EXIT_USAGE
  }
  if (options.help) return print(USAGE)
  try {
    wanted = readWords(options.words, { scenarios: SCENARIOS, libraries: LIBRARY_NAMES })
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return EXIT_USAGE
  }
  if (options.list) return print(formatList(wanted))
  return measureIn(options, wanted)
}

function formatList({ scenarios, libraries }: Wanted): string {
  const names =
    libraries ?? LIBRARY_NAMES.filter((name) => scenarios.some((one) => librariesOf(one).includes(name)))
  const lines = scenarios.map(({ name, title }) => `${name.padEnd(16)}${title}\n`)
  return `${lines.join('')}${names.length === 0 ? '' : `libraries: ${names.join(', ')}\n`}`
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

/** Runs the scenarios in a directory of their own, which goes away whatever happens. */
async function measureIn(options: Arguments, wanted: Wanted): Promise<number> {
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  let root: string | undefined
  try {
    root = realpathSync(mkdtempSync(join(resolve(options.directory ?? tmpdir()), 'seglog-bench-')))
    const report = await measure(options, wanted, { root, signal: interrupted.signal })
    store(report, options)
    return print(options.size === 'smoke' ? '' : `${formatRows(report.rows).join('\n')}\n`)
  } catch (error) {
    if (interrupted.signal.aborted) return EXIT_INTERRUPTED
    process.stderr.write(`\n${(error as Error).message}\n`)
    return EXIT_FAILED
  } finally {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
    if (root !== undefined) rmSync(root, { recursive: true, force: true })
  }
}

async function measure(
  options: Arguments,
  wanted: Wanted,
  place: { root: string; signal: AbortSignal },
): Promise<Report> {
  const startedMs = performance.now()
  const date = new Date().toISOString()
  const machine = describeMachine(place.root)
  process.stderr.write(`files in ${place.root}, ${machine.fileSystem}\n`)
  if (isInMemory(machine))
    process.stderr.write('that is memory, not a disk: no figure of a sync means anything\n')
  const compileCache = join(place.root, 'compiled')
  const launch: Launch = { compileCache, profiles: options.profiles, signal: place.signal }
  const { scenarios, absent } = await selectScenarios(options, wanted, launch)
  const progress = new Progress(scenarios, options.rounds)
  const rows: JudgedRow[] = []
  const details: Report['scenarios'][number][] = []
  for (const scenario of scenarios) {
    const { facts, runs } = await measureScenario(scenario, { options, root: place.root, launch, progress })
    rows.push(...judge(scenario, { runs, hasGoals: options.size !== 'smoke' }))
    const { name, title } = scenario
    details.push({ name, title, parameters: scenario.parameters[options.size], facts, runs })
  }
  progress.end()
  const seconds = (performance.now() - startedMs) / 1000
  const { size, rounds } = options
  const rivals = describeRivals(scenarios)
  return { date, size, rounds, seconds, machine, rows, scenarios: details, rivals, absent }
}

/** Loads what the run needs, says what is missing, and leaves it out. Errors: Error, where all has to be there. */
async function selectScenarios(options: Arguments, wanted: Wanted, launch: Launch): Promise<Selection> {
  const onlyLibraries = options.isCompleteOnly ? undefined : LIBRARIES_OF_SIZE[options.size]
  const libraries = (wanted.libraries ?? onlyLibraries ?? LIBRARY_NAMES).filter((name) =>
    wanted.scenarios.some((one) => librariesOf(one).includes(name)),
  )
  const missing = (await runJob({ kind: 'load', libraries }, launch)) as Readonly<Record<string, string>>
  const lines = describeMissing(missing)
  if (lines.length > 0) {
    if (options.isCompleteOnly) throw new Error(lines.join('\n'))
    process.stderr.write(`${lines.join('\n')}\n`)
  }
  return select(wanted, { size: options.size, missing, onlyLibraries })
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
  const subjects = Object.keys(scenario.subjects)
  const job = {
    scenario: scenarioName,
    size: options.size,
    directory: prepared,
    prepared,
    facts: {},
    subjects,
  }
  progress.show(scenarioName, 'preparing')
  const facts =
    scenario.prepare === undefined ? {} : ((await runJob({ ...job, kind: 'prepare' }, launch)) as Numbers)
  const runs: Run[] = []
  const start = async ({ round, subject }: Turn): Promise<void> => {
    progress.show(scenarioName, subject)
    const directory = join(home, `${round}-${subjects.indexOf(subject)}`)
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

/** Results of a run that left nothing out are kept; of others, where the command line says so. */
function store(report: Report, options: Arguments): void {
  const isComplete = options.size !== 'smoke' && options.words.length === 0
  const directory = options.out ?? (isComplete ? RESULTS : undefined)
  if (directory === undefined) return
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(join(directory, 'latest.md'), formatReport(report))
  process.stderr.write(`written to ${directory}\n`)
}
