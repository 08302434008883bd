/*
 * Zeros ahead of the records, so that a sync of them has neither a new size nor new blocks to put into the journal.
 *
 * The active segment of a log with `preallocate` is longer than its records; what is behind them is its room, zeros that
 * were really written. (Blocks that are only reserved won't do: docs/decisions/0009.) The steps, and what a crash after
 * each leaves:
 *   1. an append is written inside the room, or over its end where it is used up    as without room: perhaps a torn batch
 *   2. its acknowledgement, after a sync if one was asked for
 *   3. where less than half a step of room is left, a step of zeros is begun        some zeros more, or fewer
 * Nobody waits for a step, and it can't meet an append: appends are written at a position, zeros at the end of the file,
 * wherever the system finds that when it writes them. An append that overtakes a step lies before its zeros or behind them.
 * Where the segment ends for good, or is cut (a roll, a truncation, a close, a write that failed):
 *   4. the step under way is waited for
 *   5. the file is cut to the end of its last batch              the cut may be undone by a power loss: zeros again
 *   6. fdatasync                                                 the commit point: the segment is as long as its records
 *   7. the next segment is made, or the clean marker written     only the last segment ever has room
 * Opening cuts zeros behind the last whole batch, and reports them as `zeros`: nothing was lost. A batch that was not
 * written whole is torn, whether zeros follow or the end. Zeros below the recovery point are damage, as they always were.
 *
 * A step that fails is no failure of an append: it is told once, and the segment goes on without.
 */
import type { PinoLike } from '../core/index.ts'
import type { OpenMode } from '../fs/index.ts'
import type { SegmentWriter } from '../segment/index.ts'

/**
 * A step is as long as the records before it, so that a log of few records has few zeros, and between these two: the sync
 * that meets one has its new size and blocks to journal, however few they are, and all its zeros to write.
 */
const STEP_BYTES_MIN = 256 * 1024
const STEP_BYTES_MAX = 4 * 1024 * 1024
/** And no more than this part of a segment. */
const SEGMENT_SHARE = 8

/** How the file of an active segment is opened. */
export function activeMode(config: { readonly preallocate: boolean }): Extract<OpenMode, 'append' | 'fill'> {
  return config.preallocate ? 'fill' : 'append'
}

/** How many zeros to add to a segment whose records end at `sizeBytes`, and its file at `fileBytes`; 0: none. */
export function planZeros(segment: { sizeBytes: number; fileBytes: number }, segmentBytes: number): number {
  const { sizeBytes, fileBytes } = segment
  const wantedBytes = Math.min(Math.max(sizeBytes, STEP_BYTES_MIN), STEP_BYTES_MAX)
  const stepBytes = Math.min(wantedBytes, Math.floor(segmentBytes / SEGMENT_SHARE))
  if (fileBytes - sizeBytes >= stepBytes / 2) return 0
  return Math.max(0, Math.min(stepBytes, segmentBytes - fileBytes))
}

/** What it takes to fill a segment ahead. */
export interface PreallocationOptions {
  readonly logger: PinoLike
  readonly segmentBytes: () => number
  /** The disk is full: what is free is for records. */
  readonly isRoomWanted: () => boolean
}

/** The zeros ahead of one log's records; see the head of this file. */
export class Preallocation {
  readonly #options: PreallocationOptions
  #segment: SegmentWriter | undefined
  /** Size of its file, unless appends have gone past it. */
  #fileBytes = 0
  /** It goes on without: a step has failed. */
  #isGivenUp = false
  #step: Promise<void> | undefined
  #hasWarned = false

  constructor(options: PreallocationOptions) {
    this.#options = options
  }

  /** Begins a step if one is due; after an acknowledgement, by whoever appends to `active`. */
  appended(active: SegmentWriter): void {
    if (!active.isFilledAhead || this.#step !== undefined) return
    if (this.#segment !== active) {
      this.#segment = active
      this.#fileBytes = active.handle.sizeSync()
      this.#isGivenUp = false
    }
    if (this.#isGivenUp) return
    const { sizeBytes } = active.segment
    const fileBytes = Math.max(sizeBytes, this.#fileBytes)
    const zeroBytes = planZeros({ sizeBytes, fileBytes }, this.#options.segmentBytes())
    if (zeroBytes > 0 && !this.#options.isRoomWanted()) this.#step = this.#add(active, zeroBytes)
  }

  /** Waits for the step under way, before the file is cut or closed; none begins before the next acknowledgement. */
  async settle(): Promise<void> {
    await this.#step
    this.#segment = undefined
  }

  /** Cuts the room off the end of a segment; true when there was any, and a sync has to follow. Errors: of the cut. */
  async cutRoom(active: SegmentWriter): Promise<boolean> {
    if (!active.isFilledAhead) return false
    await this.settle()
    return active.cutBack()
  }

  async #add(active: SegmentWriter, zeroBytes: number): Promise<void> {
    const { handle, segment } = active
    try {
      await handle.extend(zeroBytes)
      this.#fileBytes = handle.sizeSync()
    } catch (error) {
      this.#isGivenUp = true
      if (this.#hasWarned) return
      this.#hasWarned = true
      const message = 'no zeros could be written ahead of the records: this segment goes on without'
      this.#options.logger.warn({ error, path: segment.path }, message)
    } finally {
      this.#step = undefined
    }
  }
}
