/*
 * Syncs that a promise rests on. One that fails is final: the kernel may have dropped what it was to save and call the
 * rest clean, so that the next sync succeeds and nothing is there. Nobody may go on as if it could be tried again, and
 * LOG_POISONED is the code that says so to every layer. A directory that could not even be opened, for want of descriptors,
 * was not synced and has lost nothing: that is an error like any other, and may be tried again.
 */
import { SeglogError } from '../core/index.ts'
import type { FileHandle, FileSystem } from './file-system.ts'

/** System errors that come before a sync begins. */
const NOT_BEGUN: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE'])

/** Makes the names in `directory` durable. Errors: LOG_POISONED, with the system's as its cause; EMFILE, ENFILE. */
export async function syncNames(fileSystem: FileSystem, directory: string): Promise<void> {
  try {
    await fileSystem.syncDirectory(directory)
  } catch (cause) {
    throw NOT_BEGUN.has((cause as { code?: unknown }).code) ? cause : syncFailed(directory, cause)
  }
}

/** Makes the bytes of a file durable. Errors: LOG_POISONED, with the system's as its cause. */
export async function syncBytes(file: FileHandle): Promise<void> {
  try {
    await file.syncData()
  } catch (cause) {
    throw syncFailed(file.path, cause)
  }
}

function syncFailed(path: string, cause: unknown): SeglogError {
  const message = `${path} could not be synced (${String(cause)}): what was written to it may be lost`
  return new SeglogError('LOG_POISONED', message, { path, cause })
}
