import type { ByteSource } from '../../../src/segment/index.ts'

/** Bytes in memory, to be read as a file is; counts the reads. */
export function sourceOf(
  bytes: Buffer,
): ByteSource & { reads: number; readSync: (into: Uint8Array, position: number) => number } {
  const source = {
    reads: 0,
    readSync(into: Uint8Array, position: number): number {
      source.reads++
      const piece = bytes.subarray(position, position + into.length)
      into.set(piece)
      return piece.length
    },
    read: async (into: Uint8Array, position: number): Promise<number> => source.readSync(into, position),
  }
  return source
}
