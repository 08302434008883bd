/*
 * Replacing a small file so that a reader and a crash see the old one or the new one, never a mixture.
 *
 *   1. write <name>.tmp        crash: a .tmp is left; opening removes it
 *   2. fdatasync <name>.tmp
 *   3. rename over <name>      the commit point, once
 *   4. fsync the directory     has returned
 */
import { dirname, join } from 'node:path'
import { SeglogError } from '../core/index.ts'
import type { FileHandle, FileSystem } from './file-system.ts'
import { syncBytes, syncNames } from './sync.ts'

/** Ends the name under which a file is written before it replaces another. */
export const TEMPORARY_SUFFIX = '.tmp'

/**
 * Replaces the file at `path` durably; two calls for one path must not overlap.
 *
 * Errors: the system's, and the old file is whole; LOG_POISONED when a sync failed: the old one is, or the new one. No .tmp
 *         is left if that can be helped: it might be the disk that is full.
 */
export async function replaceFile(
  fileSystem: FileSystem,
  path: string,
  contents: Uint8Array | string,
): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX
  const bytes = typeof contents === 'string' ? Buffer.from(contents) : contents
  await writeTemporary(fileSystem, temporary, (file) => file.appendSync(bytes, 0))
  await renameTemporary(fileSystem, temporary, path)
  await syncNames(fileSystem, dirname(path))
}

/** Steps 1 and 2, for a file of any size. Errors: the system's, LOG_POISONED, those of `write`; the file is gone then, if it can be. */
export async function writeTemporary(
  fileSystem: FileSystem,
  temporary: string,
  write: (file: FileHandle) => Promise<void> | void,
): Promise<void> {
  try {
    const file = fileSystem.openSync(temporary, 'replace')
    try {
      await write(file)
      await syncBytes(file)
    } finally {
      file.close()
    }
  } catch (error) {
    await discard(fileSystem, temporary)
    throw error
  }
}

/** Step 3. Errors: the system's; the file is gone then, if it can be. */
export async function renameTemporary(
  fileSystem: FileSystem,
  temporary: string,
  path: string,
): Promise<void> {
  try {
    await fileSystem.rename(temporary, path)
  } catch (error) {
    await discard(fileSystem, temporary)
    throw error
  }
}

/** It takes room, and the disk may be full; where it can't be removed now, the next opening does it. */
async function discard(fileSystem: FileSystem, temporary: string): Promise<void> {
  await fileSystem.remove(temporary).catch(() => {}) // what failed first is what has to be told
}

/**
 * Removes a directory and everything in it, links themselves and never what they lead to; one that is not there is no
 * error. Not durable by itself: a crash may leave any part. Errors: the system's.
 */
export async function removeTree(fileSystem: FileSystem, directory: string): Promise<void> {
  if (fileSystem.statSync(directory) === undefined) return
  for (const { name, kind } of await fileSystem.list(directory)) {
    const path = join(directory, name)
    if (kind === 'directory') await removeTree(fileSystem, path)
    else await fileSystem.remove(path)
  }
  await fileSystem.removeDirectory(directory)
}

/** Removes the file at `path` durably; one that is not there is no error. Errors: the system's; LOG_POISONED. */
export async function removeFile(fileSystem: FileSystem, path: string): Promise<void> {
  await fileSystem.remove(path) // gone or not: an earlier attempt may have got no further than this
  await syncNames(fileSystem, dirname(path))
}

/**
 * Reads a whole small file; undefined when there is none.
 * Errors: `LOG_CORRUPT` when it is over `bytesMax` or no regular file, so that a damaged one can't fill memory.
 */
export function readSmallFile(fileSystem: FileSystem, path: string, bytesMax: number): Buffer | undefined {
  const stat = fileSystem.statSync(path)
  if (stat === undefined) return undefined
  if (stat.kind !== 'file') {
    const kind = stat.kind === 'other' ? 'special file' : stat.kind
    throw new SeglogError('LOG_CORRUPT', `${path} is a ${kind}, a regular file was expected`, { path })
  }
  if (stat.sizeBytes > bytesMax) {
    throw new SeglogError(
      'LOG_CORRUPT',
      `${path} has ${stat.sizeBytes} bytes, at most ${bytesMax} were expected`,
      {
        path,
        found: stat.sizeBytes,
        expected: bytesMax,
      },
    )
  }
  const file = fileSystem.openSync(path, 'read')
  try {
    const bytes = Buffer.alloc(stat.sizeBytes)
    return bytes.subarray(0, file.readSync(bytes, 0))
  } finally {
    file.close()
  }
}
