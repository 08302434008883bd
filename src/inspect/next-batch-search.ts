import type { FileHandle } from '../fs/index.ts'
import { type FoundBatch, findNextBatch } from '../segment/index.ts'

/** How far the next sound batch is looked for at first, and how many times further when there is none so near. */
const RANGE_BYTES_MIN = 4096
const RANGE_GROWTH = 4

/** Where to look, and which offsets a batch there can have. */
export interface SearchRange {
  readonly from: number
  readonly end: number
  readonly offsetMin: number
  readonly offsetEnd: number
}

/**
 * Looks for the next sound batch of a file, over and over, from positions that only rise.
 *
 * A batch is believed when batch follows batch from it up to the end of the range: so the range is narrow at first, or
 * the next damage further on would cast doubt on everything before it.
 * Cost: what one search found holds for all positions up to it, so that a file of nothing but damage is searched once.
 */
export class NextBatchSearch {
  readonly #handle: FileHandle
  readonly #batchBytesMax: number
  #last: { readonly end: number; readonly found: FoundBatch | undefined } | undefined

  constructor(handle: FileHandle, batchBytesMax: number) {
    this.#handle = handle
    this.#batchBytesMax = batchBytesMax
  }

  /** The first sound batch that starts at `from` or behind it; undefined when there is none. Errors: the system's. */
  async find({ from, end, offsetMin, offsetEnd }: SearchRange): Promise<FoundBatch | undefined> {
    const last = this.#last
    if (last !== undefined && last.end === end && (last.found?.position ?? end) >= from) return last.found
    const fileEnd = Math.min(end, this.#handle.sizeSync()) // a file that was cut meanwhile ends earlier
    let found: FoundBatch | undefined
    for (let rangeBytes = RANGE_BYTES_MIN; found === undefined; rangeBytes *= RANGE_GROWTH) {
      const rangeEnd = Math.min(from + rangeBytes, fileEnd)
      found = await findNextBatch(this.#handle, {
        from,
        end: rangeEnd,
        offsetMin,
        offsetEnd,
        dense: false,
        batchBytesMax: this.#batchBytesMax,
      })
      if (rangeEnd === fileEnd) break
    }
    this.#last = { end, found }
    return found
  }
}
