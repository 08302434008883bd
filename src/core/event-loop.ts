/** Lets timers, input and output have a turn before going on. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/**
 * Says when a chain of promises has kept the event loop to itself for too long.
 *
 * Work that only ever waits for promises already settled never lets a timer run; whoever does much of it asks here.
 */
export class TurnGuard {
  readonly #monotonic: () => number
  readonly #sliceMs: number
  #turnStartMs: number | undefined

  constructor(options: { monotonic: () => number; sliceMs: number }) {
    this.#monotonic = options.monotonic
    this.#sliceMs = options.sliceMs
  }

  /** True once this turn of the event loop has lasted longer than the slice. */
  isOver(): boolean {
    const nowMs = this.#monotonic()
    if (this.#turnStartMs === undefined) {
      this.#turnStartMs = nowMs
      setImmediate(() => {
        this.#turnStartMs = undefined
      })
      return false
    }
    return nowMs - this.#turnStartMs > this.#sliceMs
  }
}
