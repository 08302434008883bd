/*
 * What every measured piece of work does to the event loop of its process, seen by Node's own histogram: a timer of libuv
 * that is due every ms, and no JavaScript. It runs during the timed section alone, and the worker puts what it saw into
 * the outcome of every subject.
 *
 * A section that never goes back to the event loop, as a loop of synchronous calls does, lets no timer run: what is
 * recorded is then one delay, as long as the section. `eventLoopTicks` is 0, and both figures are that time.
 */
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** Delays of a timer that is due every ms; about 1.1 ms when nothing else happens. */
export interface LoopDelays {
  readonly p99Ms: number
  readonly maxMs: number
  /** How often the timer ran before the section ended; never in one that held the loop from its start to its end. */
  readonly ticks: number
}

/** What an outcome carries of the event loop. */
export type LoopMetrics = {
  readonly eventLoopP99Ms: number
  readonly eventLoopMaxMs: number
  readonly eventLoopTicks: number
}

const RESOLUTION_MS = 1

let worst: LoopDelays | undefined

/** Watches the event loop between `start` and `stop`, and keeps the figures for the outcome. */
export class LoopWatch {
  #histogram: ELDHistogram | undefined
  #ticksBefore = 0

  /** Resolves once the timer runs: what comes next is measured from its last tick on. */
  async start(): Promise<void> {
    // A new one for each section: `reset` forgets the last tick too, and with it the delay that follows.
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#histogram.enable()
    await tickAfter(this.#histogram, 0)
    this.#ticksBefore = this.#histogram.count
  }

  /** Lets a tick come that waits for its turn, and gives what was seen since `start`. */
  async stop(): Promise<LoopDelays> {
    const histogram = this.#histogram
    if (histogram === undefined) throw new Error('the event loop is not watched')
    this.#histogram = undefined
    const ticks = histogram.count - this.#ticksBefore
    await tickAfter(histogram, histogram.count)
    histogram.disable()
    const delays = { p99Ms: histogram.percentile(99) / 1e6, maxMs: histogram.max / 1e6, ticks }
    const worse = worst === undefined || delays.p99Ms > worst.p99Ms ? delays : worst
    worst = { ...worse, maxMs: Math.max(delays.maxMs, worst?.maxMs ?? 0) }
    return delays
  }
}

/** Does `work` and watches the event loop meanwhile. */
export async function watchLoop<T>(work: () => T | Promise<T>): Promise<T> {
  const watch = new LoopWatch()
  await watch.start()
  const result = await work()
  await watch.stop()
  return result
}

/** The figures of this process: those of the worst section, where there were several. */
export function takeLoopMetrics(): LoopMetrics {
  if (worst === undefined) throw new Error('nothing was done inside time() or watchLoop()')
  const { p99Ms, maxMs, ticks } = worst
  worst = undefined
  return { eventLoopP99Ms: p99Ms, eventLoopMaxMs: maxMs, eventLoopTicks: ticks }
}

async function tickAfter(histogram: ELDHistogram, count: number): Promise<void> {
  while (histogram.count <= count) await sleep(RESOLUTION_MS)
}
