/*
 * Before there were stores, the demo kept two logs where its store is now, each in a directory that it marked as its own
 * and said it would empty. A store is not made beside them, so they go, with all files whose names a log gives; a
 * directory in which somebody put something else stays, and opening the store says so.
 */
import { join } from 'node:path'
import { nodeFileSystem } from '../../fs/index.ts'
import { classifyEntry, FILE_NAMES } from '../../layout/index.ts'

const NAMES = ['earthquakes', 'earthquakes-crash'] as const

/** The file that marks what the demo made. */
export const MARKER = '.made-by-the-demo'

/** Removes what an earlier version of the demo left. Errors: LOG_LOCKED while another process has it open; the system's. */
export async function removeEarlierLogs(directory: string): Promise<void> {
  for (const name of NAMES) {
    const path = join(directory, name)
    if (nodeFileSystem.statSync(join(path, MARKER)) === undefined) continue
    nodeFileSystem.lock(join(path, FILE_NAMES.lock)).release()
    await removeFiles(join(path, FILE_NAMES.quarantine), () => true)
    await removeFiles(path, (file) => file !== MARKER && classifyEntry(file).kind !== 'unknown')
    if ((await nodeFileSystem.list(path)).length > 1) continue
    await nodeFileSystem.remove(join(path, MARKER))
    await nodeFileSystem.removeDirectory(path)
  }
}

/** Removes those files of a directory whose names are wanted, and the directory itself if that leaves it empty. */
async function removeFiles(directory: string, isWanted: (name: string) => boolean): Promise<void> {
  if (nodeFileSystem.statSync(directory)?.kind !== 'directory') return
  for (const { name, kind } of await nodeFileSystem.list(directory)) {
    if (kind === 'file' && isWanted(name)) await nodeFileSystem.remove(join(directory, name))
  }
  if ((await nodeFileSystem.list(directory)).length === 0) await nodeFileSystem.removeDirectory(directory)
}
