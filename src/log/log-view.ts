import type { ChangeSignal } from '../core/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import type { Segment, SegmentFiles } from '../segment/index.ts'
import type { SegmentList } from './segment-list.ts'

/** What another process that writes the log has taken back, and a view of it does not know yet. */
export interface Unseen {
  /** The lowest offset that it may have cut the log to; Infinity when it has not. */
  readonly cutTo: number
  /** Records below it can't be read any more. */
  readonly startOffset: number
}

/** What a reader sees of a log; the same for the log this process writes and for one it follows. */
export interface LogView {
  readonly directory: string
  /** First readable offset. */
  readonly startOffset: number
  /** Readers stop here. */
  readonly readableEndOffset: number
  readonly segments: SegmentList
  readonly files: SegmentFiles
  readonly index: LogIndex
  /** True when offsets have no holes, so that one found is damage. */
  readonly dense: boolean
  /** Largest batch that is believed when it is read. */
  readonly batchBytesMax: number
  /** Largest size of a batch's records once decompressed. */
  readonly decompressedBytesMax: number
  /** Notified when the readable end, the start or the state changes. */
  readonly changed: ChangeSignal
  /** Rises with every truncation. */
  readonly generation: number
  /** True when a truncation after `generation` cut something below `offset`. */
  wasCutBelow(offset: number, generation: number): boolean
  /**
   * What was taken back and this view does not know yet; undefined when nothing was. Bytes of the log that were read before
   * this said that nothing was cut are those that the view speaks of: whoever cuts, says so first.
   */
  readonly unseen: Unseen | undefined
  /** Learns what was taken back, if another process writes the log; never rejects. */
  catchUp(): Promise<void>
  /** Throws once the log is closed, or is not there any more. */
  checkReadable(): void
  /** An index entry of `segment` led nowhere: forget it, and build it anew. */
  indexIsWrong(segment: Segment): void
  /** Makes sure that the facts of every segment are known, from the index or from one pass over its headers. */
  ensureFacts(): Promise<void>
}
