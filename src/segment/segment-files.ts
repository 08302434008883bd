import { SeglogError } from '../core/index.ts'
import type { FileHandle, FileSystem } from '../fs/index.ts'
import { DELETED_SUFFIX } from '../layout/index.ts'
import type { Segment } from './segment.ts'

/** Bytes of one file, by position; counts fall short only at its end. */
export type ByteSource = Pick<FileHandle, 'read'>

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
  #closed = false
  #readCount = 0
  #whenIdle: (() => void)[] = []

  constructor(fileSystem: FileSystem, openMax = 64) {
    this.#fileSystem = fileSystem
    this.#openMax = openMax
  }

  /** The open file of `segment`. Errors: LOG_CLOSED; the system's, ENOENT once it has been removed. */
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
    if (this.#closed) {
      throw new SeglogError('LOG_CLOSED', `the log of ${segment.path} is closed`, { path: segment.path })
    }
    if (this.#open.size >= this.#openMax) this.#closeOldest()
    const opened = this.#openWithRetry(segment)
    this.#open.set(segment, opened)
    this.#latest = segment
    return opened
  }

  /**
   * The bytes of `segment`, for a pass over many of them: its file may be closed and opened again between two reads.
   * Errors: of its reads: IO_FAILED, which is never the end of a log; LOG_CLOSED.
   */
  source(segment: Segment): ByteSource & Pick<FileHandle, 'readSync'> {
    return {
      read: async (into, position) => {
        this.#readCount++
        try {
          return await this.handle(segment).read(into, position)
        } catch (error) {
          throw readFailure(error, segment, position)
        } finally {
          this.#readCount--
          if (this.#readCount === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
        }
      },
      readSync: (into, position) => {
        try {
          return this.handle(segment).readSync(into, position)
        } catch (error) {
          throw readFailure(error, segment, position)
        }
      },
    }
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

  /** Closes every file, for good: what still reads fails with LOG_CLOSED instead of opening one again. */
  closeAll(): void {
    this.#closed = true
    this.#closeUnused()
  }

  /** Waits for reads under way, which nobody else may wait for: they keep files open that have been closed. */
  async idle(): Promise<void> {
    if (this.#readCount > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  #closeUnused(): void {
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
      return this.#openNamed(segment)
    } catch (error) {
      const code = codeOf(error)
      if ((code !== 'EMFILE' && code !== 'ENFILE') || this.#open.size === 0) throw error
      this.#closeUnused()
      return this.#openNamed(segment)
    }
  }

  /** A segment on its way out has its new name on disk a moment before `path` says so. */
  #openNamed(segment: Segment): FileHandle {
    const { path } = segment
    try {
      return this.#fileSystem.openSync(path, 'read')
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || path.endsWith(DELETED_SUFFIX)) throw error
      return this.#fileSystem.openSync(path + DELETED_SUFFIX, 'read')
    }
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}

function readFailure(error: unknown, segment: Segment, position: number): unknown {
  if (error instanceof SeglogError || typeof codeOf(error) !== 'string') return error // a bug of ours has no code
  const { path } = segment
  return new SeglogError('IO_FAILED', `reading ${path} at position ${position} failed: ${String(error)}`, {
    path,
    position,
    cause: error,
  })
}
