/*
 * Batches, segments and logs made byte by byte, for what the public way to write never makes: holes, control batches,
 * transactions, damage.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { crc32c } from '../../src/codec/index.ts'
import { resolveConfig } from '../../src/config/index.ts'
import { silentLogger } from '../../src/core/index.ts'
import { type FileSystem, nodeFileSystem, OpenFileLimit } from '../../src/fs/index.ts'
import { type EncodeBatchOptions, encodeBatch, openLog, type RecordToEncode } from '../../src/index.ts'
import { LogState } from '../../src/log/log-state.ts'
import { SegmentList } from '../../src/log/segment-list.ts'
import { openMemoryIndex } from '../../src/offset-index/index.ts'
import { BATCH, baseOffsetAt, lastOffsetAt } from '../../src/record/index.ts'
import { Segment, SegmentFiles } from '../../src/segment/index.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A batch of `count` records whose values name their offsets. */
export function dataBatch(
  baseOffset: number,
  count: number,
  options: EncodeBatchOptions & { valueBytes?: number; timestamps?: readonly number[] } = {},
): Buffer {
  const { valueBytes = 0, timestamps, ...rest } = options
  const records = Array.from({ length: count }, (_, slot) => ({
    offset: baseOffset + slot,
    timestamp: timestamps?.[slot] ?? 1000 + baseOffset + slot,
    value: valueAt(baseOffset + slot, valueBytes),
  }))
  return encodeBatch(records, { baseOffset, ...rest })
}

/** The value that `dataBatch` gives the record at `offset`. */
export function valueAt(offset: number, valueBytes = 0): string {
  return `r${offset}`.padEnd(valueBytes, '.')
}

/** A batch with records at just these offsets, whatever lies between them. */
export function sparseBatch(offsets: readonly number[], options: EncodeBatchOptions = {}): Buffer {
  const records = offsets.map((offset) => ({ offset, timestamp: 1000 + offset, value: valueAt(offset) }))
  return encodeBatch(records, options)
}

/** What compaction leaves of a batch that it emptied. */
export function emptyBatch(baseOffset: number, lastOffset: number): Buffer {
  return encodeBatch([], { baseOffset, lastOffset, maxTimestamp: 1000 + lastOffset })
}

export function transactionalBatch(baseOffset: number, count: number, producerId: number): Buffer {
  return dataBatch(baseOffset, count, {
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  })
}

/** The marker that ends a transaction. */
export function marker(offset: number, producerId: number, type: 'ABORT' | 'COMMIT'): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'ABORT' ? 0 : 1])
  const value = Buffer.from([0, 0, 0, 0, 0, 7])
  return controlBatch([{ offset, timestamp: 1000 + offset, key, value }], { producerId })
}

export function controlBatch(
  records: readonly RecordToEncode[],
  { producerId }: { producerId: number },
): Buffer {
  return encodeBatch(records, { producerId, producerEpoch: 0, isTransactional: true, isControl: true })
}

/** The batch with its records compressed (gzip 1, zstd 4) or, for other codecs, only said to be. */
export function compressedBatch(batch: Buffer, codecId: number): Buffer {
  const records = batch.subarray(BATCH.records)
  const packed = codecId === 1 ? gzipSync(records) : codecId === 4 ? zstdCompressSync(records) : records
  return resealed(Buffer.concat([batch.subarray(0, BATCH.records), packed]), (copy) => {
    copy.writeUInt16BE(copy.readUInt16BE(BATCH.attributes) | codecId, BATCH.attributes)
  })
}

/** A copy of `batch` after `edit`, with a length and a checksum that are right for it. */
export function resealed(batch: Buffer, edit: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(batch)
  edit(copy)
  copy.writeInt32BE(copy.length - 12, BATCH.batchLength)
  copy.writeUInt32BE(crc32c(copy.subarray(BATCH.attributes)), BATCH.crc)
  return copy
}

/** A copy of `bytes` with one bit turned over. */
export function flipped(bytes: Buffer, position: number, bit = 0): Buffer {
  const copy = Buffer.from(bytes)
  copy[position]! ^= 1 << bit
  return copy
}

/** Changes the bytes of a file in place. */
export function damageFile(path: string, edit: (bytes: Buffer) => Buffer): void {
  writeFileSync(path, edit(readFileSync(path)))
}

/** One file of batches; its name says where it starts, by default with its first batch. */
export type HandMadeSegment = readonly Buffer[] | { baseOffset: number; batches: readonly Buffer[] }

/**
 * Writes a log's files. `dense`: as if the engine had written them, so that a hole is damage; otherwise as if Kafka had,
 * to be opened with `adopt: true`, or for reading only.
 */
export async function handMadeLog(
  segments: readonly HandMadeSegment[],
  options: { dense?: boolean; directory?: string } = {},
): Promise<string> {
  const { dense = false, directory = temporaryDirectory() } = options
  if (dense) {
    const empty = await openLog(directory)
    await empty.close()
    for (const name of [segmentName(0), '.kafka_cleanshutdown', 'index.db', 'index.db-wal', 'index.db-shm'])
      rmSync(join(directory, name), { force: true })
  }
  for (const segment of segments) {
    const { baseOffset, batches } = toParts(segment)
    writeFileSync(join(directory, segmentName(baseOffset)), Buffer.concat(batches))
  }
  return directory
}

export function segmentName(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, '0')}.log`
}

/** What readers see of a log of these segments; nothing is open but files, which close when the test ends. */
export function viewOf(
  segments: readonly HandMadeSegment[],
  options: {
    dense?: boolean
    fileSystem?: FileSystem
    openMax?: number
    startOffset?: number
    readableEndOffset?: number
    config?: Record<string, unknown>
  } = {},
): LogState {
  const { dense = true, fileSystem = nodeFileSystem, openMax } = options
  const directory = temporaryDirectory()
  const all = segments.map((segment) => {
    const { baseOffset, batches } = toParts(segment)
    const path = join(directory, segmentName(baseOffset))
    const bytes = Buffer.concat(batches)
    writeFileSync(path, bytes)
    const last = batches.at(-1)
    const nextOffset = last === undefined ? baseOffset : lastOffsetAt(last, 0) + 1
    return new Segment({ baseOffset, path, sizeBytes: bytes.length, nextOffset, appendedAtMs: 0 })
  })
  for (const [slot, segment] of all.entries())
    segment.nextOffset = all[slot + 1]?.baseOffset ?? segment.nextOffset
  for (const batch of toParts(segments.at(-1)!).batches.filter(({ length }) => length >= BATCH.records))
    all.at(-1)!.maxTimestamp = Math.max(
      all.at(-1)!.maxTimestamp,
      Number(batch.readBigInt64BE(BATCH.maxTimestamp)),
    )
  all.at(-1)!.facts = 'fresh'
  const files = new SegmentFiles(fileSystem, openMax === undefined ? undefined : new OpenFileLimit(openMax))
  onTestFinished(() => files.closeAll())
  return new LogState({
    directory,
    segments: new SegmentList(all),
    files,
    index: openMemoryIndex().log('hand-made', 'log'),
    dense,
    config: resolveConfig([(options.config ?? {}) as never]).config,
    logger: silentLogger,
    startOffset: options.startOffset ?? all[0]!.baseOffset,
    readableEndOffset: options.readableEndOffset ?? all.at(-1)!.nextOffset,
  })
}

/** How often the segments of a log are held by readers, all together. */
export function referencesOf({ segments }: Pick<LogState, 'segments'>): number {
  return segments.all.reduce((sum, { references }) => sum + references, 0)
}

function toParts(segment: HandMadeSegment): { baseOffset: number; batches: readonly Buffer[] } {
  if ('batches' in segment) return segment
  return { baseOffset: baseOffsetAt(segment[0]!, 0), batches: segment }
}
