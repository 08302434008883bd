/*
 * Keyed documents, as a program would append its events: a key of 16 bytes, an object of about 300 bytes as JSON, two
 * headers. They are the same in every run, and encoding them is part of the work that is measured.
 */
import type { KeyedRecord } from '../rivals/rival.ts'
import { Noise } from './payload.ts'
import { RecordTally, type Tally } from './tally.ts'

/** A document before it is encoded; key and headers are bytes already. */
export interface KeyedDocument {
  readonly key: Buffer
  readonly content: unknown
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
}

/** What is stored of a document, in whichever way a log does it. */
export interface EncodedDocument {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly headers: readonly (readonly [name: string, value: Uint8Array])[]
}

const CITIES = ['Aberdeen', 'Bergen', 'Cádiz', 'Dresden', 'Évora', 'Fukuoka', 'Göteborg', 'Hobart']
const KEY_DIGITS = 16

/** Different documents to append over and over. */
export function createDocuments(shape: { batchCount: number; recordsPerBatch: number }): KeyedDocument[][] {
  const noise = new Noise(20_260_102)
  return Array.from({ length: shape.batchCount }, () =>
    Array.from({ length: shape.recordsPerBatch }, () => createDocument(noise)),
  )
}

/** The batch as it is appended, encoded anew at every call. */
export function encodeDocuments(documents: readonly KeyedDocument[]): EncodedDocument[] {
  return documents.map(({ key, content, headers }) => ({
    key,
    value: Buffer.from(JSON.stringify(content)),
    headers,
  }))
}

/** The documents as the libraries are given them, which encode them by themselves. */
export function keyedRecordsOf(documents: readonly KeyedDocument[]): KeyedRecord[] {
  return documents.map(({ key, content, headers }) => ({
    key: key.toString(),
    headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes.toString()])),
    value: content,
  }))
}

/** What a library has given back, in the form in which it is counted. */
export function encodeKeyedRecord({ key, headers, value }: KeyedRecord): EncodedDocument {
  return {
    key: Buffer.from(key),
    value: Buffer.from(JSON.stringify(value)),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
  }
}

/** Counts and hashes keys, values and headers. */
export class DocumentTally {
  readonly #parts = new RecordTally()
  #count = 0

  add({ key, value, headers }: EncodedDocument): void {
    this.#count++
    this.#parts.add(key)
    this.#parts.add(value)
    for (const [name, bytes] of headers) {
      this.#parts.add(Buffer.from(name))
      this.#parts.add(bytes)
    }
  }

  take(): Tally {
    return { count: this.#count, hash: this.#parts.hash }
  }
}

/** The tally of `count` whole batches, drawn one after another, over and over. */
export function tallyOfDocuments(batches: readonly (readonly KeyedDocument[])[], count: number): Tally {
  const encoded = batches.map(encodeDocuments)
  const tally = new DocumentTally()
  for (let batch = 0; batch < count; batch++)
    for (const document of encoded[batch % encoded.length]!) tally.add(document)
  return tally.take()
}

function createDocument(noise: Noise): KeyedDocument {
  const id = `order-${noise.below(1e10)}`.padEnd(KEY_DIGITS, '0').slice(0, KEY_DIGITS)
  const items = Array.from({ length: 2 }, () => ({
    sku: `SKU-${noise.below(1e6)}`,
    quantity: 1 + noise.below(9),
    cents: noise.below(100_000),
  }))
  const content = {
    id,
    type: 'OrderPlaced',
    at: new Date(1_767_225_600_000 + noise.below(1e9)).toISOString(),
    customer: {
      number: noise.below(1e6),
      city: CITIES[noise.below(CITIES.length)]!,
      isNew: noise.below(2) === 0,
    },
    items,
    total: items.reduce((sum, { quantity, cents }) => sum + quantity * cents, 0),
    note: 'please leave it with the neighbours',
  }
  const trace = Buffer.from(`${noise.next()}`.padStart(16, '0'))
  return {
    key: Buffer.from(id),
    content,
    headers: [
      ['type', Buffer.from('OrderPlaced')],
      ['trace', trace],
    ],
  }
}
