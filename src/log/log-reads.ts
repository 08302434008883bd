import { checkOffset } from '../core/index.ts'
import type { LogRecord, RecordBatch } from '../record/index.ts'
import { BatchReader, type BatchSource, type ReadStart } from './batch-reader.ts'
import { CommittedReader } from './committed-reader.ts'
import { outOfRange } from './failures.ts'
import { BatchIterator, type OpenSource, RecordIterator } from './iterators.ts'
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
    return new RecordIterator(this.#opener(checked), checked)
  }

  readBatches(options?: ReadOptions): AsyncIterableIterator<RecordBatch> {
    const checked = checkReadOptions(options)
    return new BatchIterator(this.#opener(checked), checked)
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

  #opener(options: CheckedReadOptions): OpenSource {
    const findStart = this.#start(options)
    return async (): Promise<BatchSource> => {
      this.#view.checkReadable()
      const reader = new BatchReader(this.#view, await findStart(), options)
      return options.isolation === 'committed' ? new CommittedReader(reader, options) : reader
    }
  }

  /** Where to start; all but times is settled now, at the call, so that what is appended next is not missed. */
  #start({ from, onDamage, signal }: CheckedReadOptions): () => ReadStart | Promise<ReadStart> {
    const view = this.#view
    const { startOffset, readableEndOffset } = view
    if (typeof from === 'number') {
      return () => {
        const range = { startOffset: view.startOffset, readableEndOffset: view.readableEndOffset }
        if (from < range.startOffset || from > range.readableEndOffset) throw outOfRange(from, range)
        return { offset: from, exact: true }
      }
    }
    const near = (offset: number): ReadStart => {
      const bounded = Math.min(offset, view.readableEndOffset) // what was cut off meanwhile is no place to wait for
      return { offset: Math.max(bounded, view.startOffset), exact: false }
    }
    if (from === 'earliest') return () => near(view.startOffset)
    if (from === 'latest') return () => near(readableEndOffset)
    if ('last' in from) return () => near(Math.max(startOffset, readableEndOffset - from.last))
    return async () => {
      const found = await findTimestamp(view, from.timestamp, { onDamage, signal })
      return near(found?.offset ?? readableEndOffset)
    }
  }
}
