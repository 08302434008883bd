import { performance } from 'node:perf_hooks'
import { type LoopDelays, LoopWatch } from './loop-watch.ts'

/** How long the event loop kept timers and immediates waiting. */
export interface ProbedDelays extends Pick<LoopDelays, 'p99Ms' | 'maxMs'> {
  /** Longest time between two immediates: the longest turn of the loop. */
  readonly longestTurnMs: number
}

/** Watches the event loop in two ways at once: by a timer, and by an immediate in every turn. */
export class EventLoopProbe {
  readonly #watch = new LoopWatch()
  #immediate: NodeJS.Immediate | undefined
  #lastMs = 0
  #longestTurnMs = 0

  /** Resolves when both are running. */
  async start(): Promise<void> {
    await this.#watch.start()
    this.#lastMs = performance.now()
    this.#observe()
  }

  /** Lets what still waits have its turn, and gives what was seen since `start`. */
  async stop(): Promise<ProbedDelays> {
    const { p99Ms, maxMs } = await this.#watch.stop()
    clearImmediate(this.#immediate)
    return { p99Ms, maxMs, longestTurnMs: this.#longestTurnMs }
  }

  #observe(): void {
    const nowMs = performance.now()
    this.#longestTurnMs = Math.max(this.#longestTurnMs, nowMs - this.#lastMs)
    this.#lastMs = nowMs
    this.#immediate = setImmediate(() => this.#observe())
  }
}
