import { loadLibrary } from './library.ts'
import type { Done, KeyedRecord, OpenOptions, Rival, RivalLog } from './rival.ts'

const BUFFER_BYTES = 1024 * 1024
/** Opens what a process that was killed has left locked. */
const LOCK_RECLAIM = 1

interface Storage {
  readonly length: number
  open(): boolean
  write(document: unknown): number
  flush(): unknown
  read(number: number): unknown
  readRange(from: number): Iterable<unknown>
  close(): void
}

interface EventStorage {
  readonly Storage: new (name: string, options: object) => Storage
}

/** event-storage: its Storage, the log of documents that its event store is built on. */
export const eventStorage: Rival = {
  name: 'event-storage',
  packageName: 'event-storage',
  settings:
    'its Storage, without the event store above it; write buffers of 1 MiB; documents are text, so binary values go in as ' +
    'base64; flushed, with its index, when a batch or a turn is over; disk: syncOnFlush',
  promisesLess: 'no checksum, and a batch is only a unit while it fits the write buffer',
  levels: { os: {}, disk: {} },
  isGathering: true,
  async open(directory, options) {
    return new EventStorageLog(directory, options)
  },
}

class EventStorageLog implements RivalLog {
  readonly #storage: Storage
  #flushing: Promise<void> | undefined

  constructor(directory: string, { level }: OpenOptions) {
    const { Storage: Opened } = loadLibrary<EventStorage>('event-storage')
    this.#storage = new Opened('log', {
      dataDirectory: directory,
      serializer: { serialize, deserialize },
      writeBufferSize: BUFFER_BYTES,
      indexOptions: { writeBufferSize: BUFFER_BYTES },
      syncOnFlush: level === 'disk',
      lock: LOCK_RECLAIM,
    })
    this.#storage.open()
  }

  appendBatch(values: readonly Uint8Array[]): Done {
    for (const value of values) this.#storage.write(value)
    this.#storage.flush()
    return undefined
  }

  append(value: Uint8Array): Promise<unknown> {
    this.#storage.write(value)
    this.#flushing ??= this.#flush()
    return this.#flushing
  }

  appendKeyed(records: readonly KeyedRecord[]): Done {
    for (const record of records) this.#storage.write(record)
    this.#storage.flush()
    return undefined
  }

  scan(visit: (value: Uint8Array) => void): Done {
    if (this.#storage.length === 0) return undefined
    for (const document of this.#storage.readRange(1)) visit(document as Uint8Array)
    return undefined
  }

  scanKeyed(visit: (record: KeyedRecord) => void): Done {
    return this.scan((document) => visit(document as unknown as KeyedRecord))
  }

  read(offset: number): Uint8Array {
    return this.#storage.read(offset + 1) as Uint8Array
  }

  async close(): Promise<void> {
    this.#storage.close()
  }

  /** The library writes documents out by itself when a turn is over, and its index 100 ms later: both are wanted at once. */
  async #flush(): Promise<void> {
    await undefined
    this.#flushing = undefined
    this.#storage.flush()
  }
}

/** A document is bytes, or a record with a key: JSON begins with a brace, which base64 has none of. */
function serialize(document: Uint8Array | KeyedRecord): string {
  if (document instanceof Uint8Array)
    return Buffer.from(document.buffer, document.byteOffset, document.byteLength).toString('base64')
  return JSON.stringify(document)
}

function deserialize(text: string): Uint8Array | KeyedRecord {
  return text.startsWith('{') ? (JSON.parse(text) as KeyedRecord) : Buffer.from(text, 'base64')
}
