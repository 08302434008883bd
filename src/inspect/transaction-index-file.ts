/*
 * The `.txnindex` that Kafka keeps beside a segment in which a transaction was aborted; 34 bytes an entry, big-endian.
 *
 *   version int16 | producer id int64 | first offset int64 | last offset int64 | last stable offset int64
 */
import type { FileSystem } from '../fs/index.ts'
import { FileWindow } from '../segment/index.ts'

const ENTRY = { version: 0, producerId: 2, firstOffset: 10, lastOffset: 18, lastStableOffset: 26 } as const
const ENTRY_BYTES = 34
const CHUNK_BYTES = 64 * 1024

/** A transaction that was aborted; every number is exact. */
export interface AbortedTransaction {
  readonly version: number
  readonly producerId: bigint
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly lastStableOffset: bigint
}

/** The only version of an entry that there is. */
export const TRANSACTION_INDEX_VERSION = 0

/** How many bytes lie behind the last whole entry of a `.txnindex` file of that size; there never are any. */
export function transactionIndexRemainder(sizeBytes: number): number {
  return sizeBytes % ENTRY_BYTES
}

/** Gives the entries of the `.txnindex` file at `path`; a piece of one at the end is left out. Errors: the system's. */
export async function* inspectTransactionIndex(
  fileSystem: FileSystem,
  path: string,
): AsyncGenerator<AbortedTransaction, void> {
  const handle = fileSystem.openSync(path, 'read')
  try {
    const end = handle.sizeSync()
    const window = new FileWindow(handle, { end, chunkBytes: CHUNK_BYTES })
    for (let position = 0; position + ENTRY_BYTES <= end; position += ENTRY_BYTES) {
      const { bytes, at, length } = await window.at(position, ENTRY_BYTES)
      if (length < ENTRY_BYTES) return
      yield {
        version: bytes.readInt16BE(at + ENTRY.version),
        producerId: bytes.readBigInt64BE(at + ENTRY.producerId),
        firstOffset: bytes.readBigInt64BE(at + ENTRY.firstOffset),
        lastOffset: bytes.readBigInt64BE(at + ENTRY.lastOffset),
        lastStableOffset: bytes.readBigInt64BE(at + ENTRY.lastStableOffset),
      }
    }
  } finally {
    handle.close()
  }
}
