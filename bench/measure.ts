/*
 * Plans the processes of a run, starts one after another, and says what they came to.
 *
 *   for each scenario          prepare once
 *     for each round           the subjects, one after another, in turning order: neighbours in time are compared
 *       for each subject       a fresh process in an empty directory
 * Nothing else runs meanwhile. A smoke run, whose figures nobody reads, has one process for all subjects of a scenario.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Arguments } from './arguments.ts'
import { type JudgedGrowth, judgeGrowth } from './growth.ts'
import { type Launch, runJob } from './job.ts'
import { describeMachine, isInMemory } from './machine.ts'
import { Progress } from './progress.ts'
import type { Report } from './report.ts'
import { type JudgedRow, judge, type Run } from './results.ts'
import { describeRivals } from './rivals/describe.ts'
import { LIBRARIES_OF_SIZE, LIBRARY_NAMES } from './rivals/index.ts'
import { describeMissing } from './rivals/missing.ts'
import type { Numbers, Outcome, Scenario } from './scenario.ts'
import { librariesOf, type Selection, select, type Wanted } from './select.ts'

/** Where a run has its files, and what ends it. */
export interface Place {
  readonly root: string
  readonly signal: AbortSignal
}

/** Measures what is wanted. Errors: Error, with what a process said that failed, or is missing where all has to be there. */
export async function measure(options: Arguments, wanted: Wanted, place: Place): Promise<Report> {
  const startedMs = performance.now()
  const date = new Date().toISOString()
  const machine = describeMachine(place.root)
  process.stderr.write(`files in ${place.root}, ${machine.fileSystem}\n`)
  if (isInMemory(machine))
    process.stderr.write('that is memory, not a disk: no figure of a sync means anything\n')
  const compileCache = join(place.root, 'compiled')
  const launch: Launch = { compileCache, profiles: options.profiles, signal: place.signal }
  const { scenarios, absent } = await selectScenarios(options, wanted, launch)
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
  const rivals = await describeRivals(measured)
  const what = { rows, growth, leftOut, scenarios: details, rivals, absent }
  return { date, size, rounds, seconds, machine, ...what }
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
    prepared,
    facts: {},
    subjects,
  }
  progress.show(scenarioName, 'preparing')
  const facts =
    scenario.prepare === undefined ? {} : ((await runJob({ ...job, kind: 'prepare' }, launch)) as Numbers)
  const runs: Run[] = []
  const turns = turnsOf(scenario, options.rounds)
  for (const together of options.size === 'smoke' ? [turns] : turns.map((turn) => [turn])) {
    progress.show(scenarioName, together[0]!.subject)
    const work = together.map(({ round, subject }) => ({
      subject,
      directory: join(home, `${round}-${subjects.indexOf(subject)}`),
    }))
    for (const { directory } of work) mkdirSync(directory)
    const outcomes = (await runJob({ ...job, kind: 'run', work, facts }, launch)) as Outcome[]
    for (const { directory } of work) rmSync(directory, { recursive: true })
    together.forEach((turn, slot) => {
      runs.push({ ...turn, outcome: outcomes[slot]! })
      progress.step()
    })
  }
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
