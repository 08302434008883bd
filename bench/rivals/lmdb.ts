import { join } from 'node:path'
import { decodeKeyed, encodeKeyed } from './keyed-json.ts'
import { loadLibrary } from './library.ts'
import type { Done, KeyedRecord, OpenOptions, Rival, RivalLog } from './rival.ts'

/** What is used of lmdb. */
interface Database {
  put(key: number, value: Uint8Array): Promise<boolean>
  putSync(key: number, value: Uint8Array, options: { append: boolean }): void
  transactionSync(work: () => void): void
  getBinaryFast(key: number): Uint8Array | undefined
  getRange(options: object): Iterable<{ key: number; value: Uint8Array }>
  getKeys(options: object): Iterable<number>
  close(): Promise<void>
}

interface Lmdb {
  open(path: string, options: object): Database
}

/** LMDB, a memory-mapped B-tree, by lmdb-js. */
export const lmdb: Rival = {
  name: 'lmdb',
  packageName: 'lmdb',
  settings:
    'keys uint32, values binary, pages of 8 KiB; a batch is one synchronous transaction of puts at the end (append); ' +
    'os: noSync; disk: synced by the commit; read with getBinaryFast and getRange',
  promisesLess: 'no checksum',
  levels: { os: {}, disk: {} },
  isGathering: true,
  open: async (directory, options) => new LmdbLog(directory, options),
}

class LmdbLog implements RivalLog {
  readonly #database: Database
  #end: number

  constructor(directory: string, { level }: OpenOptions) {
    const { open } = loadLibrary<Lmdb>('lmdb')
    this.#database = open(join(directory, 'data.mdb'), {
      encoding: 'binary',
      keyEncoding: 'uint32',
      pageSize: 8192,
      // Without overlapping syncs a commit returns when it is synced, and one that is waited for needs nothing more.
      ...(level === 'os' ? { noSync: true } : { overlappingSync: false }),
    })
    const [last] = this.#database.getKeys({ reverse: true, limit: 1 })
    this.#end = last === undefined ? 0 : last + 1
  }

  appendBatch(values: readonly Uint8Array[]): Done {
    this.#database.transactionSync(() => {
      for (const value of values) this.#database.putSync(this.#end++, value, { append: true })
    })
    return undefined
  }

  append(value: Uint8Array): Promise<unknown> {
    return this.#database.put(this.#end++, value)
  }

  appendKeyed(records: readonly KeyedRecord[]): Done {
    return this.appendBatch(records.map(encodeKeyed))
  }

  scan(visit: (value: Uint8Array) => void): Done {
    for (const { value } of this.#database.getRange({})) visit(value)
    return undefined
  }

  scanKeyed(visit: (record: KeyedRecord) => void): Done {
    return this.scan((value) => visit(decodeKeyed(value)))
  }

  read(offset: number): Uint8Array {
    return this.#database.getBinaryFast(offset)!
  }

  async close(): Promise<void> {
    await this.#database.close()
  }
}
