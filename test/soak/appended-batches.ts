/*
 * Every append the writers tried, as far as it may still be in the log, and what became of it. An append is known by the
 * life of its writer and its first record's counter; the records behind follow in both counter and offset.
 */

/** A truncation, from before its call to after it. */
export interface Cut {
  readonly toOffset: number
  readonly begunAt: number
  endedAt: number | undefined
  /** It succeeded; one that failed, or was killed, may have left records. */
  isDone: boolean
}

/** One append. */
export interface AppendedBatch {
  readonly life: number
  readonly counter: number
  readonly baseOffset: number
  readonly endOffset: number
  state: 'tried' | 'promised' | 'acknowledged' | 'rejected'
  /** Truncations begun since, that reach below its end. */
  cuts: Cut[]
  /** The log was seen to end here, or to have something else here, and no truncation had been begun. */
  lostFrom: number
  /** A reader has seen records up to here. */
  seenTo: number
  seenBy: string
  isReported: boolean
}

/** The offset from which truncations may have taken the records of `batch`. */
export function cutFrom(batch: AppendedBatch): number {
  return batch.cuts.reduce((from, { toOffset }) => Math.min(from, toOffset), Infinity)
}

/** What is known of the appends; forgets those below the start of the log. */
export class AppendedBatches {
  readonly #byLife = new Map<number, AppendedBatch[]>()
  /** What should be in the log, in offset order; the front is taken off from `#first`. */
  #live: AppendedBatch[] = []
  #first = 0
  /** Appends below these counters have been forgotten. */
  readonly #forgotten = new Map<number, number>()

  get count(): number {
    let count = 0
    for (const batches of this.#byLife.values()) count += batches.length
    return count
  }

  /** Takes in a new one; gives back those that can't be in the log any more, now that it is appended at its offset. */
  add(batch: AppendedBatch): AppendedBatch[] {
    const lost = this.endAt(batch.baseOffset)
    this.#live.push(batch)
    const ofLife = this.#byLife.get(batch.life)
    if (ofLife === undefined) this.#byLife.set(batch.life, [batch])
    else ofLife.push(batch)
    return lost
  }

  /** The log was seen to end at `offset`: gives back those that were thought to lie behind. */
  endAt(offset: number): AppendedBatch[] {
    const lost: AppendedBatch[] = []
    while (this.#live.length > this.#first) {
      const last = this.#live.at(-1)!
      if (last.endOffset <= offset) break
      last.lostFrom = Math.min(last.lostFrom, Math.max(offset, last.baseOffset))
      lost.push(last)
      if (last.baseOffset < offset) break
      this.#live.pop()
    }
    return lost
  }

  /** Everything at and above the cut's offset may go from now on. */
  cut(cut: Cut): void {
    for (let slot = this.#live.length - 1; slot >= this.#first; slot--) {
      const batch = this.#live[slot]!
      if (batch.endOffset <= cut.toOffset) break
      batch.cuts.push(cut)
    }
  }

  /** Nothing below `offset` is read any more, but by readers that have held on to it. */
  startAt(offset: number): void {
    while (this.#first < this.#live.length && this.#live[this.#first]!.endOffset <= offset) this.#first++
    if (this.#first > 1_000) {
      this.#live = this.#live.slice(this.#first)
      this.#first = 0
    }
    for (const [life, batches] of this.#byLife) {
      const kept = batches.findIndex(({ endOffset }) => endOffset > offset)
      const gone = batches.splice(0, kept === -1 ? batches.length : kept).at(-1)
      if (gone !== undefined) this.#forgotten.set(life, gone.counter + gone.endOffset - gone.baseOffset)
    }
  }

  /**
   * The append that the record with `counter` belongs to; `forgotten` when its offset was below the start once, undefined
   * when there never was one.
   */
  find(life: number, counter: number): AppendedBatch | 'forgotten' | undefined {
    if (counter < (this.#forgotten.get(life) ?? 0)) return 'forgotten'
    const batches = this.#byLife.get(life) ?? []
    let low = 0
    let high = batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (batches[middle]!.counter <= counter) low = middle + 1
      else high = middle
    }
    const batch = batches[low - 1]
    if (batch === undefined) return undefined
    return counter < batch.counter + batch.endOffset - batch.baseOffset ? batch : undefined
  }
}
