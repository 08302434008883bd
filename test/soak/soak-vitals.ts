import { readdirSync, readFileSync } from 'node:fs'

/** Compared are the medians of the second and of the last quarter of the run. */
const DESCRIPTORS_MORE_MAX = 8
/** A log keeps up to 64 segments open, when it has so many, beside what Node and the log itself have: so much is no leak. */
const DESCRIPTORS_USUAL = 96
const MEMORY_TIMES_MAX = 1.1
const MEMORY_MORE_MAX = 16 * 1024 * 1024
const PAGE_BYTES = 4_096
const SAMPLES_MAX = 4_096
/** Too few say nothing. */
const SAMPLES_MIN = 16

/** What was counted of one process. */
export interface Vitals {
  readonly descriptors: number[]
  readonly memoryBytes: number[]
}

/** Counts open descriptors and resident memory of processes, and says whether they stay flat. */
export class SoakVitals {
  readonly #processes = new Map<string, { pid: number; vitals: Vitals }>()

  add(name: string, pid: number): void {
    this.#processes.set(name, { pid, vitals: { descriptors: [], memoryBytes: [] } })
  }

  sample(): void {
    for (const { pid, vitals } of this.#processes.values()) {
      try {
        const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
        if (pages === 0) continue // it is ending
        vitals.descriptors.push(readdirSync(`/proc/${pid}/fd`).length)
        vitals.memoryBytes.push(pages * PAGE_BYTES)
        if (vitals.descriptors.length > SAMPLES_MAX) thinOut(vitals)
      } catch {
        // It is gone, which others notice.
      }
    }
  }

  get all(): ReadonlyMap<string, Vitals> {
    return new Map(Array.from(this.#processes, ([name, { vitals }]) => [name, vitals]))
  }

  /** What has grown, in words. */
  get complaints(): string[] {
    return Array.from(this.all).flatMap(([name, { descriptors, memoryBytes }]) => {
      if (descriptors.length < SAMPLES_MIN) return []
      const found: string[] = []
      const files = quarters(descriptors)
      if (files.last > Math.max(files.second + DESCRIPTORS_MORE_MAX, DESCRIPTORS_USUAL))
        found.push(`${name}: open descriptors rose from ${files.second} to ${files.last}`)
      const memory = quarters(memoryBytes)
      if (memory.last > memory.second * MEMORY_TIMES_MAX + MEMORY_MORE_MAX)
        found.push(`${name}: resident memory rose from ${memory.second} to ${memory.last} bytes`)
      return found
    })
  }
}

/** The medians of the second and the last quarter of `samples`. */
export function quarters(samples: readonly number[]): { second: number; last: number } {
  const quarter = samples.length / 4
  return {
    second: median(samples.slice(Math.floor(quarter), Math.floor(2 * quarter))),
    last: median(samples.slice(Math.floor(3 * quarter))),
  }
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >>> 1] ?? 0
}

/** Keeps every other sample, so that a run may be as long as it likes. */
function thinOut({ descriptors, memoryBytes }: Vitals): void {
  for (const samples of [descriptors, memoryBytes])
    samples.splice(0, samples.length, ...samples.filter((_, slot) => slot % 2 === 0))
}
