import { TwoGenerationCache } from '../core/index.ts'
import type { RecordFrame } from '../record/index.ts'
import type { Segment } from './segment.ts'

/** A batch whose CRC and records were checked, and where each of its records starts. */
export interface VerifiedBatch {
  readonly segment: Segment
  readonly position: number
  readonly sizeBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
  /** Record `i` is at `position + starts[i]`, up to `position + starts[i + 1]`. */
  readonly starts: Uint32Array
  readonly frame: RecordFrame
}

const OFFSETS_PER_SLOT = 64
const OVERHEAD_BYTES = 160

/**
 * Remembers which batches have been verified, so that a point read of one of their records is one small read.
 *
 * A slot stands for 64 consecutive offsets and lists the batches that reach into it: a look-up is one Map look-up and
 * a short walk. Bounded by bytes; only whole, uncompressed batches without holes belong here.
 */
export class VerifiedBatches {
  readonly #slots: TwoGenerationCache<number, readonly VerifiedBatch[]>

  constructor(options: { bytesMax: number }) {
    this.#slots = new TwoGenerationCache({ weightMax: options.bytesMax, weigh: weighSlot })
  }

  find(offset: number): VerifiedBatch | undefined {
    const batches = this.#slots.get(Math.floor(offset / OFFSETS_PER_SLOT))
    if (batches === undefined) return undefined
    for (const batch of batches) if (offset >= batch.baseOffset && offset <= batch.lastOffset) return batch
    return undefined
  }

  add(batch: VerifiedBatch): void {
    const last = Math.floor(batch.lastOffset / OFFSETS_PER_SLOT)
    for (let slot = Math.floor(batch.baseOffset / OFFSETS_PER_SLOT); slot <= last; slot++) {
      const known = this.#slots.get(slot) ?? []
      this.#slots.set(slot, [...known.filter((other) => other.baseOffset !== batch.baseOffset), batch])
    }
  }

  clear(): void {
    this.#slots.clear()
  }
}

/** A batch weighs in each of its slots what those slots' records cost, so that its whole weight is counted once. */
function weighSlot(batches: readonly VerifiedBatch[]): number {
  let bytes = OVERHEAD_BYTES
  for (const batch of batches) {
    const slots =
      Math.floor(batch.lastOffset / OFFSETS_PER_SLOT) - Math.floor(batch.baseOffset / OFFSETS_PER_SLOT) + 1
    bytes += (batch.starts.byteLength + OVERHEAD_BYTES) / slots
  }
  return bytes
}
