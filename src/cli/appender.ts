import type { AppendResult, Durability, RecordInput, ResolvedConfig } from '../index.ts'

/** Records of one call are one batch; this much of them is one. */
const BATCH_BYTES = 64 * 1024
/** Fields of the batch header, and what a record adds to its contents at most. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 40
const HEADER_OVERHEAD_BYTES = 10
/** Accepted and not yet acknowledged: well under what the log holds before it refuses (64 MiB). */
const FLIGHT_BYTES_MAX = 8 * 1024 * 1024

/** Where records are appended: a log, or a topic, which chooses a partition for each. */
export interface AppendTarget {
  readonly config: Pick<ResolvedConfig, 'max.message.bytes' | 'segment.bytes'>
  /** Several records may go in one call, as one batch; otherwise each goes in a call of its own. */
  readonly takesBatches: boolean
  append(
    records: readonly RecordInput[],
    options: { durability: Durability },
  ): Promise<AppendResult & { readonly partition: number }>
}

/** The offsets that records were given in one partition; nobody else appends meanwhile, so there is no gap. */
export interface OffsetRange {
  readonly firstOffset: number
  readonly lastOffset: number
}

/** What has been appended so far. */
export interface AppendTotals {
  readonly records: number
  /** Of keys, values and headers. */
  readonly bytes: number
  /** By partition. */
  readonly offsets: ReadonlyMap<number, OffsetRange>
}

/**
 * Appends a stream of records in batches, several under way at once, and never more than a few MiB of them.
 *
 * Shape:  whoever adds records looks at `isBusy` now and then and awaits `drain`, so that records are read no faster
 *         than they can be written. After an error nothing more is appended.
 */
export class Appender {
  readonly #target: AppendTarget
  readonly #durability: Durability
  readonly #batchBytesMax: number
  #batch: RecordInput[] = []
  #batchBytes = BATCH_OVERHEAD_BYTES
  #batchContentBytes = 0
  /** Oldest first. */
  readonly #flight = new Set<Promise<void>>()
  #flightBytes = 0
  #failure: { readonly error: unknown } | undefined
  #records = 0
  #bytes = 0
  readonly #offsets = new Map<number, OffsetRange>()

  constructor(target: AppendTarget, durability: Durability) {
    this.#target = target
    this.#durability = durability
    const { config, takesBatches } = target
    const batchBytesMax = Math.min(BATCH_BYTES, config['max.message.bytes'], config['segment.bytes'])
    this.#batchBytesMax = takesBatches ? batchBytesMax : 0
  }

  /** What has been acknowledged. */
  get totals(): AppendTotals {
    return { records: this.#records, bytes: this.#bytes, offsets: this.#offsets }
  }

  /** More is under way than should be: the next thing to do is to await `drain`. */
  get isBusy(): boolean {
    return this.#flightBytes > FLIGHT_BYTES_MAX || this.#failure !== undefined
  }

  /** Takes a record in; it is appended when its batch is full, or at the next `send`. */
  add(record: RecordInput): void {
    const { contentBytes, sizeBytes } = measure(record)
    if (this.#batchBytes + sizeBytes > this.#batchBytesMax) this.send()
    this.#batch.push(record)
    this.#batchBytes += sizeBytes
    this.#batchContentBytes += contentBytes
  }

  /** Hands what was taken in to the log, as one batch. */
  send(): void {
    const [records, sizeBytes, contentBytes] = [this.#batch, this.#batchBytes, this.#batchContentBytes]
    this.#batch = []
    this.#batchBytes = BATCH_OVERHEAD_BYTES
    this.#batchContentBytes = 0
    if (records.length === 0 || this.#failure !== undefined) return
    this.#flightBytes += sizeBytes
    const settled: Promise<void> = this.#target
      .append(records, { durability: this.#durability })
      .then(
        (result) => this.#acknowledge(result, { records: records.length, bytes: contentBytes }),
        (error: unknown) => {
          this.#failure ??= { error }
        },
      )
      .finally(() => {
        this.#flightBytes -= sizeBytes
        this.#flight.delete(settled)
      })
    this.#flight.add(settled)
  }

  /** Waits while too much is under way. Errors: the first that an append failed with. */
  async drain(): Promise<void> {
    for (const oldest of this.#flight) {
      if (this.#flightBytes <= FLIGHT_BYTES_MAX) break
      await oldest
    }
    this.#throwIfFailed()
  }

  /** Appends everything and waits until all of it is acknowledged. Errors: the first there was. */
  async finish(): Promise<void> {
    this.send()
    await Promise.all(this.#flight)
    this.#throwIfFailed()
  }

  /** Partitions acknowledge in the order of their offsets. */
  #acknowledge(
    { partition, baseOffset, lastOffset }: AppendResult & { readonly partition: number },
    added: { records: number; bytes: number },
  ): void {
    const { firstOffset = baseOffset } = this.#offsets.get(partition) ?? {}
    this.#offsets.set(partition, { firstOffset, lastOffset })
    this.#records += added.records
    this.#bytes += added.bytes
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** What a record holds, and the most it takes up in a batch. */
function measure({ key, value, headers }: RecordInput): { contentBytes: number; sizeBytes: number } {
  let contentBytes = sizeOf(key) + sizeOf(value)
  let overheadBytes = RECORD_OVERHEAD_BYTES
  if (Array.isArray(headers)) {
    for (const [name, content] of headers as readonly (readonly [string, Buffer | string | null])[]) {
      contentBytes += sizeOf(name) + sizeOf(content)
      overheadBytes += HEADER_OVERHEAD_BYTES
    }
  }
  return { contentBytes, sizeBytes: contentBytes + overheadBytes }
}

function sizeOf(field: Uint8Array | string | null | undefined): number {
  if (field === null || field === undefined) return 0
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length
}
