/*
 * npm run bench -- --against REV: the engine of this checkout and that of another commit under the same benchmarks.
 *
 *   for each scenario          each side prepares its own files, with its own engine
 *     for each subject
 *       for each pair          two fresh processes, one right after the other: A B, B A, A B …, so that drift favours none
 * Subjects that don't use the engine are the same on both sides and are left out.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Arguments } from './arguments.ts'
import { checkOut, removeCheckout, type Revision } from './against-checkout.ts'
import { type ComparedRow, type Comparison, countOf } from './against-report.ts'
import { type Pair, verdictOf } from './against-verdict.ts'
import { type Launch, runJob } from './job.ts'
import { describeMachine, type Machine } from './machine.ts'
import { Progress } from './progress.ts'
import type { Numbers, Outcome, Row, Scenario } from './scenario.ts'
import { OWN_SOURCE } from './support/engine.ts'

const SIDES = ['mine', 'other'] as const
type Side = (typeof SIDES)[number]

/** What a comparison is run with. */
interface Session {
  readonly options: Arguments
  readonly root: string
  readonly launches: Readonly<Record<Side, Launch>>
  readonly progress: Progress
}

/** What came of one subject: its pairs, or why there are none. */
interface Measured {
  readonly pairs: readonly Readonly<Record<Side, Outcome>>[]
  readonly failure?: string
}

/** Measures both sides in `place.root`, in which nothing of it stays. */
export async function compareWith(
  revision: Revision,
  { options, scenarios }: { options: Arguments; scenarios: readonly Scenario[] },
  place: { root: string; signal: AbortSignal },
): Promise<Comparison> {
  const startedMs = performance.now()
  const { size, rounds: pairs } = options
  const date = new Date().toISOString()
  const machine = describeMachine(place.root)
  const mine = nameOf(machine)
  process.stderr.write(
    `${mine} beside ${revision.name}, ${countOf(pairs)}; files in ${place.root}, ${machine.fileSystem}\n`,
  )
  const directory = join(place.root, 'other')
  try {
    await checkOut({ commit: revision.commit, directory, signal: place.signal })
    const launches = {
      mine: launchOf('mine', { options, place, source: OWN_SOURCE }),
      other: launchOf('other', { options, place, source: join(directory, 'src') }),
    }
    for (const side of SIDES) await runJob({ kind: 'load', libraries: [] }, launches[side])
    const narrowed = scenarios.map(withRowsOnly)
    const progress = new Progress(narrowed, pairs * SIDES.length)
    const session = { options, root: place.root, launches, progress }
    const rows: ComparedRow[] = []
    for (const scenario of narrowed) rows.push(...(await compareScenario(scenario, session)))
    progress.end()
    const seconds = (performance.now() - startedMs) / 1000
    return { date, size, pairs, seconds, machine, mine, other: revision, rows }
  } finally {
    removeCheckout(directory)
  }
}

function nameOf({ commit }: Machine): string {
  return commit === undefined || commit.endsWith('with changes') ? 'working tree' : commit
}

function launchOf(
  side: Side,
  {
    options,
    place,
    source,
  }: { options: Arguments; place: { root: string; signal: AbortSignal }; source: string },
): Launch {
  return {
    compileCache: join(place.root, 'compiled'),
    profiles: options.profiles && join(options.profiles, side),
    signal: place.signal,
    source,
  }
}

/** The scenario with those subjects only that a row is about, not those it is measured beside. */
function withRowsOnly(scenario: Scenario): Scenario {
  const wanted = new Set(scenario.rows.map(({ subject }) => subject))
  const subjects = Object.entries(scenario.subjects).filter(([subject]) => wanted.has(subject))
  return { ...scenario, subjects: Object.fromEntries(subjects) }
}

async function compareScenario(scenario: Scenario, session: Session): Promise<ComparedRow[]> {
  const home = join(session.root, scenario.name)
  const facts: Partial<Record<Side, Numbers>> = {}
  let failure: string | undefined
  for (const side of SIDES) {
    session.progress.show(scenario.name, `preparing, ${side}`)
    const prepared = await attempt(side, session, () => prepare(scenario, { session, home, side }))
    if ('failure' in prepared) failure = prepared.failure
    else facts[side] = prepared.value
  }
  const measured = new Map<string, Measured | undefined>()
  for (const subject of Object.keys(scenario.subjects)) {
    const work = { scenario, subject, home, facts: facts as Record<Side, Numbers> }
    measured.set(
      subject,
      failure === undefined ? await compareSubject(work, session) : { pairs: [], failure },
    )
  }
  rmSync(home, { recursive: true })
  return distinctRows(scenario.rows).flatMap((row) => {
    const found = measured.get(row.subject)
    return found === undefined ? [] : [rowOf(scenario, row, found)]
  })
}

async function prepare(
  scenario: Scenario,
  { session, home, side }: { session: Session; home: string; side: Side },
): Promise<Numbers> {
  const prepared = join(home, side)
  mkdirSync(prepared, { recursive: true })
  if (scenario.prepare === undefined) return {}
  const { size } = session.options
  const job = {
    kind: 'prepare',
    scenario: scenario.name,
    size,
    prepared,
    facts: {},
    subjects: Object.keys(scenario.subjects),
  } as const
  return (await runJob(job, launchFor(scenario, session, side))) as Numbers
}

/** The pairs of one subject; undefined when its first run shows that it doesn't use the engine. */
async function compareSubject(
  work: { scenario: Scenario; subject: string; home: string; facts: Readonly<Record<Side, Numbers>> },
  session: Session,
): Promise<Measured | undefined> {
  const { scenario, subject, home, facts } = work
  const { size, rounds } = session.options
  const mark = join(home, 'mark')
  const run = async (side: Side): Promise<Outcome> => {
    session.progress.show(scenario.name, `${subject}, ${side}`)
    const directory = join(home, 'run')
    mkdirSync(directory)
    const launch = { ...launchFor(scenario, session, side), mark }
    const subjects = Object.keys(scenario.subjects)
    const place = { prepared: join(home, side), facts: facts[side], subjects }
    const job = { kind: 'run', scenario: scenario.name, size, ...place } as const
    try {
      const [outcome] = (await runJob({ ...job, work: [{ subject, directory }] }, launch)) as Outcome[]
      return outcome!
    } finally {
      session.progress.step()
      rmSync(directory, { recursive: true })
    }
  }
  const pairs: Measured['pairs'][number][] = []
  for (let pair = 0; pair < rounds; pair++) {
    const outcomes: Partial<Record<Side, Outcome>> = {}
    for (const side of pair % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const result = await attempt(side, session, () => run(side))
      if ('failure' in result) return { pairs, failure: result.failure }
      if (!existsSync(mark)) return undefined
      outcomes[side] = result.value
    }
    pairs.push(outcomes as Record<Side, Outcome>)
  }
  rmSync(mark)
  return { pairs }
}

function launchFor({ isCold }: Scenario, { options, launches }: Session, side: Side): Launch {
  return isCold === true && options.size !== 'smoke'
    ? { ...launches[side], compileCache: undefined }
    : launches[side]
}

/** Does `work`; that it fails says something about the other commit, and ends the run where it is this one's. */
async function attempt<T>(
  side: Side,
  { launches }: Session,
  work: () => Promise<T>,
): Promise<{ value: T } | { failure: string }> {
  try {
    return { value: await work() }
  } catch (error) {
    await nextTurn() // a signal that has ended the process is on its way here too
    if (side === 'mine' || launches[side].signal.aborted) throw error
    return { failure: reasonOf((error as Error).message) }
  }
}

/** What a process said that has failed, without the code around it and without its stack. */
export function reasonOf(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  return lines.find((line) => /^(?:\w*Error\b.*|\w+ \[\w+\]): /.test(line)) ?? lines[0]!
}

/** Rows that differ in what they stand beside are one here. */
function distinctRows(rows: readonly Row[]): Row[] {
  return [
    ...new Map(rows.toReversed().map((row) => [`${row.subject} ${row.metric}`, row])).values(),
  ].toReversed()
}

function rowOf({ name }: Scenario, row: Row, { pairs, failure }: Measured): ComparedRow {
  const { work, unit, subject, metric } = row
  const figures = pairs.map(
    ({ mine, other }): Pair => ({ mine: figureOf(mine, row), other: figureOf(other, row) }),
  )
  return {
    scenario: name,
    work,
    unit,
    subject,
    metric,
    figures,
    verdict: verdictOf(figures, unit),
    ...(failure === undefined ? {} : { failure }),
  }
}

function figureOf({ metrics }: Outcome, { subject, metric }: Row): number {
  const figure = metrics[metric]
  if (figure === undefined || !Number.isFinite(figure)) throw new Error(`${subject} has no ${metric}`)
  return figure
}
