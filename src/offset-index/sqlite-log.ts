import { isOffset } from '../core/index.ts'
import type { Damaged, IndexRows } from './index-rows.ts'
import { SEGMENT_ENTRIES_MAX } from './memory-index.ts'
import { SegmentIndex } from './segment-index.ts'
import { isFacts } from './segment-row.ts'
import type { IndexEntry, IndexState, LogIndex, SegmentFacts } from './types.ts'

/** What the index of a log needs of the database it is in. */
export interface LogHost {
  readonly state: IndexState
  /** Undefined once the database has been given up or closed. */
  readonly rows: IndexRows | undefined
  /** Gives the database up for good; throws nothing. */
  fail(error: unknown): void
  /** Says something for the operator. */
  warn(message: string): void
  /**
   * Makes rows go, at once and as one transaction, and later durably. Where that can't be done, the files go instead:
   * a row that should be gone must not be found by the next process.
   */
  forget(change: (rows: IndexRows) => void): void
  /** The rows of this segment id, or of all segments of this log id, are nobody's any more. */
  orphanSegment(id: number): void
  orphanLog(id: number): void
  /** Something of the segment is to be stored, or is not any more. */
  enqueue(segment: SegmentIndex): void
  dequeue(segment: SegmentIndex): void
  settle(): Promise<void>
}

/** The index of one log in a SQLite database. */
export class SqliteLog implements LogIndex {
  readonly name: string
  readonly identity: string
  /** Of the log's row; 0 until something of the log is stored. */
  id: number
  readonly #host: LogHost
  readonly #segments = new Map<number, SegmentIndex>()
  /** The segment of the last call: appends and reads come in runs. */
  #recent: SegmentIndex | undefined
  /** True when what is not in memory is not stored either. */
  #allLoaded: boolean
  #closed = false
  #closing: Promise<void> | undefined

  constructor(host: LogHost, row: { name: string; identity: string; id: number }) {
    this.#host = host
    this.name = row.name
    this.identity = row.identity
    this.id = row.id
    this.#allLoaded = row.id === 0
  }

  get state(): IndexState {
    return this.#host.state
  }

  floorByOffset(segmentBase: number, offset: number): IndexEntry | undefined {
    const segment = this.#segment(segmentBase)
    return segment && this.#lookUp(segment, (rows) => segment.floor(rows, offset))
  }

  lastBeforeTimestamp(segmentBase: number, timestamp: number): IndexEntry | undefined {
    const segment = this.#segment(segmentBase)
    return segment && this.#lookUp(segment, (rows) => segment.lastBefore(rows, timestamp))
  }

  facts(segmentBase: number): SegmentFacts | undefined {
    return this.#segment(segmentBase)?.facts
  }

  allFacts(): Map<number, SegmentFacts> {
    this.#loadAll()
    const result = new Map<number, SegmentFacts>()
    for (const { baseOffset, facts } of this.#segments.values()) {
      if (facts !== undefined) result.set(baseOffset, facts)
    }
    return result
  }

  addEntry(segmentBase: number, entry: IndexEntry): void {
    const segment = this.#segment(segmentBase)
    if (segment === undefined) return
    if (!segment.hasTail && segment.id !== 0) this.#checkRowsBefore(segment, entry)
    if (!segment.push(entry)) return
    if (this.#host.rows === undefined) segment.thinTo(SEGMENT_ENTRIES_MAX)
    else this.#host.enqueue(segment)
  }

  putFacts(facts: SegmentFacts): void {
    if (!isFacts(facts)) return
    const segment = this.#segment(facts.baseOffset)
    if (segment === undefined) return
    segment.putFacts({ ...facts })
    this.#host.enqueue(segment)
  }

  seal(segmentBase: number): void {
    this.#segment(segmentBase)?.seal()
  }

  truncate(segmentBase: number, fromPosition: number): void {
    const segment = this.#segment(segmentBase)
    if (segment === undefined) return
    const result = this.#attempt((rows) => segment.truncate(rows, fromPosition))
    if (this.#host.rows === undefined) {
      segment.truncate(undefined, fromPosition)
      this.#host.forget(() => {})
    } else if (result === 'row-changed') {
      this.#host.forget((rows) => segment.writeRow(rows))
    } else if (result === 'all-gone') {
      this.#forgetRows(segment)
    } else if (result === 'damaged') {
      this.#giveUpRows(segment)
      segment.truncate(undefined, fromPosition)
    }
    if (segment.isStored) this.#host.dequeue(segment)
    else this.#host.enqueue(segment)
  }

  drop(segmentBase: number): void {
    const segment = this.#segment(segmentBase)
    if (segment === undefined) return
    this.#host.dequeue(segment)
    this.#segments.delete(segmentBase)
    this.#recent = undefined
    if (segment.id !== 0 || this.#host.rows === undefined) this.#forgetRows(segment)
  }

  clear(): void {
    if (this.#closed) return
    this.#forgetMemory()
    this.#allLoaded = true
    this.#host.forget((rows) => rows.deleteLog(this.name))
    if (this.id !== 0) this.#host.orphanLog(this.id)
    this.id = 0
  }

  settle(): Promise<void> {
    return this.#host.settle()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Ends the index at once; what was not stored is lost. */
  end(): void {
    this.#closed = true
    this.#forgetMemory()
  }

  /** Undoes `close`. */
  reopen(): void {
    this.#closed = false
    this.#closing = undefined
  }

  async #close(): Promise<void> {
    this.#closed = true
    await this.#host.settle()
    if (!this.#closed) return
    this.#forgetMemory()
    this.#allLoaded = this.id === 0
  }

  #forgetMemory(): void {
    for (const segment of this.#segments.values()) this.#host.dequeue(segment)
    this.#segments.clear()
    this.#recent = undefined
  }

  /** The segment, read from its row if need be; undefined when the index is closed, or for what is no base offset. */
  #segment(base: number): SegmentIndex | undefined {
    if (this.#closed) return undefined
    if (this.#recent?.baseOffset === base) return this.#recent
    const segment = this.#segments.get(base) ?? this.#load(base)
    this.#recent = segment
    return segment
  }

  #load(base: number): SegmentIndex | undefined {
    if (!isOffset(base)) return undefined
    const stored = this.#allLoaded ? undefined : this.#attempt((rows) => rows.readSegment(this.id, base))
    const segment = new SegmentIndex(this, base, stored === 'damaged' ? undefined : stored)
    this.#segments.set(base, segment)
    if (stored === 'damaged') this.#giveUpRows(segment)
    else if (!segment.isStored) this.#host.enqueue(segment) // a truncation was not finished
    return segment
  }

  #loadAll(): void {
    if (this.#allLoaded || this.#closed) return
    const all = this.#attempt((rows) => rows.readSegments(this.id)) ?? []
    for (const stored of all) {
      if (this.#segments.has(stored.baseOffset)) continue
      const segment = new SegmentIndex(this, stored.baseOffset, stored)
      this.#segments.set(stored.baseOffset, segment)
      if (!segment.isStored) this.#host.enqueue(segment)
    }
    this.#allLoaded = true
  }

  /** Runs what reads rows; an error of SQLite's ends the database, not the caller. */
  #attempt<T>(read: (rows: IndexRows) => T): T | undefined {
    const { rows } = this.#host
    if (rows === undefined) return undefined
    try {
      return read(rows)
    } catch (error) {
      this.#host.fail(error)
      return undefined
    }
  }

  #lookUp(
    segment: SegmentIndex,
    search: (rows: IndexRows | undefined) => IndexEntry | Damaged | undefined,
  ): IndexEntry | undefined {
    let found: IndexEntry | Damaged | undefined
    try {
      found = search(this.#host.rows)
    } catch (error) {
      this.#host.fail(error)
      return undefined
    }
    if (found !== 'damaged') return found
    this.#giveUpRows(segment)
    return undefined
  }

  #checkRowsBefore(segment: SegmentIndex, entry: IndexEntry): void {
    if (this.#attempt((rows) => segment.agreesWithRows(rows, entry)) === false) this.#giveUpRows(segment)
  }

  /** Drops what is stored of a segment because some of it can't be true; the owner of the log will build it anew. */
  #giveUpRows(segment: SegmentIndex): void {
    this.#host.warn(
      `rows of ${this.name}, segment ${segment.baseOffset}, are damaged or out of date; they are dropped and built anew`,
    )
    this.#forgetRows(segment)
    if (!segment.isStored) this.#host.enqueue(segment)
  }

  #forgetRows(segment: SegmentIndex): void {
    this.#host.forget((rows) => rows.deleteSegment(this.id, segment.baseOffset))
    if (segment.id !== 0) this.#host.orphanSegment(segment.id)
    segment.forgetRows()
  }
}
