/** Tells whoever waits that something changed; a waiter is told once and asks again if it wants more. */
export class ChangeSignal {
  #waiters = new Set<() => void>()
  readonly #onWait: (() => void) | undefined

  /** `onWait` is called whenever somebody begins to wait. */
  constructor(options?: { onWait?: () => void }) {
    this.#onWait = options?.onWait
  }

  /** Calls `task` at the next change; the function given back forgets it. */
  once(task: () => void): () => void {
    const waiters = this.#waiters // the set of this round: forgetting works while it is being notified, too
    waiters.add(task)
    this.#onWait?.()
    return () => void waiters.delete(task)
  }

  /** Wakes everyone who waits now. */
  notify(): void {
    if (this.#waiters.size === 0) return
    const waiters = this.#waiters
    this.#waiters = new Set()
    for (const waiter of waiters) waiter()
  }

  get waiterCount(): number {
    return this.#waiters.size
  }
}
