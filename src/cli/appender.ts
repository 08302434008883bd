import type { AppendResult, Durability, Log, RecordInput } from '../index.ts'

/** Records of one call are one batch; this much of them is one. */
const BATCH_BYTES = 64 * 1024
/** Fields of the batch header, and what a record adds to its contents at most. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 40
const HEADER_OVERHEAD_BYTES = 10
/** Accepted and not yet acknowledged: well under what the log holds before it refuses (64 MiB). */
const FLIGHT_BYTES_MAX = 8 * 1024 * 1024

/** What has been appended so far. */
export interface AppendTotals {
  readonly records: number
  /** Of keys, values and headers. */
  readonly bytes: number
  readonly firstOffset: number | undefined
  readonly lastOffset: number | undefined
}

/**
 * Appends a stream of records in batches, several under way at once, and never more than a few MiB of them.
 *
 * Shape:  whoever adds records looks at `isBusy` now and then and awaits `drain`, so that records are read no faster
 *         than they can be written. After an error nothing more is appended.
 */
export class Appender {
  readonly #log: Log
  readonly #durability: Durability
  readonly #batchBytesMax: number
  #batch: RecordInput[] = []
  #batchBytes = BATCH_OVERHEAD_BYTES
  #batchContentBytes = 0
  readonly #flight: Promise<void>[] = []
  #flightBytes = 0
  #failure: { readonly error: unknown } | undefined
  #totals: AppendTotals = { records: 0, bytes: 0, firstOffset: undefined, lastOffset: undefined }

  constructor(log: Log, durability: Durability) {
    this.#log = log
    this.#durability = durability
    const { config } = log
    this.#batchBytesMax = Math.min(BATCH_BYTES, config['max.message.bytes'], config['segment.bytes'])
  }

  /** What has been acknowledged. */
  get totals(): AppendTotals {
    return this.#totals
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
    const settled = this.#log
      .append(records, { durability: this.#durability })
      .then(
        (result) => this.#acknowledge(result, { records: records.length, bytes: contentBytes }),
        (error: unknown) => {
          this.#failure ??= { error }
        },
      )
      .finally(() => {
        this.#flightBytes -= sizeBytes
        this.#flight.splice(this.#flight.indexOf(settled), 1)
      })
    this.#flight.push(settled)
  }

  /** Waits while too much is under way. Errors: the first that an append failed with. */
  async drain(): Promise<void> {
    while (this.#flightBytes > FLIGHT_BYTES_MAX) await this.#flight[0]
    this.#throwIfFailed()
  }

  /** Appends everything and waits until all of it is acknowledged. Errors: the first there was. */
  async finish(): Promise<void> {
    this.send()
    await Promise.all(this.#flight)
    this.#throwIfFailed()
  }

  #acknowledge({ baseOffset, lastOffset }: AppendResult, added: { records: number; bytes: number }): void {
    const { records, bytes, firstOffset = baseOffset } = this.#totals
    this.#totals = { records: records + added.records, bytes: bytes + added.bytes, firstOffset, lastOffset }
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
