import { setTimeout as pause } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/index.ts'
import type { SoakDisk } from './soak-disk.ts'
import { SoakProcess } from './soak-process.ts'
import { sharedNow, type WriterReport } from './soak-reports.ts'

const LIFE_MS_MAX = 6_000
/** Long enough to open, most of the time, and no more. */
const SHORT_LIFE_MS_MAX = 400
const PAUSE_MS_MAX = 1_200

/** Starts a writer, kills it at a random moment, starts the next, and so on. */
export class WriterLives {
  readonly #disk: SoakDisk
  readonly #random: SeededRandom
  readonly #hear: (life: number, report: WriterReport) => void
  readonly #heardTo: (at: number) => void
  readonly #onDeath: (message: string) => void
  #current: SoakProcess<WriterReport> | undefined
  #isOpen = false
  #reserveIsFree = false
  readonly #stopped = new AbortController()
  life = 0
  kills = 0

  constructor(options: {
    disk: SoakDisk
    random: SeededRandom
    hear: (life: number, report: WriterReport) => void
    /** Everything that writers told before this time has been heard. */
    heardTo: (at: number) => void
    /** A writer ended that nobody killed. */
    onDeath: (message: string) => void
  }) {
    this.#disk = options.disk
    this.#random = options.random
    this.#hear = options.hear
    this.#heardTo = options.heardTo
    this.#onDeath = options.onDeath
  }

  /** Lets writers live and die until `stop`, or `killAll`; `opened` is called when the first of them has a log. */
  async run(opened: () => void): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const writer = this.#start(opened)
      const isShort = this.life > 1 && this.#random.below(5) === 0
      const lifeMs = isShort ? this.#random.below(SHORT_LIFE_MS_MAX) : 500 + this.#random.below(LIFE_MS_MAX)
      const until = sharedNow() + lifeMs
      const isGone = writer.ended.then(() => true)
      // The first one lives until there is a log, however long that takes.
      while (sharedNow() < until || (this.life === 1 && !this.#isOpen)) {
        if (signal.aborted || (await Promise.race([isGone, this.#rest(20)])) === true) break
      }
      if (signal.aborted) break
      writer.kill()
      const { signal: killedBy, exitCode } = await writer.ended
      if (killedBy === 'SIGKILL') this.kills++
      else this.#onDeath(`writer ${this.life} ended by itself, exit code ${exitCode}`)
      this.#heardTo(Infinity)
      await this.#rest(this.#random.below(3) === 0 ? 0 : this.#random.below(PAUSE_MS_MAX))
    }
  }

  /** Has the writer that lives close the log and go; gives it a while. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped.abort()
    const writer = this.#current
    if (writer === undefined) return
    writer.tell('stop')
    const isGone = writer.ended.then(() => true)
    if ((await Promise.race([isGone, pause(graceMs, false, { ref: false })])) === false) {
      this.#onDeath(`writer ${this.life} did not stop within ${graceMs} ms`)
      writer.kill()
    }
    await writer.ended
    this.#heardTo(Infinity)
  }

  killAll(): void {
    this.#stopped.abort()
    this.#current?.kill()
  }

  async #rest(milliseconds: number): Promise<void> {
    await pause(milliseconds, undefined, { signal: this.#stopped.signal }).catch(() => {}) // time to stop
  }

  #start(opened: () => void): SoakProcess<WriterReport> {
    this.life++
    const { life } = this
    const args = [
      this.#disk.logDirectory,
      life,
      this.#random.below(2 ** 31),
      this.#disk.isSmall ? this.#disk.spaceBytes : Infinity,
    ]
    this.#heardTo(sharedNow())
    const writer = new SoakProcess<WriterReport>('soak-writer.ts', args, (report) => {
      const [kind, at] = report
      if (kind === 'opened') {
        this.#isOpen = true
        opened()
      }
      this.#lookAfterRoom(kind)
      this.#hear(life, report)
      this.#heardTo(at)
    })
    this.#current = writer
    return writer
  }

  #lookAfterRoom(kind: WriterReport[0]): void {
    if (kind === 'no-room') {
      this.#disk.freeReserve()
      this.#reserveIsFree = true
    } else if (this.#reserveIsFree && (kind === 'room' || kind === 'opened')) {
      this.#disk.keepReserve()
      this.#reserveIsFree = false
    }
  }
}
