/*
 * 1 MiB of the disk, kept for the day on which it is full: cleaning, checkpoints and closing go on with it.
 *
 * What is found at the path says how things stand:
 *   nothing   none has been made, or there was no room for one    made in the background after the next write
 *   short     a process ended while it was writing it             made anew, likewise
 *   empty     spent: the disk was full                            an append has to get it back before it writes
 *   whole     kept
 *
 * Making it, in one turn of the event loop, so that no append of this process meets a disk that is full only of it:
 *   1. opened, emptied           crash: an empty file, so the next append makes it first
 *   2. written to the end        crash: a short file, or a whole one
 *      no room: emptied again if it was spent; if it was not, cut short at once and then removed
 * Spending it, when a write of ours has found no room:
 *   1. cut to nothing            the commit point, once
 * It is never synced: nobody was promised it, and one that a power loss left short is made again.
 */
import type { Clock, PinoLike, Timer } from '../core/index.ts'
import type { FileHandle, FileSystem } from '../fs/index.ts'
import { isWantOfRoom } from './failures.ts'

/** How much of the disk is kept. */
export const BALLAST_BYTES = 1024 * 1024

const CHUNK_BYTES = 256 * 1024

/** What a ballast needs; the file system is the bare one, which spends no ballast itself. */
interface BallastOptions {
  readonly fileSystem: FileSystem
  readonly path: string
  readonly clock: Clock
  readonly logger: PinoLike
}

/** Looks at what is there; makes nothing yet. The caller holds the lock of the directory. */
export function openBallast(options: BallastOptions): Ballast {
  const stat = options.fileSystem.statSync(options.path)
  return new Ballast(options, { isSpent: stat?.kind === 'file' && stat.sizeBytes === 0 })
}

/** The ballast of a root directory, shared by the logs that live there; see the head of this file. */
export class Ballast {
  readonly #fileSystem: FileSystem
  readonly #path: string
  readonly #clock: Clock
  readonly #logger: PinoLike
  #isSpent: boolean
  /** It was looked for in this opening, or soon will be. */
  #isSeenTo: boolean
  #timer: Timer | undefined
  #removing: Promise<void> | undefined

  constructor(options: BallastOptions, found: { isSpent: boolean }) {
    this.#fileSystem = options.fileSystem
    this.#path = options.path
    this.#clock = options.clock
    this.#logger = options.logger
    this.#isSpent = found.isSpent
    this.#isSeenTo = options.fileSystem.kind === 'simulated' // there is no disk that could be full
  }

  /** The disk was full, and it has not been got back since. */
  get isSpent(): boolean {
    return this.#isSpent
  }

  /** Makes it in the background, unless it is there; for after the first acknowledgement. Costs nothing later. */
  makeSoon(): void {
    if (this.#isSeenTo) return
    this.#isSeenTo = true
    this.#timer = this.#clock.schedule(0, () => {
      this.#timer = undefined
      this.#makeUnlessThere()
    })
  }

  /**
   * Gives it up for room elsewhere, at once.
   *
   * Shape: true when there is more room now; false when there was nothing to give.
   */
  spend(): boolean {
    try {
      const stat = this.#fileSystem.statSync(this.#path)
      if (stat?.kind !== 'file' || stat.sizeBytes === 0) return false
      const file = this.#fileSystem.openSync(this.#path, 'append')
      try {
        file.truncateSync(0)
      } finally {
        file.close()
      }
    } catch (error) {
      this.#logger.warn({ error, path: this.#path }, 'the disk is full and the ballast could not be given up')
      return false
    }
    this.#isSpent = true
    const message = 'the disk is full: cleaning and closing go on with the ballast, appends wait for room'
    this.#logger.warn({ path: this.#path }, message)
    return true
  }

  /**
   * Gets it back whole, if it was spent; for before an append, which would eat up what is left of the disk otherwise.
   * Errors: the system's when there is no room. Where it can't be made for another reason, the log goes on without.
   */
  regain(): void {
    if (!this.#isSpent) return
    try {
      this.#write({ leftBytes: 0 })
      this.#logger.info({ path: this.#path }, 'there is room again: the ballast is back')
    } catch (error) {
      if (isWantOfRoom(error)) throw error
      this.#logger.warn(
        { error, path: this.#path },
        'the ballast can not be made; the log goes on without it',
      )
    }
    this.#isSpent = false
  }

  /** Makes none from now on, until `makeSoon` is called again. */
  stop(): void {
    if (this.#timer === undefined) return
    this.#timer.cancel()
    this.#timer = undefined
    this.#isSeenTo = false
  }

  /** Waits for what is under way; what was not begun is left to the next opening. It can still be spent. */
  async close(): Promise<void> {
    this.stop()
    this.#isSeenTo = true
    await this.#removing
  }

  #makeUnlessThere(): void {
    if (this.#isSpent) return // the next append makes it, or is refused
    try {
      const stat = this.#fileSystem.statSync(this.#path)
      if (stat?.kind !== 'file' || stat.sizeBytes !== BALLAST_BYTES) this.#write({ leftBytes: 1 })
    } catch (error) {
      const message = 'the ballast could not be made; on a full disk closing and cleaning may fail without it'
      this.#logger.warn({ error, path: this.#path }, message)
      this.#removing = this.#removeQuietly() // an empty one would count as spent, and refuse appends
    }
  }

  /** Errors: the system's; then the file has at most `leftBytes`, or is as it was. */
  #write({ leftBytes }: { leftBytes: number }): void {
    const file = this.#fileSystem.openSync(this.#path, 'replace')
    try {
      const chunk = new Filling()
      for (let position = 0; position < BALLAST_BYTES; position += CHUNK_BYTES)
        file.appendSync(chunk.next(), position)
    } catch (error) {
      cutQuietly(file, leftBytes)
      throw error
    } finally {
      file.close()
    }
  }

  async #removeQuietly(): Promise<void> {
    try {
      const stat = this.#fileSystem.statSync(this.#path)
      if (stat?.kind === 'file' && stat.sizeBytes <= 1) await this.#fileSystem.remove(this.#path)
    } catch (error) {
      this.#logger.warn({ error, path: this.#path }, 'a ballast that found no room could not be removed')
    }
  }
}

/** What was taken in vain is given back at once; where that fails a short file is left, which is made anew later. */
function cutQuietly(file: FileHandle, leftBytes: number): void {
  try {
    if (file.sizeSync() > leftBytes) file.truncateSync(leftBytes)
  } catch {
    // The error that led here is the one to tell.
  }
}

/** Bytes that don't compress: of zeros, a file system that compresses would keep no room free. */
class Filling {
  readonly #words = new Int32Array(CHUNK_BYTES / 4)
  readonly #bytes = Buffer.from(this.#words.buffer)
  #word = 0x9e37_79b9

  /** The next chunk of a fixed sequence; the call after it writes over the same memory. */
  next(): Buffer {
    let word = this.#word
    for (let slot = 0; slot < this.#words.length; slot++) {
      word ^= word << 13 // xorshift32
      word ^= word >>> 17
      word ^= word << 5
      this.#words[slot] = word
    }
    this.#word = word
    return this.#bytes
  }
}
