import {
  BATCH_HEADER_BYTES,
  baseOffsetAt,
  batchSizeAt,
  checkBatch,
  describeLegacy,
  lastOffsetAt,
  legacyMessageAt,
  magicAt,
} from '../record/index.ts'
import { offsetProblem, type Segment } from '../segment/index.ts'
import type { ChunkReader } from './chunk-reader.ts'

/** Where a batch is due, and what is believed there. */
export interface BatchDue {
  readonly segment: Segment
  readonly position: number
  /** What it must start with; in a log with holes, at least that. */
  readonly expectedOffset: number
  /** It must end below. */
  readonly offsetEnd: number
  readonly dense: boolean
  readonly batchBytesMax: number
}

/** What is wrong with the bytes where a batch was due. */
export interface BatchFault {
  readonly message: string
  /** The version of the format, if that is what is wrong. */
  readonly magic?: number
}

/** The whole, checked batch that is due; or what is wrong with it. Errors: IO_FAILED, LOG_CLOSED. */
export async function fetchBatch(chunks: ChunkReader, due: BatchDue): Promise<Buffer | BatchFault> {
  const found = await tryFetch(chunks, due)
  if (Buffer.isBuffer(found) && lastOffsetAt(found, 0) < chunks.endOffset) return found
  // Read ahead of the readable end, or ahead of a cut, it may be something else by now: only the file can say.
  chunks.drop()
  return tryFetch(chunks, due)
}

async function tryFetch(chunks: ChunkReader, due: BatchDue): Promise<Buffer | BatchFault> {
  const { segment, position, batchBytesMax } = due
  let bytes = await chunks.at(segment, position, BATCH_HEADER_BYTES)
  const older = due.dense ? undefined : legacyMessageAt(bytes, 0)
  if (older !== undefined) return { message: describeLegacy(older.magic), magic: older.magic }
  if (bytes.length < BATCH_HEADER_BYTES)
    return { message: `${bytes.length} bytes left, a batch header has ${BATCH_HEADER_BYTES}` }
  const size = batchSizeAt(bytes, 0)
  const left = segment.sizeBytes - position
  if (size > left) return { message: `batch of ${size} bytes, ${left} are left` }
  if (size > batchBytesMax)
    return { message: `batch of ${size} bytes, at most ${batchBytesMax} are believed` }
  if (size > bytes.length) bytes = await chunks.at(segment, position, size)
  const batch = bytes.subarray(0, Math.max(size, BATCH_HEADER_BYTES))
  return findFault(batch, due) ?? batch
}

function findFault(batch: Buffer, due: BatchDue): BatchFault | undefined {
  const { batchBytesMax, expectedOffset, offsetEnd, dense } = due
  const problem = checkBatch(batch, 0, { batchBytesMax })
  if (problem !== undefined)
    return problem.reason === 'magic'
      ? { message: problem.message, magic: magicAt(batch, 0) }
      : { message: problem.message }
  const order = offsetProblem(baseOffsetAt(batch, 0), expectedOffset, dense)
  if (order !== undefined) return order
  const lastOffset = lastOffsetAt(batch, 0)
  return lastOffset < offsetEnd
    ? undefined
    : { message: `batch reaches to offset ${lastOffset}, the segment ends before ${offsetEnd}` }
}
