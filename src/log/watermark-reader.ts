import type { FileHandle, FileSystem } from '../fs/index.ts'
import { decodeWatermark, WATERMARK_BYTES, type Watermark } from '../layout/index.ts'

/** A watermark met half way is whole a moment later; after so many tries it is left for the next look. */
const TRIES = 8

/**
 * Reads the watermark of a log that another process writes, and says what a change of it means.
 *
 * Cost: the file stays open; one small read a call, and one stat a `read`.
 */
export class WatermarkReader {
  readonly #fileSystem: FileSystem
  readonly #path: string
  readonly #bytes = Buffer.alloc(WATERMARK_BYTES)
  #open: { readonly handle: FileHandle; readonly inode: number } | undefined

  constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem
    this.#path = path
  }

  /** What the file says now; `fallback` when it can't be read whole, undefined when there is none. Errors: the system's. */
  read(fallback: Watermark | undefined): Watermark | undefined {
    const stat = this.#fileSystem.statSync(this.#path)
    if (stat?.kind !== 'file' || stat.inode !== this.#open?.inode) this.close()
    if (stat?.kind !== 'file') return undefined
    this.#open ??= { handle: this.#fileSystem.openSync(this.#path, 'read'), inode: stat.inode }
    return this.#read(this.#open.handle) ?? fallback
  }

  /** What the file that was read last says now, wherever its name is by now; undefined when it can't be read whole. */
  readAgain(): Watermark | undefined {
    return this.#open === undefined ? undefined : this.#read(this.#open.handle)
  }

  close(): void {
    this.#open?.handle.close()
    this.#open = undefined
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
