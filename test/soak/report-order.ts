import type { ReaderReport } from './soak-reports.ts'

type Handler = (reader: string, report: ReaderReport) => void

/**
 * Holds back what readers tell until everything that the writer told before it has been heard: lines of different pipes
 * overtake each other.
 */
export class ReportOrder {
  readonly #handle: Handler
  readonly #waiting = new Map<string, ReaderReport[]>()
  #writerHeardTo = 0
  /** The most reports that ever waited. */
  waitingMax = 0

  constructor(handle: Handler) {
    this.#handle = handle
  }

  add(reader: string, report: ReaderReport): void {
    const queue = this.#waiting.get(reader)
    if (queue === undefined) this.#waiting.set(reader, [report])
    else queue.push(report)
    this.waitingMax = Math.max(this.waitingMax, queue?.length ?? 1)
    this.#drain()
  }

  /** Everything the writer told before `at` has been heard; Infinity while there is no writer. */
  writerHeardTo(at: number): void {
    this.#writerHeardTo = at
    this.#drain()
  }

  #drain(): void {
    for (const [reader, queue] of this.#waiting) {
      const ready = queue.findIndex(([, at]) => at > this.#writerHeardTo)
      for (const report of queue.splice(0, ready === -1 ? queue.length : ready)) this.#handle(reader, report)
    }
  }
}
