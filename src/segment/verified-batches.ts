import { TwoGenerationCache } from '../core/index.ts'
import type { LocatedFrame } from '../record/index.ts'
import type { Segment } from './segment.ts'

/** A batch, or a stretch of one, whose CRC and records were checked, and where each of its records starts. */
export interface VerifiedBatch {
  readonly segment: Segment
  /** Where the batch starts. */
  readonly position: number
  /** First and last offset that `starts` tells of; all of them have a record. */
  readonly firstOffset: number
  readonly lastOffset: number
  /** Record `firstOffset + i` is at `position + starts[i]`, up to `position + starts[i + 1]`. */
  readonly starts: Uint32Array
  readonly frame: LocatedFrame
}

/** Few enough that one look-up need not pass many batches, enough that most batches are not cut up. */
const OFFSETS_PER_SLOT = 256
/** What a stretch takes besides its starts: the object, the typed array and its buffer, its frame, its place in lists. */
const STRETCH_BYTES = 600

/**
 * Remembers which batches have been verified, so that a point read of one of their records is one small read.
 *
 * A slot stands for 256 consecutive offsets and holds the stretches of batches that lie in it, each with no more than its
 * own starts: what is kept of a large batch is what is used of it. Bounded by bytes; only whole, uncompressed batches
 * without holes belong here.
 */
export class VerifiedBatches {
  readonly #slots: TwoGenerationCache<number, readonly VerifiedBatch[]>

  constructor(options: { bytesMax: number }) {
    this.#slots = new TwoGenerationCache({ weightMax: options.bytesMax, weigh: weighSlot })
  }

  find(offset: number): VerifiedBatch | undefined {
    const stretches = this.#slots.get(Math.floor(offset / OFFSETS_PER_SLOT))
    if (stretches === undefined) return undefined
    for (const stretch of stretches)
      if (offset >= stretch.firstOffset && offset <= stretch.lastOffset) return stretch
    return undefined
  }

  /** Remembers all of `batch`; what was remembered of its offsets goes. */
  add(batch: VerifiedBatch): void {
    for (let first = batch.firstOffset; first <= batch.lastOffset; ) {
      const slot = Math.floor(first / OFFSETS_PER_SLOT)
      const last = Math.min(batch.lastOffset, (slot + 1) * OFFSETS_PER_SLOT - 1)
      const others = (this.#slots.get(slot) ?? []).filter(
        (other) => other.lastOffset < first || other.firstOffset > last,
      )
      this.#slots.set(slot, [...others, stretchOf(batch, first, last)])
      first = last + 1
    }
  }

  clear(): void {
    this.#slots.clear()
  }
}

function stretchOf(batch: VerifiedBatch, firstOffset: number, lastOffset: number): VerifiedBatch {
  const from = firstOffset - batch.firstOffset
  const starts = batch.starts.slice(from, lastOffset - batch.firstOffset + 2) // a copy: a view would keep all of them
  const { segment, position, frame } = batch
  return { segment, position, firstOffset, lastOffset, starts, frame }
}

function weighSlot(stretches: readonly VerifiedBatch[]): number {
  let bytes = 0
  for (const { starts } of stretches) bytes += starts.byteLength + STRETCH_BYTES
  return bytes
}
