/*
 * Taking segments out of a directory so that nobody who still reads them notices.
 *
 *   1. rename each to .deleted, oldest first        crash: those renamed go at the next opening
 *   2. sync the directory
 *   3. after file.delete.delay.ms, and when no reader of this process is left: remove the file
 */
import type { Clock, PinoLike, Timer } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { DELETED_SUFFIX } from '../layout/index.ts'
import type { Segment, SegmentFiles } from '../segment/index.ts'

/** Renames deleted segments at once and removes their files later; see the head of this file. */
export class SegmentRemoval {
  readonly #fileSystem: FileSystem
  readonly #files: SegmentFiles
  readonly #clock: Clock
  readonly #logger: PinoLike
  readonly #directory: string
  readonly #timers = new Map<Segment, Timer>()
  readonly #underWay = new Set<Promise<void>>()
  #closed = false

  constructor(options: {
    fileSystem: FileSystem
    files: SegmentFiles
    clock: Clock
    logger: PinoLike
    directory: string
  }) {
    this.#fileSystem = options.fileSystem
    this.#files = options.files
    this.#clock = options.clock
    this.#logger = options.logger
    this.#directory = options.directory
  }

  /** Files that have been renamed and still take room on the disk. */
  get waitingCount(): number {
    return this.#timers.size + this.#underWay.size
  }

  /** Renames `segments`, durably, and sees to it that their files go; they must be out of the list by now. */
  async remove(
    segments: readonly Segment[],
    options: { delayMs: number; newestFirst?: boolean },
  ): Promise<void> {
    const ordered = options.newestFirst === true ? segments.toReversed() : segments
    for (const segment of ordered) {
      const path = segment.path + DELETED_SUFFIX
      await this.#fileSystem.rename(segment.path, path)
      segment.path = path
    }
    await this.#fileSystem.syncDirectory(this.#directory)
    for (const segment of ordered) this.#schedule(segment, options.delayMs)
  }

  /** Stops waiting: what has not been removed yet goes at the next opening. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await Promise.all(this.#underWay)
  }

  #schedule(segment: Segment, delayMs: number): void {
    const timer = this.#clock.schedule(delayMs, () => {
      this.#timers.delete(segment)
      segment.whenUnused(() => this.#unlink(segment))
    })
    this.#timers.set(segment, timer)
  }

  #unlink(segment: Segment): void {
    if (this.#closed) return
    this.#files.forget(segment)
    const run = this.#fileSystem
      .remove(segment.path)
      .catch((error: unknown) => {
        this.#logger.warn(
          { error, path: segment.path },
          'a deleted segment could not be removed; it goes at the next opening',
        )
      })
      .finally(() => void this.#underWay.delete(run))
    this.#underWay.add(run)
  }
}
