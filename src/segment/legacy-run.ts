import { legacyMessageAt } from '../record/index.ts'
import type { FoundBatch } from './resync.ts'
import type { ByteSource } from './segment-files.ts'
import { FileWindow } from './window.ts'

const CHUNK_BYTES = 16 * 1024
/** As much of a message as says where it ends. */
const HEAD_BYTES = 17

/**
 * Finds where the next batch can begin behind messages of the formats before version 2, which follow one another from
 * `from` on; undefined when there are none. Their checksums are not looked at.
 *
 * Cost: one pass over their heads.
 */
export async function findLegacyEnd(
  source: ByteSource,
  { from, end, offsetMin }: { from: number; end: number; offsetMin: number },
): Promise<FoundBatch | undefined> {
  const window = new FileWindow(source, { end, chunkBytes: CHUNK_BYTES })
  const found = { position: from, baseOffset: offsetMin }
  for (;;) {
    const { bytes, at, length } = await window.at(found.position, HEAD_BYTES)
    const message = legacyMessageAt(bytes.subarray(at, at + length), 0)
    const fits =
      message !== undefined &&
      message.sizeBytes <= end - found.position &&
      message.lastOffset >= found.baseOffset
    if (!fits) return found.position === from ? undefined : found
    found.position += message.sizeBytes
    found.baseOffset = message.lastOffset + 1
  }
}
