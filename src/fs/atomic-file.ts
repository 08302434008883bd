/*
 * Replacing a small file so that a reader and a crash see the old one or the new one, never a mixture.
 *
 *   1. write <name>.tmp        crash: a .tmp is left; opening removes it
 *   2. fdatasync <name>.tmp
 *   3. rename over <name>      the commit point, once
 *   4. fsync the directory     has returned
 */
import { dirname } from 'node:path'
import { SeglogError } from '../core/index.ts'
import type { FileSystem } from './file-system.ts'
import { syncNames } from './sync.ts'

/** Ends the name under which a file is written before it replaces another. */
export const TEMPORARY_SUFFIX = '.tmp'

/**
 * Replaces the file at `path` durably; two calls for one path must not overlap.
 *
 * Errors: the system's, and the old file is whole; LOG_POISONED when only the last step failed: then the new one is.
 */
export async function replaceFile(
  fileSystem: FileSystem,
  path: string,
  contents: Uint8Array | string,
): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX
  const file = fileSystem.openSync(temporary, 'replace')
  try {
    file.appendSync(typeof contents === 'string' ? Buffer.from(contents) : contents, 0)
    await file.syncData()
  } finally {
    file.close()
  }
  await fileSystem.rename(temporary, path)
  await syncNames(fileSystem, dirname(path))
}

/** Removes the file at `path` durably; one that is not there is no error. Errors: the system's; LOG_POISONED. */
export async function removeFile(fileSystem: FileSystem, path: string): Promise<void> {
  if (fileSystem.statSync(path) === undefined) return
  await fileSystem.remove(path)
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
    throw new SeglogError('LOG_CORRUPT', `${path} is a ${stat.kind}, a regular file was expected`, { path })
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
