import { isOffset } from '../core/index.ts'
import type { IndexEntry } from './types.ts'

const CAPACITY_MIN = 16
const EMPTY = new Float64Array(0)

/** True for numbers that an entry can have. */
export function isEntry(entry: IndexEntry): boolean {
  return isOffset(entry.offset) && isOffset(entry.position) && isTimestamp(entry.timestamp)
}

/** True for a timestamp of Kafka's that a number holds exactly, -1 (none) included. */
export function isTimestamp(value: unknown): value is number {
  return value === -1 || isOffset(value)
}

/**
 * Consecutive entries of one segment, in order, a typed array a column.
 *
 * Shape: offsets and positions rise, timestamps never fall; 24 bytes an entry; `slot` is a place in the columns.
 * Cost:  a push is three stores; a look-up is a binary search, about 0.1 µs among 10,000.
 */
export class EntryColumns {
  #offsets = EMPTY
  #positions = EMPTY
  #timestamps = EMPTY
  #length = 0
  /** Of the entries that come, one in so many is kept. */
  #stride = 1
  #skippedCount = 0

  get length(): number {
    return this.#length
  }

  offsetAt(slot: number): number {
    return this.#offsets[slot]!
  }

  positionAt(slot: number): number {
    return this.#positions[slot]!
  }

  timestampAt(slot: number): number {
    return this.#timestamps[slot]!
  }

  entryAt(slot: number): IndexEntry {
    return {
      offset: this.#offsets[slot]!,
      position: this.#positions[slot]!,
      timestamp: this.#timestamps[slot]!,
    }
  }

  /** Adds an entry at the end; false when it does not come after the last one, or is one of those to leave out. */
  push(entry: IndexEntry): boolean {
    const slot = this.#length
    if (!isEntry(entry)) return false
    if (
      slot > 0 &&
      (entry.offset <= this.#offsets[slot - 1]! ||
        entry.position <= this.#positions[slot - 1]! ||
        entry.timestamp < this.#timestamps[slot - 1]!)
    ) {
      return false
    }
    if (++this.#skippedCount < this.#stride) return false
    this.#skippedCount = 0
    if (slot === this.#offsets.length) this.#resize(Math.max(CAPACITY_MIN, slot * 2))
    this.#offsets[slot] = entry.offset
    this.#positions[slot] = entry.position
    this.#timestamps[slot] = entry.timestamp
    this.#length = slot + 1
    return true
  }

  /** The last slot with an offset at or under `offset`; -1 when there is none. */
  floorSlot(offset: number): number {
    const end = this.#length
    // Most look-ups of a log that is written to are at its end.
    if (end > 0 && this.#offsets[end - 1]! <= offset) return end - 1
    return countBelow(this.#offsets, end, offset + 1) - 1
  }

  /** The last slot with a timestamp under `timestamp`; -1 when there is none. */
  lastSlotBefore(timestamp: number): number {
    return countBelow(this.#timestamps, this.#length, timestamp) - 1
  }

  /** The first slot at or past `position`; `length` when there is none. */
  firstSlotAtPosition(position: number): number {
    return countBelow(this.#positions, this.#length, position)
  }

  /** Drops `slot` and all after it. */
  truncate(slot: number): void {
    if (slot < this.#length) this.#length = slot
    if (this.#length > 0) return
    this.#resize(0)
    this.#stride = 1
    this.#skippedCount = 0
  }

  /** Drops the first `count` entries. */
  dropFirst(count: number): void {
    this.#length -= count
    const capacity = this.#length === 0 ? 0 : Math.max(CAPACITY_MIN, this.#length * 2)
    this.#resize(capacity, count)
  }

  /**
   * Drops every other entry, the first one stays, and leaves out as many of those to come: half the memory, twice the
   * bytes to scan after a look-up.
   */
  thin(): void {
    const count = Math.ceil(this.#length / 2)
    for (let slot = 1; slot < count; slot++) {
      this.#offsets[slot] = this.#offsets[slot * 2]!
      this.#positions[slot] = this.#positions[slot * 2]!
      this.#timestamps[slot] = this.#timestamps[slot * 2]!
    }
    this.#length = count
    this.#stride *= 2
    this.#skippedCount = 0
  }

  #resize(capacity: number, from = 0): void {
    this.#offsets = copied(this.#offsets.subarray(from, from + this.#length), capacity)
    this.#positions = copied(this.#positions.subarray(from, from + this.#length), capacity)
    this.#timestamps = copied(this.#timestamps.subarray(from, from + this.#length), capacity)
  }
}

/** How many of the first `length` values of a sorted column are under `limit`. */
function countBelow(column: Float64Array, length: number, limit: number): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (column[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}

function copied(values: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  if (capacity === 0) return EMPTY
  const result = new Float64Array(capacity)
  result.set(values)
  return result
}
