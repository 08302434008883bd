import type { KeyedRecord } from './rival.ts'

/** A record as one JSON text, for a library that only knows values. */
export function encodeKeyed(record: KeyedRecord): Buffer {
  return Buffer.from(JSON.stringify(record))
}

/** Undoes `encodeKeyed`. */
export function decodeKeyed(bytes: Uint8Array): KeyedRecord {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as KeyedRecord
}
