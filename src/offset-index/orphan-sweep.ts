import type { IndexRows, SegmentPlace } from './index-rows.ts'

/** Keys looked at in one step of the walk; each is a search of its own. */
const KEYS_PER_STEP = 250

/**
 * Deletes rows that nobody can reach any more, a bounded number at a time.
 *
 * Forgetting a segment or a log deletes one row and makes orphans of the rest: those are told to `forgetSegment` and
 * `forgetLog`. A process may end before they are gone, so the first thing here is a walk that finds what earlier ones
 * left. Ids are never used twice, so orphans cost space and nothing else.
 */
export class OrphanSweep {
  readonly #segments: number[] = []
  readonly #logs: number[] = []
  /** Ids of this process are at or past this; undefined until the walk begins. */
  #firstOwnId: number | undefined
  #known = new Set<number>()
  #segmentPlace: SegmentPlace | undefined = { log: -1, baseOffset: -1 }
  #entryPlace: number | undefined = 0

  /** True while there may be something to delete. */
  get hasWork(): boolean {
    return this.#segments.length > 0 || this.#logs.length > 0 || this.#entryPlace !== undefined
  }

  forgetSegment(id: number): void {
    this.#segments.push(id)
  }

  forgetLog(id: number): void {
    this.#logs.push(id)
  }

  /** Does one step, which deletes `rowsMax` rows at most. Errors: SQLite's. */
  step(rows: IndexRows, rowsMax: number): void {
    const segment = this.#segments.at(-1)
    const log = this.#logs.at(-1)
    if (segment !== undefined) {
      if (rows.deleteEntries(segment, 0, rowsMax) < rowsMax) this.#segments.pop()
    } else if (log !== undefined) {
      if (!this.#deleteSegmentsOf(log, rows, rowsMax)) this.#logs.pop()
    } else if (this.#segmentPlace !== undefined) {
      this.#segmentPlace = this.#walkSegments(this.#segmentPlace, rows, rowsMax)
    } else if (this.#entryPlace !== undefined) {
      this.#entryPlace = this.#walkEntries(this.#entryPlace, rows)
    }
  }

  #deleteSegmentsOf(log: number, rows: IndexRows, limit: number): boolean {
    const page = rows.segmentsAfter({ log, baseOffset: -1 }, limit).filter((place) => place.log === log)
    for (const { baseOffset, id } of page) {
      rows.deleteSegment(log, baseOffset)
      this.#segments.push(id)
    }
    return page.length > 0
  }

  /** Notes the ids that belong to somebody, and deletes the segments of logs that are no more. */
  #walkSegments(place: SegmentPlace, rows: IndexRows, limit: number): SegmentPlace | undefined {
    this.#firstOwnId ??= rows.nextSegmentId()
    const page = rows.segmentsAfter(place, limit)
    const logs = rows.logIds() // asked anew each time: a log may have come since the last step
    for (const { log, baseOffset, id } of page) {
      if (logs.has(log)) this.#known.add(id)
      else rows.deleteSegment(log, baseOffset)
    }
    return page.at(-1)
  }

  #walkEntries(place: number, rows: IndexRows): number | undefined {
    let id = place
    for (let count = 0; count < KEYS_PER_STEP; count++) {
      const next = rows.nextSegmentOfEntries(id)
      if (next === undefined || next >= this.#firstOwnId!) {
        this.#known = new Set()
        return undefined
      }
      if (!this.#known.has(next)) this.#segments.push(next)
      id = next
    }
    return id
  }
}
