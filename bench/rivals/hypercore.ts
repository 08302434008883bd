import { GroupCommit } from './group-commit.ts'
import { decodeKeyed, encodeKeyed } from './keyed-json.ts'
import { loadLibrary } from './library.ts'
import type { Done, KeyedRecord, OpenOptions, Rival, RivalLog } from './rival.ts'

/** Reads that are under way at once. */
const READ_COUNT = 256

interface Core {
  readonly length: number
  ready(): Promise<void>
  append(values: Uint8Array | readonly Uint8Array[]): Promise<unknown>
  get(index: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** hypercore: a log with a signed tree of hashes, over RocksDB. */
export const hypercore: Rival = {
  name: 'hypercore',
  packageName: 'hypercore',
  settings: `binary values; a batch is one append of an array; scanned with ${READ_COUNT} gets at a time, a tenth of the records`,
  levels: {
    os: { promisesMore: 'every batch is hashed and signed, so that others can check it' },
    disk: { cannot: 'it never syncs its write-ahead log' },
  },
  isGathering: false,
  isSlowToRead: true,
  async open(directory, options) {
    const Hypercore = loadLibrary<new (directory: string, options: object) => Core>('hypercore')
    const core = new Hypercore(directory, { valueEncoding: 'binary' })
    await core.ready()
    return new CoreLog(core, options)
  },
}

class CoreLog implements RivalLog {
  readonly #core: Core
  readonly #group: GroupCommit | undefined

  constructor(core: Core, { isGrouped = false }: OpenOptions) {
    this.#core = core
    this.#group = isGrouped ? new GroupCommit((values) => this.appendBatch(values)) : undefined
  }

  appendBatch(values: readonly Uint8Array[]): Done {
    return this.#core.append(values)
  }

  append(value: Uint8Array): Promise<unknown> {
    return this.#group === undefined ? this.#core.append(value) : this.#group.append(value)
  }

  appendKeyed(records: readonly KeyedRecord[]): Done {
    return this.appendBatch(records.map(encodeKeyed))
  }

  async scan(visit: (value: Uint8Array) => void): Promise<void> {
    const { length } = this.#core
    for (let first = 0; first < length; first += READ_COUNT) {
      const count = Math.min(READ_COUNT, length - first)
      const values = await Promise.all(
        Array.from({ length: count }, (_, slot) => this.#core.get(first + slot)),
      )
      for (const value of values) visit(value)
    }
  }

  async scanKeyed(visit: (record: KeyedRecord) => void): Promise<void> {
    await this.scan((value) => visit(decodeKeyed(value)))
  }

  read(offset: number): Promise<Uint8Array> {
    return this.#core.get(offset)
  }

  async close(): Promise<void> {
    await this.#core.close()
  }
}
