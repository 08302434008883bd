import { isSeglogError } from '../core/index.ts'
import type { Damage, Log, RecordBatch } from '../index.ts'
import { mergeReads } from '../store/index.ts'
import type { CommandContext } from './context.ts'
import { escapeText } from './escape.ts'
import { EXIT } from './failures.ts'
import type { LogFailures } from './log-failures.ts'
import type { FormatRecord } from './record-format.ts'
import { decodeText } from './text-bytes.ts'
import { plural } from './words.ts'

/** A log that is read, from where on and how far. */
export interface ReadSource {
  readonly partition: number
  readonly log: Log
  readonly from: number
  readonly until: number | undefined
  readonly format: FormatRecord
}

/** What is read, and when to stop. */
export interface ReadingParts {
  readonly sources: readonly ReadSource[]
  readonly follow: boolean
  readonly count: number | undefined
  readonly failures: LogFailures
  /** The topic of the sources; a log of a topic that fails hides no other. Undefined for a log that is read by itself. */
  readonly topic: string | undefined
}

type Piece = { readonly batch: RecordBatch }

/** One pass over a log, or over several at a time: in order within each, and between them as batches come. */
export class Reading {
  readonly #context: CommandContext
  readonly #parts: ReadingParts
  readonly #write: (piece: Buffer | string) => void
  #left: number
  #doneBytes = 0
  /** Behind the last record that was printed, by partition. */
  readonly #printed = new Map<number, number>()
  #flushed: ReadonlyMap<number, number> = new Map()
  #printedCount = 0
  #flushedCount = 0
  /** A piece of the output has been lost: nothing behind it counts as handed over. */
  #isCutOff = false
  /** Partitions of which nothing more is read, because something in them can't be. */
  readonly #stopped = new Set<number>()

  constructor(context: CommandContext, parts: ReadingParts) {
    const { output } = context
    this.#context = context
    this.#parts = parts
    this.#left = parts.count ?? Number.POSITIVE_INFINITY
    this.#write = output.isTerminal
      ? (piece) => output.write(escapeText(typeof piece === 'string' ? piece : decodeText(piece)))
      : (piece) => output.write(piece)
  }

  /** Behind the last record whose line has been handed to whoever reads the output, by partition. */
  get flushed(): ReadonlyMap<number, number> {
    return this.#flushed
  }

  /** How many records those lines are. */
  get flushedCount(): number {
    return this.#flushedCount
  }

  /** Reads to the end, the count or an interruption. Errors: those of reading a log that is read by itself. */
  async run(): Promise<void> {
    const { sources, follow } = this.#parts
    const { output, notes } = this.#context
    const byPartition = new Map(sources.map((source) => [source.partition, source]))
    const pieces = mergeReads(
      sources.map((source) => ({ partition: source.partition, values: this.#readOne(source) })),
    )
    for await (const { batch, partition } of pieces) {
      this.#print(batch, byPartition.get(partition)!)
      this.#doneBytes += batch.sizeBytes
      if (follow || output.isTerminal || output.isFull) await this.flush()
      if (this.#left === 0) break
      notes.progress({ doneBytes: this.#doneBytes, text: `offset ${batch.lastOffset}` })
    }
  }

  /** Hands over what was printed. Errors: those of the output. */
  async flush(): Promise<void> {
    if (this.#isCutOff) return
    const [printed, count] = [new Map(this.#printed), this.#printedCount]
    try {
      await this.#context.output.flush()
    } catch (error) {
      this.#isCutOff = true
      throw error
    }
    this.#flushed = printed
    this.#flushedCount = count
  }

  /** The batches of one source; what it fails with ends it alone, where there is a topic to go on with. */
  #readOne(source: ReadSource): AsyncIterableIterator<Piece> {
    const batches = this.#openOne(source)
    const end = async (): Promise<IteratorReturnResult<undefined>> => {
      await batches.return?.()
      return END
    }
    const pieces: AsyncIterableIterator<Piece> = {
      next: async () => {
        if (this.#stopped.has(source.partition)) return end()
        try {
          const { done, value } = await batches.next()
          return done === true ? END : { done: false, value: { batch: value } }
        } catch (error) {
          this.#fail(source, error)
          return END
        }
      },
      return: end,
      [Symbol.asyncIterator]: () => pieces,
    }
    return pieces
  }

  #openOne({ log, partition, from, until }: ReadSource): AsyncIterableIterator<RecordBatch> {
    return log.readBatches({
      from,
      ...(until === undefined ? {} : { until }),
      follow: this.#parts.follow,
      signal: this.#context.interrupt,
      onDamage: (damage) => this.#pass(partition, damage),
    })
  }

  /** Tells what reading has passed over: damage, or what is not broken and can't be read here. */
  #pass(
    partition: number,
    { path, position, sizeBytes, offset, nextOffset, reason, isUnsupported }: Damage,
  ): void {
    const place = `${path}: ${plural(sizeBytes, 'byte')} from position ${position} on: ${reason}`
    const offsets = `offsets ${offset} to ${nextOffset - 1}`
    if (isUnsupported !== true) return this.#damage(partition, `${place}; ${offsets} are lost`)
    this.#parts.failures.raise(EXIT.failed)
    this.#context.notes.problem(
      'FORMAT_UNSUPPORTED',
      `${this.#nameOf(partition)}${place}; ${offsets} are left out`,
    )
  }

  #fail({ partition }: ReadSource, error: unknown): void {
    const { topic, failures } = this.#parts
    if (topic === undefined || this.#context.interrupt.aborted) throw error
    failures.add({ topic, partition }, error)
    this.#stopped.add(partition)
  }

  /** Prints the records that are wanted of a batch, up to the first that can't be read. */
  #print(batch: RecordBatch, source: ReadSource): void {
    const { from, until = Number.POSITIVE_INFINITY, format, partition } = source
    try {
      for (const record of batch) {
        if (record.offset < from) continue
        if (record.offset >= until || this.#left === 0) return
        format(record, this.#write)
        this.#left--
        this.#printedCount++
        this.#printed.set(partition, record.offset + 1)
      }
    } catch (error) {
      if (!isSeglogError(error)) throw error
      if (error.kind === 'damage') this.#damage(partition, error.message)
      else this.#fail(source, error)
    }
  }

  #damage(partition: number, message: string): void {
    this.#parts.failures.raise(EXIT.damage)
    this.#context.notes.problem('BATCH_CORRUPT', this.#nameOf(partition) + message)
  }

  #nameOf(partition: number): string {
    const { topic } = this.#parts
    return topic === undefined ? '' : `${topic}-${partition}: `
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }
