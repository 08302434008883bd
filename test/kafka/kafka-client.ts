import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { startJava } from './java-process.ts'

/** A record for Kafka's producer; strings are UTF-8, what is left out is null. */
export interface KafkaRecordInput {
  readonly key?: Buffer | string | null
  readonly value?: Buffer | string | null
  readonly headers?: readonly (readonly [string, Buffer | string | null])[]
  /** In ms; left out, the producer takes the time of day. */
  readonly timestamp?: number
}

/** A record as Kafka's consumer gave it. */
export interface KafkaRecord {
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

/** Which partition of which topic; the first by default. */
export interface Place {
  readonly topic: string
  readonly partition?: number
}

type Settings = Readonly<Record<string, string | number | boolean>>
type Answer = Record<string, unknown>

/** Kafka's own clients, in a Java process of their own; one request after another. See `java/Client.java`. */
export class KafkaClient {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>
  #errors = ''
  #last: Promise<unknown> = Promise.resolve()

  /** Starts one for the broker at `bootstrap`; with `keep`, the caller closes it, else it ends with the test. */
  constructor(bootstrap: string, { keep = false }: { keep?: boolean } = {}) {
    this.#process = startJava('Client', [bootstrap])
    this.#process.stderr!.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.#lines = createInterface(this.#process.stdout!)[Symbol.asyncIterator]()
    if (!keep) onTestFinished(() => this.close())
  }

  async createTopic(topic: string, options: { partitions?: number; config?: Settings } = {}): Promise<void> {
    await this.#ask({ do: 'createTopic', topic, ...options })
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#ask({ do: 'deleteTopic', topic })
  }

  /** Sets configuration of a topic. */
  async configure(topic: string, config: Settings): Promise<void> {
    await this.#ask({ do: 'configure', topic, config })
  }

  /** Moves the start of a partition. */
  async deleteRecords(place: Place, offset: number): Promise<void> {
    await this.#ask({ do: 'deleteRecords', ...place, offset })
  }

  /**
   * Sends records as one batch, where they fit into one; gives back their offsets. `producer` is its configuration; with a
   * `transactional.id` the batch is a transaction, which `transaction` ends, or leaves open for the next call to go on with.
   */
  async produce(
    place: Place,
    records: readonly KafkaRecordInput[],
    options: { producer?: Settings; transaction?: 'commit' | 'abort' | 'open' } = {},
  ): Promise<number[]> {
    const { offsets } = await this.#ask({
      do: 'produce',
      transaction: 'commit',
      ...place,
      ...options,
      records: records.map((record) => ({
        ...record,
        key: base64(record.key),
        value: base64(record.value),
        headers: record.headers?.map(([name, value]) => [name, base64(value)]),
      })),
    })
    return offsets as number[]
  }

  /**
   * Starts producers that write batches of random sizes to random partitions of the topic until the client is closed;
   * one with a `transactional.id` commits, or aborts, every few batches.
   */
  async load(
    topic: string,
    options: { partitions: number; producers: readonly Settings[]; valueBytes: number; seed: number },
  ): Promise<void> {
    await this.#ask({ do: 'load', topic, ...options })
  }

  /** Everything from `from` on up to the end. `consumer` is the consumer's configuration. */
  async consume(
    place: Place,
    options: { from?: number; consumer?: Settings } = {},
  ): Promise<{ end: number; records: KafkaRecord[] }> {
    const { end, records } = await this.#ask({ do: 'consume', ...place, ...options })
    return { end: end as number, records: (records as EncodedRecord[]).map(fromJson) }
  }

  /** For each offset that of the first record which a consumer gets from there on; null when there is none. */
  async firstFrom(place: Place, offsets: readonly number[]): Promise<(number | null)[]> {
    return (await this.#ask({ do: 'firstFrom', ...place, offsets }))['offsets'] as (number | null)[]
  }

  /** What the broker answers to ListOffsets, for each of `specs`; offset -1 is none. */
  async listOffsets(
    place: Place,
    specs: readonly (number | 'earliest' | 'latest' | 'maxTimestamp')[],
  ): Promise<{ offset: number; timestamp: number }[]> {
    const { found } = await this.#ask({ do: 'listOffsets', ...place, specs })
    return found as { offset: number; timestamp: number }[]
  }

  /** Commits an offset of a group, which makes the broker write to `__consumer_offsets`. */
  async commitOffset(place: Place, group: string, offset: number): Promise<void> {
    await this.#ask({ do: 'commitOffset', ...place, group, offset })
  }

  /** Ends the process. */
  close(): void {
    this.#process.kill('SIGKILL')
  }

  #ask(request: object): Promise<Answer> {
    const answer = this.#last.then(async () => {
      this.#process.stdin!.write(`${JSON.stringify(request)}\n`)
      const { done, value } = await this.#lines.next()
      if (done === true) throw new Error(`the client ended: ${this.#errors}`)
      const answered = JSON.parse(value) as Answer
      if (answered['error'] !== undefined) throw new Error(`${answered['error'] as string}\n${this.#errors}`)
      return answered
    })
    this.#last = answer.catch(() => {})
    return answer
  }
}

interface EncodedRecord extends Omit<KafkaRecord, 'key' | 'value' | 'headers'> {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

function fromJson(record: EncodedRecord): KafkaRecord {
  const { offset, timestamp, timestampType, key, value, headers } = record
  return {
    offset,
    timestamp,
    timestampType,
    key: decoded(key),
    value: decoded(value),
    headers: headers.map(([name, text]) => [name, decoded(text)]),
  }
}

function base64(bytes: Buffer | string | null | undefined): string | null {
  return bytes === undefined || bytes === null ? null : Buffer.from(bytes).toString('base64')
}

function decoded(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}
