import { isOffset } from '../core/index.ts'
import { EntryColumns } from './entry-columns.ts'
import { isFacts } from './segment-row.ts'
import type { StaleFiles } from './stale-files.ts'
import type { IndexDatabase, IndexEntry, IndexState, LogIndex, SegmentFacts } from './types.ts'

/**
 * Entries kept of one segment where nothing is stored: past it every other one goes, so 768 KiB is the most. A segment
 * of 1 GiB then has an entry every 32 KiB instead of every 4.
 */
export const SEGMENT_ENTRIES_MAX = 32_768

const noFiles: StaleFiles = { remove: () => {}, settled: () => Promise.resolve() }

/** An index that lives and dies with the process. */
export function openMemoryIndex(): IndexDatabase {
  return new MemoryIndex({ report: [], files: noFiles })
}

/** The index that stands in for one that could not be opened. */
export function openSubstituteIndex(options: {
  report: readonly string[]
  files: StaleFiles
}): IndexDatabase {
  return new MemoryIndex(options)
}

class MemoryIndex implements IndexDatabase {
  readonly report: readonly string[]
  readonly #files: StaleFiles
  readonly #logs = new Map<string, MemoryLog>()
  #closed = false

  constructor(options: { report: readonly string[]; files: StaleFiles }) {
    this.report = options.report
    this.#files = options.files
  }

  log(name: string, identity: string): LogIndex {
    const existing = this.#logs.get(name)
    if (existing !== undefined && existing.identity === identity && !existing.isClosed) return existing
    existing?.end()
    const log = new MemoryLog(identity, this.#files)
    if (this.#closed) log.end()
    else this.#logs.set(name, log)
    return log
  }

  removeLog(name: string): void {
    this.#files.remove()
    this.#logs.get(name)?.end()
    this.#logs.delete(name)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const log of this.#logs.values()) log.end()
    this.#logs.clear()
    await this.#files.settled()
  }
}

interface MemorySegment {
  readonly entries: EntryColumns
  facts: SegmentFacts | undefined
}

class MemoryLog implements LogIndex {
  readonly identity: string
  readonly #files: StaleFiles
  readonly #segments = new Map<number, MemorySegment>()
  isClosed = false

  constructor(identity: string, files: StaleFiles) {
    this.identity = identity
    this.#files = files
  }

  get state(): IndexState {
    return 'memory'
  }

  floorByOffset(segmentBase: number, offset: number): IndexEntry | undefined {
    const entries = this.#segments.get(segmentBase)?.entries
    if (entries === undefined) return undefined
    const slot = entries.floorSlot(offset)
    return slot < 0 ? undefined : entries.entryAt(slot)
  }

  lastBeforeTimestamp(segmentBase: number, timestamp: number): IndexEntry | undefined {
    const entries = this.#segments.get(segmentBase)?.entries
    if (entries === undefined) return undefined
    const slot = entries.lastSlotBefore(timestamp)
    return slot < 0 ? undefined : entries.entryAt(slot)
  }

  facts(segmentBase: number): SegmentFacts | undefined {
    return this.#segments.get(segmentBase)?.facts
  }

  allFacts(): Map<number, SegmentFacts> {
    const result = new Map<number, SegmentFacts>()
    for (const [base, { facts }] of this.#segments) if (facts !== undefined) result.set(base, facts)
    return result
  }

  addEntry(segmentBase: number, entry: IndexEntry): void {
    if (this.isClosed || !isOffset(segmentBase) || entry.offset < segmentBase) return
    const { entries } = this.#segment(segmentBase)
    if (entries.push(entry) && entries.length > SEGMENT_ENTRIES_MAX) entries.thin()
  }

  putFacts(facts: SegmentFacts): void {
    if (this.isClosed || !isFacts(facts)) return
    this.#segment(facts.baseOffset).facts = facts
  }

  seal(): void {}

  truncate(segmentBase: number, fromPosition: number): void {
    this.#files.remove()
    const segment = this.#segments.get(segmentBase)
    if (segment === undefined) return
    segment.entries.truncate(segment.entries.firstSlotAtPosition(fromPosition))
    segment.facts = undefined
    if (segment.entries.length === 0) this.#segments.delete(segmentBase)
  }

  drop(segmentBase: number): void {
    this.#files.remove()
    this.#segments.delete(segmentBase)
  }

  clear(): void {
    this.#files.remove()
    this.#segments.clear()
  }

  settle(): Promise<void> {
    return this.#files.settled()
  }

  async close(): Promise<void> {
    this.end()
    await this.#files.settled()
  }

  end(): void {
    this.isClosed = true
    this.#segments.clear()
  }

  #segment(base: number): MemorySegment {
    let segment = this.#segments.get(base)
    if (segment === undefined) {
      segment = { entries: new EntryColumns(), facts: undefined }
      this.#segments.set(base, segment)
    }
    return segment
  }
}
