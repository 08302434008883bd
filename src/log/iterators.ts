import type { LogRecord, RecordBatch } from '../record/index.ts'
import type { BatchReader } from './batch-reader.ts'

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

/** Opens the reader when the first value is asked for. */
export type OpenReader = () => Promise<BatchReader>

/** Calls of `next()` one after another, whatever the caller does, and one clean end. */
abstract class ReaderIterator<T> implements AsyncIterableIterator<T> {
  readonly #open: OpenReader
  #reader: BatchReader | undefined
  #underWay: Promise<unknown> | undefined
  #ended = false

  constructor(open: OpenReader) {
    this.#open = open
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#underWay !== undefined) return this.#after(this.#underWay)
    if (this.#ended) return Promise.resolve(DONE)
    const ready = this.takeReady()
    if (ready !== undefined) return Promise.resolve(ready)
    const run = this.#advance()
    this.#underWay = run
    const clear = (): void => {
      if (this.#underWay === run) this.#underWay = undefined
    }
    run.then(clear, clear)
    return run
  }

  async return(): Promise<IteratorResult<T>> {
    this.end()
    return DONE
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end()
  }

  /** Lets go of everything; a `next()` under way ends. */
  protected end(): void {
    this.#ended = true
    this.#reader?.cancel()
  }

  /** The next value, if it needs no reading. */
  protected abstract takeReady(): IteratorResult<T> | undefined

  /** Takes in a batch; the values in it are asked for with `takeReady`. */
  protected abstract load(batch: RecordBatch): void

  async #after(earlier: Promise<unknown>): Promise<IteratorResult<T>> {
    await earlier.catch(() => {})
    return this.next()
  }

  async #advance(): Promise<IteratorResult<T>> {
    try {
      this.#reader ??= await this.#open()
      for (;;) {
        if (this.#ended) break
        const batch = await this.#reader.next()
        if (batch === undefined) break
        this.load(batch)
        const ready = this.takeReady()
        if (ready !== undefined) return ready
      }
    } catch (error) {
      if (this.#ended) return DONE
      this.end()
      throw error
    }
    this.end()
    return DONE
  }
}

/** Batches as they lie in the log; the first may start below the offset asked for, the last may reach past the end. */
export class BatchIterator extends ReaderIterator<RecordBatch> {
  #batch: RecordBatch | undefined

  protected override takeReady(): IteratorResult<RecordBatch> | undefined {
    const batch = this.#batch
    this.#batch = undefined
    return batch === undefined ? undefined : { done: false, value: batch }
  }

  protected override load(batch: RecordBatch): void {
    this.#batch = batch
  }
}

/** Records from `from` up to `until`, one at a time. */
export class RecordIterator extends ReaderIterator<LogRecord> {
  readonly #from: () => number
  readonly #until: number
  #records: Iterator<LogRecord> | undefined

  constructor(open: OpenReader, range: { from: () => number; until: number }) {
    super(open)
    this.#from = range.from
    this.#until = range.until
  }

  protected override takeReady(): IteratorResult<LogRecord> | undefined {
    if (this.#records === undefined) return undefined
    for (;;) {
      const step = this.#records.next()
      if (step.done === true) break
      if (step.value.offset >= this.#until) {
        this.end()
        return DONE
      }
      if (step.value.offset >= this.#from()) return step
    }
    this.#records = undefined
    return undefined
  }

  protected override load(batch: RecordBatch): void {
    this.#records = batch[Symbol.iterator]()
  }
}
