/*
 * The single writer's lock: a file of 0 bytes, opened as a SQLite database under BEGIN EXCLUSIVE.
 *
 * SQLite's lock is a POSIX record lock, so the kernel frees it however the process ends, and a JVM's lock on the same
 * file excludes it. Three facts shape this file. A POSIX lock is lost when *any* descriptor of the file is closed in the
 * process that holds it: nothing here opens a lock file that this process holds. A Database nobody refers to is closed by
 * the garbage collector: the registry keeps it. And a broker that stops lets go of its lock and then removes the file: what
 * was locked in between, or had been opened before, is looked at again. Advisory, and only for local file systems.
 */
import { chmodSync, lstatSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { SeglogError } from '../core/index.ts'
import type { DirectoryLock } from './file-system.ts'
import {
  isHeldElsewhere,
  lockedError,
  OWNER_FILE,
  readOwnerText,
  removeOwner,
  writeOwner,
} from './lock-owner.ts'
import { openNodeFile } from './node-file.ts'

/** How long taking the lock waits for someone who only looks at it (`isNodeLocked`): that takes microseconds. */
const LOOKER_WAIT_MS = 25
/** The first one finds no file, where there is none yet, and makes it. */
const TRIES = 10
const registryKey = Symbol.for('seglog.locks.v1')

/** Locks this thread holds, by device and inode of their directory; shared by every copy of the package in it. */
function registry(): Map<string, unknown> {
  const holder = globalThis as { [registryKey]?: Map<string, unknown> }
  holder[registryKey] ??= new Map()
  return holder[registryKey]
}

/**
 * Takes the lock at `path`.
 * Errors: `LOG_LOCKED` naming the owner; `IO_FAILED` where there can't be one; the system's where there is no room for one.
 */
export function takeNodeLock(path: string): DirectoryLock {
  const key = directoryKey(path)
  if (registry().has(key)) throw lockedError(path)
  checkLockFile(path)
  const { database, identity } = takeExclusive(path)
  registry().set(key, database)
  const owner = new OwnerFile(path, writeOwner(path))
  return {
    isOurs: () => registry().get(key) === database && isAsTaken(path, { identity, owner }),
    release: () => {
      if (registry().get(key) !== database) return
      registry().delete(key)
      if (isAsTaken(path, { identity, owner })) removeOwner(path) // not that of whoever has it now
      database.close()
    },
  }
}

/** True while any process holds the lock at `path`, and where that can't be told; looks without disturbing it. */
export function isNodeLocked(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat?.isFile() !== true || stat.size > 0) return false // nothing that could be locked
  if (registry().has(directoryKey(path))) return true
  let database: Database.Database | undefined
  try {
    database = new Database(path, { readonly: true, timeout: 0 })
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch {
    return true // busy, or not ours to read: who asks had better be careful
  } finally {
    database?.close()
  }
}

function directoryKey(path: string): string {
  const stat = statSync(dirname(path))
  return `${stat.dev}:${stat.ino}`
}

/** Looks without opening: closing a descriptor here would drop the lock of another thread of this process. */
function checkLockFile(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined || (stat.isFile() && stat.size === 0)) return
  throw new SeglogError('LOG_CORRUPT', `${path} is not an empty regular file, so it can't be the lock`, {
    path,
    found: stat.isFile() ? stat.size : 'not a file',
    expected: 0,
  })
}

/**
 * A broker removes its lock file when it stops. Who had opened that file before may lock it after: a lock on a file that is
 * not there any more keeps nobody out. So the file has to be the same one before it was opened, and after it was locked.
 */
function takeExclusive(path: string): { database: Database.Database; identity: string } {
  for (let tries = 1; tries <= TRIES; tries++) {
    const identity = identityOf(path)
    const database = takeOnce(path)
    const isTheSame = identity !== undefined && identity === identityOf(path)
    if (isTheSame && !isHeldElsewhere(path)) return { database, identity }
    database.close()
  }
  throw lockedError(path)
}

/** Tells the file at `path` from any other that has been there; undefined when there is none. */
function identityOf(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true })
  return stat === undefined ? undefined : `${stat.dev} ${stat.ino} ${stat.birthtimeNs}`
}

function takeOnce(path: string): Database.Database {
  let database: Database.Database | undefined
  try {
    database = tryExclusive(path)
  } catch (cause) {
    checkRoom(path)
    const { code, message } = cause as { code?: unknown; message: string }
    throw new SeglogError('IO_FAILED', `${path} can't be locked: ${message} (${String(code)})`, {
      path,
      cause,
    })
  }
  if (database === undefined) throw lockedError(path)
  return database
}

/**
 * SQLite does not say why it can't make a file. Whether there is room for one is seen by making another, whose name is the
 * owner's: closing the lock itself here could drop the lock of another thread. Errors: the system's, when there is none.
 */
function checkRoom(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return
  const owner = join(dirname(path), OWNER_FILE)
  try {
    removeOwner(path)
    openNodeFile(owner, 'create').close()
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'ENOSPC' || code === 'EDQUOT') throw error
  }
  removeOwner(path)
}

function tryExclusive(path: string): Database.Database | undefined {
  const database = new Database(path, { timeout: LOOKER_WAIT_MS })
  try {
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    makePrivate(path)
    return database
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

/** SQLite makes the file with the mode of the umask. One that a broker has removed meanwhile is found out about later. */
function makePrivate(path: string): void {
  try {
    chmodSync(path, 0o600)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
}

/**
 * True unless the lock file is another one by now, which it is in another directory too, or another owner has written its
 * name. Asked before every sync: two looks, at one file each.
 */
function isAsTaken(path: string, taken: { identity: string; owner: OwnerFile }): boolean {
  try {
    if (identityOf(path) !== taken.identity) return false
  } catch {
    return false // it can't be looked at: who can't find it can't hold it
  }
  return taken.owner.isOursOrNobodys()
}

/** The file with the owner's name; asked before every sync, so it is read again only when it has changed. */
class OwnerFile {
  readonly #path: string
  readonly #text: string
  /** Which file, in which state, was found to have our name in it. */
  #known: string | undefined

  constructor(lockPath: string, text: string) {
    this.#path = join(dirname(lockPath), OWNER_FILE)
    this.#text = text
  }

  isOursOrNobodys(): boolean {
    try {
      const state = this.#state() // before the text: what changes after it is read the next time
      if (state !== undefined && state === this.#known) return true
      if (readOwnerText(this.#path) !== this.#text) return false
      this.#known = state
      return true
    } catch {
      return true // a name that is not there is nobody's
    }
  }

  #state(): string | undefined {
    const stat = lstatSync(this.#path, { throwIfNoEntry: false, bigint: true })
    return stat && `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`
  }
}
