/*
 * Taking segments out of a directory so that nobody who still reads them notices.
 *
 *   1. rename each to .deleted, oldest first        crash: those renamed go at the next opening, in whatever order they
 *                                                   were: all lie below the start offset, which is durable by then
 *   2. sync the directory
 *   3. after file.delete.delay.ms, and when no reader of this process is left: remove the file
 * While the disk is full, or was and the ballast is not back, 3 waits for readers only. A truncation has no start offset
 * to vouch for it: it renames newest first and syncs after each, or a power loss could leave a later segment behind a gap.
 */
import type { Clock, PinoLike, Timer } from '../core/index.ts'
import { type FileSystem, syncNames } from '../fs/index.ts'
import { DELETED_SUFFIX } from '../layout/index.ts'
import type { Segment, SegmentFiles } from '../segment/index.ts'

/** A file that could not be removed is tried again after so long. */
const RETRY_MS = 60_000

/** Renames deleted segments at once and removes their files later; see the head of this file. */
export class SegmentRemoval {
  readonly #fileSystem: FileSystem
  readonly #files: SegmentFiles
  readonly #clock: Clock
  readonly #logger: PinoLike
  readonly #directory: string
  readonly #isRoomWanted: () => boolean
  /** Segments whose files are there, each with the timer it waits for, if that is what it waits for. */
  readonly #waiting = new Map<Segment, Timer | undefined>()
  readonly #underWay = new Set<Promise<void>>()
  #isHurried = false
  #closed = false

  constructor(options: {
    fileSystem: FileSystem
    files: SegmentFiles
    clock: Clock
    logger: PinoLike
    directory: string
    /** Asked whenever segments go: whether the disk is known to be full by other ways than `hurry`. */
    isRoomWanted?: () => boolean
  }) {
    this.#fileSystem = options.fileSystem
    this.#files = options.files
    this.#clock = options.clock
    this.#logger = options.logger
    this.#directory = options.directory
    this.#isRoomWanted = options.isRoomWanted ?? (() => false)
  }

  /** Files that have been renamed and still take room on the disk. */
  get waitingCount(): number {
    return this.#waiting.size
  }

  /** True for a segment that has been renamed and whose file is still there. */
  has(segment: Segment): boolean {
    return this.#waiting.has(segment)
  }

  /**
   * Renames `segments`, durably, and sees to it that their files go; they must be out of the list by now.
   * Errors: the system's; those renamed before it go all the same.
   */
  async remove(
    segments: readonly Segment[],
    options: { delayMs: number; newestFirst?: boolean },
  ): Promise<void> {
    const ordered = options.newestFirst === true ? segments.toReversed() : segments
    const renamed: Segment[] = []
    try {
      for (const segment of ordered) {
        const path = segment.path + DELETED_SUFFIX
        await this.#fileSystem.rename(segment.path, path)
        segment.path = path
        renamed.push(segment)
        if (options.newestFirst === true) await syncNames(this.#fileSystem, this.#directory)
      }
      if (options.newestFirst !== true) await syncNames(this.#fileSystem, this.#directory)
    } finally {
      const delayMs = this.#isHurried || this.#isRoomWanted() ? 0 : options.delayMs
      for (const segment of renamed) this.#schedule(segment, delayMs)
    }
  }

  /** Removes what nobody reads without delay, from now on or no longer: room is wanted. */
  hurry(isHurried: boolean): void {
    this.#isHurried = isHurried
    if (!isHurried) return
    for (const [segment, timer] of this.#waiting) {
      if (timer === undefined) continue
      timer.cancel()
      this.#schedule(segment, 0)
    }
  }

  /** Stops waiting: what has not been removed yet goes at the next opening. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#waiting.values()) timer?.cancel()
    await Promise.all(this.#underWay)
  }

  #schedule(segment: Segment, delayMs: number): void {
    if (this.#closed) return
    const timer = this.#clock.schedule(delayMs, () => {
      this.#waiting.set(segment, undefined)
      segment.whenUnused(() => this.#unlink(segment))
    })
    this.#waiting.set(segment, timer)
  }

  #unlink(segment: Segment): void {
    if (this.#closed) return
    this.#files.forget(segment)
    const run = this.#fileSystem
      .remove(segment.path)
      .then(
        () => void this.#waiting.delete(segment),
        (error: unknown) => {
          this.#logger.warn(
            { error, path: segment.path },
            'a deleted segment could not be removed; trying again later, or at the next opening',
          )
          this.#schedule(segment, RETRY_MS)
        },
      )
      .finally(() => void this.#underWay.delete(run))
    this.#underWay.add(run)
  }
}
