/*
 * The index files that Kafka keeps beside a segment, and whether they say the truth about it.
 *
 *   .index       8 bytes an entry    offset - base int32 | position int32          the last offset of the batch that
 *                                                                                  starts at that position
 *   .timeindex  12 bytes an entry    timestamp int64 | offset - base int32         the largest timestamp up to the batch
 *                                                                                  that ends with that offset
 *
 * Kafka makes them at full size and trims them when the segment is closed, so what follows the last entry may be zeros.
 */
import type { FileHandle, FileSystem } from '../fs/index.ts'
import { FileWindow } from '../segment/index.ts'
import { HeaderWalk } from './header-walk.ts'

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12
const CHUNK_BYTES = 64 * 1024

/** Where an index file lies, and the segment it is about. */
export interface IndexFile {
  readonly path: string
  /** The segment's path; entries are not checked when it is not there. */
  readonly segmentPath: string
  readonly baseOffset: number
}

/** An entry of an `.index` file, and what the segment has in that place. */
export interface InspectedOffsetEntry {
  readonly offset: number
  readonly position: number
  /** Last offset of the batch that starts there; undefined when none does. */
  readonly foundOffset: number | undefined
  /** Of the entry before it; Kafka's rise from entry to entry. */
  readonly previousOffset: number | undefined
}

/** An entry of a `.timeindex` file, and what the segment has for it. */
export interface InspectedTimeEntry {
  /** Exact, whatever the bytes. */
  readonly timestamp: bigint
  readonly offset: number
  /** The first batch that reaches the offset; undefined when none does. */
  readonly found:
    | { readonly baseOffset: number; readonly lastOffset: number; readonly maxTimestamp: bigint }
    | undefined
  /** Of the entry before it; Kafka's rise from entry to entry. */
  readonly previousTimestamp: bigint | undefined
}

/** How far Kafka would trust an index file when it starts. */
export interface IndexSanity {
  readonly entryCount: number
  /** Bytes behind the last whole entry, which there never are. */
  readonly remainderBytes: number
  /** Why Kafka would build it anew; undefined when it would not. */
  readonly problem: string | undefined
}

/**
 * Gives the entries of the `.index` file, each with what the segment has there, up to zeros that were never written.
 *
 * Cost:   one small read of the segment an entry. Errors: the system's.
 */
export async function* inspectOffsetIndex(
  fileSystem: FileSystem,
  file: IndexFile,
): AsyncGenerator<InspectedOffsetEntry, void> {
  yield* withFiles(fileSystem, file, async function* (index, segment) {
    const walk = segment === undefined ? undefined : new HeaderWalk(segment)
    let previousOffset: number | undefined
    for await (const { bytes, slot } of entries(index, OFFSET_ENTRY_BYTES)) {
      const offset = file.baseOffset + bytes.readInt32BE(0)
      if (slot > 0 && offset === file.baseOffset) return
      const position = bytes.readInt32BE(4)
      yield { offset, position, foundOffset: (await walk?.at(position))?.lastOffset, previousOffset }
      previousOffset = offset
    }
  })
}

/**
 * Gives the entries of the `.timeindex` file, each with the batch it speaks of, up to zeros that were never written.
 *
 * Cost:   one pass over the segment's headers for all of them. Errors: the system's.
 */
export async function* inspectTimeIndex(
  fileSystem: FileSystem,
  file: IndexFile,
): AsyncGenerator<InspectedTimeEntry, void> {
  yield* withFiles(fileSystem, file, async function* (index, segment) {
    const walk = segment === undefined ? undefined : new HeaderWalk(segment)
    let previousTimestamp: bigint | undefined
    for await (const { bytes, slot } of entries(index, TIME_ENTRY_BYTES)) {
      const timestamp = bytes.readBigInt64BE(0)
      const offset = file.baseOffset + bytes.readInt32BE(8)
      if (slot > 0 && offset === file.baseOffset) return
      const found = await walk?.reaching(offset)
      yield { timestamp, offset, found, previousTimestamp }
      previousTimestamp = timestamp
    }
  })
}

/** Makes the checks by which Kafka decides at its start whether an index file can stay. Errors: the system's. */
export function checkIndexSanity(
  fileSystem: FileSystem,
  file: IndexFile & { kind: 'index' | 'timeindex' },
): IndexSanity {
  const entryBytes = file.kind === 'index' ? OFFSET_ENTRY_BYTES : TIME_ENTRY_BYTES
  const index = fileSystem.openSync(file.path, 'read')
  try {
    const sizeBytes = index.sizeSync()
    const entryCount = Math.floor(sizeBytes / entryBytes)
    const read = (slot: number): Buffer => {
      const bytes = Buffer.alloc(entryBytes)
      index.readSync(bytes, slot * entryBytes)
      return bytes
    }
    const problem =
      entryCount === 0 ? undefined : orderProblem(file, { first: read(0), last: read(entryCount - 1) })
    const remainder = sizeBytes % entryBytes
    const sizeProblem = remainder === 0 ? undefined : `${sizeBytes} bytes, no multiple of ${entryBytes}`
    return { entryCount, remainderBytes: remainder, problem: problem ?? sizeProblem }
  } finally {
    index.close()
  }
}

function orderProblem(
  { kind, baseOffset }: IndexFile & { kind: 'index' | 'timeindex' },
  { first, last }: { first: Buffer; last: Buffer },
): string | undefined {
  const lastOffset = baseOffset + last.readInt32BE(kind === 'index' ? 0 : 8)
  if (kind === 'timeindex') {
    const [firstTime, lastTime] = [first.readBigInt64BE(), last.readBigInt64BE()]
    if (lastTime < firstTime) return `last timestamp ${lastTime} is below the first, ${firstTime}`
  }
  return lastOffset < baseOffset
    ? `last offset ${lastOffset} is below the base offset ${baseOffset}`
    : undefined
}

/** Whole entries, one after another; the bytes are good until the next one is asked for. */
async function* entries(
  handle: FileHandle,
  entryBytes: number,
): AsyncGenerator<{ bytes: Buffer; slot: number }, void> {
  const end = handle.sizeSync()
  const window = new FileWindow(handle, { end, chunkBytes: CHUNK_BYTES })
  for (let slot = 0; (slot + 1) * entryBytes <= end; slot++) {
    const { bytes, at, length } = await window.at(slot * entryBytes, entryBytes)
    if (length < entryBytes) return
    yield { bytes: bytes.subarray(at, at + entryBytes), slot }
  }
}

async function* withFiles<T>(
  fileSystem: FileSystem,
  { path, segmentPath }: IndexFile,
  use: (index: FileHandle, segment: FileHandle | undefined) => AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  const index = fileSystem.openSync(path, 'read')
  let segment: FileHandle | undefined
  try {
    if (fileSystem.statSync(segmentPath)?.kind === 'file') segment = fileSystem.openSync(segmentPath, 'read')
    yield* use(index, segment)
  } finally {
    segment?.close()
    index.close()
  }
}
