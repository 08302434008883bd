/*
 * The sparse index: where in a segment to start looking.
 *
 * It is derived from the segments and may be deleted at any time. It is never evidence about the log: whoever looks
 * something up checks the batch found there. Two things can't be checked that way, so the index guards them itself: the
 * timestamp of an entry, and which entries belong to bytes that have been cut off and written anew.
 */

/** A place in a segment where a batch starts. */
export interface IndexEntry {
  /** Base offset of the batch. */
  readonly offset: number
  /** Where it starts. */
  readonly position: number
  /** Largest timestamp among the batches of the segment before `position`; -1 when none. */
  readonly timestamp: number
}

/** What one pass over a segment's batch headers says. */
export interface SegmentFacts {
  readonly baseOffset: number
  /** Valid bytes described. */
  readonly sizeBytes: number
  readonly nextOffset: number
  readonly maxTimestamp: number
  readonly batchCount: number
  readonly recordCount: number
}

/** `memory`: nothing is stored. `failed`: storing stopped; what is still in memory is answered from. */
export type IndexState = 'ready' | 'memory' | 'failed'

/**
 * The index of one log. No call fails the log: what can't be stored or read is not there, and the log is searched from
 * further back. After `close` look-ups find nothing and changes are ignored.
 */
export interface LogIndex {
  /** The greatest entry with `entry.offset <= offset`. */
  floorByOffset(segmentBase: number, offset: number): IndexEntry | undefined
  /** The greatest entry with `entry.timestamp < timestamp`. */
  lastBeforeTimestamp(segmentBase: number, timestamp: number): IndexEntry | undefined
  facts(segmentBase: number): SegmentFacts | undefined
  allFacts(): Map<number, SegmentFacts>
  /**
   * Takes in the next place of a segment: visible at once, stored later. Entries come in order; one that does not come
   * after the segment's last in offset and position, or goes back in time, is not taken. The first entry since the
   * segment was opened or sealed replaces what is stored at or past it; to index a segment anew, truncate it to 0 first.
   */
  addEntry(segmentBase: number, entry: IndexEntry): void
  putFacts(facts: SegmentFacts): void
  /** No more entries come for the segment: what memory holds of it may go once it is stored. */
  seal(segmentBase: number): void
  /**
   * Drops the entries at or past `fromPosition`, and the segment's facts. Await `settle` before other bytes are made
   * durable in their place, or a power failure may bring the entries back.
   */
  truncate(segmentBase: number, fromPosition: number): void
  /** Forgets the segment; the same holds as for `truncate`. */
  drop(segmentBase: number): void
  /** Forgets everything of this log; the same holds as for `truncate`. */
  clear(): void
  /** Resolves when everything so far is stored, and what was dropped can't come back, or the index gave up. */
  settle(): Promise<void>
  /** Settles and lets go; idempotent. */
  close(): Promise<void>
  readonly state: IndexState
}

/** The indexes of all logs under one directory. */
export interface IndexDatabase {
  /**
   * The index of the log called `name`; what is there under another `identity` (an earlier log of that name) is
   * forgotten. Asked again for the same log it gives the same index, open.
   */
  log(name: string, identity: string): LogIndex
  /** Forgets the log called `name`, open or not. */
  removeLog(name: string): void
  /** Settles and closes every index; idempotent. */
  close(): Promise<void>
  /** What opening had to do: `created`, `rebuilt: foreign schema`, `memory: …`; empty when all was well. */
  readonly report: readonly string[]
}
