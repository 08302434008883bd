import { SeglogError } from '../core/index.ts'
import { type FileHandle, type FileSystem, type OpenFile, OpenFileLimit } from '../fs/index.ts'
import { DELETED_SUFFIX } from '../layout/index.ts'
import type { Segment } from './segment.ts'

/** Bytes of one file, by position; counts fall short only at its end. */
export type ByteSource = Pick<FileHandle, 'read'>

/** Files open for reading over all logs that share no limit of their own: a process may follow thousands. */
const OPEN_MAX = 64
const openSegments = new OpenFileLimit(OPEN_MAX)

/**
 * Open files of segments for reading, at most as many as the limit says, which other logs may share.
 *
 * A handle is asked for anew at each read and never kept across one; a closed handle finishes its reads under way.
 */
export class SegmentFiles {
  readonly #fileSystem: Pick<FileSystem, 'openSync'>
  readonly #limit: OpenFileLimit
  readonly #open = new Map<Segment, OpenSegment>()
  #closed = false
  #readCount = 0
  #whenIdle: (() => void)[] = []

  constructor(fileSystem: Pick<FileSystem, 'openSync'>, limit = openSegments) {
    this.#fileSystem = fileSystem
    this.#limit = limit
  }

  /** The open file of `segment`. Errors: LOG_CLOSED; the system's, ENOENT once it has been removed. */
  handle(segment: Segment): FileHandle {
    return (this.#known(segment) ?? this.#openNow(segment)).handle
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
          return await this.#read(segment, into, position)
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
    known.close()
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

  #known(segment: Segment): OpenSegment | undefined {
    const known = this.#open.get(segment)
    if (known !== undefined) this.#limit.used(known)
    return known
  }

  /** Waits for its turn where there are too many files that are being read: a thousand readers are no thousand files. */
  async #read(segment: Segment, into: Uint8Array, position: number): Promise<number> {
    const known = this.#known(segment)
    if (known !== undefined) return known.read(into, position)
    const begin = (): { count: Promise<number> } => ({
      count: (this.#known(segment) ?? this.#openNow(segment)).read(into, position),
    })
    return (await this.#limit.openWithin<ReturnType<typeof begin>>(begin)).count
  }

  #openNow(segment: Segment): OpenSegment {
    if (this.#closed) {
      throw new SeglogError('LOG_CLOSED', `the log of ${segment.path} is closed`, { path: segment.path })
    }
    this.#limit.hasRoom() // makes it, as far as it can
    const opened = new OpenSegment(this.#openWithRetry(segment), () => this.#open.delete(segment))
    this.#limit.opening(opened)
    this.#open.set(segment, opened)
    return opened
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

/** One that can be closed while nobody reads it: who reads it next opens it again. */
class OpenSegment implements OpenFile {
  readonly handle: FileHandle
  readonly #forget: () => void
  readonly #reads = new Set<Promise<number>>()

  constructor(handle: FileHandle, forget: () => void) {
    this.handle = handle
    this.#forget = forget
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const reading = this.handle.read(into, position)
    this.#reads.add(reading)
    try {
      return await reading
    } finally {
      this.#reads.delete(reading)
    }
  }

  /** What is being read of it goes on to its end, and the descriptor is given back then. */
  close(): void {
    this.handle.close()
    this.#forget()
  }

  giveUp(): boolean {
    if (this.#reads.size > 0) return false // closing it would not give back its descriptor
    this.close()
    return true
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#reads)
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
