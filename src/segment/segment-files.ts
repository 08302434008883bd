import type { FileHandle, FileSystem } from '../fs/index.ts'
import type { Segment } from './segment.ts'

/**
 * Open files of segments for reading, at most `openMax` at a time, the longest unused one closed first.
 *
 * A handle is asked for anew at each read and never kept across one; a closed handle finishes its reads under way.
 */
export class SegmentFiles {
  readonly #fileSystem: FileSystem
  readonly #openMax: number
  readonly #open = new Map<Segment, FileHandle>() // in order of use, latest last
  #latest: Segment | undefined

  constructor(fileSystem: FileSystem, openMax = 64) {
    this.#fileSystem = fileSystem
    this.#openMax = openMax
  }

  /** The open file of `segment`. Errors: the system's, ENOENT once it has been removed. */
  handle(segment: Segment): FileHandle {
    const known = this.#open.get(segment)
    if (known !== undefined) {
      if (this.#latest !== segment) {
        this.#open.delete(segment)
        this.#open.set(segment, known)
        this.#latest = segment
      }
      return known
    }
    if (this.#open.size >= this.#openMax) this.#closeOldest()
    const opened = this.#openWithRetry(segment)
    this.#open.set(segment, opened)
    this.#latest = segment
    return opened
  }

  /** Closes the file of `segment`, if it is open. */
  forget(segment: Segment): void {
    this.#open.get(segment)?.close()
    this.#open.delete(segment)
    if (this.#latest === segment) this.#latest = undefined
  }

  get openCount(): number {
    return this.#open.size
  }

  closeAll(): void {
    for (const handle of this.#open.values()) handle.close()
    this.#open.clear()
    this.#latest = undefined
  }

  #closeOldest(): void {
    const oldest = this.#open.keys().next()
    if (oldest.done !== true) this.forget(oldest.value)
  }

  /** Out of descriptors: gives back those that only wait here, then tries once more. */
  #openWithRetry(segment: Segment): FileHandle {
    try {
      return this.#fileSystem.openSync(segment.path, 'read')
    } catch (error) {
      const code = (error as { code?: unknown }).code
      if ((code !== 'EMFILE' && code !== 'ENFILE') || this.#open.size === 0) throw error
      this.closeAll()
      return this.#fileSystem.openSync(segment.path, 'read')
    }
  }
}
