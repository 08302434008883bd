import { lstatSync, type Stats, watch } from 'node:fs'
import { dirname } from 'node:path'
import fsExtra from 'fs-extra'
import { LimitedQueue } from '../core/index.ts'
import type { DirectoryChange, DirectoryEntry, FileKind, FileStat, FileSystem } from './file-system.ts'
import { openNodeFile } from './node-file.ts'
import { isNodeLocked, takeNodeLock } from './node-lock.ts'

const DIRECTORY_MODE = 0o700

/** More syncs at a time than threads do them would only hold descriptors: a thousand logs may make segments at once. */
const DIRECTORIES_OPEN_MAX = 16
const directorySyncs = new LimitedQueue(DIRECTORIES_OPEN_MAX)

/** The machine's file system. */
export const nodeFileSystem: FileSystem = {
  kind: 'native',
  openSync: openNodeFile,
  statSync(path) {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    return stat === undefined ? undefined : toFileStat(stat)
  },
  async list(directory) {
    const entries = await fsExtra.readdir(directory, { withFileTypes: true })
    return entries.map((entry): DirectoryEntry => ({ name: entry.name, kind: kindOf(entry) }))
  },
  makeDirectory,
  rename: (from, to) => fsExtra.rename(from, to),
  async remove(path) {
    await fsExtra.rm(path, { force: true })
  },
  removeDirectory,
  syncDirectory,
  realPath: (path) => fsExtra.realpath(path),
  lock: takeNodeLock,
  isLocked: isNodeLocked,
  watch(directory, changed) {
    const watcher = watch(directory, { persistent: false }, (event, name) =>
      changed(name ?? undefined, changeOf(event)),
    )
    watcher.on('error', () => watcher.close()) // the directory went away; whoever watches also polls
    return { close: () => watcher.close() }
  },
}

/** macOS tells of a file that was made, or took another's place, as of one that was written to. */
const TELLS_CHANGES_APART = process.platform === 'linux' || process.platform === 'win32'

function changeOf(event: 'rename' | 'change'): DirectoryChange | undefined {
  if (!TELLS_CHANGES_APART) return undefined
  return event === 'change' ? 'contents' : 'name'
}

async function makeDirectory(path: string): Promise<void> {
  const missing: string[] = []
  for (let parent = path; ; parent = dirname(parent)) {
    if (lstatSync(parent, { throwIfNoEntry: false }) !== undefined || parent === dirname(parent)) break
    missing.unshift(parent)
  }
  // One by one: where a parent is there and takes no directories (/proc), Node's recursive mkdir never returns.
  for (const directory of missing) await makeOneDirectory(directory)
  if ((await fsExtra.stat(path)).isDirectory()) return
  throw Object.assign(new Error(`${path} is there and is no directory`), { code: 'EEXIST', path })
}

async function makeOneDirectory(directory: string): Promise<void> {
  let isOurs = true
  try {
    await fsExtra.mkdir(directory, { mode: DIRECTORY_MODE })
  } catch (error) {
    isOurs = (error as { code?: unknown }).code !== 'EEXIST' // somebody else made it meanwhile
    if (isOurs) throw error
  }
  try {
    await syncDirectory(dirname(directory))
  } catch (error) {
    // Or the next call would find it there and sync nothing, and all that is put into it could be lost with its name.
    if (isOurs) await fsExtra.rmdir(directory).catch(() => {})
    throw error
  }
}

async function removeDirectory(path: string): Promise<void> {
  try {
    await fsExtra.rmdir(path)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
  }
}

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return // a directory can't be opened there, and NTFS journals names itself
  await directorySyncs.run(async () => {
    const handle = await fsExtra.open(directory, 'r')
    try {
      await fsExtra.fsync(handle)
    } finally {
      await fsExtra.close(handle)
    }
  })
}

function kindOf(entry: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): FileKind {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSymbolicLink() ? 'symlink' : 'other'
}

function toFileStat(stat: Stats): FileStat {
  return {
    kind: kindOf(stat),
    sizeBytes: stat.size,
    modifiedMs: Math.floor(stat.mtimeMs),
    device: stat.dev,
    inode: stat.ino,
  }
}
