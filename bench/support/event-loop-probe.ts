import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long the event loop kept timers and immediates waiting. */
export interface LoopDelays {
  /** Of a timer due every ms, as Node's own histogram has it; 1.1 ms or so when nothing happens. */
  readonly p99Ms: number
  readonly maxMs: number
  /** Longest time between two immediates: the longest turn of the loop. */
  readonly longestTurnMs: number
}

const SETTLE_MS = 30

/** Watches the event loop in two ways at once: by a timer, and by an immediate in every turn. */
export class EventLoopProbe {
  readonly #histogram = monitorEventLoopDelay({ resolution: 1 })
  #immediate: NodeJS.Immediate | undefined
  #lastMs = 0
  #longestTurnMs = 0

  /** Resolves when both are running. */
  async start(): Promise<void> {
    this.#histogram.enable()
    this.#lastMs = performance.now()
    this.#observe()
    await sleep(SETTLE_MS)
    this.#histogram.reset()
    this.#longestTurnMs = 0
  }

  /** Lets what still waits have its turn, and gives what was seen since `start`. */
  async stop(): Promise<LoopDelays> {
    await sleep(SETTLE_MS)
    clearImmediate(this.#immediate)
    this.#histogram.disable()
    const { max } = this.#histogram
    return {
      p99Ms: this.#histogram.percentile(99) / 1e6,
      maxMs: max / 1e6,
      longestTurnMs: this.#longestTurnMs,
    }
  }

  #observe(): void {
    const nowMs = performance.now()
    this.#longestTurnMs = Math.max(this.#longestTurnMs, nowMs - this.#lastMs)
    this.#lastMs = nowMs
    this.#immediate = setImmediate(() => this.#observe())
  }
}
