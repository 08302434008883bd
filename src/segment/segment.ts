import { assert } from '../core/index.ts'

/** What is public about a segment. */
export interface SegmentInfo {
  readonly baseOffset: number
  /** The offset after the segment's last one. */
  readonly nextOffset: number
  readonly sizeBytes: number
  /** Largest record timestamp, -1 when there is none. */
  readonly maxTimestamp: number
  /** Wall time of the last append, in ms: the file's modification time. */
  readonly appendedAt: number
  readonly active: boolean
  readonly path: string
}

/**
 * How far what memory says of a segment can be trusted.
 * `fresh`: seen by this process, from batches it wrote or read · `partial`: so, but only up to damage · `stored`: what the
 * index said · `unknown`: nothing yet.
 */
export type FactsOrigin = 'fresh' | 'partial' | 'stored' | 'unknown'

/** One segment as memory knows it; whoever owns the log changes it, readers hold references to it. */
export class Segment {
  readonly baseOffset: number
  path: string
  /** End of the last whole batch. */
  sizeBytes: number
  nextOffset: number
  maxTimestamp = -1
  /** Largest timestamp of the first batch; undefined until it is looked up. */
  firstTimestamp: number | undefined
  appendedAtMs: number
  /** Wall time of this process's first write to the segment. */
  firstWriteMs: number | undefined
  facts: FactsOrigin = 'unknown'
  /** Where the last batch starts, if this process saw it. */
  lastBatchPosition: number | undefined
  batchCount = 0
  recordCount = 0
  /** The part of `segment.ms` that this segment does not wait for; drawn once. */
  rollJitterMs = 0
  #references = 0
  #whenUnused: (() => void) | undefined

  constructor(options: {
    baseOffset: number
    path: string
    sizeBytes: number
    nextOffset: number
    appendedAtMs: number
  }) {
    this.baseOffset = options.baseOffset
    this.path = options.path
    this.sizeBytes = options.sizeBytes
    this.nextOffset = options.nextOffset
    this.appendedAtMs = options.appendedAtMs
  }

  /** Readers that may still ask for this file. */
  get references(): number {
    return this.#references
  }

  acquire(): void {
    this.#references++
  }

  release(): void {
    assert(this.#references > 0, `segment ${this.baseOffset} released more often than acquired`)
    this.#references--
    if (this.#references > 0) return
    const task = this.#whenUnused
    this.#whenUnused = undefined
    task?.()
  }

  /** Calls `task` once, when no reader is left: now, or at the last release. */
  whenUnused(task: () => void): void {
    if (this.#references === 0) task()
    else this.#whenUnused = task
  }

  toInfo(active: boolean): SegmentInfo {
    return {
      baseOffset: this.baseOffset,
      nextOffset: this.nextOffset,
      sizeBytes: this.sizeBytes,
      maxTimestamp: this.maxTimestamp,
      appendedAt: this.appendedAtMs,
      active,
      path: this.path,
    }
  }
}
