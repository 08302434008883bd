import { SeglogError } from '../core/index.ts'
import { type FileHandle, type FileSystem, type OpenFile, OpenFileLimit } from '../fs/index.ts'
import { DELETED_SUFFIX } from '../layout/index.ts'
import type { Segment } from './segment.ts'

/** Bytes of one file, by position; counts fall short only at its end. */
export type ByteSource = Pick<FileHandle, 'read'>

/** Files that a log has open for reading, where no other number is given. */
const OPEN_MAX = 64

/**
 * Open files of segments for reading, at most as many as the limit says, which other logs may share.
 *
 * A handle is asked for anew at each read and never kept across one; a closed handle finishes its reads under way.
 */
export class SegmentFiles {
  readonly #fileSystem: FileSystem
  readonly #limit: OpenFileLimit
  readonly #open = new Map<Segment, OpenSegment>()
  #closed = false
  #readCount = 0
  #whenIdle: (() => void)[] = []

  constructor(fileSystem: FileSystem, limit = new OpenFileLimit(OPEN_MAX)) {
    this.#fileSystem = fileSystem
    this.#limit = limit
  }

  /** The open file of `segment`. Errors: LOG_CLOSED; the system's, ENOENT once it has been removed. */
  handle(segment: Segment): FileHandle {
    const known = this.#open.get(segment)
    if (known !== undefined) {
      this.#limit.used(known)
      return known.handle
    }
    if (this.#closed) {
      throw new SeglogError('LOG_CLOSED', `the log of ${segment.path} is closed`, { path: segment.path })
    }
    this.#limit.hasRoom() // makes it, as far as it can
    const opened = new OpenSegment(this.#openWithRetry(segment), () => this.#open.delete(segment))
    this.#limit.opening(opened)
    this.#open.set(segment, opened)
    return opened.handle
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
    const known = this.#open.get(segment)
    if (known === undefined) return
    known.giveUp()
    this.#limit.closed(known)
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Closes every file, for good: what still reads fails with LOG_CLOSED instead of opening one again. */
  closeAll(): void {
    this.#closed = true
    for (const segment of this.#open.keys()) this.forget(segment)
  }

  /** Waits for reads under way, which nobody else may wait for: they keep files open that have been closed. */
  async idle(): Promise<void> {
    if (this.#readCount > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  /** Out of descriptors: gives back those that only wait here, then tries once more. */
  #openWithRetry(segment: Segment): FileHandle {
    try {
      return this.#openNamed(segment)
    } catch (error) {
      const code = codeOf(error)
      if ((code !== 'EMFILE' && code !== 'ENFILE') || !this.#limit.giveUpAll()) throw error
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

/** One that can be closed at any time: what is read of it finds it open, or opens it again. */
class OpenSegment implements OpenFile {
  readonly handle: FileHandle
  readonly #forget: () => void

  constructor(handle: FileHandle, forget: () => void) {
    this.handle = handle
    this.#forget = forget
  }

  giveUp(): boolean {
    this.handle.close()
    this.#forget()
    return true
  }

  async settle(): Promise<void> {}
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
