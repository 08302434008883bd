import { checkOffset } from '../core/index.ts'
import type { LogRecord, RecordBatch } from '../record/index.ts'
import { BatchReader } from './batch-reader.ts'
import { outOfRange } from './failures.ts'
import { BatchIterator, RecordIterator } from './iterators.ts'
import type { LogView } from './log-view.ts'
import { PointReader } from './point-reader.ts'
import {
  type CheckedReadOptions,
  checkReadOptions,
  checkTimestamp,
  type ReadOptions,
} from './read-options.ts'
import { findTimestamp, type TimestampOffset } from './time-lookup.ts'

/** Everything that reads a log, for the one this process writes and for one it follows alike. */
export class LogReads {
  readonly #view: LogView
  readonly #points: PointReader

  constructor(view: LogView) {
    this.#view = view
    this.#points = new PointReader(view)
  }

  read(options?: ReadOptions): AsyncIterableIterator<LogRecord> {
    const checked = checkReadOptions(options)
    const start = this.#start(checked)
    let from = 0
    const open = async (): Promise<BatchReader> => {
      from = await start()
      return new BatchReader(this.#view, from, checked)
    }
    return new RecordIterator(open, { from: () => from, until: checked.until })
  }

  readBatches(options?: ReadOptions): AsyncIterableIterator<RecordBatch> {
    const checked = checkReadOptions(options)
    const start = this.#start(checked)
    return new BatchIterator(async () => new BatchReader(this.#view, await start(), checked))
  }

  async get(offset: number): Promise<LogRecord | undefined> {
    return this.#points.get(checkOffset(offset, 'offset'))
  }

  getSync(offset: number): LogRecord | undefined {
    return this.#points.getSync(checkOffset(offset, 'offset'))
  }

  async offsetForTimestamp(timestampMs: number): Promise<TimestampOffset | undefined> {
    return findTimestamp(this.#view, checkTimestamp(timestampMs))
  }

  /** Forgets what is remembered of batches, after a truncation. */
  forgetBatches(): void {
    this.#points.clear()
  }

  /** Where to start; all but times is settled now, at the call, so that what is appended next is not missed. */
  #start({ from }: CheckedReadOptions): () => Promise<number> {
    const { startOffset, readableEndOffset } = this.#view
    if (typeof from === 'number') {
      return async () => {
        const range = { startOffset: this.#view.startOffset, readableEndOffset: this.#view.readableEndOffset }
        if (from < range.startOffset || from > range.readableEndOffset) throw outOfRange(from, range)
        return from
      }
    }
    if (from === 'earliest') return async () => this.#view.startOffset
    if (from === 'latest') return async () => readableEndOffset
    if ('last' in from) {
      const first = Math.max(startOffset, readableEndOffset - from.last)
      return async () => Math.max(first, this.#view.startOffset)
    }
    return async () => (await findTimestamp(this.#view, from.timestamp))?.offset ?? readableEndOffset
  }
}
