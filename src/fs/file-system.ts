/** What a directory entry is; only regular files are ever opened. */
export type FileKind = 'file' | 'directory' | 'symlink' | 'other'

/** What the system says of a directory entry. */
export interface FileStat {
  readonly kind: FileKind
  readonly sizeBytes: number
  /** Ms since the Unix epoch, whole. */
  readonly modifiedMs: number
  readonly device: number
  readonly inode: number
}

/** One name in a directory. */
export interface DirectoryEntry {
  readonly name: string
  readonly kind: FileKind
}

/**
 * How a file is opened; a symbolic link is refused (ELOOP) in every mode.
 * `read` an existing file · `append` an existing file, to read and append · `create` a file that must not exist yet,
 * to read and append · `replace` an empty file, new or emptied, to append · `overwrite` a file, new or not, to write in place ·
 * `fill` an existing file, to read, and to append inside zeros that lie ahead · `create-fill` the same of a file that must
 * not exist yet.
 */
export type OpenMode = 'read' | 'append' | 'create' | 'replace' | 'overwrite' | 'fill' | 'create-fill'

/** An open file. Calls marked Sync block on the disk; all others leave the event loop free. */
export interface FileHandle {
  readonly path: string
  /** Fills `into` from `position`; the count falls short only at the end of the file. */
  readSync(into: Uint8Array, position: number): number
  read(into: Uint8Array, position: number): Promise<number>
  /**
   * Writes all of `bytes` at the end of the file, which the caller believes to be at `position`; in a file opened to be
   * filled, at `position`, behind which there is nothing but zeros.
   * Errors: those of the system; then an unknown part of `bytes` has been written. ESTALE: someone else changed the file.
   */
  appendSync(bytes: Uint8Array, position: number): void
  /**
   * Puts so many zeros at the end of the file, wherever that is when they get there: an append that comes meanwhile lies
   * before them or behind them, whole. Only for files opened to be filled.
   * Errors: those of the system; then the file may have been extended in part.
   */
  extend(sizeBytes: number): Promise<void>
  /** Writes all of `bytes` at `position`; only for files opened with `overwrite`. */
  overwriteSync(bytes: Uint8Array, position: number): void
  /**
   * Cuts the file to `sizeBytes`, which must not be over its size. Errors: the system's; ESTALE: of a file opened to be
   * filled, when someone else changed it.
   */
  truncateSync(sizeBytes: number): void
  /** The size the system sees, which another process may have changed. */
  sizeSync(): number
  /** fdatasync: the bytes and the size are on disk. Never retry one that failed. */
  syncData(): Promise<void>
  /** As `syncData`, and blocks until it is done: for a disk that is quicker than the way through a thread pool and back. */
  syncDataSync(): void
  /**
   * Waits for calls under way, then closes; idempotent, and never throws: the descriptor is gone whatever the system says,
   * and no promise rests on a close. What it could tell of the bytes, `syncData` has told.
   */
  close(): void
}

/** The right to write a directory, held until released or until the process ends. */
export interface DirectoryLock {
  release(): void
  /**
   * False once something shows that the lock is not ours any more: its file or directory was replaced or is gone, or
   * somebody else's name is in it. A lost lock can't be felt from inside, so this is asked now and then.
   */
  isOurs(): boolean
}

/**
 * What became of a name in a directory.
 * `name` it came, went, or is that of another file now · `contents` it is the same file, and says something else
 */
export type DirectoryChange = 'name' | 'contents'

/** A watch on a directory, until closed. */
export interface Watcher {
  close(): void
}

/**
 * The engine's only way to a disk; handed in, so that tests can lose, tear and refuse what they like.
 * Errors are the system's own (`code: 'ENOSPC'`, …); the caller gives them meaning.
 */
export interface FileSystem {
  /** `simulated` files can't be opened by SQLite, so their index lives in memory. */
  readonly kind: 'native' | 'simulated'
  openSync(path: string, mode: OpenMode): FileHandle
  /** The entry itself, never what a link points to; undefined when there is none. */
  statSync(path: string): FileStat | undefined
  /** In no particular order. */
  list(directory: string): Promise<DirectoryEntry[]>
  /** Makes the directory and its parents (mode 0700) and makes their names durable. */
  makeDirectory(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>
  /** Removes an empty directory; one that is not there is no error. Errors: ENOTEMPTY. */
  removeDirectory(path: string): Promise<void>
  /** Makes the names in `directory` durable. */
  syncDirectory(directory: string): Promise<void>
  /** The path with every link resolved. */
  realPath(path: string): Promise<string>
  /**
   * Takes the writer's lock at once or not at all; the file at `path` is made if need be and never removed.
   * Errors: `LOG_LOCKED` when a process, a worker or another handle in this process has it.
   */
  lock(path: string): DirectoryLock
  /** True while some process, this one included, holds the lock at `path`, and where that can't be told. */
  isLocked(path: string): boolean
  /**
   * Calls `changed`, perhaps too often, after something in `directory` changed. `name` is what, where it is known; `change` how,
   * where that can be told for sure: without it, it may have been anything.
   */
  watch(
    directory: string,
    changed: (name: string | undefined, change?: DirectoryChange | undefined) => void,
  ): Watcher
}
