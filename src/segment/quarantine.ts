/*
 * Where bytes go that recovery cuts: never lost at once, never piling up.
 *
 *   quarantine/00000000000000081920.log.4711     what was cut from position 4711 of that segment
 *
 * The name follows from the place, so a recovery that is killed and runs again writes the same file again.
 */
import { basename, join } from 'node:path'
import type { FileHandle, FileSystem } from '../fs/index.ts'
import { TEMPORARY_SUFFIX } from '../fs/index.ts'

const CHUNK_BYTES = 1024 * 1024
/** Of one cut; the head of what is cut says most about what happened. */
const CUT_BYTES_MAX = 64 * 1024 * 1024
const FILE_COUNT_MAX = 16

/** What was kept of a cut, and what had to go for it. */
export interface Quarantined {
  readonly path: string
  readonly keptBytes: number
  readonly droppedFiles: readonly string[]
}

/** Copies `[from, end)` of a segment durably into `directory`, dropping the oldest copies beyond the bound. */
export async function quarantineBytes(
  fileSystem: FileSystem,
  directory: string,
  cut: { handle: FileHandle; from: number; end: number },
): Promise<Quarantined> {
  await fileSystem.makeDirectory(directory)
  const path = join(directory, `${basename(cut.handle.path)}.${cut.from}`)
  const keptBytes = Math.min(cut.end - cut.from, CUT_BYTES_MAX)
  const copy = fileSystem.openSync(path + TEMPORARY_SUFFIX, 'replace')
  try {
    for (let done = 0; done < keptBytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, keptBytes - done))
      const count = await cut.handle.read(chunk, cut.from + done)
      if (count === 0) break
      copy.appendSync(chunk.subarray(0, count), done)
      done += count
    }
    await copy.syncData()
  } finally {
    copy.close()
  }
  await fileSystem.rename(path + TEMPORARY_SUFFIX, path)
  const droppedFiles = await dropOldest(fileSystem, directory, path)
  await fileSystem.syncDirectory(directory)
  return { path, keptBytes, droppedFiles }
}

async function dropOldest(fileSystem: FileSystem, directory: string, newest: string): Promise<string[]> {
  const entries = await fileSystem.list(directory)
  const others = entries
    .filter((entry) => entry.kind === 'file')
    .map((entry) => join(directory, entry.name))
    .filter((path) => path !== newest)
    .map((path) => ({ path, modifiedMs: fileSystem.statSync(path)?.modifiedMs ?? 0 }))
    .sort((a, b) => a.modifiedMs - b.modifiedMs || (a.path < b.path ? -1 : 1))
  const dropped = others.slice(0, Math.max(0, others.length + 1 - FILE_COUNT_MAX)).map(({ path }) => path)
  for (const path of dropped) await fileSystem.remove(path)
  return dropped
}
