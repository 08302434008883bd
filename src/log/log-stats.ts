import type { LogIndex } from '../offset-index/index.ts'

/** Figures of an open log, at one moment. */
export interface LogStats {
  /** Only an `open` log takes appends. */
  readonly state: 'open' | 'readonly' | 'poisoned'
  readonly startOffset: number
  readonly endOffset: number
  readonly readableEndOffset: number
  readonly durableOffset: number
  readonly segmentCount: number
  readonly sizeBytes: number
  /** Accepted and not yet written. */
  readonly bufferedBytes: number
  /** Deleted segments whose files still take room. */
  readonly waitingToBeRemoved: number
  readonly openFiles: number
  /** Calls of append and appendBatch that were accepted since opening. */
  readonly appends: number
  readonly index: LogIndex['state']
}
