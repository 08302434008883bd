/** Runs tasks one after another, in the order they were handed in; a failing task does not stop the next. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** Tasks handed in and not yet finished. */
  get size(): number {
    return this.#waiting
  }

  /** Runs `task` after all earlier ones; settles as it does. */
  run<T>(task: () => Promise<T> | T): Promise<T> {
    this.#waiting++
    const result = this.#tail.then(task)
    this.#tail = result.then(
      () => void this.#waiting--,
      () => void this.#waiting--,
    )
    return result
  }

  /** Resolves when everything handed in so far has finished, well or not. */
  async idle(): Promise<void> {
    await this.#tail
  }
}
