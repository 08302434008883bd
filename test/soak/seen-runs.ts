import type { LogRecord } from '../../src/index.ts'
import { decodeId } from './soak-records.ts'
import { report, sharedNow } from './soak-reports.ts'

const RUN_MS = 100

/** Checks records as they are given out, one stream of them, and tells of them in runs. */
export class SeenRuns {
  readonly #doing: string
  #since = 0
  #offset = 0
  #life = 0
  #counter = 0
  #count = 0
  /** All that it has been shown. */
  recordCount = 0

  constructor(doing: string) {
    this.#doing = doing
  }

  see({ offset, value }: Pick<LogRecord, 'offset' | 'value'>): void {
    this.recordCount++
    const id = decodeId(value)
    if (id === undefined) return wrong(this.#doing, `the record at ${offset} fails its own checksum`)
    if (id.offset !== offset)
      return wrong(this.#doing, `the record at ${offset} was appended for offset ${id.offset}`)
    const now = sharedNow()
    const goesOn =
      this.#count > 0 &&
      id.life === this.#life &&
      id.counter === this.#counter + this.#count &&
      offset === this.#offset + this.#count &&
      now - this.#since < RUN_MS
    if (!goesOn) {
      this.flush()
      this.#since = now
      this.#offset = offset
      this.#life = id.life
      this.#counter = id.counter
    }
    this.#count++
  }

  /** Tells of what has been seen since the last time. */
  flush(): void {
    if (this.#count === 0) return
    report(['seen', sharedNow(), this.#since, this.#offset, this.#life, this.#counter, this.#count])
    this.#count = 0
  }
}

/** Tells of what nothing can explain. */
export function wrong(doing: string, message: string): void {
  report(['wrong', sharedNow(), `${doing}: ${message}`])
}
