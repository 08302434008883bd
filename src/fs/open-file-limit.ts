import { SerialQueue } from '../core/index.ts'

/** An open file that its holder can do without for a while. */
export interface OpenFile {
  /** Closes it, unless it has to stay open for now; true when it is closed. It must not call the limit back. */
  giveUp(): boolean
  /** Does what keeps it from being closed, such as a sync; never rejects. */
  settle(): Promise<void>
}

/** The part of all files that is settled at once for those who wait for room. */
const SETTLED_SHARE = 16

/**
 * Holds how many files are open down to `max`, over all that share it: where another one is opened, those that were not
 * used for longest are closed, as far as they can be.
 *
 * Files that have to stay open for now may be more than `max`; who can wait opens with `openWithin`.
 */
export class OpenFileLimit {
  readonly #max: number
  /** In order of use, latest last. */
  readonly #open = new Set<OpenFile>()
  /** Those who wait for room: one at a time, since each has to have opened its file before the next looks for room. */
  readonly #queue = new SerialQueue()
  #latest: OpenFile | undefined

  constructor(max: number) {
    this.#max = max
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Takes note that `file` is about to be opened; closes others where there are too many. */
  opening(file: OpenFile): void {
    if (this.#open.size >= this.#max) this.#giveUp(this.#open.size - this.#max + 1)
    this.#open.add(file)
    this.#latest = file
  }

  /** Takes note that `file` is used. */
  used(file: OpenFile): void {
    if (this.#latest === file || !this.#open.delete(file)) return
    this.#open.add(file)
    this.#latest = file
  }

  /** Takes note that `file` is closed. */
  closed(file: OpenFile): void {
    this.#open.delete(file)
  }

  /** Closes all that can be closed, because the system has no more descriptors; true when there were any. */
  giveUpAll(): boolean {
    return this.#giveUp(this.#open.size) > 0
  }

  /** True when one more file can be opened within the limit now. */
  hasRoom(): boolean {
    if (this.#open.size >= this.#max) this.#giveUp(this.#open.size - this.#max + 1)
    return this.#open.size < this.#max
  }

  /**
   * Opens a file within the limit: at once where there is room, or else in turn with others that wait, once those that
   * were not used for longest have been settled. `open` must not wait for anything. Errors: those of `open`.
   */
  openWithin<T>(open: () => Awaited<T>): Awaited<T> | Promise<Awaited<T>> {
    return this.hasRoom() ? open() : this.#queue.run(() => this.#settleAndOpen(open))
  }

  async #settleAndOpen<T>(open: () => T): Promise<T> {
    const settled = new Set<OpenFile>()
    while (!this.hasRoom()) {
      const oldest = this.#firstBut(settled)
      if (oldest.length === 0) break // all of them are in use all the time: more than the limit, then
      for (const file of oldest) settled.add(file)
      await Promise.all(oldest.map((file) => file.settle()))
    }
    return open()
  }

  #giveUp(count: number): number {
    let given = 0
    for (const file of this.#open) {
      if (given >= count) break
      if (!file.giveUp()) continue
      this.#open.delete(file)
      given++
    }
    return given
  }

  /** Some that were not used for longest: several, so that those who wait next find room. */
  #firstBut(others: ReadonlySet<OpenFile>): OpenFile[] {
    const files: OpenFile[] = []
    for (const file of this.#open) {
      if (files.length >= Math.ceil(this.#max / SETTLED_SHARE)) break
      if (!others.has(file)) files.push(file)
    }
    return files
  }
}
