/*
 * Whether the next fdatasync blocks the event loop or goes through the thread pool.
 *
 * The way through the pool and back costs 50 to 100 µs, on a fast disk as much as the sync itself: a writer that awaits
 * each record waits twice as long for it. Blocking costs nothing while the loop has nothing else to do, and is bad when the
 * disk is slow or the loop is busy. So a sync blocks only while syncs are quick, in the mean of the last ones, and little is
 * to be written. One in `PROBE_EVERY` goes through the pool all the same, where a busy loop shows as a slow sync: then the
 * next ones go there, too, until they are quick again. No call into the system can be bounded: a disk that stalls in the middle
 * of a quick run holds the loop for as long as that one sync takes. After each such surprise it takes twice as many quick ones
 * until the next sync blocks.
 */

/** More takes its time on any disk. */
const BYTES_MAX = 256 * 1024
/** So many syncs in a row have to be quick first, at least and at most. */
const QUICK_MIN = 8
const QUICK_MAX = 1024
const PROBE_EVERY = 64
/** The part that one sync has in the mean. */
const WEIGHT = 1 / 8
/** A sync that blocks for so many times what may be expected is a surprise. */
const SURPRISE = 8
/** A surprise is forgotten after so many quick ones. */
const FORGET_AFTER = 4096

/** Chooses how to sync by what syncs have taken; see the head of this file. */
export class SyncPace {
  readonly #msMax: number
  #meanMs = 0
  #quick = 0
  #quickNeeded = QUICK_MIN

  /** `msMax`: how long a sync may be expected to block; 0 for never. */
  constructor(msMax: number) {
    this.#msMax = msMax
  }

  /** True when the next sync, of so many bytes, is to block the event loop. */
  isInline(unsyncedBytes: number): boolean {
    return (
      this.#msMax > 0 &&
      this.#meanMs <= this.#msMax &&
      unsyncedBytes <= BYTES_MAX &&
      this.#quick >= this.#quickNeeded &&
      this.#quick % PROBE_EVERY !== 0
    )
  }

  /** Takes note of how long a sync took. */
  took(ms: number, { unsyncedBytes, wasInline }: { unsyncedBytes: number; wasInline: boolean }): void {
    if (unsyncedBytes > BYTES_MAX) return // says nothing of small ones
    this.#meanMs += (ms - this.#meanMs) * WEIGHT
    const isSurprise = wasInline && ms > this.#msMax * SURPRISE
    if (isSurprise) this.#quickNeeded = Math.min(this.#quickNeeded * 2, QUICK_MAX)
    if (isSurprise || (!wasInline && ms > this.#msMax)) this.#quick = 0
    else if (++this.#quick >= FORGET_AFTER) this.#quickNeeded = this.#quick = QUICK_MIN
  }
}
