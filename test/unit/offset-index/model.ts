import type { IndexEntry, SegmentFacts } from '../../../src/offset-index/index.ts'

/** What an index should say of one log, kept in the plainest way there is. */
export class ModelLog {
  readonly facts = new Map<number, SegmentFacts>()
  readonly #segments = new Map<number, IndexEntry[]>()

  entries(base: number): IndexEntry[] {
    const entries = this.#segments.get(base) ?? []
    this.#segments.set(base, entries)
    return entries
  }

  /** Adds an entry that can follow the last one, further on the larger `step` is, and gives it. */
  next(base: number, step: number): IndexEntry {
    const last = this.entries(base).at(-1) ?? { offset: base, position: 0, timestamp: -1 }
    const entry = {
      offset: last.offset + 1 + step,
      position: last.position + 61 + step * 7,
      timestamp: last.timestamp + Math.max(0, step - 4),
    }
    this.entries(base).push(entry)
    return entry
  }

  endPosition(base: number): number {
    return this.entries(base).at(-1)?.position ?? 0
  }

  truncate(base: number, position: number): void {
    this.facts.delete(base)
    this.#segments.set(
      base,
      this.entries(base).filter((entry) => entry.position < position),
    )
  }

  drop(base: number): void {
    this.facts.delete(base)
    this.#segments.delete(base)
  }
}

/** Entries as a segment of 41-record batches of some 4 KiB would have; timestamps stand still here and there. */
export function makeEntries(base: number, count: number): IndexEntry[] {
  return Array.from({ length: count }, (_, slot) => ({
    offset: base + (slot + 1) * 41,
    position: (slot + 1) * 4123,
    timestamp: 1_700_000_000_000 + (slot - (slot % 3)) * 50,
  }))
}

/** Facts of a segment with `sizeBytes` bytes. */
export function factsOf(base: number, sizeBytes: number): SegmentFacts {
  return {
    baseOffset: base,
    sizeBytes,
    nextOffset: base + 17,
    maxTimestamp: 1_700_000_000_000,
    batchCount: 3,
    recordCount: 17,
  }
}
