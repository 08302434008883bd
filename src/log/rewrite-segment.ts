/*
 * Putting a copy of a segment's head, with other bytes behind it, in the segment's place.
 *
 *   1. <segment>.tmp written and synced     crash: a .tmp, removed at the next opening
 *   2. renamed over the segment             the commit point, once
 *   3. the directory synced                 has returned
 */
import { dirname } from 'node:path'
import { SeglogError } from '../core/index.ts'
import { type FileSystem, syncNames } from '../fs/index.ts'

const CHUNK_BYTES = 1024 * 1024

/** Replaces the file at `path` by its first `sizeBytes` bytes and `tail`, durably; no open handle sees the new one. */
export async function rewriteSegment(
  fileSystem: FileSystem,
  path: string,
  { copyPath, sizeBytes, tail }: { copyPath: string; sizeBytes: number; tail: Uint8Array },
): Promise<void> {
  const source = fileSystem.openSync(path, 'read')
  const copy = fileSystem.openSync(copyPath, 'replace')
  try {
    for (let done = 0; done < sizeBytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes - done))
      const count = await source.read(chunk, done)
      if (count === 0)
        throw new SeglogError('IO_FAILED', `${path} ends at ${done}, ${sizeBytes} bytes were expected`, {
          path,
        })
      copy.appendSync(chunk.subarray(0, count), done)
      done += count
    }
    if (tail.length > 0) copy.appendSync(tail, sizeBytes)
    await copy.syncData()
  } finally {
    source.close()
    copy.close()
  }
  await fileSystem.rename(copyPath, path)
  await syncNames(fileSystem, dirname(path))
}
