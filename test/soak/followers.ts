/*
 * Readers in other processes under everything that moves a log about: a writer that appends, rolls, deletes, truncates,
 * runs out of disk, closes and opens again, and is killed every few seconds; and eight processes that follow it.
 *
 *     npm run soak:followers -- --minutes 5 --readers 8 --seed 1
 *
 * What must hold is in soak-judge.ts. Exit code 0: it held; 1: it did not, or the soak could not run.
 */
import { availableParallelism, release } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openLog } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { deferred } from '../helpers/deferred.ts'
import { ReportOrder } from './report-order.ts'
import { openSoakDisk, runWhereMountsArePrivate, type SoakDisk } from './soak-disk.ts'
import { SoakJudge } from './soak-judge.ts'
import { SoakProcess } from './soak-process.ts'
import { decodeId } from './soak-records.ts'
import { type ReaderReport, sharedNow } from './soak-reports.ts'
import { SoakScreen } from './soak-screen.ts'
import { summarize } from './soak-summary.ts'
import { SoakVitals } from './soak-vitals.ts'
import { WriterLives } from './writer-lives.ts'

const SAMPLE_MS = 250
const STOP_MS = 30_000
const VIOLATIONS_SHOWN = 40
/** In so long a run everything has to happen. */
const TELLING_MINUTES = 0.5

interface SoakOptions {
  readonly minutes: number
  readonly readers: number
  readonly seed: number
}

function readOptions(): SoakOptions {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, readers: { type: 'string' }, seed: { type: 'string' } },
  })
  const number = (name: keyof typeof values, fallback: number): number => {
    const value = Number(values[name] ?? fallback)
    if (!(value > 0)) throw new RangeError(`--${name} must be a number above 0, found ${values[name]}`)
    return value
  }
  const seed = number('seed', 1 + Math.floor(Math.random() * 0x7fff_fffe))
  return { minutes: number('minutes', 5), readers: number('readers', 8), seed }
}

/** One run, from the first writer to the last look at what is left. */
class Soak {
  readonly options: SoakOptions
  readonly screen = new SoakScreen()
  readonly vitals = new SoakVitals()
  readonly judge = new SoakJudge((message) => this.complain(message))
  readonly violations: string[] = []
  readonly lives: WriterLives
  readonly readers: SoakProcess<ReaderReport>[] = []
  readonly order = new ReportOrder((reader, report) => this.judge.hearReader(reader, report))
  readonly interrupted = new AbortController()
  readonly #disk: SoakDisk
  readonly #random: SeededRandom
  #violationCount = 0
  #isFinishing = false

  constructor(options: SoakOptions, disk: SoakDisk) {
    this.options = options
    this.#disk = disk
    this.#random = new SeededRandom(options.seed)
    this.lives = new WriterLives({
      disk,
      random: this.#random,
      hear: (life, report) => this.judge.hearWriter(life, report),
      heardTo: (at) => this.order.writerHeardTo(at),
      onDeath: (message) => this.complain(message),
    })
  }

  get violationCount(): number {
    return this.#violationCount
  }

  complain(message: string): void {
    this.#violationCount++
    if (this.violations.length >= VIOLATIONS_SHOWN) return
    this.violations.push(message)
    this.screen.note(`VIOLATION: ${message}`)
  }

  async run(): Promise<void> {
    this.#disk.keepReserve()
    const { signal } = this.interrupted
    const opened = deferred()
    const living = this.lives.run(opened.resolve)
    try {
      await Promise.race([opened.promise, living])
      for (let slot = 0; slot < this.options.readers; slot++) this.#startReader(`reader ${slot + 1}`)
      await this.#watch(signal)
      if (signal.aborted) return
      await this.#finish()
    } finally {
      this.lives.killAll()
      for (const reader of this.readers) reader.kill()
      await Promise.all([living, ...this.readers.map(({ ended }) => ended)])
      this.screen.clear()
    }
  }

  #startReader(name: string): void {
    const args = [this.#disk.logDirectory, this.#random.below(2 ** 31)]
    const reader = new SoakProcess<ReaderReport>('soak-reader.ts', args, (report) =>
      this.order.add(name, report),
    )
    this.readers.push(reader)
    this.vitals.add(name, reader.pid)
    void this.#expectToLive(name, reader)
  }

  async #expectToLive(name: string, reader: SoakProcess<ReaderReport>): Promise<void> {
    const { exitCode, signal } = await reader.ended
    if (this.interrupted.signal.aborted || (this.#isFinishing && exitCode === 0)) return
    this.complain(`${name} ended, exit code ${exitCode}, signal ${signal}`)
  }

  /** A run in which something never happened says nothing about it. */
  #expectThatItHappened(): void {
    if (this.options.minutes < TELLING_MINUTES) return
    const { cuts, fullDisks } = this.judge.counts
    const found = { kills: this.lives.kills, truncations: cuts, 'full disks': fullDisks }
    for (const [what, count] of Object.entries(found))
      if (count === 0 && (what !== 'full disks' || this.#disk.isSmall)) this.complain(`there were no ${what}`)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const startedAt = sharedNow()
    const durationMs = this.options.minutes * 60_000
    for (let share = 0; share < 1 && !signal.aborted; share = (sharedNow() - startedAt) / durationMs) {
      this.vitals.sample()
      const { tried, seen, cuts, fullDisks } = this.judge.counts
      const { kills } = this.lives
      const facts = `${tried} appended, ${seen} read, ${kills} kills, ${cuts} truncations, ${fullDisks} full disks, ${this.#violationCount} violations`
      this.screen.progress(share, facts)
      await pause(SAMPLE_MS, undefined, { signal }).catch(() => {}) // interrupted
    }
  }

  /** The writer closes; then the log is read once more, by all and by us, and must be what it was said to be. */
  async #finish(): Promise<void> {
    this.#disk.enlarge() // it may be full at this moment, and closing and opening write a little
    await this.lives.stop(STOP_MS)
    const log = await openLog(this.#disk.logDirectory, { cleanup: false })
    const { startOffset, endOffset } = log
    this.judge.finish(startOffset, endOffset)
    let expected = startOffset
    for await (const { offset, value } of log.read()) {
      const id = decodeId(value)
      if (id?.offset !== offset || offset !== expected)
        this.complain(`the log holds ${id?.offset} at offset ${offset}, where ${expected} was due`)
      else {
        const now = sharedNow()
        this.judge.hearReader('the last look', ['seen', now, now, offset, id.life, id.counter, 1])
      }
      expected = offset + 1
    }
    if (expected !== endOffset) this.complain(`reading ended at ${expected}, the log ends at ${endOffset}`)
    await log.close()
    this.#isFinishing = true
    for (const reader of this.readers) reader.tell(`finish ${endOffset}`)
    const all = Promise.all(this.readers.map(({ ended }) => ended)).then(() => true)
    if ((await Promise.race([all, pause(STOP_MS, false, { ref: false })])) === false)
      this.complain(`readers did not read up to ${endOffset} and end within ${STOP_MS} ms`)
    for (const complaint of this.vitals.complaints) this.complain(complaint)
    this.#expectThatItHappened()
  }
}

async function main(): Promise<number> {
  const options = readOptions()
  const elsewhere = await runWhereMountsArePrivate()
  if (elsewhere !== undefined) return elsewhere
  const disk = openSoakDisk()
  try {
    const soak = new Soak(options, disk)
    const interrupt = (): void => soak.interrupted.abort()
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
    soak.screen.note(
      `seed ${options.seed}, ${options.minutes} minutes, ${options.readers} readers, ${disk.logDirectory}`,
    )
    if (!disk.isSmall) {
      soak.screen.note('no tmpfs can be mounted here: the part with the full disk is left out')
      if (process.env['CI'] === 'true') soak.complain('without a small disk this is only half of it')
    }
    await soak.run()
    process.stdout.write(
      summarize({
        ...options,
        judge: soak.judge,
        vitals: soak.vitals,
        kills: soak.lives.kills,
        waitingMax: soak.order.waitingMax,
        violationCount: soak.violationCount,
        violations: soak.violations,
        wasInterrupted: soak.interrupted.signal.aborted,
        machine: `Node ${process.version}, ${process.platform} ${release()}, ${availableParallelism()} cores`,
        date: new Date().toISOString(),
      }),
    )
    return soak.violationCount > 0 || soak.interrupted.signal.aborted ? 1 : 0
  } finally {
    disk.remove()
  }
}

process.exit(await main())
