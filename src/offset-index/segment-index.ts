import { EntryColumns, isEntry } from './entry-columns.ts'
import type { Damaged, IndexRows } from './index-rows.ts'
import type { StoredSegment } from './segment-row.ts'
import type { IndexEntry, SegmentFacts } from './types.ts'

/** Entries of a segment that is written to which memory keeps though they are stored: look-ups there cost 0.1 µs. */
const TAIL_ENTRIES_MAX = 8192

/** Where the row of the log is, or will be: made when the first of its segments is stored. */
export interface LogRow {
  /** 0: not stored yet. */
  id: number
  readonly name: string
  readonly identity: string
}

/** What truncating means for the stored rows of the segment. */
export type Truncated = 'nothing' | 'row-changed' | 'all-gone'

/**
 * One segment: the newest entries in memory, the older ones in rows, and what of the one is yet to become the other.
 *
 *      rows (offsets below `liveBelow`)        tail
 *     [ ............................... ][ stored | not stored ]
 *
 * The tail lies past every live row that it does not repeat. Methods that take `rows` read or write them and throw what
 * SQLite throws; after that the database is given up, so nothing here undoes a half-made change. `rows` undefined means
 * that this has happened: only the tail is left.
 */
export class SegmentIndex {
  readonly baseOffset: number
  facts: SegmentFacts | undefined
  readonly #log: LogRow
  readonly #tail = new EntryColumns()
  /** Of the rows; 0: there are none. */
  #id = 0
  #storedCount = 0
  #liveBelow = Number.POSITIVE_INFINITY
  #liveBelowInRow = Number.POSITIVE_INFINITY
  #rowIsStale = false
  #isSealed = false

  constructor(log: LogRow, baseOffset: number, stored: StoredSegment | undefined) {
    this.#log = log
    this.baseOffset = baseOffset
    if (stored === undefined) return
    this.#id = stored.id
    this.#liveBelow = stored.liveBelow
    this.#liveBelowInRow = stored.liveBelow
    this.facts = stored.facts
  }

  /** Names the rows of this segment; 0 when there are none. */
  get id(): number {
    return this.#id
  }

  get hasTail(): boolean {
    return this.#tail.length > 0
  }

  /** True when memory holds nothing that is not stored, and no dead rows wait to be deleted. */
  get isStored(): boolean {
    return (
      this.#storedCount === this.#tail.length &&
      !this.#rowIsStale &&
      this.#liveBelow === Number.POSITIVE_INFINITY
    )
  }

  floor(rows: IndexRows | undefined, offset: number): IndexEntry | Damaged | undefined {
    const slot = this.#tail.floorSlot(offset)
    return slot < 0 ? this.#storedFloor(rows, offset) : this.#tail.entryAt(slot)
  }

  lastBefore(rows: IndexRows | undefined, timestamp: number): IndexEntry | Damaged | undefined {
    const slot = this.#tail.lastSlotBefore(timestamp)
    if (slot >= 0) return this.#tail.entryAt(slot)
    return this.#lastStored(rows, (entry) => entry.timestamp < timestamp)
  }

  /**
   * True when `entry` can follow what is stored before it; to be asked before the tail gets its first entry. Rows that
   * say otherwise are left over from bytes that are gone.
   */
  agreesWithRows(rows: IndexRows | undefined, entry: IndexEntry): boolean {
    if (!isEntry(entry)) return true
    const before = this.#storedFloor(rows, entry.offset - 1)
    if (before === undefined) return true
    return before !== 'damaged' && before.position < entry.position && before.timestamp <= entry.timestamp
  }

  /** Takes in the next entry; false when it is not one. */
  push(entry: IndexEntry): boolean {
    const isFirst = this.#tail.length === 0
    if (entry.offset < this.baseOffset || !this.#tail.push(entry)) return false
    if (isFirst) {
      this.#isSealed = false
      if (this.#id !== 0 && entry.offset < this.#liveBelow) this.#liveBelow = entry.offset
    }
    return true
  }

  /** Keeps memory bounded where nothing is stored any more. */
  thinTo(entriesMax: number): void {
    if (this.#tail.length > entriesMax) this.#tail.thin()
  }

  putFacts(facts: SegmentFacts): void {
    this.facts = facts
    this.#rowIsStale = true
  }

  seal(): void {
    this.#isSealed = true
    if (this.isStored) this.#release()
  }

  /** Drops entries at or past `position`, and the facts, from memory and from sight. */
  truncate(rows: IndexRows | undefined, position: number): Truncated | Damaged {
    const slot = this.#tail.firstSlotAtPosition(position)
    let liveBelow = slot < this.#tail.length ? this.#tail.offsetAt(slot) : Number.POSITIVE_INFINITY
    let allGone = false
    if (slot === 0 && this.#id !== 0) {
      const last = this.#storedFloor(rows, Number.MAX_SAFE_INTEGER)
      const kept = this.#lastStored(rows, (entry) => entry.position < position)
      if (kept === 'damaged' || last === 'damaged') return 'damaged'
      if (kept === undefined) allGone = true
      else if (kept.offset !== last?.offset) liveBelow = Math.min(liveBelow, kept.offset + 1)
    }
    const hadFacts = this.facts !== undefined
    this.facts = undefined
    this.#tail.truncate(slot)
    this.#storedCount = Math.min(this.#storedCount, slot)
    if (this.#id === 0) return 'nothing'
    if (allGone) return 'all-gone'
    if (liveBelow === Number.POSITIVE_INFINITY && !hadFacts) return 'nothing'
    this.#liveBelow = Math.min(this.#liveBelow, liveBelow)
    return 'row-changed'
  }

  /** Forgets the rows, and the facts with them; what the tail holds will be stored anew. */
  forgetRows(): void {
    this.facts = undefined
    this.#id = 0
    this.#storedCount = 0
    this.#liveBelow = Number.POSITIVE_INFINITY
    this.#liveBelowInRow = Number.POSITIVE_INFINITY
    this.#rowIsStale = false
  }

  /** Writes the segment's own row. */
  writeRow(rows: IndexRows): void {
    if (this.#log.id === 0) this.#log.id = rows.createLog(this.#log.name, this.#log.identity)
    const { baseOffset, facts } = this
    rows.writeSegment(this.#log.id, { id: this.#id, baseOffset, liveBelow: this.#liveBelow, facts })
    this.#liveBelowInRow = this.#liveBelow
    this.#rowIsStale = false
  }

  /** Stores up to about `rowsMax` rows of what is not stored; gives the number. */
  store(rows: IndexRows, rowsMax: number): number {
    let count = 0
    if (this.#id === 0) {
      if (!this.hasTail && this.facts === undefined) {
        this.#rowIsStale = false
        return 0
      }
      this.#id = rows.nextSegmentId()
      this.#rowIsStale = true
    }
    if (this.#liveBelow !== Number.POSITIVE_INFINITY) {
      count = rows.deleteEntries(this.#id, this.#liveBelow, rowsMax)
      // Until the last of them is gone, the row says that they are dead: this and the deletion are one transaction.
      if (count < rowsMax) this.#liveBelow = Number.POSITIVE_INFINITY
    }
    if (this.#rowIsStale || this.#liveBelow !== this.#liveBelowInRow) {
      this.writeRow(rows)
      count++
    }
    if (this.#liveBelow !== Number.POSITIVE_INFINITY) return count
    const tail = this.#tail
    const end = Math.min(tail.length, this.#storedCount + Math.max(0, rowsMax - count))
    for (let slot = this.#storedCount; slot < end; slot++) {
      rows.writeEntry(this.#id, tail.offsetAt(slot), tail.positionAt(slot), tail.timestampAt(slot))
    }
    count += end - this.#storedCount
    this.#storedCount = end
    this.#release()
    return count
  }

  /** Lets go of entries that memory need not hold any more. */
  #release(): void {
    if (this.#isSealed && this.isStored) {
      this.#tail.truncate(0)
      this.#storedCount = 0
    } else if (this.#tail.length > TAIL_ENTRIES_MAX) {
      const count = Math.min(this.#storedCount, this.#tail.length - TAIL_ENTRIES_MAX / 2)
      this.#tail.dropFirst(count)
      this.#storedCount -= count
    }
  }

  #storedFloor(rows: IndexRows | undefined, offset: number): IndexEntry | Damaged | undefined {
    if (rows === undefined || this.#id === 0) return undefined
    const target = Math.min(offset, this.#liveBelow - 1)
    if (target < this.baseOffset) return undefined
    return rows.floor(this.#id, target)
  }

  /** The last stored entry for which `holds`, which is true of some first entries of the segment and of no later one. */
  #lastStored(
    rows: IndexRows | undefined,
    holds: (entry: IndexEntry) => boolean,
  ): IndexEntry | Damaged | undefined {
    const last = this.#storedFloor(rows, Number.MAX_SAFE_INTEGER)
    if (last === undefined || last === 'damaged' || holds(last)) return last
    let best: IndexEntry | undefined
    // It is `best` or an entry with an offset in [low, high).
    let low = this.baseOffset
    let high = last.offset
    while (low < high) {
      const middle = low + Math.floor((high - 1 - low) / 2)
      const entry = this.#storedFloor(rows, middle)
      if (entry === 'damaged') return entry
      if (entry === undefined || entry.offset < low) low = middle + 1
      else if (holds(entry)) {
        best = entry
        low = middle + 1
      } else high = entry.offset
    }
    return best
  }
}
