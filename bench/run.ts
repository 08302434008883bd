/*
 * npm run bench: reads the command line, and has it measured, compared or drawn anew.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { compareWith } from './against.ts'
import { findRevision, type Revision } from './against-checkout.ts'
import { formatComparison, storeComparison } from './against-report.ts'
import { type Arguments, isWhole, parseArguments, USAGE } from './arguments.ts'
import { measure, type Place } from './measure.ts'
import { formatGrowth, formatRows } from './report.ts'
import { LIBRARY_NAMES } from './rivals/index.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { librariesOf, readWords, select, type Wanted } from './select.ts'
import { RESULTS, redraw, storeReport, whyNotKept } from './stored.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
const EXIT_INTERRUPTED = 130

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  let options: Arguments
  let revision: Revision | undefined
  let wanted: Wanted
  try {
    options = parseArguments(words)
    if (options.against !== undefined) revision = findRevision(options.against)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    return EXIT_USAGE
  }
  if (options.help) return print(USAGE)
  if (options.redraw) {
    try {
      redraw(SCENARIOS)
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`)
      return EXIT_FAILED
    }
    return print(`made anew in ${RESULTS}\n`)
  }
  try {
    wanted = readWords(options.words, { scenarios: SCENARIOS, libraries: LIBRARY_NAMES })
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return EXIT_USAGE
  }
  if (options.list) return print(formatList(wanted))
  return inDirectory(options, (place) =>
    revision === undefined
      ? measureAndStore(options, wanted, place)
      : compareAndPrint(revision, { options, scenarios: withoutLibraries(options, wanted) }, place),
  )
}

/** Two commits of seglog are compared: what libraries do is the same beside both. */
function withoutLibraries({ size }: Arguments, wanted: Wanted): readonly Scenario[] {
  return select({ ...wanted, libraries: [] }, { size, missing: {}, onlyLibraries: undefined }).scenarios
}

function formatList({ scenarios, libraries }: Wanted): string {
  const names =
    libraries ?? LIBRARY_NAMES.filter((name) => scenarios.some((one) => librariesOf(one).includes(name)))
  const lines = scenarios.map(({ name, title }) => `${name.padEnd(20)}${title}\n`)
  return `${lines.join('')}${names.length === 0 ? '' : `libraries: ${names.join(', ')}\n`}`
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
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

async function measureAndStore(options: Arguments, wanted: Wanted, place: Place): Promise<number> {
  const report = await measure(options, wanted, place)
  const whyNot = isWhole(options) ? whyNotKept(report) : undefined
  if (whyNot !== undefined) process.stderr.write(`not kept in ${RESULTS}: ${whyNot}\n`)
  const isComplete = isWhole(options) && whyNot === undefined
  const directory = options.out ?? (isComplete ? RESULTS : undefined)
  if (directory !== undefined) {
    storeReport(report, { directory, scenarios: SCENARIOS, isComplete })
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
