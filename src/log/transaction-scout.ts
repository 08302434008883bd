import { isSeglogError } from '../core/index.ts'
import type { RecordBatch } from '../record/index.ts'
import type { BatchReader } from './batch-reader.ts'

const AHEAD_BYTES = 512 * 1024
const MARKERS_MAX = 64 * 1024

/** What became of a transaction: `open` as long as it has no marker below the readable end. */
export type Outcome = 'committed' | 'aborted' | 'open'

/** Where a transaction ends: its producer's, or, at damage, every one that is open there. */
interface Marker {
  readonly producerId: number | 'all'
  readonly offset: number
  readonly isAbort: boolean
}

/**
 * Reads ahead of a reader and notes where transactions end.
 *
 * Every marker on the way is noted, so that each byte is read ahead once, however many transactions lie across each
 * other. With as many noted as there may be, single ones are looked for further on, and nothing else is kept.
 */
export class TransactionScout {
  readonly #reader: BatchReader
  readonly #markersMax: number
  readonly #noted = new Map<Marker['producerId'], Marker[]>()
  #notedCount = 0
  #ahead: MarkerStream
  /** Where the search past what may be noted is, for the producer asked for last. */
  #further: { readonly producerId: number; readonly stream: MarkerStream; marker?: Marker } | undefined

  constructor(reader: BatchReader, options: { markersMax?: number } = {}) {
    this.#reader = reader
    this.#markersMax = options.markersMax ?? MARKERS_MAX
    this.#ahead = new MarkerStream(reader)
  }

  /** What became of the transaction of `batch`, which the reader has given last. Errors: those of reading. */
  async outcomeOf({ producerId, lastOffset }: RecordBatch): Promise<Outcome> {
    if (this.#ahead.isFarBehind(this.#reader)) this.#catchUp()
    for (;;) {
      const marker = this.#firstPast(lastOffset, producerId)
      if (marker !== undefined) return marker.isAbort ? 'aborted' : 'committed'
      if (this.#notedCount >= this.#markersMax) return this.#lookFurther(lastOffset, producerId)
      const next = await this.#ahead.next()
      if (next === undefined) return 'open'
      if (next.offset > lastOffset) this.#note(next)
    }
  }

  /** The reader has come to a marker: what was noted of it is not needed any more. */
  passed({ producerId, lastOffset }: RecordBatch): void {
    this.#firstPast(lastOffset, producerId)
  }

  /** Markers that are noted; for tests of the bound. */
  get notedCount(): number {
    return this.#notedCount
  }

  /** Waits for more to read, after an `open`. */
  waitForChange(): Promise<void> {
    return (this.#further?.stream ?? this.#ahead).waitForChange()
  }

  close(): void {
    this.#ahead.close()
    this.#further?.stream.close()
  }

  /** Nothing was asked for a while, and the reader is ahead of its scout. */
  #catchUp(): void {
    this.close()
    this.#further = undefined
    this.#noted.clear()
    this.#notedCount = 0
    this.#ahead = new MarkerStream(this.#reader)
  }

  #note(marker: Marker): void {
    const markers = this.#noted.get(marker.producerId)
    if (markers === undefined) this.#noted.set(marker.producerId, [marker])
    else markers.push(marker)
    this.#notedCount++
  }

  /** The first marker past `offset` that ends a transaction of `producerId`; those before it are forgotten. */
  #firstPast(offset: number, producerId: number): Marker | undefined {
    const own = this.#headPast(offset, producerId)
    const all = this.#headPast(offset, 'all')
    return all !== undefined && (own === undefined || all.offset < own.offset) ? all : own
  }

  #headPast(offset: number, producerId: Marker['producerId']): Marker | undefined {
    const markers = this.#noted.get(producerId)
    if (markers === undefined) return undefined
    const head = markers.findIndex((marker) => marker.offset > offset)
    const passed = markers.splice(0, head === -1 ? markers.length : head)
    this.#notedCount -= passed.length
    if (markers.length === 0) this.#noted.delete(producerId)
    return markers[0]
  }

  async #lookFurther(offset: number, producerId: number): Promise<Outcome> {
    const known = this.#further
    if (known?.producerId !== producerId || (known.marker?.offset ?? Infinity) <= offset) {
      known?.stream.close()
      this.#further = { producerId, stream: this.#ahead.fork() }
    }
    const further = this.#further!
    while (further.marker === undefined) {
      const next = await further.stream.next()
      if (next === undefined) return 'open'
      const isOurs = next.producerId === producerId || next.producerId === 'all'
      if (isOurs && next.offset > offset) further.marker = next
    }
    return further.marker.isAbort ? 'aborted' : 'committed'
  }
}

/** The markers ahead of a reader, in their order. */
class MarkerStream {
  readonly #reader: BatchReader
  readonly #found: Marker[]

  constructor(from: BatchReader, found: readonly Marker[] = []) {
    this.#found = [...found]
    this.#reader = from.fork({
      maxBytes: AHEAD_BYTES,
      // Markers may be among what is lost, so whatever is open here may have been aborted.
      onDamage: ({ offset }) => this.#found.push({ producerId: 'all', offset, isAbort: true }),
    })
  }

  /** True when there is more between here and `reader` than is read at a time. */
  isFarBehind(reader: BatchReader): boolean {
    return this.#reader.bytesTo(reader) > AHEAD_BYTES
  }

  /** The next marker; undefined when there is none yet. */
  async next(): Promise<Marker | undefined> {
    for (;;) {
      const marker = this.#found.shift()
      if (marker !== undefined) return marker
      const batch = await this.#reader.nextAvailable()
      if (batch !== undefined) this.#found.push(...markersOf(batch))
      else if (this.#found.length === 0) return undefined
    }
  }

  waitForChange(): Promise<void> {
    return this.#reader.waitForChange()
  }

  fork(): MarkerStream {
    return new MarkerStream(this.#reader, this.#found)
  }

  close(): void {
    this.#reader.close()
  }
}

function markersOf(batch: RecordBatch): Marker[] {
  if (!batch.isControl || !batch.isTransactional) return []
  const { producerId, baseOffset } = batch
  try {
    return batch
      .controlRecords()
      .filter(({ type }) => type === 'ABORT' || type === 'COMMIT')
      .map(({ offset, type }) => ({ producerId, offset, isAbort: type === 'ABORT' }))
  } catch (error) {
    if (!isSeglogError(error)) throw error
    return [{ producerId: 'all', offset: baseOffset, isAbort: true }] // it can't be read: as good as lost
  }
}
