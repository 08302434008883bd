/*
 * Reading as a consumer of Kafka's with isolation.level=read_committed does.
 *
 * A transaction's records lie among all others, and whether they count is known only from the marker behind them. So
 * when the first transactional batch is met, a scout goes ahead and notes the markers, as far as one must know:
 *
 *     reader                  scout
 *       v                       v
 *   ... A1 B1 n A2  ... COMMIT(A) ... ABORT(B) ... readable end
 *
 * A batch whose producer's next marker is an ABORT is left out. One without a marker below the readable end belongs to
 * a transaction that is still open, and nothing from there on is given: that is Kafka's last stable offset. Damage ends
 * what is open there as an ABORT would: the marker may be among what is lost.
 *
 * Transactions count from their first batch at or past the place where reading starts; what they wrote below it is not
 * looked for.
 */
import { isSeglogError } from '../core/index.ts'
import type { RecordBatch } from '../record/index.ts'
import type { BatchReader, BatchSource } from './batch-reader.ts'
import { type Outcome, TransactionScout } from './transaction-scout.ts'

/** Gives the batches of a reader, without those of transactions that were aborted or are still open. */
export class CommittedReader implements BatchSource {
  readonly #reader: BatchReader
  readonly #follow: boolean
  #scout: TransactionScout | undefined

  constructor(reader: BatchReader, { follow }: { follow: boolean }) {
    this.#reader = reader
    this.#follow = follow
  }

  get from(): number {
    return this.#reader.from
  }

  async next(): Promise<RecordBatch | undefined> {
    try {
      for (;;) {
        const batch = await this.#reader.next()
        if (batch === undefined) break
        if (!batch.isTransactional) return batch
        if (batch.isControl) {
          this.#scout?.passed(batch)
          return batch
        }
        const outcome = await this.#settle(batch)
        if (outcome === 'committed') return batch
        if (outcome === 'open') break
      }
    } catch (error) {
      this.close()
      throw error
    }
    this.close()
    return undefined
  }

  isGone(offset: number): boolean {
    return this.#reader.isGone(offset)
  }

  close(): void {
    this.#reader.close()
    this.#scout?.close()
  }

  /** What became of the batch's transaction; when following, waits until it has ended. */
  async #settle(batch: RecordBatch): Promise<Outcome> {
    for (;;) {
      const scout = (this.#scout ??= new TransactionScout(this.#reader))
      try {
        const outcome = await scout.outcomeOf(batch)
        if (outcome !== 'open' || !this.#follow || this.#reader.isClosed) return outcome
        await scout.waitForChange()
        this.#reader.checkAlive()
      } catch (error) {
        if (!isSeglogError(error, 'LOG_TRUNCATED')) throw error
        this.#reader.checkAlive() // what the scout has read is gone: the batch as well?
        scout.close()
        this.#scout = undefined
      }
    }
  }
}
