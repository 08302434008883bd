/*
 * The short look of a follower. Nearly always a writer of ours has appended to the last segment, and has done nothing else;
 * then the directory need not be listed, nor the lock be asked for, which together take ten times as long as the rest.
 * That it is so is not taken on trust:
 *
 *   the last look found a writer, and no name in the directory has changed since      or the caller does not ask
 *   the watermark is of the same opening of the log, and of the same generation       it is the same log, nobody truncated
 *   it says the same start                                                            no segment is about to go
 *   the last segment is the file that was listed, and its batches end where the       nothing was rolled
 *   watermark says
 * Whatever else there is, the whole look finds it.
 */
import type { FileSystem } from '../fs/index.ts'
import { classifyEntry, type Watermark } from '../layout/index.ts'
import type { FollowedSegments } from './followed-segments.ts'
import type { Sighting } from './followed-sighting.ts'
import type { FollowedTail } from './followed-tail.ts'
import type { FollowedWriter } from './followed-writer.ts'
import { type SegmentFile, statSegment } from './log-directory.ts'
import type { LogState } from './log-state.ts'
import { hasSameSession, isSameWatermark } from './watermark-reader.ts'

/** Sees what a writer appends to the last segment of a followed log; see the head of this file. */
export class FollowedAppends {
  readonly #fileSystem: FileSystem
  readonly #state: LogState
  readonly #writer: FollowedWriter
  readonly #segments: FollowedSegments
  readonly #tail: FollowedTail
  /** The last segment, as it was listed; undefined when the last look found no writer. */
  #last: SegmentFile | undefined

  constructor(options: {
    fileSystem: FileSystem
    state: LogState
    writer: FollowedWriter
    segments: FollowedSegments
    tail: FollowedTail
  }) {
    this.#fileSystem = options.fileSystem
    this.#state = options.state
    this.#writer = options.writer
    this.#segments = options.segments
    this.#tail = options.tail
  }

  /** A whole look has seen this. */
  startFrom({ hasWriter, files }: Sighting): void {
    this.#last = hasWriter ? files.at(-1) : undefined
  }

  /** True for a file that a writer writes to before it says so in its watermark: what is in there is no news yet. */
  announces(name: string | undefined): boolean {
    if (name === undefined || this.#last === undefined) return false
    const entry = classifyEntry(name)
    return entry.kind === 'segment' && this.#segments.has(entry.baseOffset)
  }

  /** Looks; false when this was not enough, and nothing has changed. Errors: the system's; LOG_CORRUPT. */
  async look(): Promise<boolean> {
    const last = this.#last
    const before = this.#writer.mark
    if (last === undefined || before === undefined) return false
    const mark = this.#writer.read()
    if (mark === undefined || !isOnlyFurther(before, mark)) return false
    const { readableEndOffset: offsetEnd } = mark
    if (isSameWatermark(before, mark)) return offsetEnd === this.#state.readableEndOffset
    const file = statSegment(this.#fileSystem, last.path, last.baseOffset)
    if (file === undefined || !(await this.#tail.walkAppended(file, offsetEnd))) return false
    if (this.#state.isClosed) return true
    if (!this.#writer.isStillThere(mark)) return false
    this.#writer.mark = mark
    this.#segments.grow(file, this.#tail.found!)
    return true
  }
}

/** True when a writer has done nothing between the two but to let readers go further. */
function isOnlyFurther(before: Watermark, mark: Watermark): boolean {
  return (
    hasSameSession(before, mark) &&
    before.generation === mark.generation &&
    before.startOffset === mark.startOffset &&
    before.readableEndOffset <= mark.readableEndOffset
  )
}
