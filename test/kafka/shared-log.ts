import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Log, type LogOptions, openLog, type RecordHeader } from '../../src/index.ts'
import { namesOf } from '../helpers/temp-log.ts'
import type { KafkaClient, KafkaRecord, KafkaRecordInput } from './kafka-client.ts'

/** What is written by one side, to be found by both. */
export interface SharedRecord {
  readonly key?: string | null
  readonly value?: string | null
  readonly headers?: readonly (readonly [string, string | null])[]
  readonly timestamp?: number
}

type TimestampType = KafkaRecord['timestampType']

/** The files that Kafka keeps beside segments. */
const BESIDE = /\.(?:index|timeindex|txnindex|snapshot)$/

/**
 * A partition that a broker and seglog have in turns, and every record that must be in it: as whoever wrote it was told,
 * not as anybody read it.
 */
export class SharedLog {
  readonly topic: string
  readonly directory: string
  readonly #timestampType: TimestampType
  #records: KafkaRecord[] = []
  /** The offset of the next record. */
  end = 0

  constructor(dataDirectory: string, topic: string, options: { timestampType?: TimestampType } = {}) {
    this.topic = topic
    this.directory = join(dataDirectory, `${topic}-0`)
    this.#timestampType = options.timestampType ?? 'CreateTime'
  }

  /** All that must be there, in order. */
  get records(): readonly KafkaRecord[] {
    return this.#records
  }

  /** Puts the segments of a closed log in the place of those that are there, and of what Kafka kept beside those. */
  putInPlace(from: string, { withIdentity = false }: { withIdentity?: boolean } = {}): void {
    for (const name of readdirSync(this.directory).filter(
      (found) => found.endsWith('.log') || BESIDE.test(found),
    ))
      rmSync(join(this.directory, name))
    const names = [...namesOf(from, '.log'), ...(withIdentity ? ['topic.properties'] : [])]
    for (const name of names) copyFileSync(join(from, name), join(this.directory, name))
  }

  /** Opens it in the broker's directory, as it lies there. */
  open(options: LogOptions = {}): Promise<Log> {
    return openLog(this.directory, { cleanup: false, adopt: true, ...options })
  }

  /** Has seglog append one batch. */
  async append(log: Log, records: readonly SharedRecord[]): Promise<void> {
    const { baseOffset, timestamp } = await log.append(records)
    expect(baseOffset).toBe(this.end)
    this.note(
      records.map((record) => ({ ...record, timestamp: this.#isAppendTime ? timestamp : record.timestamp! })),
    )
  }

  /** Has a broker append one batch. */
  async produce(
    client: KafkaClient,
    records: readonly SharedRecord[],
    options: Parameters<KafkaClient['produce']>[2] = {},
  ): Promise<void> {
    const offsets = await client.produce(
      { topic: this.topic },
      records as readonly KafkaRecordInput[],
      options,
    )
    expect(offsets[0]).toBe(this.end)
    this.note(
      records.map((record) => ({ ...record, timestamp: this.#isAppendTime ? NaN : record.timestamp! })),
    )
    if (options.producer?.['transactional.id'] !== undefined) this.end++ // its marker
    if (this.#isAppendTime) await this.#learnTimes(client)
  }

  /** What lies at and above `offset` is gone. */
  cut(offset: number): void {
    this.#records = this.#records.filter((record) => record.offset < offset)
    this.end = offset
  }

  /** What lies below `offset` is gone. */
  drop(offset: number): void {
    this.#records = this.#records.filter((record) => record.offset >= offset)
  }

  /** Only these offsets are left: the rest was compacted away. */
  keep(offsets: ReadonlySet<number>): void {
    this.#records = this.#records.filter(({ offset }) => offsets.has(offset))
  }

  /** A broker's own consumer gets just what must be there, from the start and from each of some offsets on. */
  async expectConsumed(client: KafkaClient): Promise<void> {
    const place = { topic: this.topic }
    const consumed = await client.consume(place)
    expect(consumed.records.map(describeRecord)).toEqual(this.#records.map(describeRecord))
    expect(consumed.end).toBe(this.end)
    const offsets = this.#records.filter((_, slot) => slot % 7 === 0).map(({ offset }) => offset)
    expect(await client.firstFrom(place, offsets)).toEqual(offsets)
    const asked = this.#records.filter((_, slot) => slot % 11 === 0).map(({ timestamp }) => timestamp)
    const found = await client.listOffsets(place, asked)
    expect(found).toEqual(
      asked.map((time) => {
        const { offset, timestamp } = this.#records.find((record) => record.timestamp >= time)!
        return { offset, timestamp }
      }),
    )
  }

  /** seglog reads just what must be there, by a scan and by look-ups. */
  async expectRead(log: Log): Promise<void> {
    const found: KafkaRecord[] = []
    for await (const batch of log.readBatches()) {
      const { timestampType } = batch
      for (const record of batch) {
        const { offset, timestamp, key, value, headers } = record
        if (!batch.isControl && offset >= log.startOffset)
          found.push({ offset, timestamp, timestampType, key, value, headers })
      }
    }
    expect(found.map(describeRecord)).toEqual(this.#records.map(describeRecord))
    expect(log.endOffset).toBe(this.end)
    for (const { offset, timestamp } of this.#records.filter((_, slot) => slot % 5 === 0)) {
      expect(await log.get(offset)).toMatchObject({ offset, timestamp })
      const first = this.#records.find((record) => record.timestamp >= timestamp)!
      expect(await log.offsetForTimestamp(timestamp)).toEqual({
        offset: first.offset,
        timestamp: first.timestamp,
      })
    }
  }

  get #isAppendTime(): boolean {
    return this.#timestampType === 'LogAppendTime'
  }

  /** Takes note of records that were appended, as they are now in the log. */
  note(records: readonly (SharedRecord & { timestamp: number })[]): void {
    for (const { key = null, value = null, headers = [], timestamp } of records) {
      this.#records.push({
        offset: this.end++,
        timestamp,
        timestampType: this.#timestampType,
        key: bytes(key),
        value: bytes(value),
        headers: headers.map(([name, text]): RecordHeader => [name, bytes(text)]),
      })
    }
  }

  /** The times that a broker gave, which it tells nobody but its consumers: from then on they must stay what they are. */
  async #learnTimes(client: KafkaClient): Promise<void> {
    const { records } = await client.consume({ topic: this.topic })
    const times = new Map(records.map(({ offset, timestamp }) => [offset, timestamp]))
    this.#records = this.#records.map((record) =>
      Number.isNaN(record.timestamp) ? { ...record, timestamp: times.get(record.offset)! } : record,
    )
  }
}

/** All there is to a record, in a line. */
function describeRecord({ offset, timestamp, timestampType, key, value, headers }: KafkaRecord): string {
  const named = headers.map(([name, content]) => `${JSON.stringify(name)}=${show(content)}`)
  return `${offset} ${timestampType} ${timestamp} ${show(key)} ${show(value)} ${named.join()}`
}

function show(content: Buffer | null): string {
  return content === null ? 'null' : `${content.toString('latin1')}.`
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}

/** The base offsets of segments in `directory` that Kafka has no index of, and has to build it. */
export function withoutIndex(directory: string): number[] {
  const names = new Set(readdirSync(directory))
  return [...names]
    .filter((name) => name.endsWith('.log') && !names.has(name.replace(/log$/, 'index')))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b)
}
