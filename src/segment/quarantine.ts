/*
 * Where bytes go that recovery cuts: never lost at once, never piling up.
 *
 *   quarantine/00000000000000081920.log.4711     what was cut from position 4711 of that segment
 *   quarantine/00000000000000081920.log.4711.1   what was cut there another time
 *
 * The name follows from the place and the bytes, so a recovery that is killed and runs again writes the same file again.
 * A cut is kept whole, whatever its size: it is no larger than the segment was.
 */
import { basename, join } from 'node:path'
import {
  type FileHandle,
  type FileSystem,
  renameTemporary,
  syncNames,
  TEMPORARY_SUFFIX,
  writeTemporary,
} from '../fs/index.ts'

const CHUNK_BYTES = 1024 * 1024
/** Of copies, the newest included, which stays whatever it weighs. */
const COPY_COUNT_MAX = 16
const COPY_BYTES_MAX = 1024 * 1024 * 1024

/** The names this file gives; everything else in the directory belongs to somebody else. */
const COPY_NAME = /^\d{20}\.log\.\d+(?:\.\d+)?(?:\.tmp)?$/

/** What was kept of a cut, and what had to go for it. */
export interface Quarantined {
  readonly path: string
  readonly droppedFiles: readonly string[]
}

/**
 * Copies `[from, end)` of a segment durably into `directory`, dropping the oldest copies beyond the bound.
 * Errors: the system's; nothing is left of the copy then, if that can be helped.
 */
export async function quarantineBytes(
  fileSystem: FileSystem,
  directory: string,
  cut: { handle: FileHandle; from: number; end: number },
): Promise<Quarantined> {
  await fileSystem.makeDirectory(directory)
  const path = await freePath(fileSystem, join(directory, `${basename(cut.handle.path)}.${cut.from}`), cut)
  const temporary = path + TEMPORARY_SUFFIX
  await writeTemporary(fileSystem, temporary, async (copy) => {
    for await (const { chunk, position } of chunksOf(cut)) copy.appendSync(chunk, position - cut.from)
  })
  await renameTemporary(fileSystem, temporary, path)
  const droppedFiles = await dropOldest(fileSystem, directory, path)
  await syncNames(fileSystem, directory)
  return { path, droppedFiles }
}

/** The first name for the place that is not taken by other bytes. */
async function freePath(
  fileSystem: FileSystem,
  place: string,
  cut: { handle: FileHandle; from: number; end: number },
): Promise<string> {
  for (let count = 0; ; count++) {
    const path = count === 0 ? place : `${place}.${count}`
    const stat = fileSystem.statSync(path)
    if (stat === undefined) return path
    const isSame = stat.kind === 'file' && stat.sizeBytes === cut.end - cut.from
    if (isSame && (await holds(fileSystem, path, cut))) return path
  }
}

async function holds(
  fileSystem: FileSystem,
  path: string,
  cut: { handle: FileHandle; from: number; end: number },
): Promise<boolean> {
  const copy = fileSystem.openSync(path, 'read')
  try {
    for await (const { chunk, position } of chunksOf(cut)) {
      const kept = Buffer.allocUnsafe(chunk.length)
      const count = await copy.read(kept, position - cut.from)
      if (!chunk.equals(kept.subarray(0, count))) return false
    }
    return true
  } finally {
    copy.close()
  }
}

async function* chunksOf({
  handle,
  from,
  end,
}: {
  handle: FileHandle
  from: number
  end: number
}): AsyncGenerator<{ chunk: Buffer; position: number }> {
  for (let position = from; position < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position))
    const count = await handle.read(chunk, position)
    if (count === 0) return
    yield { chunk: chunk.subarray(0, count), position }
    position += count
  }
}

async function dropOldest(fileSystem: FileSystem, directory: string, newest: string): Promise<string[]> {
  const copies = (await fileSystem.list(directory))
    .filter(({ name, kind }) => kind === 'file' && COPY_NAME.test(name))
    .map(({ name }) => join(directory, name))
    .map((path) => ({ path, modifiedMs: 0, sizeBytes: 0, ...fileSystem.statSync(path) }))
    .sort((a, b) => b.modifiedMs - a.modifiedMs || (a.path < b.path ? 1 : -1))
  const newestFirst = [
    ...copies.filter(({ path }) => path === newest),
    ...copies.filter(({ path }) => path !== newest),
  ]
  const dropped: string[] = []
  let keptCount = 0
  let keptBytes = 0
  for (const { path, sizeBytes } of newestFirst) {
    const isKept = path === newest || (keptCount < COPY_COUNT_MAX && keptBytes + sizeBytes <= COPY_BYTES_MAX)
    if (isKept) {
      keptCount++
      keptBytes += sizeBytes
    } else dropped.push(path)
  }
  dropped.reverse()
  for (const path of dropped) await fileSystem.remove(path)
  return dropped
}
