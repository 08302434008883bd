/*
 * Putting a copy of a segment's head, with other bytes behind it, in the segment's place.
 *
 *   1. <segment>.tmp written and synced     crash: a .tmp, removed at the next opening
 *   2. renamed over the segment             the commit point, once
 *   3. the directory synced                 has returned
 * Only 1 needs room on the disk; a failure of it leaves everything as it was.
 */
import { dirname } from 'node:path'
import { SeglogError } from '../core/index.ts'
import { type FileHandle, type FileSystem, renameTemporary, syncNames, writeTemporary } from '../fs/index.ts'

const CHUNK_BYTES = 1024 * 1024

/** The head of a segment that stays, what comes behind it, and where the two are put together. */
interface SegmentCopy {
  readonly copyPath: string
  readonly sizeBytes: number
  readonly tail: Uint8Array
}

/** Replaces the file at `path` by its first `sizeBytes` bytes and `tail`, durably; no open handle sees the new one. */
export async function rewriteSegment(fileSystem: FileSystem, path: string, copy: SegmentCopy): Promise<void> {
  await copySegment(fileSystem, path, copy)
  await placeCopy(fileSystem, path, copy)
}

/** Step 1. Errors: the system's, IO_FAILED; there is no copy then. */
export async function copySegment(
  fileSystem: FileSystem,
  path: string,
  { copyPath, sizeBytes, tail }: SegmentCopy,
): Promise<void> {
  const source = fileSystem.openSync(path, 'read')
  try {
    await writeTemporary(fileSystem, copyPath, async (copy) => {
      await copyHead(source, copy, sizeBytes)
      if (tail.length > 0) copy.appendSync(tail, sizeBytes)
    })
  } finally {
    source.close()
  }
}

/** Steps 2 and 3. */
export async function placeCopy(
  fileSystem: FileSystem,
  path: string,
  { copyPath }: Pick<SegmentCopy, 'copyPath'>,
): Promise<void> {
  await renameTemporary(fileSystem, copyPath, path)
  await syncNames(fileSystem, dirname(path))
}

async function copyHead(source: FileHandle, copy: FileHandle, sizeBytes: number): Promise<void> {
  for (let done = 0; done < sizeBytes; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes - done))
    const count = await source.read(chunk, done)
    if (count === 0) {
      const { path } = source
      const message = `${path} ends at ${done}, ${sizeBytes} bytes were expected`
      throw new SeglogError('IO_FAILED', message, { path })
    }
    copy.appendSync(chunk.subarray(0, count), done)
    done += count
  }
}
