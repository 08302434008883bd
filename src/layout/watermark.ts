/*
 * `watermark`: how far followers in other processes may read. Overwritten in place, many times a second, never synced:
 * after a crash it means nothing, since nobody holds the lock then. Big-endian.
 *
 *    0         4    6    8                  16                  24
 *   ┌─────────┬────┬────┬──────────────────┬───────────────────┬─────────────────────┐
 *   │ "SLWM"  │ver.│ 0  │ generation  u64  │ readable end  u64 │ start offset   u64  │
 *   └─────────┴────┴────┴──────────────────┴───────────────────┴─────────────────────┘
 *    32                  40                 48                  56        60
 *   ┌───────────────────┬──────────────────┬───────────────────┬─────────┬──────────┐
 *   │ session  8 bytes  │ sequence    u64  │ truncated to u64  │    0    │ checksum │  64
 *   └───────────────────┴──────────────────┴───────────────────┴─────────┴──────────┘
 *
 * The generation rises before anything is cut, so that a follower drops what it has read ahead, and once more after it:
 * it is odd while a truncation is under way, and the readable end is where that cuts, since nothing is appended
 * meanwhile. The session is new at every opening by a writer; the sequence rises with every write of a session. The
 * checksum (FNV-1a over the first 60 bytes) tells a reader that it met a write half way.
 */
import { assert, isOffset, toSafeInteger } from '../core/index.ts'
import { smallFileChecksum } from './checksum.ts'

/** The size of the file, which is also what is written and read at once. */
export const WATERMARK_BYTES = 64

/** Bytes of randomness that tell one opening by a writer from the next. */
export const WATERMARK_SESSION_BYTES = 8

const WATERMARK = {
  magic: 0,
  version: 4,
  zero: 6,
  generation: 8,
  readableEndOffset: 16,
  startOffset: 24,
  session: 32,
  sequence: 40,
  truncatedTo: 48,
  reserved: 56,
  checksum: 60,
} as const
const MAGIC = 0x534c_574d
const VERSION = 1

/** What the writer of a log tells its followers. */
export interface Watermark {
  readonly generation: number
  readonly readableEndOffset: number
  readonly startOffset: number
  /** 8 bytes. */
  readonly session: Uint8Array
  readonly sequence: number
  /** The lowest offset a truncation of this session went down to; the largest safe integer when there was none. */
  readonly truncatedTo: number
}

/** Writes `watermark` into the first 64 bytes of `into`; allocates nothing. */
export function encodeWatermark(into: Buffer, watermark: Watermark): void {
  assert(into.length >= WATERMARK_BYTES, 'watermark buffer too small')
  assert(watermark.session.length === WATERMARK_SESSION_BYTES, 'watermark session')
  assert(watermark.startOffset <= watermark.readableEndOffset, 'watermark start above its end')
  into.writeUInt32BE(MAGIC, WATERMARK.magic)
  into.writeUInt16BE(VERSION, WATERMARK.version)
  into.writeUInt16BE(0, WATERMARK.zero)
  writeOffset(into, watermark.generation, WATERMARK.generation)
  writeOffset(into, watermark.readableEndOffset, WATERMARK.readableEndOffset)
  writeOffset(into, watermark.startOffset, WATERMARK.startOffset)
  into.set(watermark.session, WATERMARK.session)
  writeOffset(into, watermark.sequence, WATERMARK.sequence)
  writeOffset(into, watermark.truncatedTo, WATERMARK.truncatedTo)
  into.fill(0, WATERMARK.reserved, WATERMARK.checksum)
  into.writeUInt32BE(checksum(into), WATERMARK.checksum)
}

/** Reads a watermark; undefined when `bytes` is of another size, torn, of another version, or no watermark at all. */
export function decodeWatermark(bytes: Buffer): Watermark | undefined {
  if (bytes.length !== WATERMARK_BYTES) return undefined
  if (bytes.readUInt32BE(WATERMARK.checksum) !== checksum(bytes)) return undefined
  if (bytes.readUInt32BE(WATERMARK.magic) !== MAGIC) return undefined
  if (bytes.readUInt16BE(WATERMARK.version) !== VERSION) return undefined
  const generation = readOffset(bytes, WATERMARK.generation)
  const readableEndOffset = readOffset(bytes, WATERMARK.readableEndOffset)
  const startOffset = readOffset(bytes, WATERMARK.startOffset)
  const truncatedTo = readOffset(bytes, WATERMARK.truncatedTo)
  const sequence = readOffset(bytes, WATERMARK.sequence)
  if (generation === undefined || readableEndOffset === undefined || startOffset === undefined)
    return undefined
  if (sequence === undefined || truncatedTo === undefined || startOffset > readableEndOffset) return undefined
  const session = Buffer.from(bytes.subarray(WATERMARK.session, WATERMARK.session + WATERMARK_SESSION_BYTES))
  return { generation, readableEndOffset, startOffset, session, sequence, truncatedTo }
}

function writeOffset(into: Buffer, value: number, position: number): void {
  if (!isOffset(value)) assert(false, `watermark field ${value}`) // no words are put together for each that is right
  into.writeUInt32BE(Math.floor(value / 0x1_0000_0000), position)
  into.writeUInt32BE(value >>> 0, position + 4)
}

function readOffset(bytes: Buffer, position: number): number | undefined {
  const { value, exact } = toSafeInteger(bytes.readUInt32BE(position), bytes.readUInt32BE(position + 4))
  return exact ? value : undefined
}

function checksum(bytes: Buffer): number {
  return smallFileChecksum(bytes.subarray(0, WATERMARK.checksum))
}
