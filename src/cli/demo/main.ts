/*
 * `npm start [-- DIRECTORY]`: a week of earthquakes goes through a log, from append to retention and a crash.
 * Exit codes: 0 · 1 a check failed · 2 wrong usage · 3 it could not run · 130 and 143 stopped by a signal.
 */
import { join, resolve } from 'node:path'
import { type Log, openLog } from '../../index.ts'
import { EXIT, SIGNAL_EXIT, UsageError } from '../failures.ts'
import { appendEarthquakes } from './append-chapter.ts'
import { killChildren } from './child-process.ts'
import { crashWriter } from './crash-chapter.ts'
import { type Chapter, SEGMENT_BYTES, shortPath } from './demo.ts'
import { prepareDirectory, refuseStore } from './demo-directory.ts'
import { dumpBatch } from './dump-chapter.ts'
import { readEarthquakes } from './earthquakes.ts'
import { tellFailure } from './failure.ts'
import { findRecords } from './find-chapter.ts'
import { followLive } from './follow-chapter.ts'
import { formatCount, formatElapsed, formatMoment, Page } from './page.ts'
import { applyRetention } from './retention-chapter.ts'
import { showSegments } from './segments-chapter.ts'

const CHAPTERS: readonly Chapter[] = [
  appendEarthquakes,
  showSegments,
  findRecords,
  followLive,
  applyRetention,
  crashWriter,
  dumpBatch,
]

const DEFAULT_DIRECTORY = join(import.meta.dirname, '..', '..', '..', 'data', 'store')
const USAGE = 'npm start [-- DIRECTORY]   the demo keeps its logs in DIRECTORY, by default data/store'

/** How long closing may take once a signal has asked for the end. */
const STOP_MS_MAX = 1_000

let openedLog: Log | undefined
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
  const logDirectory = join(directory, 'earthquakes')
  const crashDirectory = join(directory, 'earthquakes-crash')
  refuseStore(directory)
  await prepareDirectory(logDirectory)
  const log = await openDemoLog(logDirectory)
  openedLog = log
  const page = new Page(process.stdout, process.env)
  const [first, last] = [earthquakes[0]?.time ?? 0, earthquakes.at(-1)?.time ?? 0]
  page.title(
    'seglog',
    `the ${formatCount(earthquakes.length)} earthquakes of ${formatMoment(first)} to ${formatMoment(last)} UTC, in ${shortPath(logDirectory)}`,
  )
  const counts = planCounts(earthquakes.length)
  try {
    for (const chapter of CHAPTERS) await chapter({ page, log, earthquakes, counts, crashDirectory })
  } catch (error) {
    killChildren()
    await log.close().catch(() => {}) // what went wrong first is what is told
    throw error
  }
  await log.close()
  page.say('')
  page.good(`Everything held, in ${formatElapsed(performance.now() - startedMs)}. Next, try:`)
  page.say(`  npm run seglog -- read ${shortPath(logDirectory)} -o -5`)
  page.say(`  npm run dump -- ${shortPath(logDirectory)}`)
}

/** Without a scheduler, which would go by today's clock: by that, all of 2018 has expired. */
async function openDemoLog(directory: string): Promise<Log> {
  const log = await openLog(directory, {
    cleanup: false,
    config: { 'internal.segment.bytes': SEGMENT_BYTES, 'file.delete.delay.ms': 0 },
  })
  await log.updateConfig({ 'retention.ms': -1 }) // stored, so that whoever opens the log later keeps the data
  return log
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

/** Ends at once: children are killed, the log is closed in order if that takes no time. */
async function stop(exitCode: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  killChildren()
  const late = new Promise((done) => setTimeout(done, STOP_MS_MAX))
  await Promise.race([openedLog?.close().catch(() => {}), late])
  process.exit(exitCode)
}
