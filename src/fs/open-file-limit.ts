/** An open file that its holder can do without for a while. */
export interface OpenFile {
  /** Closes it, unless it has to stay open for now; true when it is closed. It must not call the limit back. */
  giveUp(): boolean
  /** Does what keeps it from being closed, such as a sync; never rejects. */
  settle(): Promise<void>
}

/**
 * Holds how many files are open down to `max`, over all that share it: where another one is opened, those that were not
 * used for longest are closed, as far as they can be.
 *
 * Files that have to stay open for now may be more than `max`; who can wait calls `makeRoom` first.
 */
export class OpenFileLimit {
  readonly #max: number
  /** In order of use, latest last. */
  readonly #open = new Set<OpenFile>()
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
    return this.#open.size < this.#max || this.#giveUp(this.#open.size - this.#max + 1) > 0
  }

  /** Waits until one more file can be opened within the limit, settling those that were not used for longest. */
  async makeRoom(): Promise<void> {
    const settled = new Set<OpenFile>()
    while (!this.hasRoom()) {
      const oldest = this.#firstBut(settled)
      if (oldest === undefined) return // all of them are in use all the time: more than the limit, then
      settled.add(oldest)
      await oldest.settle()
    }
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

  #firstBut(others: ReadonlySet<OpenFile>): OpenFile | undefined {
    for (const file of this.#open) if (!others.has(file)) return file
    return undefined
  }
}
