/*
 * The file system of a log that is open for writing: where a call finds no room it spends the ballast, and makes the call
 * again.
 *
 * All calls but one: bytes of a segment. An append that finds no room is refused, and is not to eat the ballast; zeros
 * ahead of one are done without. A sync
 * is never made again either, whatever its code: a write can be undone, after a sync that failed nobody knows what is
 * on disk.
 */
import type { DirectoryEntry, FileHandle, FileStat, FileSystem, OpenMode } from '../fs/index.ts'
import type { Ballast } from './ballast.ts'

/** System errors that more room on the disk would cure. */
const ROOM_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/** A file system whose calls spend `ballast` where they find no room; see the head of this file. */
export class BallastedFileSystem implements FileSystem {
  readonly kind: FileSystem['kind']
  readonly #inner: FileSystem
  readonly #ballast: Ballast

  constructor(inner: FileSystem, ballast: Ballast) {
    this.kind = inner.kind
    this.#inner = inner
    this.#ballast = ballast
  }

  openSync(path: string, mode: OpenMode): FileHandle {
    if (mode === 'read') return this.#inner.openSync(path, mode)
    const open = (): FileHandle => this.#inner.openSync(path, mode)
    return new BallastedFile(withRoom(this.#ballast, open), { mode, ballast: this.#ballast })
  }

  statSync(path: string): FileStat | undefined {
    return this.#inner.statSync(path)
  }

  list(directory: string): Promise<DirectoryEntry[]> {
    return this.#inner.list(directory)
  }

  makeDirectory(path: string): Promise<void> {
    const mayTryAgain = (): boolean => this.#inner.statSync(path) === undefined // else it was the sync that failed
    return this.#withRoom(() => this.#inner.makeDirectory(path), mayTryAgain)
  }

  rename(from: string, to: string): Promise<void> {
    return this.#withRoom(() => this.#inner.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.#withRoom(() => this.#inner.remove(path))
  }

  removeDirectory(path: string): Promise<void> {
    return this.#withRoom(() => this.#inner.removeDirectory(path))
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#inner.syncDirectory(directory)
  }

  realPath(path: string): Promise<string> {
    return this.#inner.realPath(path)
  }

  lock(path: string): ReturnType<FileSystem['lock']> {
    return this.#inner.lock(path)
  }

  isLocked(path: string): boolean {
    return this.#inner.isLocked(path)
  }

  watch(...watch: Parameters<FileSystem['watch']>): ReturnType<FileSystem['watch']> {
    return this.#inner.watch(...watch)
  }

  async #withRoom(call: () => Promise<void>, mayTryAgain = (): boolean => true): Promise<void> {
    try {
      await call()
    } catch (error) {
      if (!isNoRoom(error) || !mayTryAgain() || !this.#ballast.spend()) throw error
      await call()
    }
  }
}

class BallastedFile implements FileHandle {
  readonly path: string
  readonly #inner: FileHandle
  readonly #ballast: Ballast
  /** It holds a segment that is being appended to. */
  readonly #isSegment: boolean

  constructor(inner: FileHandle, { mode, ballast }: { mode: OpenMode; ballast: Ballast }) {
    this.path = inner.path
    this.#inner = inner
    this.#ballast = ballast
    this.#isSegment = mode !== 'replace'
  }

  readSync(into: Uint8Array, position: number): number {
    return this.#inner.readSync(into, position)
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#inner.read(into, position)
  }

  appendSync(bytes: Uint8Array, position: number): void {
    try {
      this.#inner.appendSync(bytes, position)
    } catch (error) {
      if (!isNoRoom(error) || !this.#ballast.spend() || this.#isSegment) throw error
      if (this.#inner.sizeSync() > position) this.#inner.truncateSync(position) // what was written of it
      this.#inner.appendSync(bytes, position)
    }
  }

  extend(sizeBytes: number): Promise<void> {
    return this.#inner.extend(sizeBytes)
  }

  overwriteSync(bytes: Uint8Array, position: number): void {
    withRoom(this.#ballast, () => this.#inner.overwriteSync(bytes, position))
  }

  truncateSync(sizeBytes: number): void {
    this.#inner.truncateSync(sizeBytes)
  }

  sizeSync(): number {
    return this.#inner.sizeSync()
  }

  syncData(): Promise<void> {
    return this.#inner.syncData()
  }

  syncDataSync(): void {
    this.#inner.syncDataSync()
  }

  close(): void {
    this.#inner.close()
  }
}

function withRoom<T>(ballast: Ballast, call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (!isNoRoom(error) || !ballast.spend()) throw error
    return call()
  }
}

function isNoRoom(error: unknown): boolean {
  return ROOM_CODES.has((error as { code?: unknown } | null | undefined)?.code)
}
