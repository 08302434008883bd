import { isSeglogError, type SeglogError } from '../core/index.ts'
import type { LogRecord, RecordBatch } from '../record/index.ts'
import type { BatchSource } from './batch-reader.ts'
import type { CheckedReadOptions } from './read-options.ts'

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

/** Opens the source when the first value is asked for. */
export type OpenSource = () => Promise<BatchSource>

/** Sources of iterators that nobody can reach any more; retention would wait for them for ever. */
const abandoned = new FinalizationRegistry<BatchSource>((source) => source.close())

/**
 * What is read, one value at a time: calls of `next()` are answered in their order, whatever the caller does meanwhile,
 * and there is one clean end, which lets go of every segment.
 */
abstract class SourceIterator<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  protected source: BatchSource | undefined
  readonly #open: OpenSource
  readonly #signal: AbortSignal | undefined
  /** Calls of `next()` that have not been answered, and when the last of them will have been. */
  #waiting = 0
  #lastAnswer: Promise<void> = Promise.resolve()
  #ended = false

  constructor(open: OpenSource, signal: AbortSignal | undefined) {
    this.#open = open
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#waiting > 0) return this.#wait(this.#lastAnswer.then(() => this.#advance()))
    try {
      const ready = this.#takeNow()
      if (ready !== undefined) return Promise.resolve(ready)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    return this.#wait(this.#advance())
  }

  /** Ends at once; a `next()` that waits is answered with the end. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.end()
    return DONE
  }

  /** As `return`, and rejects with `error`. */
  async throw(error?: unknown): Promise<IteratorResult<T>> {
    this.end()
    throw error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end()
  }

  /** Lets go of everything. */
  protected end(): void {
    if (this.#ended) return
    this.#ended = true
    abandoned.unregister(this)
    this.source?.close()
  }

  /** The next value, if it needs no reading; undefined when a batch is needed. */
  protected abstract takeReady(): IteratorResult<T> | undefined

  /** Takes in a batch; the values in it are asked for with `takeReady`. */
  protected abstract load(batch: RecordBatch): void

  #wait(answer: Promise<IteratorResult<T>>): Promise<IteratorResult<T>> {
    this.#waiting++
    const answered = (): void => void this.#waiting--
    this.#lastAnswer = answer.then(answered, answered)
    return answer
  }

  #takeNow(): IteratorResult<T> | undefined {
    if (this.#ended) return DONE
    try {
      this.#signal?.throwIfAborted()
      return this.takeReady()
    } catch (error) {
      this.end()
      throw error
    }
  }

  async #advance(): Promise<IteratorResult<T>> {
    const source = this.source ?? (await this.#openSource())
    for (;;) {
      const ready = this.#takeNow()
      if (ready !== undefined) return ready
      const batch = await this.#nextBatch(source)
      if (batch === undefined) break
      this.load(batch)
    }
    this.end()
    return DONE
  }

  async #openSource(): Promise<BatchSource | undefined> {
    if (this.#ended) return undefined
    try {
      const source = await this.#open()
      this.source = source
      if (this.#ended) source.close()
      else abandoned.register(this, source, this)
      return source
    } catch (error) {
      return this.#fail(error)
    }
  }

  async #nextBatch(source: BatchSource | undefined): Promise<RecordBatch | undefined> {
    try {
      return await source?.next()
    } catch (error) {
      return this.#fail(error)
    }
  }

  /** An error that comes after the end has nobody to hear it. */
  #fail(error: unknown): undefined {
    if (this.#ended) return undefined
    this.end()
    throw error
  }
}

/** Batches as they lie in the log; the first may start below the offset asked for, the last may reach past the end. */
export class BatchIterator extends SourceIterator<RecordBatch> {
  #batch: RecordBatch | undefined

  constructor(open: OpenSource, options: Pick<CheckedReadOptions, 'signal'>) {
    super(open, options.signal)
  }

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
export class RecordIterator extends SourceIterator<LogRecord> {
  readonly #until: number
  readonly #onDamage: CheckedReadOptions['onDamage']
  #batch: RecordBatch | undefined
  #records: Iterator<LogRecord> | undefined
  #from = 0
  /** Everything below it, in this batch, has been seen. */
  #nextOffset = 0

  constructor(open: OpenSource, options: Pick<CheckedReadOptions, 'signal' | 'until' | 'onDamage'>) {
    super(open, options.signal)
    this.#until = options.until
    this.#onDamage = options.onDamage
  }

  protected override takeReady(): IteratorResult<LogRecord> | undefined {
    while (this.#batch !== undefined) {
      const step = this.#step(this.#batch)
      if (step === undefined || step.done === true || this.source?.isGone(step.value.offset) === true) {
        this.#batch = undefined
        this.#records = undefined
        break
      }
      const { offset } = step.value
      this.#nextOffset = offset + 1
      if (offset >= this.#until) {
        this.end()
        return DONE
      }
      if (offset >= this.#from) return step
    }
    return undefined
  }

  protected override load(batch: RecordBatch): void {
    this.#batch = batch
    this.#from = this.source?.from ?? 0
    this.#nextOffset = batch.baseOffset
  }

  /** The next record; undefined when it can't be read, and whoever wants to has been told. */
  #step(batch: RecordBatch): IteratorResult<LogRecord> | undefined {
    try {
      this.#records ??= batch[Symbol.iterator]()
      return this.#records.next()
    } catch (error) {
      if (this.#onDamage === undefined || !isSeglogError(error, 'BATCH_CORRUPT')) throw error
      this.#tell(this.#onDamage, error, batch)
      return undefined
    }
  }

  /** The checksum is right, and what it covers is no record all the same. */
  #tell(
    onDamage: NonNullable<CheckedReadOptions['onDamage']>,
    error: SeglogError,
    { sizeBytes, lastOffset }: RecordBatch,
  ): void {
    onDamage({
      path: error.path ?? '',
      position: error.position ?? 0,
      offset: this.#nextOffset,
      nextOffset: lastOffset + 1,
      sizeBytes,
      reason: error.message,
    })
  }
}
