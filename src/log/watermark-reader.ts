import { type FileHandle, type FileSystem, type OpenFile, OpenFileLimit } from '../fs/index.ts'
import { decodeWatermark, WATERMARK_BYTES, type Watermark } from '../layout/index.ts'

/** A watermark met half way is whole a moment later; after so many tries it is left for the next look. */
const TRIES = 8

/** Watermarks that stay open, over all logs that this process follows: it may follow thousands. */
const OPEN_MAX = 64
const openWatermarks = new OpenFileLimit(OPEN_MAX)

/**
 * Reads the watermark of a log that another process writes, and says what a change of it means.
 *
 * Cost: the file stays open, unless others are used more; one small read a call, and one stat a `read`.
 */
export class WatermarkReader {
  readonly #fileSystem: FileSystem
  readonly #path: string
  readonly #limit: OpenFileLimit
  readonly #bytes = Buffer.alloc(WATERMARK_BYTES)
  /** The file that was read last. */
  #inode: number | undefined
  #handle: FileHandle | undefined
  readonly #openFile: OpenFile = {
    giveUp: () => {
      this.#handle?.close()
      this.#handle = undefined
      return true
    },
    settle: () => Promise.resolve(),
  }

  constructor(fileSystem: FileSystem, path: string, limit = openWatermarks) {
    this.#fileSystem = fileSystem
    this.#path = path
    this.#limit = limit
  }

  /** What the file says now; `fallback` when it can't be read whole, undefined when there is none. Errors: the system's. */
  read(fallback: Watermark | undefined): Watermark | undefined {
    const stat = this.#fileSystem.statSync(this.#path)
    if (stat?.kind !== 'file' || stat.inode !== this.#inode) this.close()
    if (stat?.kind !== 'file') return undefined
    this.#inode = stat.inode
    return this.#read(this.#open()) ?? fallback
  }

  /**
   * What the file that was read last says now, wherever its name is by now; undefined when it can't be read whole, or is
   * not open any more and has lost its name: then nobody writes to it, and it says nothing new.
   */
  readAgain(): Watermark | undefined {
    if (this.#inode === undefined) return undefined
    if (this.#handle === undefined && this.#fileSystem.statSync(this.#path)?.inode !== this.#inode)
      return undefined
    return this.#read(this.#open())
  }

  close(): void {
    this.#limit.closed(this.#openFile)
    this.#openFile.giveUp()
    this.#inode = undefined
  }

  #open(): FileHandle {
    if (this.#handle === undefined) {
      this.#limit.opening(this.#openFile)
      try {
        this.#handle = this.#fileSystem.openSync(this.#path, 'read')
      } catch (error) {
        this.#limit.closed(this.#openFile)
        throw error
      }
    } else this.#limit.used(this.#openFile)
    return this.#handle
  }

  #read(handle: FileHandle): Watermark | undefined {
    for (let tries = 0; tries < TRIES; tries++) {
      const mark = decodeWatermark(this.#bytes.subarray(0, handle.readSync(this.#bytes, 0)))
      if (mark !== undefined) return mark
    }
    return undefined
  }
}

/** The lowest offset that the log may have been truncated to between two watermarks; undefined if it has not been. */
export function cutBetween(before: Watermark | undefined, mark: Watermark | undefined): number | undefined {
  if (mark === undefined || before === undefined) return undefined
  if (hasSameSession(mark, before)) {
    const steps = mark.generation - before.generation
    if (steps <= 0) return undefined
    // Of one truncation, seen in the middle, it is known exactly; of more, or of one past, the lowest of the session.
    const inside = [mark, before].find(isTruncating)
    return steps === 1 && inside !== undefined ? inside.readableEndOffset : mark.truncatedTo
  }
  if (mark.generation > before.generation) return 0 // by a writer that came and went unseen, nobody knows to where
  return mark.truncatedTo === Number.MAX_SAFE_INTEGER ? undefined : mark.truncatedTo
}

/** True for a watermark written between the start and the end of a truncation: the log ends where that cuts it. */
function isTruncating({ generation }: Watermark): boolean {
  return generation % 2 === 1
}

/** True when both were written by the same opening of the log. */
export function hasSameSession(a: Watermark, b: Watermark): boolean {
  return Buffer.compare(a.session, b.session) === 0
}

/** True when nothing was written between the two. */
export function isSameWatermark(a: Watermark | undefined, b: Watermark | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.sequence === b.sequence && hasSameSession(a, b)
}
