/*
 * A file that is open only while it has to be: one of many logs that are written to now and then.
 *
 * It is closed only when no call is under way on it and everything written to it has been covered by a sync that succeeded:
 * what a closed descriptor could have told of a failed write-back, no later one is sure to tell. A sync that fails on the
 * way to closing it is kept, and is what every later sync says.
 */
import { assert } from '../core/index.ts'
import type { FileHandle, FileStat, FileSystem, OpenMode } from './file-system.ts'
import type { OpenFile, OpenFileLimit } from './open-file-limit.ts'

/** How such a file is opened; `overwrite` ones are never synced, so that they can always be closed. */
export type ReopeningMode = Extract<OpenMode, 'append' | 'create' | 'overwrite' | 'fill' | 'create-fill'>

/** What a file is made with, it is not opened with again. */
const REOPENED: Record<ReopeningMode, ReopeningMode> = {
  append: 'append',
  create: 'append',
  overwrite: 'overwrite',
  fill: 'fill',
  'create-fill': 'fill',
}

/** Opens the file at `path`; it may be closed and opened again between two calls. Errors: the system's. */
export function openReopening(
  place: { fileSystem: FileSystem; limit: OpenFileLimit },
  path: string,
  mode: ReopeningMode,
): ReopeningFile {
  return new ReopeningFile(place, path, mode)
}

/** True for a file that its next call has to open first. */
export function isClosedForNow(handle: FileHandle): boolean {
  return handle instanceof ReopeningFile && !handle.isOpen
}

/** True while a sync of the file is under way, beside which another must not be begun: one of them alone learns of an error. */
export function isBeingSynced(handle: FileHandle): boolean {
  return handle instanceof ReopeningFile && handle.isSyncing
}

/** Opens a file that is closed for now, before a call that must not fail for want of descriptors. Errors: as of opening. */
export function reopen(handle: FileHandle): void {
  if (handle instanceof ReopeningFile) handle.reopen()
}

/** See the head of this file. Calls also fail as opening does, and with ESTALE when another file is there by then. */
export class ReopeningFile implements FileHandle, OpenFile {
  readonly path: string
  readonly #fileSystem: FileSystem
  readonly #limit: OpenFileLimit
  readonly #mode: ReopeningMode
  #handle: FileHandle | undefined
  #left: FileStat | undefined
  #callsUnderWay = 0
  /** Rises with every change; what a sync covers is what had been changed when it began. */
  #changes = 0
  #syncedChanges = 0
  #syncing: Promise<void> | undefined
  #failure: unknown
  #isClosed = false

  constructor(place: { fileSystem: FileSystem; limit: OpenFileLimit }, path: string, mode: ReopeningMode) {
    this.path = path
    this.#fileSystem = place.fileSystem
    this.#limit = place.limit
    this.#mode = mode
    this.#open(mode)
  }

  /** True while it holds a descriptor. */
  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  get isSyncing(): boolean {
    return this.#syncing !== undefined
  }

  /** Opens it, if it is closed for now. */
  reopen(): void {
    this.#use()
  }

  readSync(into: Uint8Array, position: number): number {
    return this.#use().readSync(into, position)
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const handle = this.#use()
    this.#callsUnderWay++
    try {
      return await handle.read(into, position)
    } finally {
      this.#callsUnderWay--
    }
  }

  appendSync(bytes: Uint8Array, position: number): void {
    const handle = this.#use()
    this.#changes++
    handle.appendSync(bytes, position)
  }

  async extend(sizeBytes: number): Promise<void> {
    const handle = this.#use()
    this.#callsUnderWay++
    try {
      await handle.extend(sizeBytes)
    } finally {
      this.#changes++ // at its end: a sync that began before has not covered all of it
      this.#callsUnderWay--
    }
  }

  overwriteSync(bytes: Uint8Array, position: number): void {
    const handle = this.#use()
    this.#changes++
    handle.overwriteSync(bytes, position)
  }

  truncateSync(sizeBytes: number): void {
    const handle = this.#use()
    this.#changes++
    handle.truncateSync(sizeBytes)
  }

  sizeSync(): number {
    return this.#use().sizeSync()
  }

  async syncData(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing.catch(() => {})
    if (this.#failure !== undefined) throw this.#failure
    if (this.#handle === undefined && !this.#isClosed) return // all that was written was synced before it was closed
    const handle = this.#use()
    const changes = this.#changes
    this.#callsUnderWay++
    this.#syncing = handle.syncData()
    try {
      await this.#syncing
      this.#syncedChanges = changes
    } catch (error) {
      this.#failure = error
      throw error
    } finally {
      this.#syncing = undefined
      this.#callsUnderWay--
    }
  }

  syncDataSync(): void {
    assert(this.#syncing === undefined, `${this.path} is synced twice at a time`)
    if (this.#failure !== undefined) throw this.#failure
    if (this.#handle === undefined && !this.#isClosed) return // as above
    try {
      this.#use().syncDataSync()
      this.#syncedChanges = this.#changes
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  close(): void {
    this.#isClosed = true
    this.#handle?.close()
    this.#handle = undefined
    this.#limit.closed(this)
  }

  giveUp(): boolean {
    const isSettled = this.#mode === 'overwrite' || this.#syncedChanges === this.#changes
    if (this.#callsUnderWay > 0 || !isSettled || this.#failure !== undefined) return false
    try {
      this.#left = this.#fileSystem.statSync(this.path)
    } catch {
      return false // it could not be told from another one later
    }
    this.#handle?.close()
    this.#handle = undefined
    return true
  }

  async settle(): Promise<void> {
    if (this.#isClosed || this.#failure !== undefined) return
    await this.syncData().catch(() => {}) // kept: the next sync says so
  }

  #use(): FileHandle {
    if (this.#handle === undefined) {
      this.#open(REOPENED[this.#mode])
      this.#checkSame()
    } else this.#limit.used(this)
    return this.#handle!
  }

  #open(mode: ReopeningMode): void {
    if (this.#isClosed) throw Object.assign(new Error(`${this.path} is closed`), { code: 'EBADF' })
    this.#limit.opening(this)
    try {
      this.#handle = this.#tryOpen(mode)
    } catch (error) {
      this.#limit.closed(this)
      throw error
    }
  }

  #tryOpen(mode: ReopeningMode): FileHandle {
    try {
      return this.#fileSystem.openSync(this.path, mode)
    } catch (error) {
      const { code } = error as { code?: unknown }
      if ((code !== 'EMFILE' && code !== 'ENFILE') || !this.#limit.giveUpAll()) throw error
      return this.#fileSystem.openSync(this.path, mode)
    }
  }

  /** Another file under the same name is not ours to write to; one that is filled ahead does not tell its end itself. */
  #checkSame(): void {
    const found = this.#fileSystem.statSync(this.path)
    const isFilled = REOPENED[this.#mode] === 'fill'
    if (found?.inode === this.#left?.inode && (!isFilled || found?.sizeBytes === this.#left?.sizeBytes))
      return
    this.#handle?.close()
    this.#handle = undefined
    this.#limit.closed(this)
    const message = `${this.path} is another file than it was: someone else replaced it`
    throw Object.assign(new Error(message), { code: 'ESTALE' })
  }
}
