/*
 * The `.snapshot` in which Kafka keeps what it knows of idempotent producers; big-endian.
 *
 *   version int16 (1) | CRC-32C of all that follows | count int32 | entries of 46 bytes:
 *     producer id int64 | epoch int16 | last sequence int32 | last offset int64 | offset delta int32 |
 *     timestamp int64 | coordinator epoch int32 | first offset of the open transaction int64, -1 for none
 */
import { type FileSystem, readSmallFile } from '../fs/index.ts'

const VERSION = 1
const HEADER = { version: 0, crc: 2, count: 6, entries: 10 } as const
const ENTRY = {
  producerId: 0,
  producerEpoch: 8,
  lastSequence: 10,
  lastOffset: 14,
  offsetDelta: 22,
  timestamp: 26,
  coordinatorEpoch: 34,
  transactionFirstOffset: 38,
} as const
const ENTRY_BYTES = 46
const FILE_BYTES_MAX = 64 * 1024 * 1024

/** What Kafka knows of one producer. */
export interface ProducerState {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  /** First offset of the transaction under way; undefined when there is none. */
  readonly transactionFirstOffset: bigint | undefined
  readonly timestamp: bigint
  /** The last batch it wrote; undefined when nothing but a transaction's end is known. */
  readonly lastBatch:
    | { readonly lastSequence: number; readonly lastOffset: bigint; readonly offsetDelta: number }
    | undefined
}

/** The producers, or why the file can't be believed. */
export type ProducerSnapshot =
  | { readonly producers: readonly ProducerState[]; readonly problem: undefined }
  | { readonly producers: undefined; readonly problem: string }

/** Reads the `.snapshot` file at `path`. Errors: the system's; LOG_CORRUPT over 64 MiB or when it is no regular file. */
export function readProducerSnapshot(
  fileSystem: FileSystem,
  path: string,
  crc32c: (bytes: Uint8Array) => number,
): ProducerSnapshot {
  const bytes = readSmallFile(fileSystem, path, FILE_BYTES_MAX) ?? Buffer.alloc(0)
  const problem = snapshotProblem(bytes, crc32c)
  if (problem !== undefined) return { producers: undefined, problem }
  const producers = Array.from({ length: bytes.readInt32BE(HEADER.count) }, (_, slot) =>
    readProducer(bytes.subarray(HEADER.entries + slot * ENTRY_BYTES)),
  )
  return { producers, problem: undefined }
}

function snapshotProblem(bytes: Buffer, crc32c: (bytes: Uint8Array) => number): string | undefined {
  if (bytes.length < HEADER.entries) return `${bytes.length} bytes are too few for a snapshot`
  const version = bytes.readInt16BE(HEADER.version)
  if (version !== VERSION) return `snapshot of version ${version}, only version ${VERSION} is read`
  const stored = bytes.readUInt32BE(HEADER.crc)
  const actual = crc32c(bytes.subarray(HEADER.count))
  if (stored !== actual) return `a checksum that does not match (${actual} found, ${stored} expected)`
  const count = bytes.readInt32BE(HEADER.count)
  const sizeBytes = HEADER.entries + count * ENTRY_BYTES
  if (count >= 0 && sizeBytes <= bytes.length) return undefined
  return `${count} producers do not fit into ${bytes.length} bytes`
}

function readProducer(bytes: Buffer): ProducerState {
  const lastSequence = bytes.readInt32BE(ENTRY.lastSequence)
  const lastOffset = bytes.readBigInt64BE(ENTRY.lastOffset)
  const transactionFirstOffset = bytes.readBigInt64BE(ENTRY.transactionFirstOffset)
  return {
    producerId: bytes.readBigInt64BE(ENTRY.producerId),
    producerEpoch: bytes.readInt16BE(ENTRY.producerEpoch),
    coordinatorEpoch: bytes.readInt32BE(ENTRY.coordinatorEpoch),
    transactionFirstOffset: transactionFirstOffset < 0n ? undefined : transactionFirstOffset,
    timestamp: bytes.readBigInt64BE(ENTRY.timestamp),
    lastBatch:
      lastOffset < 0n
        ? undefined
        : { lastSequence, lastOffset, offsetDelta: bytes.readInt32BE(ENTRY.offsetDelta) },
  }
}
