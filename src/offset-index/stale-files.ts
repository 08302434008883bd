import { dirname } from 'node:path'
import type { FileSystem } from '../fs/index.ts'

/** What SQLite keeps beside a database, to the end of its name; a stranger's must never meet a database of ours. */
export const SIBLING_SUFFIXES = ['-wal', '-shm', '-journal'] as const

/** Files of an earlier index that may no longer be believed once something they hold was dropped elsewhere. */
export interface StaleFiles {
  /** Starts removing them, once. */
  remove(): void
  /** Resolves when they are gone, or can't be removed. */
  settled(): Promise<void>
}

/**
 * Removes the index at `path` durably, if there is one: for a process that writes logs and keeps their index in memory,
 * which leaves the one on disk out of date. Errors: the system's.
 */
export async function removeIndexFiles(fileSystem: FileSystem, path: string): Promise<void> {
  // The database goes first: what is left beside it when a crash comes between is played into no other.
  const paths = [path, ...SIBLING_SUFFIXES.map((suffix) => path + suffix)]
  const present = paths.filter((each) => fileSystem.statSync(each)?.kind === 'file')
  for (const each of present) await fileSystem.remove(each)
  if (present.length > 0) await fileSystem.syncDirectory(dirname(path))
}

/**
 * The database at `path`, if there is one, that this process can't or can't any longer write.
 *
 * The next process would believe it. Rows that are missing only cost time, but a row that should be gone can lie on
 * a batch written since, and tell a wrong timestamp: with the first thing dropped the whole database goes.
 */
export function staleFiles(
  options: { fileSystem: FileSystem; path: string },
  warn: (message: string) => void,
): StaleFiles {
  const { fileSystem, path } = options
  let removal: Promise<void> | undefined
  const removeAll = async (): Promise<void> => {
    try {
      await removeIndexFiles(fileSystem, path)
    } catch (error) {
      warn(`${path} is out of date and can't be removed, remove it by hand: ${String(error)}`)
    }
  }
  return {
    remove: () => {
      removal ??= removeAll()
    },
    settled: () => removal ?? Promise.resolve(),
  }
}
