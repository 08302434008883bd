import { utf8Size, varintSize, varlongSize, writeUtf8, writeVarint, writeVarlong } from '../codec/index.ts'

/** Bytes to store; a string is stored as UTF-8. */
export type FieldBytes = Uint8Array | string

/** What is stored of a record, beside its offset and timestamp. */
export interface RecordFields {
  readonly key: FieldBytes | null
  readonly value: FieldBytes | null
  readonly headers: readonly (readonly [key: string, value: FieldBytes | null])[]
}

/**
 * Encodes records: `measure`, make room, `write`, for one record after another.
 *
 * Cost:   allocates nothing; what `measure` finds is kept here, so that `write` need not look at a string twice.
 */
export class RecordWriter {
  #record: RecordFields = { key: null, value: null, headers: [] }
  #timestampDelta: number | bigint = 0
  #offsetDelta = 0
  #bodySize = 0
  #keySize = 0
  #valueSize = 0
  /** Of each header of the record: size of its key, size of its value. */
  readonly #headerSizes: number[] = []

  /** Bytes that the record takes; positional, because an object for the deltas would be made once a record. */
  measure(record: RecordFields, timestampDelta: number | bigint, offsetDelta: number): number {
    this.#record = record
    this.#timestampDelta = timestampDelta
    this.#offsetDelta = offsetDelta
    this.#keySize = fieldSize(record.key)
    this.#valueSize = fieldSize(record.value)
    this.#bodySize =
      1 +
      varlongSize(timestampDelta) +
      varintSize(offsetDelta) +
      prefixedSize(this.#keySize) +
      prefixedSize(this.#valueSize) +
      varintSize(record.headers.length) +
      (record.headers.length === 0 ? 0 : this.#measureHeaders(record.headers))
    return prefixedSize(this.#bodySize)
  }

  /** Writes the record that was measured last at `at`; gives the position after it. */
  write(bytes: Buffer, at: number): number {
    const { key, value, headers } = this.#record
    let position = writeVarint(bytes, at, this.#bodySize)
    bytes[position++] = 0
    position = writeVarlong(bytes, position, this.#timestampDelta)
    position = writeVarint(bytes, position, this.#offsetDelta)
    position = writeField(bytes, position, key, this.#keySize)
    position = writeField(bytes, position, value, this.#valueSize)
    position = writeVarint(bytes, position, headers.length)
    for (let slot = 0; slot < headers.length; slot++) {
      const [headerKey, headerValue] = headers[slot]!
      position = writeField(bytes, position, headerKey, this.#headerSizes[2 * slot]!)
      position = writeField(bytes, position, headerValue, this.#headerSizes[2 * slot + 1]!)
    }
    return position
  }

  #measureHeaders(headers: RecordFields['headers']): number {
    let size = 0
    for (let slot = 0; slot < headers.length; slot++) {
      const [key, value] = headers[slot]!
      const keySize = utf8Size(key)
      const valueSize = fieldSize(value)
      this.#headerSizes[2 * slot] = keySize
      this.#headerSizes[2 * slot + 1] = valueSize
      size += prefixedSize(keySize) + prefixedSize(valueSize)
    }
    return size
  }
}

/** Length to store for a field: -1 for null. */
function fieldSize(field: FieldBytes | null): number {
  if (field === null) return -1
  return typeof field === 'string' ? utf8Size(field) : field.length
}

/** Bytes of a field of `size` together with its length prefix. */
function prefixedSize(size: number): number {
  return size < 0 ? 1 : varintSize(size) + size
}

function writeField(bytes: Buffer, at: number, field: FieldBytes | null, size: number): number {
  const position = writeVarint(bytes, at, size)
  if (field === null) return position
  if (typeof field === 'string') return writeUtf8(bytes, position, field, size)
  bytes.set(field, position)
  return position + size
}
