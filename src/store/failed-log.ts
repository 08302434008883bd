import { type CleanPlan, type CleanReport, FollowedLog, type Log } from '../cleanup/index.ts'
import { resolveConfig, type ResolvedConfig } from '../config/index.ts'
import type { AppendResult, LogStats, RecoveryReport, TimestampOffset } from '../log/index.ts'
import type { LogRecord, RecordBatch } from '../record/index.ts'
import type { SegmentInfo } from '../segment/index.ts'

/** A log that could not be opened: every call of it rejects, or throws, with the reason; only closing it does nothing. */
export class FailedLog implements Log {
  readonly directory: string
  readonly recovery: RecoveryReport
  readonly state = 'closed'
  readonly startOffset = 0
  readonly endOffset = 0
  readonly readableEndOffset = 0
  readonly durableOffset = 0
  /** Why it could not be opened. */
  readonly error: unknown

  constructor(directory: string, error: unknown) {
    this.directory = directory
    this.error = error
    this.recovery = { ...NOTHING_RECOVERED, notes: [error instanceof Error ? error.message : String(error)] }
  }

  get config(): ResolvedConfig {
    return resolveConfig([]).config
  }

  append(): Promise<AppendResult> {
    return this.#reject()
  }

  appendBatch(): Promise<AppendResult> {
    return this.#reject()
  }

  read(): AsyncIterableIterator<LogRecord> {
    return this.#iterator()
  }

  readBatches(): AsyncIterableIterator<RecordBatch> {
    return this.#iterator()
  }

  get(): Promise<LogRecord | undefined> {
    return this.#reject()
  }

  getSync(): LogRecord | undefined {
    throw this.error
  }

  offsetForTimestamp(): Promise<TimestampOffset | undefined> {
    return this.#reject()
  }

  deleteRecordsBefore(): Promise<void> {
    return this.#reject()
  }

  truncateTo(): Promise<void> {
    return this.#reject()
  }

  roll(): Promise<void> {
    return this.#reject()
  }

  flush(): Promise<void> {
    return this.#reject()
  }

  plan(): Promise<CleanPlan> {
    return this.#reject()
  }

  clean(): Promise<CleanReport> {
    return this.#reject()
  }

  updateConfig(): Promise<void> {
    return this.#reject()
  }

  segments(): SegmentInfo[] {
    throw this.error
  }

  stats(): LogStats {
    throw this.error
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async #reject(): Promise<never> {
    throw this.error
  }

  #iterator<T>(): AsyncIterableIterator<T> {
    const next = (): Promise<never> => this.#reject()
    const iterator: AsyncIterableIterator<T> & AsyncDisposable = {
      next,
      return: async () => ({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
      [Symbol.asyncDispose]: async () => {},
    }
    return iterator
  }
}

/** Why nothing of a log can be read: it could not be opened, or is followed, and not there any more; undefined when it can be. */
export function failureOf(log: Log): unknown {
  if (log instanceof FailedLog) return log.error
  return log instanceof FollowedLog ? log.failure : undefined
}

const NOTHING_RECOVERED: RecoveryReport = {
  clean: false,
  recoveryPoint: 0,
  scannedBytes: 0,
  scannedBatches: 0,
  cut: undefined,
  settledFiles: [],
  unrecognisedFiles: [],
  droppedFiles: [],
  damage: [],
  inertConfig: [],
  notes: [],
  durationMs: 0,
}
