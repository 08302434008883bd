import type { Segment } from '../segment/index.ts'
import { floorSlot, type SegmentList } from './segment-list.ts'

/**
 * The segments that a reader may still need, the one it is in first. As long as they are held their files stay readable,
 * also after retention has taken them out of the log.
 */
export class HeldSegments {
  #held: readonly Segment[] = []

  /** The segment the reader is in; undefined before it has taken hold of any, and after it let go. */
  get current(): Segment | undefined {
    return this.#held[0]
  }

  /** The segment behind the current one, if it is held. */
  get next(): Segment | undefined {
    return this.#held[1]
  }

  hold(segments: readonly Segment[]): void {
    for (const segment of segments) segment.acquire()
    this.#held = [...this.#held, ...segments]
  }

  /** The segment behind the current one: one that is held, or else what `list` has there now, which then is held. */
  following(list: SegmentList): Segment | undefined {
    if (this.#held.length === 1) this.hold(list.all.slice(floorSlot(list.all, this.#held[0]!.baseOffset) + 1))
    return this.#held[1]
  }

  /** Lets go of the current segment; the one behind it is the current one now. */
  advance(): void {
    this.#held[0]?.release()
    this.#held = this.#held.slice(1)
  }

  /** Lets go of those behind the current one that `isGone`. */
  drop(isGone: (segment: Segment) => boolean): void {
    const [current, ...behind] = this.#held
    if (current === undefined) return
    for (const segment of behind) if (isGone(segment)) segment.release()
    this.#held = [current, ...behind.filter((segment) => !isGone(segment))]
  }

  /** The same segments, held once more. */
  copy(): HeldSegments {
    const copy = new HeldSegments()
    copy.hold(this.#held)
    return copy
  }

  releaseAll(): void {
    const held = this.#held
    this.#held = []
    for (const segment of held) segment.release()
  }
}
