/*
 * `npm start [-- DIRECTORY]`: a week of earthquakes goes through a store, from append to retention and a crash.
 * Exit codes: 0 · 1 a check failed · 2 wrong usage · 3 it could not run · 130 and 143 stopped by a signal.
 */
import { join, resolve } from 'node:path'
import { EXIT, SIGNAL_EXIT, UsageError } from '../failures.ts'
import { appendEarthquakes } from './append-chapter.ts'
import { killChildren } from './child-process.ts'
import { crashWriter } from './crash-chapter.ts'
import { type Chapter, shortPath, spread } from './demo.ts'
import { DemoStore, TOPICS } from './demo-store.ts'
import { dumpBatch } from './dump-chapter.ts'
import { type Earthquake, readEarthquakes } from './earthquakes.ts'
import { tellFailure } from './failure.ts'
import { findRecords } from './find-chapter.ts'
import { followLive } from './follow-chapter.ts'
import { feedStrong } from './group-chapter.ts'
import { formatCount, formatElapsed, formatMoment, Page } from './page.ts'
import { applyRetention } from './retention-chapter.ts'
import { showSegments } from './segments-chapter.ts'

const CHAPTERS: readonly Chapter[] = [
  appendEarthquakes,
  showSegments,
  findRecords,
  followLive,
  feedStrong,
  applyRetention,
  crashWriter,
  dumpBatch,
]

const DEFAULT_DIRECTORY = join(import.meta.dirname, '..', '..', '..', 'data', 'store')
const USAGE =
  'npm start [-- DIRECTORY]   the demo keeps its topics in the store DIRECTORY, by default data/store'

/** How long closing may take once a signal has asked for the end. */
const STOP_MS_MAX = 1_000

let home: DemoStore | undefined
let isStopping = false

process.once('SIGINT', () => void stop(SIGNAL_EXIT.SIGINT))
process.once('SIGTERM', () => void stop(SIGNAL_EXIT.SIGTERM))
process.stdout.on('error', () => void stop(EXIT.ok)) // whoever read the output had enough of it

try {
  await run(readArguments(process.argv.slice(2)))
} catch (error) {
  if (!isStopping) {
    const { text, exitCode } = tellFailure(error)
    process.stderr.write(`${text}\n`)
    process.exitCode = exitCode
  }
}

async function run(directory: string): Promise<void> {
  const startedMs = performance.now()
  const earthquakes = readEarthquakes()
  home = new DemoStore(directory)
  try {
    await tell(home, earthquakes, startedMs)
  } catch (error) {
    killChildren()
    await home.close().catch(() => {}) // what went wrong first is what is told
    throw error
  }
}

async function tell(
  demoStore: DemoStore,
  earthquakes: readonly Earthquake[],
  startedMs: number,
): Promise<void> {
  const isAgain = await demoStore.begin()
  const page = new Page(process.stdout, process.env)
  const [first, last] = [earthquakes[0]?.time ?? 0, earthquakes.at(-1)?.time ?? 0]
  const place = shortPath(demoStore.directory)
  page.title(
    'seglog',
    `the ${formatCount(earthquakes.length)} earthquakes of ${formatMoment(first)} to ${formatMoment(last)} UTC, in the store ${place}`,
  )
  if (isAgain) page.say('begun anew: the topics that an earlier run had made there were deleted')
  const counts = planCounts(earthquakes.length)
  const demo = { page, home: demoStore, earthquakes, byPartition: spread(earthquakes), counts }
  for (const chapter of CHAPTERS) await chapter(demo)
  await demoStore.close()
  page.say('')
  page.good(`Everything held, in ${formatElapsed(performance.now() - startedMs)}. Next, try:`)
  page.say(`  npm run seglog -- topics describe ${place}`)
  page.say(`  npm run seglog -- read ${place} -t ${TOPICS.strong} -f '%t-%p %o %k %s\\n'`)
  page.say(`  npm run dump -- ${place} -t ${TOPICS.earthquakes} -p 2`)
}

/** The last three make a batch in the last chapter, ten before them arrive live, a few hundred go one by one. */
function planCounts(total: number): { oneByOne: number; together: number; live: number } {
  const counts = { oneByOne: 200, live: 10, batch: 3 }
  return { ...counts, together: total - counts.oneByOne - counts.live - counts.batch }
}

function readArguments(words: readonly string[]): string {
  const [directory = DEFAULT_DIRECTORY, ...others] = words
  if (others.length > 0 || directory === '' || directory.startsWith('-')) throw new UsageError(USAGE)
  return resolve(directory)
}

/** Ends at once: children are killed, the store is closed in order if that takes no time. */
async function stop(exitCode: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  killChildren()
  const late = new Promise((done) => setTimeout(done, STOP_MS_MAX))
  await Promise.race([home?.close().catch(() => {}), late])
  process.exit(exitCode)
}
