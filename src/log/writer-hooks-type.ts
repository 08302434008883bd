import type { SeglogError } from '../core/index.ts'
import type { SegmentWriter } from '../segment/index.ts'
import type { AppendEvent, LogEvent } from './log-events.ts'
import type { Preallocation } from './preallocation.ts'
import type { RollLimits, RollReason } from './roll-plan.ts'

/** What the writer needs done by others, and who wants to know. */
export interface WriterHooks {
  /** The zeros ahead of the records. */
  readonly preallocation: Preallocation
  now(): number
  monotonic(): number
  /** True when the writers of all logs together have held the event loop for long enough. */
  isTurnOver(): boolean
  rollLimits(): RollLimits & { readonly indexBytes: number }
  /** Gets back what was given up for a full disk, before an append may write. Errors: the system's, when there is no room. */
  regainRoom(): void
  /**
   * Opens the file of the active segment again, where it was closed for a while; a promise where others have to be closed
   * first. Errors: the system's, nothing changed; a poisoning one where it is not our file any more.
   */
  reopen(active: SegmentWriter): Promise<void> | undefined
  /** Runs once, before the first byte is written. */
  beforeFirstWrite(): Promise<void>
  /** Errors: LOG_POISONED when the lock, or the directory of the log, is not the one that was opened any more. */
  checkPlace(): void
  /** Makes the segment at `baseOffset`, its name durable. Throws before anything changed, or a poisoning error. */
  createSegment(baseOffset: number): Promise<SegmentWriter>
  /** The old segment is complete and the new one in place. */
  rolled(old: SegmentWriter, reason: RollReason | 'asked'): void
  /** Everything below `offset` may be read from now on; called before the appends are told. */
  readable(offset: number): void
  /** When a run begins, if somebody wants to know how long it takes. */
  runStarted(): number | undefined
  /** A run was acknowledged, everyone answered; only where `runStarted` gave a time. */
  acknowledged(run: Omit<AppendEvent, keyof LogEvent | 'ms'>, startedMs: number): void
  /** A sync has succeeded, which took `ms`. */
  synced(durableOffset: number, ms: number): void
  /** `flush.messages`: after so many records without a sync, the next acknowledgement waits for one. */
  flushMessages(): number
  /** Bytes were written; the appends of them have not been told. */
  wrote(sizeBytes: number): void
  /** Bytes were written that no sync is about to cover. */
  wroteUnsynced(sizeBytes: number): void
  durable(offset: number): void
  /** There is no room on the disk, or there is again. */
  full(isFull: boolean): void
  poisoned(error: SeglogError): void
}
