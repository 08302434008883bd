import { join } from 'node:path'
import { decodeKeyed, encodeKeyed } from './keyed-json.ts'
import { loadLibrary } from './library.ts'
import type { Done, KeyedRecord, Rival, RivalLog } from './rival.ts'

/** Room for a batch of 100 KiB, which has to fit into one block to be a unit. */
const BLOCK_BYTES = 128 * 1024
/** It waits so long for more before it writes; 0 would mean its default, 250. */
const WRITE_DELAY_MS = 0.001

type Callback<T> = (error: Error | null | undefined, result: T) => void

interface AppendOnlyLog {
  append(value: Buffer, callback: Callback<number>): void
  appendTransaction(values: readonly Buffer[], callback: Callback<number[]>): void
  onDrain(callback: () => void): void
  stream(options: object): { pipe(sink: Sink): void }
  close(callback: Callback<void>): void
}

interface Sink {
  paused: boolean
  write(item: unknown): void
  end(error?: Error | null): void
}

/** async-append-only-log: blocks that are written whole, and synced. */
export const asyncAppendOnlyLog: Rival = {
  name: 'async-append-only-log',
  packageName: 'async-append-only-log',
  settings:
    'blocks of 128 KiB, the least write delay that it takes; a batch is appendTransaction, and done at onDrain',
  cannotRead: 'it finds records by position, and has no numbers',
  promisesLess: 'no checksum',
  levels: { os: { promisesMore: 'every block is synced, and there is no way not to' }, disk: {} },
  isGathering: true,
  async open(directory) {
    const create = loadLibrary<(path: string, options: object) => AppendOnlyLog>('async-append-only-log')
    const options = { blockSize: BLOCK_BYTES, writeTimeout: WRITE_DELAY_MS }
    return new BlockLog(create(join(directory, 'log.bipf'), options))
  },
}

class BlockLog implements RivalLog {
  readonly #log: AppendOnlyLog

  constructor(log: AppendOnlyLog) {
    this.#log = log
  }

  appendBatch(values: readonly Uint8Array[]): Done {
    return new Promise((resolve, reject) => {
      this.#log.appendTransaction(values as readonly Buffer[], (error) => {
        if (error) return reject(error)
        this.#log.onDrain(() => resolve(undefined))
      })
    })
  }

  append(value: Uint8Array): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#log.append(value as Buffer, (error) => {
        if (error) return reject(error)
        this.#log.onDrain(() => resolve(undefined))
      })
    })
  }

  appendKeyed(records: readonly KeyedRecord[]): Done {
    return this.appendBatch(records.map(encodeKeyed))
  }

  scan(visit: (value: Uint8Array) => void): Done {
    return stream(this.#log, { offsets: false, values: true }, (value) => visit(value as Buffer))
  }

  scanKeyed(visit: (record: KeyedRecord) => void): Done {
    return this.scan((value) => visit(decodeKeyed(value)))
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#log.close((error) => (error ? reject(error) : resolve()))
    })
  }
}

function stream(log: AppendOnlyLog, options: object, visit: (item: unknown) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error | null): void => (error ? reject(error) : resolve())
    log.stream(options).pipe({ paused: false, write: visit, end })
  })
}
