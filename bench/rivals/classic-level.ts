import { GroupCommit } from './group-commit.ts'
import { decodeKeyed, encodeKeyed } from './keyed-json.ts'
import { loadLibrary } from './library.ts'
import type { Done, KeyedRecord, OpenOptions, Rival, RivalLog } from './rival.ts'

const MEBIBYTE = 1024 * 1024
const KEY_BYTES = 8
const READ_COUNT = 1000

interface Database {
  open(): Promise<void>
  batch(): Batch
  put(key: Uint8Array, value: Uint8Array, options: { sync: boolean }): Promise<void>
  getSync(key: Uint8Array): Uint8Array
  keys(options: object): { next(): Promise<Uint8Array | undefined>; close(): Promise<void> }
  values(options: object): {
    nextv(count: number): Promise<Uint8Array[]>
    close(): Promise<void>
  }
  close(): Promise<void>
}

interface Batch {
  put(key: Uint8Array, value: Uint8Array): Batch
  write(options: { sync: boolean }): Promise<void>
}

interface ClassicLevel {
  readonly ClassicLevel: new (directory: string, options: object) => Database
}

/** LevelDB, a log-structured merge tree. */
export const classicLevel: Rival = {
  name: 'classic-level',
  packageName: 'classic-level',
  settings:
    'keys of 8 bytes, big-endian, binary values, no compression, write buffer of 32 MiB, cache of 256 MiB; ' +
    'a batch is one chained batch; disk: sync; read with getSync, and scanned 1,000 values at a time',
  promisesLess: 'checksums are written, and not looked at when a value is read',
  levels: { os: {}, disk: {} },
  isGathering: false,
  async open(directory, options) {
    const { ClassicLevel: Level } = loadLibrary<ClassicLevel>('classic-level')
    const database = new Level(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      compression: false,
      writeBufferSize: 32 * MEBIBYTE,
      cacheSize: 256 * MEBIBYTE,
    })
    await database.open()
    return new LevelLog(database, await findEnd(database), options)
  },
}

class LevelLog implements RivalLog {
  readonly #database: Database
  readonly #isSynced: boolean
  readonly #group: GroupCommit | undefined
  #end: number

  constructor(database: Database, end: number, { level, isGrouped = false }: OpenOptions) {
    this.#database = database
    this.#end = end
    this.#isSynced = level === 'disk'
    this.#group = isGrouped ? new GroupCommit((values) => this.appendBatch(values)) : undefined
  }

  appendBatch(values: readonly Uint8Array[]): Done {
    const batch = this.#database.batch()
    for (const value of values) batch.put(keyOf(this.#end++), value)
    return batch.write({ sync: this.#isSynced })
  }

  append(value: Uint8Array): Promise<unknown> {
    if (this.#group !== undefined) return this.#group.append(value)
    return this.#database.put(keyOf(this.#end++), value, { sync: this.#isSynced })
  }

  appendKeyed(records: readonly KeyedRecord[]): Done {
    return this.appendBatch(records.map(encodeKeyed))
  }

  async scan(visit: (value: Uint8Array) => void): Promise<void> {
    const iterator = this.#database.values({ highWaterMarkBytes: MEBIBYTE, fillCache: true })
    for (;;) {
      const values = await iterator.nextv(READ_COUNT)
      if (values.length === 0) break
      for (const value of values) visit(value)
    }
    await iterator.close()
  }

  async scanKeyed(visit: (record: KeyedRecord) => void): Promise<void> {
    await this.scan((value) => visit(decodeKeyed(value)))
  }

  read(offset: number): Uint8Array {
    return this.#database.getSync(keyOf(offset))
  }

  async close(): Promise<void> {
    await this.#database.close()
  }
}

function keyOf(offset: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES)
  key.writeUInt32BE(Math.floor(offset / 2 ** 32), 0)
  key.writeUInt32BE(offset >>> 0, 4)
  return key
}

async function findEnd(database: Database): Promise<number> {
  const keys = database.keys({ reverse: true, limit: 1 })
  const last = await keys.next()
  await keys.close()
  if (last === undefined) return 0
  const key = Buffer.from(last.buffer, last.byteOffset, KEY_BYTES)
  return key.readUInt32BE(0) * 2 ** 32 + key.readUInt32BE(4) + 1
}
