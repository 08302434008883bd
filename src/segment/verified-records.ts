/*
 * What is remembered of records whose batch has been verified, so that reading one of them again is one small read.
 *
 * A hot path, and its price is memory that the processor has to fetch: a random read of a million records finds nothing of
 * what it needs in a cache. So all that is needed of a record is in 32 bytes, half a line of the cache, and a row of 256
 * consecutive offsets is found by one look-up:
 *
 *   float64  position in the segment      float64  the batch's base timestamp, or its time of append
 *   uint32   size, 0 for none             uint32   offset delta in its batch
 *   uint32   which segment                uint32   whether the time is that of the append
 *
 * Bounded by bytes. Where there is no room for another row, the first that was not asked for since it was passed over goes.
 */
import type { PlainFrame } from '../record/index.ts'
import type { Segment } from './segment.ts'

/** A batch whose CRC and records were checked, and where each of its records starts. */
export interface VerifiedBatch {
  readonly segment: Segment
  /** Where the batch starts. */
  readonly position: number
  /** First and last offset; all between them have a record. */
  readonly firstOffset: number
  readonly lastOffset: number
  /** Record `firstOffset + i` is at `position + starts[i]`, up to `position + starts[i + 1]`. */
  readonly starts: Uint32Array
  readonly frame: PlainFrame
}

/** A record of a verified batch. */
export interface VerifiedRecord {
  readonly segment: Segment
  readonly position: number
  readonly sizeBytes: number
  readonly offset: number
  readonly frame: PlainFrame
}

const ROW_OFFSETS = 256
const ENTRY_BYTES = 32
const ROW_BYTES = ROW_OFFSETS * ENTRY_BYTES
/** Rows are made so many at a time: a log that is hardly read so has one block of them. */
const BLOCK_ROWS = 16
/** Of a row beside its entries: its place in the map, and its marks. */
const ROW_OVERHEAD_BYTES = 96
/** So many segments have numbers; with more, everything is forgotten and learned again. */
const SEGMENTS_MAX = 4096

// Places in an entry, in the unit of its view.
const FLOATS = ENTRY_BYTES / 8
const WORDS = ENTRY_BYTES / 4
const POSITION = 0
const TIMESTAMP = 1
const SIZE = 4
const DELTA = 5
const SEGMENT = 6
const HAS_APPEND_TIME = 7

/** A block of rows, by two views of the same bytes. */
interface Block {
  readonly floats: Float64Array
  readonly words: Uint32Array
}

/** Remembers where the records of verified batches are; see the head of this file. */
export class VerifiedRecords {
  readonly #rowsMax: number
  #blocks: Block[] = []
  /** Which row has the offsets from 256 × the key on. */
  #rowOf = new Map<number, number>()
  /** Of each row: its key, and whether it was asked for since the hand passed it. */
  #keyOf: number[] = []
  #wasAsked: boolean[] = []
  #hand = 0
  #segments: Segment[] = []
  readonly #frame = { baseOffset: 0, baseTimestamp: 0, appendTimestamp: undefined as number | undefined }
  /** What `find` has given last: no object is made for each. */
  #found: { -readonly [Name in keyof VerifiedRecord]: VerifiedRecord[Name] } | undefined

  constructor(options: { bytesMax: number }) {
    this.#rowsMax = Math.floor(options.bytesMax / (ROW_BYTES + ROW_OVERHEAD_BYTES))
  }

  /** The record at `offset`, in an object that is good until the next call. */
  find(offset: number): VerifiedRecord | undefined {
    const row = this.#rowOf.get(Math.floor(offset / ROW_OFFSETS))
    if (row === undefined) return undefined
    const { floats, words } = this.#blocks[Math.floor(row / BLOCK_ROWS)]!
    const entry = (row % BLOCK_ROWS) * ROW_OFFSETS + (offset % ROW_OFFSETS)
    const sizeBytes = words[entry * WORDS + SIZE]!
    if (sizeBytes === 0) return undefined
    this.#wasAsked[row] = true
    const timestamp = floats[entry * FLOATS + TIMESTAMP]!
    const frame = this.#frame
    frame.baseOffset = offset - words[entry * WORDS + DELTA]!
    frame.baseTimestamp = timestamp
    frame.appendTimestamp = words[entry * WORDS + HAS_APPEND_TIME] === 1 ? timestamp : undefined
    const segment = this.#segments[words[entry * WORDS + SEGMENT]!]!
    return this.#give(segment, floats[entry * FLOATS + POSITION]!, sizeBytes, offset)
  }

  /** Remembers all of `batch`; what was remembered of its offsets goes. */
  add(batch: VerifiedBatch): void {
    const { firstOffset, lastOffset, starts, position } = batch
    const { baseOffset, baseTimestamp, appendTimestamp } = batch.frame
    const timestamp = appendTimestamp ?? baseTimestamp
    const segment = this.#numberOf(batch.segment)
    for (let offset = firstOffset; offset <= lastOffset; offset++) {
      const row = this.#rowFor(Math.floor(offset / ROW_OFFSETS))
      if (row === undefined) return
      const { floats, words } = this.#blocks[Math.floor(row / BLOCK_ROWS)]!
      const entry = (row % BLOCK_ROWS) * ROW_OFFSETS + (offset % ROW_OFFSETS)
      const slot = offset - firstOffset
      floats[entry * FLOATS + POSITION] = position + starts[slot]!
      floats[entry * FLOATS + TIMESTAMP] = timestamp
      words[entry * WORDS + SIZE] = starts[slot + 1]! - starts[slot]!
      words[entry * WORDS + DELTA] = offset - baseOffset
      words[entry * WORDS + SEGMENT] = segment
      words[entry * WORDS + HAS_APPEND_TIME] = appendTimestamp === undefined ? 0 : 1
    }
  }

  clear(): void {
    this.#blocks = []
    this.#rowOf = new Map()
    this.#keyOf = []
    this.#wasAsked = []
    this.#hand = 0
    this.#segments = []
  }

  #give(segment: Segment, position: number, sizeBytes: number, offset: number): VerifiedRecord {
    this.#found ??= { segment, position, sizeBytes, offset, frame: this.#frame }
    const found = this.#found
    found.segment = segment
    found.position = position
    found.sizeBytes = sizeBytes
    found.offset = offset
    return found
  }

  #numberOf(segment: Segment): number {
    const known = this.#segments.lastIndexOf(segment)
    if (known >= 0) return known
    if (this.#segments.length >= SEGMENTS_MAX) this.clear()
    return this.#segments.push(segment) - 1
  }

  #rowFor(key: number): number | undefined {
    const known = this.#rowOf.get(key)
    if (known !== undefined) return known
    const row = this.#keyOf.length < this.#rowsMax ? this.#newRow() : this.#freeRow()
    if (row === undefined) return undefined
    this.#keyOf[row] = key
    this.#wasAsked[row] = false
    this.#rowOf.set(key, row)
    return row
  }

  #newRow(): number {
    const row = this.#keyOf.length
    if (row % BLOCK_ROWS === 0) {
      const bytes = new ArrayBuffer(Math.min(BLOCK_ROWS, this.#rowsMax - row) * ROW_BYTES)
      this.#blocks.push({ floats: new Float64Array(bytes), words: new Uint32Array(bytes) })
    }
    return row
  }

  /** Gives up the first row from the hand on that nobody has asked for since it was there last. */
  #freeRow(): number | undefined {
    if (this.#rowsMax === 0) return undefined
    while (this.#wasAsked[this.#hand] === true) {
      this.#wasAsked[this.#hand] = false
      this.#hand = (this.#hand + 1) % this.#rowsMax
    }
    const row = this.#hand
    this.#hand = (row + 1) % this.#rowsMax
    this.#rowOf.delete(this.#keyOf[row]!)
    const first = (row % BLOCK_ROWS) * ROW_OFFSETS * WORDS
    this.#blocks[Math.floor(row / BLOCK_ROWS)]!.words.fill(0, first, first + ROW_OFFSETS * WORDS)
    return row
  }
}
