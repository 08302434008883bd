import { assert } from '../core/index.ts'
import type { Segment } from '../segment/index.ts'

/** The segments of a log in offset order; each change makes a new array, so that a reader's snapshot never moves. */
export class SegmentList {
  #segments: readonly Segment[]

  constructor(segments: readonly Segment[]) {
    this.#segments = segments
  }

  /** A snapshot that later changes leave alone. */
  get all(): readonly Segment[] {
    return this.#segments
  }

  get first(): Segment | undefined {
    return this.#segments[0]
  }

  get last(): Segment | undefined {
    return this.#segments.at(-1)
  }

  /** Place in `all` of the last segment that starts at or below `offset`; -1 when all start above. */
  slotOf(offset: number): number {
    return floorSlot(this.#segments, offset)
  }

  /** The segment that holds `offset`, if any does. */
  floor(offset: number): Segment | undefined {
    return this.#segments[floorSlot(this.#segments, offset)]
  }

  push(segment: Segment): void {
    assert(segment.baseOffset > (this.last?.baseOffset ?? -1), `segment ${segment.baseOffset} out of order`)
    this.#segments = [...this.#segments, segment]
  }

  /** Takes out the segments in `gone`, wherever they are. */
  remove(gone: ReadonlySet<Segment>): void {
    this.#segments = this.#segments.filter((segment) => !gone.has(segment))
  }

  replaceAll(segments: readonly Segment[]): void {
    this.#segments = segments
  }
}

/** Place of the last of `segments` that starts at or below `offset`, or -1; they are in offset order. */
export function floorSlot(segments: readonly Segment[], offset: number): number {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (segments[middle]!.baseOffset <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}
