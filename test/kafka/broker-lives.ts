import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Broker, type BrokerProperties, startBroker } from './broker.ts'
import { KafkaClient } from './kafka-client.ts'
import { withoutIndex } from './shared-log.ts'

/** Warnings of every start, whatever is in the directory; and one of now and then, when a partition gets its leader late. */
const ALWAYS = [
  /QuorumController .*Performing controller activation/,
  /Non-monotonic update of high watermark from \(offset=\d+, segment=\[-1:-1\]\)/,
]
/** Kafka's word for an index that it does not find; it then builds it. */
const NO_INDEX =
  /Could not find offset index file corresponding to log file \S+\/([^/]+)\/(\d{20})\.log, recovering segment/

/** One broker after another in the same directory. */
export class BrokerLives {
  readonly directory: string
  readonly dataDirectory: string
  readonly #properties: BrokerProperties
  #broker: Broker | undefined
  #client: KafkaClient | undefined

  constructor(directory: string, properties: BrokerProperties = {}) {
    this.directory = directory
    this.dataDirectory = join(directory, 'data')
    this.#properties = properties
  }

  get client(): KafkaClient {
    return this.#client!
  }

  /** All that the broker has logged. */
  get log(): string {
    return this.#broker!.log()
  }

  /**
   * Starts a broker, which must have nothing to complain about but what `expected` matches, and must build those indexes that
   * are missing and no others.
   */
  async start({ expected = [] }: { expected?: readonly RegExp[] } = {}): Promise<void> {
    const missing = this.#missingIndexes()
    this.#broker = await startBroker(this.directory, { keep: true, properties: this.#properties })
    this.#client = new KafkaClient(this.#broker.bootstrap, { keep: true })
    const complaints = this.complaints()
    const built = complaints.flatMap((line) => {
      const [, directory, base] = NO_INDEX.exec(line) ?? []
      return directory === undefined ? [] : [`${directory} ${Number(base)}`]
    })
    for (const name of built) expect(missing).toContain(name)
    const known = [...ALWAYS, NO_INDEX, ...expected]
    expect(complaints.filter((line) => !known.some((pattern) => pattern.test(line)))).toEqual([])
    expect(this.#missingIndexes().filter((name) => missing.includes(name))).toEqual([])
  }

  /** What it has logged as a warning or worse. */
  complaints(): string[] {
    return this.log.split('\n').filter((line) => / (?:WARN|ERROR|FATAL) /.test(line))
  }

  /** Ends the broker in order. */
  async stop(): Promise<void> {
    this.#client?.close()
    await this.#broker?.stop()
    this.#broker = undefined
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#client?.close()
    await this.#broker?.kill()
    this.#broker = undefined
  }

  #missingIndexes(): string[] {
    const names = (() => {
      try {
        return readdirSync(this.dataDirectory, { withFileTypes: true })
      } catch {
        return [] // the first of its lives
      }
    })()
    return names
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('__'))
      .flatMap(({ name }) => withoutIndex(join(this.dataDirectory, name)).map((base) => `${name} ${base}`))
  }
}
