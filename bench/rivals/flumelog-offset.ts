import { join } from 'node:path'
import { decodeKeyed, encodeKeyed } from './keyed-json.ts'
import { loadLibrary } from './library.ts'
import type { Done, KeyedRecord, Rival, RivalLog } from './rival.ts'

const BLOCK_BYTES = 64 * 1024

type Callback<T> = (error: Error | true | null, result: T) => void
type Source = (abort: null, callback: Callback<unknown>) => void

interface FlumeLog {
  readonly since: { once(callback: (position: number) => void): void }
  append(values: Uint8Array | readonly Uint8Array[], callback: Callback<number>): void
  stream(options: object): Source
}

/** flumelog-offset: one file of framed values. */
export const flumelogOffset: Rival = {
  name: 'flumelog-offset',
  packageName: 'flumelog-offset',
  settings: 'blocks of 64 KiB; a batch is an array',
  cannotRead: 'it finds records by position, and has no numbers',
  promisesLess: 'no checksum, and nothing closes its file',
  levels: { os: {}, disk: { cannot: 'it never syncs' } },
  isGathering: true,
  async open(directory) {
    const create = loadLibrary<(path: string, options: object) => FlumeLog>('flumelog-offset')
    const log = create(join(directory, 'log.offset'), { blockSize: BLOCK_BYTES })
    const last = await new Promise<number>((resolve) => log.since.once(resolve))
    return new FramedLog(log, { isEmpty: last < 0 })
  },
}

class FramedLog implements RivalLog {
  readonly #log: FlumeLog
  #isEmpty: boolean

  constructor(log: FlumeLog, { isEmpty }: { isEmpty: boolean }) {
    this.#log = log
    this.#isEmpty = isEmpty
  }

  appendBatch(values: readonly Uint8Array[]): Done {
    return this.#write(values)
  }

  append(value: Uint8Array): Promise<unknown> {
    return this.#write(value)
  }

  appendKeyed(records: readonly KeyedRecord[]): Done {
    return this.appendBatch(records.map(encodeKeyed))
  }

  scan(visit: (value: Uint8Array) => void): Done {
    // The stream of an empty log never ends.
    if (this.#isEmpty) return undefined
    return drain(this.#log.stream({ seqs: false, values: true, live: false }), (value) =>
      visit(value as Buffer),
    )
  }

  async scanKeyed(visit: (record: KeyedRecord) => void): Promise<void> {
    await this.scan((value) => visit(decodeKeyed(value)))
  }

  /** It has no close: the descriptor goes with the process. */
  async close(): Promise<void> {}

  #write(values: Uint8Array | readonly Uint8Array[]): Promise<unknown> {
    this.#isEmpty = false
    return new Promise((resolve, reject) => {
      this.#log.append(values, (error, position) => (error ? reject(error) : resolve(position)))
    })
  }
}

/** Reads a pull-stream to its end, in a loop where it answers at once, since calls within calls would fill the stack. */
function drain(source: Source, visit: (item: unknown) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const pull = (): void => {
      for (let isSync = true; isSync; ) {
        isSync = false
        let isInCall = true
        // oxlint-disable-next-line no-loop-func
        source(null, (error, item) => {
          if (error === true) return resolve()
          if (error) return reject(error)
          visit(item)
          if (isInCall) isSync = true
          else pull()
        })
        isInCall = false
      }
    }
    pull()
  })
}
