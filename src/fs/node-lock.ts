/*
 * The single writer's lock: a file of 0 bytes, opened as a SQLite database under BEGIN EXCLUSIVE.
 *
 * SQLite's lock is a POSIX record lock, so the kernel frees it however the process ends, and a JVM's lock on the same
 * file excludes it. Two facts shape this file. A POSIX lock is lost when *any* descriptor of the file is closed in the
 * process that holds it: nothing here opens a lock file that this process holds. And a Database nobody refers to is
 * closed by the garbage collector: the registry keeps it. Advisory, and only for local file systems.
 */
import { closeSync, constants, lstatSync, openSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import fsExtra from 'fs-extra'
import { SeglogError } from '../core/index.ts'
import type { DirectoryLock } from './file-system.ts'

const OWNER_FILE = 'lock-owner.json'
const registryKey = Symbol.for('seglog.locks.v1')

/** Locks this thread holds, by device and inode of their directory; shared by every copy of the package in it. */
function registry(): Map<string, unknown> {
  const holder = globalThis as { [registryKey]?: Map<string, unknown> }
  holder[registryKey] ??= new Map()
  return holder[registryKey]
}

/** Takes the lock at `path` or throws `LOG_LOCKED` naming the owner. */
export function takeNodeLock(path: string): DirectoryLock {
  const key = directoryKey(path)
  if (registry().has(key)) throw lockedError(path)
  ensureLockFile(path)
  const database = tryExclusive(path)
  if (database === undefined) throw lockedError(path)
  registry().set(key, database)
  writeOwner(path)
  return {
    release: () => {
      if (registry().get(key) !== database) return
      registry().delete(key)
      fsExtra.rmSync(join(dirname(path), OWNER_FILE), { force: true })
      database.close()
    },
  }
}

/** True while any process holds the lock at `path`; looks without disturbing it. */
export function isNodeLocked(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  if (registry().has(directoryKey(path))) return true
  let database: Database.Database | undefined
  try {
    database = new Database(path, { readonly: true, timeout: 0 })
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}

function directoryKey(path: string): string {
  const stat = statSync(dirname(path))
  return `${stat.dev}:${stat.ino}`
}

function ensureLockFile(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600))
  } else if (!stat.isFile() || stat.size !== 0) {
    throw new SeglogError('LOG_CORRUPT', `${path} is not an empty regular file, so it can't be the lock`, {
      path,
      found: stat.isFile() ? stat.size : 'not a file',
      expected: 0,
    })
  }
}

function tryExclusive(path: string): Database.Database | undefined {
  const database = new Database(path, { timeout: 0 })
  try {
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
}

function writeOwner(path: string): void {
  const owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  const ownerPath = join(dirname(path), OWNER_FILE)
  fsExtra.rmSync(ownerPath, { force: true }) // never through a link somebody left there
  fsExtra.writeFileSync(ownerPath, `${JSON.stringify(owner)}\n`, { mode: 0o600, flag: 'wx' })
}

function lockedError(path: string): SeglogError {
  const directory = dirname(path)
  let owner = 'its owner left no name'
  let pid: number | undefined
  try {
    const parsed = JSON.parse(fsExtra.readFileSync(join(directory, OWNER_FILE), 'utf8')) as Record<string, unknown>
    if (Number.isSafeInteger(parsed['pid'])) {
      pid = parsed['pid'] as number
      owner = `by process ${pid} on ${JSON.stringify(String(parsed['host']).slice(0, 255))} since ${JSON.stringify(String(parsed['since']).slice(0, 40))}`
    }
  } catch {
    // The owner file is a courtesy: without it the message only says less.
  }
  return new SeglogError(
    'LOG_LOCKED',
    `${directory} is open for writing already, ${owner}; open it with readOnly: true, or close it there first`,
    { path, found: pid },
  )
}
