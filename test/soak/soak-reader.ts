/*
 * A reading process of the soak: `soak-reader.ts DIRECTORY SEED`. Opens the log for reading only and reads it in every way
 * there is, several at once, closes it and opens it again now and then, and tells what it saw. `finish OFFSET` has it read
 * everything once more, up to that end, and go.
 */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { type Log, openLog, type PinoLike, type ReadFrom, type ReadOptions } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { SeenRuns, wrong } from './seen-runs.ts'
import { describeError, report, sharedNow } from './soak-reports.ts'

const [directory = '', seedText = ''] = process.argv.slice(2)
const random = new SeededRandom(Number(seedText))

const STATUS_MS = 100
/** A record that may be read and is not given out for so long never will be. */
const STUCK_MS = 15_000

/** Where the log ends for good, once that is known. */
const last: { endOffset?: number } = {}
let recordCount = 0

const warn = (_: unknown, message?: string): void => {
  const { error } = (typeof _ === 'object' && _ !== null ? _ : {}) as { error?: unknown }
  const cause = error === undefined ? '' : `: ${describeError(error).message}`
  report(['warned', sharedNow(), `${message}${cause}`])
}
const logger: PinoLike = { debug: () => {}, info: () => {}, warn, error: warn } as PinoLike

/** What one reader of a log waits for. */
interface Waiting {
  readonly doing: string
  nextOffset: number
  /** When it began to wait for it; undefined while whoever reads is busy. */
  since: number | undefined
}

/** One handle, from opening to closing. */
class Stint {
  readonly log: Log
  readonly abort = new AbortController()
  readonly waiting = new Set<Waiting>()
  /** It is being closed under its readers. */
  isClosing = false

  constructor(log: Log) {
    this.log = log
  }

  get isOver(): boolean {
    return this.isClosing || this.abort.signal.aborted
  }

  /** Tells of an error, unless it comes of our ending the stint. */
  tell(error: unknown, place: { doing: string; since: number; offset: number }): void {
    const { code, message } = describeError(error)
    if (this.abort.signal.aborted && code === 'AbortError') return
    if (this.isClosing && code === 'LOG_CLOSED') return
    const { doing, since, offset } = place
    report(['error', sharedNow(), since, doing, code, offset, message])
  }

  async rest(milliseconds: number): Promise<void> {
    await pause(milliseconds, undefined, { signal: this.abort.signal }).catch(() => {}) // the stint is over
  }
}

function somewhere(log: Log): number {
  return log.startOffset + random.below(log.readableEndOffset - log.startOffset)
}

function drawFrom(log: Log): ReadFrom {
  const dice = random.below(10)
  if (dice < 2) return 'earliest'
  if (dice < 4) return 'latest'
  if (dice < 7) return somewhere(log)
  if (dice < 8) return { last: random.below(2_000) }
  return { timestamp: Date.now() - random.below(10_000) }
}

function drawOptions(stint: Stint): ReadOptions {
  const options: ReadOptions = { signal: stint.abort.signal }
  const dice = random.below(4)
  return dice === 0 ? options : { ...options, maxBytes: [1, 4_096, 256 * 1024][dice - 1]! }
}

/** Reads on from somewhere, with `follow` or to the end; checks that offsets rise by one. */
async function readOn(stint: Stint, doing: string, options: ReadOptions): Promise<void> {
  const { log } = stint
  const runs = new SeenRuns(doing)
  const waiting: Waiting = { doing, nextOffset: -1, since: undefined }
  stint.waiting.add(waiting)
  let since = sharedNow()
  let left = 1 + random.below([20, 2_000, 100_000][random.below(3)]!)
  try {
    const given: AsyncIterable<Iterable<{ offset: number; value: Buffer | null }>> | undefined =
      random.below(3) === 0 ? log.readBatches(options) : undefined
    const from = typeof options.from === 'number' ? options.from : 0
    const take = (record: { offset: number; value: Buffer | null }): void => {
      if (record.offset < from) return // the batch that holds the first one wanted
      if (waiting.nextOffset >= 0 && record.offset !== waiting.nextOffset)
        wrong(doing, `offset ${record.offset} was given out, ${waiting.nextOffset} was due`)
      runs.see(record)
      waiting.nextOffset = record.offset + 1
      since = sharedNow()
      left--
    }
    const iterator = (given ?? log.read(options))[Symbol.asyncIterator]()
    const isSlow = random.below(4) === 0
    for (;;) {
      waiting.since = sharedNow()
      const { done, value } = await iterator.next()
      waiting.since = undefined
      if (done === true) break
      if (given === undefined) take(value as { offset: number; value: Buffer | null })
      else for (const record of value as Iterable<{ offset: number; value: Buffer | null }>) take(record)
      if (left <= 0) {
        await iterator.return?.()
        break
      }
      if (isSlow) {
        runs.flush()
        await stint.rest(random.below(200))
      }
    }
  } catch (error) {
    const start = typeof options.from === 'number' ? options.from : 0
    stint.tell(error, { doing, since, offset: waiting.nextOffset >= 0 ? waiting.nextOffset : start })
  } finally {
    stint.waiting.delete(waiting)
    runs.flush()
    recordCount += runs.recordCount
  }
}

async function follow(stint: Stint): Promise<void> {
  while (!stint.isOver) {
    await readOn(stint, 'follow', { ...drawOptions(stint), from: drawFrom(stint.log), follow: true })
    await stint.rest(random.below(50))
  }
}

async function scan(stint: Stint): Promise<void> {
  while (!stint.isOver) {
    await readOn(stint, 'scan', { ...drawOptions(stint), from: drawFrom(stint.log) })
    await stint.rest(random.below(2_000))
  }
}

/** Reads single records; what lies inside the range, before and after, must be there. */
async function probe(stint: Stint): Promise<void> {
  const { log } = stint
  const runs = new SeenRuns('get')
  while (!stint.isOver) {
    const since = sharedNow()
    const offset = somewhere(log)
    const wasInside = offset < log.readableEndOffset
    const doing = random.below(2) === 0 ? 'get' : 'getSync'
    try {
      const record = doing === 'get' ? await log.get(offset) : log.getSync(offset)
      if (record !== undefined) {
        if (record.offset === offset) runs.see(record)
        else wrong(doing, `offset ${offset} was asked for, ${record.offset} was given out`)
      } else if (wasInside && offset < log.readableEndOffset)
        report(['missing', sharedNow(), since, doing, offset])
    } catch (error) {
      stint.tell(error, { doing, since, offset })
    }
    runs.flush()
    if (random.below(4) === 0) await lookUpTime(stint)
    await stint.rest(random.below(60))
  }
  recordCount += runs.recordCount
}

/** Times rise with offsets here, so what lies before the record that is found is older. */
async function lookUpTime(stint: Stint): Promise<void> {
  const { log } = stint
  const since = sharedNow()
  const timestamp = Date.now() - random.below(15_000)
  let offset = log.startOffset
  try {
    const found = await log.offsetForTimestamp(timestamp)
    if (found === undefined) return
    offset = found.offset
    if (found.timestamp < timestamp) wrong('offsetForTimestamp', `${found.timestamp} is before ${timestamp}`)
    if (offset <= log.startOffset) return
    const before = await log.get(offset - 1)
    if (before !== undefined && before.timestamp >= timestamp)
      report(['missing', sharedNow(), since, 'offsetForTimestamp', offset - 1])
  } catch (error) {
    // The record before the one that was found may have been deleted, and the rest of the log with it.
    stint.tell(error, { doing: 'offsetForTimestamp', since, offset })
  }
}

async function tellStatus(stint: Stint): Promise<void> {
  const { log } = stint
  while (!stint.isOver) {
    const now = sharedNow()
    report(['at', now, log.startOffset, log.readableEndOffset, recordCount])
    for (const { doing, nextOffset, since } of stint.waiting) {
      if (since === undefined || now - since < STUCK_MS || nextOffset < 0) continue
      if (nextOffset < log.readableEndOffset)
        wrong(doing, `waits for offset ${nextOffset} of ${log.readableEndOffset} since ${now - since} ms`)
    }
    await stint.rest(STATUS_MS)
  }
}

async function open(): Promise<Log> {
  const since = sharedNow()
  try {
    return await openLog(directory, { readOnly: true, logger })
  } catch (error) {
    const { code, message } = describeError(error)
    report(['error', sharedNow(), since, 'open', code, -1, message])
    throw error
  }
}

async function readForAWhile(): Promise<void> {
  const stint = new Stint(await open())
  const work = [follow, follow, scan, probe, tellStatus].map((task) => task(stint))
  const endsAt = sharedNow() + 1_000 + random.below(12_000)
  while (sharedNow() < endsAt && last.endOffset === undefined) await pause(50)
  if (random.below(3) === 0) {
    stint.isClosing = true
    await stint.log.close()
    stint.abort.abort()
  } else stint.abort.abort()
  await Promise.all(work)
  await stint.log.close()
  expectNothingOpen()
}

function expectNothingOpen(): void {
  if (!existsSync('/proc/self/fd')) return // no Linux
  const paths = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)]
    } catch {
      return [] // the descriptor of the listing itself
    }
  })
  const left = paths.filter((path) => path.startsWith(directory))
  if (left.length > 0) wrong('close', `left open: ${left.join(', ')}`)
}

/** The writer has closed the log, which ends at `end`: all of it, once more. */
async function readAllOnce(end: number): Promise<void> {
  const stint = new Stint(await open())
  const { log } = stint
  while (log.readableEndOffset !== end) await pause(50) // the parent gives up on who never gets there
  const runs = new SeenRuns('last scan')
  let expected = log.startOffset
  for await (const record of log.read()) {
    if (record.offset !== expected) wrong('last scan', `${record.offset} found, ${expected} was due`)
    runs.see(record)
    expected = record.offset + 1
  }
  if (expected !== end) wrong('last scan', `ended at ${expected}, the log ends at ${end}`)
  runs.flush()
  report(['done', sharedNow(), log.startOffset, end])
  await log.close()
  expectNothingOpen()
}

process.on('SIGINT', () => {}) // the parent says when to stop
const lines = createInterface(process.stdin)
lines.on('line', (line) => {
  last.endOffset = Number(line.replace('finish ', ''))
})
lines.on('close', () => process.exit(1)) // the parent is gone

while (last.endOffset === undefined) await readForAWhile()
await readAllOnce(last.endOffset)
process.exit(0)
