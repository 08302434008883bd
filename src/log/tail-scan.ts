/*
 * Finding the end of a log that was not closed in order, and cutting what was never written whole.
 *
 * Only the last segment that has bytes can be torn, and only at or past the recovery point: everything below was
 * synced. Steps, and what a crash after each leaves:
 *   1. scan from the recovery point, checking every CRC        nothing
 *   2. copy what will be cut to quarantine/, synced            the copy; it is made again under the same name
 *      without pieces of 64 KiB of zeros at its end, which were never written
 *      no room for it, nor with the ballast spent              cut without a copy, unless sound batches follow the tear
 *   3. cut the segment                                         the cut may be undone by a power loss; again from 1
 *   4. fdatasync the segment                                   the commit point; from now on it may be served
 * After a failed fsync (`FAILED` is there) the kernel may hold pages that it calls clean and that never reached the
 * disk, and neither another fsync nor rewriting them in place saves them. Then, instead of 3 and 4:
 *   3. copy the sound part to <segment>.tmp, synced            a .tmp, removed at the next opening
 *   4. rename it over the segment, directory synced            the commit point
 *   5. remove FAILED durably
 */
import { SeglogError } from '../core/index.ts'
import { type FileHandle, type FileSystem, syncBytes, syncNames } from '../fs/index.ts'
import type { LogPaths } from '../layout/index.ts'
import type { LogIndex } from '../offset-index/index.ts'
import { baseOffsetAt, checkBatch, maxTimestampAt, BATCH_HEADER_BYTES, batchSizeAt } from '../record/index.ts'
import {
  type ByteSource,
  type FoundBatch,
  findNextBatch,
  IndexFeed,
  isZero,
  type Quarantined,
  quarantineBytes,
  type ScanProblem,
  scanBatches,
  type Segment,
} from '../segment/index.ts'
import { isWantOfRoom } from './failures.ts'
import type { OpenDamage, TailCut } from './recovery-report.ts'

/** The segment whose tail is scanned, and what is known of it. */
export interface TailOptions {
  readonly segment: Segment
  readonly fileBytes: number
  /** Below it everything is known to be on disk. */
  readonly recoveryPoint: number
  /** Offsets below it may be missing behind the last batch: the segment ends, and compaction took them. */
  readonly emptyUpTo: number
  readonly index: LogIndex
  readonly dense: boolean
  readonly batchBytesMax: number
  readonly indexIntervalBytes: number
}

/** What the scan of the tail found; nothing has been changed on disk. */
export interface TailFinding {
  readonly scannedBytes: number
  readonly scannedBatches: number
  /** Undefined when the file ends with a whole batch. */
  readonly tear:
    | { readonly problem: ScanProblem; readonly kind: TailCut['kind']; readonly suspect: boolean }
    | undefined
  /** Damage below the recovery point, which must not be cut. */
  readonly damage: OpenDamage | undefined
}

/** Scans from the recovery point on; `segment` then describes everything up to the last whole batch. */
export async function inspectTail(handle: FileHandle, options: TailOptions): Promise<TailFinding> {
  const { segment, fileBytes, index, dense, batchBytesMax } = options
  const start = await scanStart(handle, options)
  segment.sizeBytes = start.position
  segment.nextOffset = start.offset
  segment.maxTimestamp = start.timestamp
  segment.batchCount = 0
  segment.recordCount = 0
  index.truncate(segment.baseOffset, start.position === 0 ? 0 : start.position + 1)
  const feed = new IndexFeed(segment, index, options.indexIntervalBytes)
  let scannedBatches = 0
  const range = { from: start.position, end: fileBytes, expectedOffset: start.offset, dense, batchBytesMax }
  const result = await scanBatches(handle, { ...range, depth: 'checksums' }, (batch) => {
    scannedBatches++
    feed.observe(batch)
  })
  segment.facts = start.position === 0 ? 'fresh' : 'stored'
  const counts = { scannedBytes: result.end - start.position, scannedBatches }
  const { problem } = result
  const reached = problem === undefined ? Math.max(result.nextOffset, options.emptyUpTo) : result.nextOffset
  if (problem === undefined && reached >= options.recoveryPoint)
    return { ...counts, tear: undefined, damage: undefined }
  const isUnused = await isZeroToEnd(handle, result.end, fileBytes)
  const rest = { from: result.end, end: fileBytes, offsetMin: result.nextOffset, dense, batchBytesMax }
  const next = isUnused ? undefined : await findBatchBehind(handle, rest)
  if (problem === undefined || reached < options.recoveryPoint || isUnreadable(problem, dense)) {
    const damage: OpenDamage = {
      kind: next === undefined ? 'missing-tail' : 'damaged',
      path: segment.path,
      position: result.end,
      firstLostOffset: reached,
      nextGoodOffset: next?.baseOffset,
      message: describeDamage(problem, { dense, reached, recoveryPoint: options.recoveryPoint }),
      isUnsupported: isLegacy(problem, dense),
    }
    return { ...counts, tear: undefined, damage }
  }
  const kind = isUnused ? 'zeros' : 'TAIL_TORN'
  return { ...counts, tear: { problem, kind, suspect: next !== undefined }, damage: undefined }
}

/**
 * The next batch behind damage at `from`, where nobody knows at which offset the log ends.
 *
 * In a dense log a sound batch right at the damage has nothing wrong with it but its offset, which the CRC does not
 * cover. If bytes were taken out before it, the batches behind it vouch for that offset; the last one has nobody to.
 */
export async function findBatchBehind(
  handle: ByteSource,
  range: { from: number; end: number; offsetMin: number; dense: boolean; batchBytesMax: number },
): Promise<FoundBatch | undefined> {
  const offsetEnd = Number.MAX_SAFE_INTEGER
  const found = await findNextBatch(handle, { ...range, offsetEnd, dense: false })
  if (found === undefined || !range.dense || found.position > range.from) return found
  const header = Buffer.allocUnsafe(BATCH_HEADER_BYTES)
  await handle.read(header, found.position)
  return found.position + batchSizeAt(header, 0) < range.end ? found : undefined
}

/** What may be whole and merely not ours to read: a batch over the limit, or in a format older than Kafka 0.11. */
function isUnreadable(problem: ScanProblem, dense: boolean): boolean {
  return problem.reason === 'length-over-limit' || isLegacy(problem, dense)
}

/** In a log of ours there are no messages of the formats before this one: there it is damage that looks like one. */
export function isLegacy(problem: ScanProblem | undefined, dense: boolean): boolean {
  return !dense && problem?.reason === 'magic' && (problem.found === 0 || problem.found === 1)
}

function describeDamage(
  problem: ScanProblem | undefined,
  { dense, reached, recoveryPoint }: { dense: boolean; reached: number; recoveryPoint: number },
): string {
  const what = problem?.message ?? 'the file ends'
  if (isLegacy(problem, dense)) return what
  if (problem === undefined || !isUnreadable(problem, dense) || reached < recoveryPoint)
    return `${what}, but everything below offset ${recoveryPoint} was on disk`
  return `${what}: raise max.message.bytes if such batches were written`
}

/** A tail that is to be cut, as `inspectTail` found it. */
export interface TornTail {
  /** It ends where the tear begins. */
  readonly segment: Segment
  readonly fileBytes: number
  readonly tear: NonNullable<TailFinding['tear']>
}

/**
 * Step 2: keeps what will be cut; undefined where nothing has to be kept, or nothing could be.
 * Errors: DISK_FULL when there is no room to keep what may be good data; nothing has changed then. The system's.
 */
export async function keepTail(
  fileSystem: FileSystem,
  paths: LogPaths,
  handle: FileHandle,
  { segment, fileBytes, tear }: TornTail,
): Promise<Quarantined | undefined> {
  if (tear.kind === 'zeros') return undefined
  const range = {
    from: segment.sizeBytes,
    end: await endOfBytes(handle, { from: segment.sizeBytes, end: fileBytes }),
  }
  try {
    const kept = await quarantineBytes(fileSystem, paths.quarantine, { handle, ...range })
    await syncNames(fileSystem, paths.directory)
    return kept
  } catch (cause) {
    if (!isWantOfRoom(cause)) throw cause
    if (!tear.suspect) return undefined
    const { path } = segment
    const message =
      `${path} is torn at position ${range.from}, there are sound batches behind the tear, and no room to copy the ` +
      `${range.end - range.from} bytes to ${paths.quarantine} before they are cut: make room and open again. Nothing was changed`
    throw new SeglogError('DISK_FULL', message, { path, position: range.from, cause })
  }
}

/** Steps 3 and 4: cuts a tail durably, unless that is done by a copy. `kept` is what `keepTail` gave. */
export async function cutTail(
  handle: FileHandle,
  { segment, fileBytes, tear }: TornTail,
  { kept, inPlace }: { kept: Quarantined | undefined; inPlace: boolean },
): Promise<{ cut: TailCut; droppedFiles: readonly string[] }> {
  const position = segment.sizeBytes
  if (inPlace) {
    handle.truncateSync(position)
    await syncBytes(handle)
  }
  const { kind, suspect, problem } = tear
  const cut: TailCut = {
    path: segment.path,
    position,
    sizeBytes: fileBytes - position,
    kind,
    reason: problem.message,
    suspect,
    quarantinedTo: kept?.path,
  }
  return { cut, droppedFiles: kept?.droppedFiles ?? [] }
}

const COPY_BYTES = 1024 * 1024
const ZEROS_KEPT_MAX = 64 * 1024
const HEAD: ScanStart = { position: 0, offset: 0, timestamp: -1 }

interface ScanStart {
  readonly position: number
  readonly offset: number
  /** Largest timestamp before it. */
  readonly timestamp: number
}

/** Where to start: the index's place for the recovery point if a sound batch really starts there, else the head. */
async function scanStart(handle: FileHandle, options: TailOptions): Promise<ScanStart> {
  const { segment, fileBytes, batchBytesMax } = options
  const head = { ...HEAD, offset: segment.baseOffset }
  if (options.recoveryPoint <= segment.baseOffset) return head
  const entry = options.index.floorByOffset(segment.baseOffset, options.recoveryPoint)
  if (entry === undefined || entry.position + BATCH_HEADER_BYTES > fileBytes) return head
  const header = Buffer.allocUnsafe(BATCH_HEADER_BYTES)
  await handle.read(header, entry.position)
  const size = batchSizeAt(header, 0)
  if (baseOffsetAt(header, 0) !== entry.offset || size > batchBytesMax || entry.position + size > fileBytes)
    return head
  const batch = Buffer.allocUnsafe(Math.max(BATCH_HEADER_BYTES, size))
  await handle.read(batch, entry.position)
  return checkBatch(batch, 0, { batchBytesMax }) === undefined ? entry : head
}

async function isZeroToEnd(handle: FileHandle, from: number, end: number): Promise<boolean> {
  for (let position = from; position < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(COPY_BYTES, end - position))
    const count = await handle.read(chunk, position)
    if (count === 0 || !isZero(chunk.subarray(0, count))) return false
    position += count
  }
  return true
}

/** Where what is kept of a tail ends: behind a tear there may be zeros that were never written, up to a whole segment of them. */
async function endOfBytes(handle: FileHandle, { from, end }: { from: number; end: number }): Promise<number> {
  for (let last = end; last > from; ) {
    const first = Math.max(from, last - ZEROS_KEPT_MAX)
    const chunk = Buffer.allocUnsafe(last - first)
    const count = await handle.read(chunk, first)
    if (!isZero(chunk.subarray(0, count))) return last
    last = first
  }
  return end
}

/** The largest timestamp of the first batch of a segment; undefined when it has no readable one. */
export function readFirstTimestamp(handle: FileHandle): number | undefined {
  const header = Buffer.allocUnsafe(BATCH_HEADER_BYTES)
  return handle.readSync(header, 0) === BATCH_HEADER_BYTES ? maxTimestampAt(header, 0) : undefined
}
