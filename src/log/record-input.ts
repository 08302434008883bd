import { argumentRangeError, argumentTypeError, nearestName, SeglogError, typeName } from '../core/index.ts'
import type { AppendLimits } from './append-queue.ts'

/** Bytes, or a string that is stored as UTF-8; bytes are copied before `append()` returns. */
export type Bytes = Uint8Array | string

/** Headers as an object, or as pairs where a key repeats or the order counts. */
export type HeadersInput =
  | Readonly<Record<string, Bytes | null>>
  | readonly (readonly [string, Bytes | null])[]

/** A record to append; what is left out is null, no headers, or the clock's time. */
export interface RecordInput {
  readonly value?: Bytes | null
  readonly key?: Bytes | null
  readonly headers?: HeadersInput
  /** Ms since the Unix epoch. */
  readonly timestamp?: number
}

/** A record, or its value alone. */
export type RecordLike = RecordInput | Bytes

type HeaderPair = readonly [string, Bytes | null]

/** A record as the encoder takes it; one object is used over and over. */
interface EncodableRecord {
  key: Bytes | null
  value: Bytes | null
  headers: readonly HeaderPair[]
  timestamp: number
}

const NO_HEADERS: readonly HeaderPair[] = []
const FIELDS = ['value', 'key', 'headers', 'timestamp']
const NO_TIMESTAMP = -1

/**
 * Turns what callers pass into what the encoder takes, reading each property once and only own ones.
 *
 * A hot path: it makes no object per record, and looks at types, never at contents.
 */
export class RecordReader {
  readonly #record: EncodableRecord = { key: null, value: null, headers: NO_HEADERS, timestamp: 0 }
  #maxTimestamp = NO_TIMESTAMP

  /** The record for the encoder, good until the next call. Errors: TypeError, RangeError, TIMESTAMP_INVALID, RECORD_INVALID. */
  read(
    input: RecordLike | undefined,
    call: { index: number; nowMs: number; limits: AppendLimits },
  ): EncodableRecord {
    const record = this.#record
    record.key = null
    record.value = null
    record.headers = NO_HEADERS
    record.timestamp = call.nowMs
    if (typeof input === 'string' || input instanceof Uint8Array)
      record.value = checkBytes(input, 'value', call.index)
    else this.#readFields(input, call)
    if (call.limits.keyRequired && record.key === null) {
      throw new SeglogError(
        'RECORD_INVALID',
        `record ${call.index} has no key, and cleanup.policy is compact`,
        {
          outcome: 'not-written',
        },
      )
    }
    if (call.index === 0 || record.timestamp > this.#maxTimestamp) this.#maxTimestamp = record.timestamp
    return record
  }

  /** The largest timestamp of the call whose records were read last. */
  takeMaxTimestamp(): number {
    return this.#maxTimestamp
  }

  #readFields(input: unknown, call: { index: number; nowMs: number; limits: AppendLimits }): void {
    if (typeof input !== 'object' || input === null || Array.isArray(input) || ArrayBuffer.isView(input)) {
      throw argumentTypeError(
        `record ${call.index} must be a string, a Uint8Array or an object with a value, found ${typeName(input)}`,
      )
    }
    const record = this.#record
    for (const name in input) {
      if (!Object.hasOwn(input, name)) continue
      const field = (input as Record<string, unknown>)[name]
      if (name === 'value') record.value = field === undefined ? null : checkBytes(field, name, call.index)
      else if (name === 'key') record.key = field === undefined ? null : checkBytes(field, name, call.index)
      else if (name === 'headers')
        record.headers = field === undefined ? NO_HEADERS : readHeaders(field, call.index)
      else if (name === 'timestamp') {
        if (field !== undefined) record.timestamp = checkTimestamp(field, call)
      } else throw unknownField(name, call.index)
    }
  }
}

function checkBytes(value: unknown, name: string, index: number): Bytes | null {
  if (typeof value === 'string' || value === null) return value
  if (value instanceof Uint8Array) {
    const buffer = value.buffer as ArrayBuffer & { detached?: boolean }
    if (buffer.detached !== true) return value
    throw argumentTypeError(`${name} of record ${index} is a view of a detached ArrayBuffer`)
  }
  throw argumentTypeError(
    `${name} of record ${index} must be a string, a Uint8Array or null, found ${typeName(value)}`,
  )
}

function readHeaders(headers: unknown, index: number): readonly HeaderPair[] {
  if (Array.isArray(headers)) return headers.map((pair) => readHeaderPair(pair, index))
  if (typeof headers !== 'object' || headers === null || ArrayBuffer.isView(headers)) {
    throw argumentTypeError(
      `headers of record ${index} must be an object or pairs, found ${typeName(headers)}`,
    )
  }
  return Object.keys(headers).map((key) =>
    readHeaderPair([key, (headers as Record<string, unknown>)[key]], index),
  )
}

function readHeaderPair(pair: unknown, index: number): HeaderPair {
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw argumentTypeError(
      `each header of record ${index} must be a pair [name, value], found ${typeName(pair)}`,
    )
  }
  const [key, value] = pair as [unknown, unknown]
  if (typeof key !== 'string') {
    throw argumentTypeError(`a header name of record ${index} must be a string, found ${typeName(key)}`)
  }
  return [key, checkBytes(value, 'a header value', index)]
}

function checkTimestamp(
  value: unknown,
  call: { index: number; nowMs: number; limits: AppendLimits },
): number {
  const { index, nowMs, limits } = call
  if (typeof value !== 'number') {
    throw argumentTypeError(`timestamp of record ${index} must be a number of ms, found ${typeName(value)}`)
  }
  if (!Number.isSafeInteger(value) || value < NO_TIMESTAMP) {
    throw argumentRangeError(
      `timestamp of record ${index} must be a whole number of ms from -1 (none) on, found ${value}`,
    )
  }
  if (value === NO_TIMESTAMP || limits.timestampType === 'LogAppendTime') return value === 0 ? 0 : value
  if (nowMs - value > limits.timestampBeforeMaxMs) {
    throw timestampInvalid(value, {
      index,
      key: 'message.timestamp.before.max.ms',
      limit: limits.timestampBeforeMaxMs,
      nowMs,
    })
  }
  if (value - nowMs > limits.timestampAfterMaxMs) {
    throw timestampInvalid(value, {
      index,
      key: 'message.timestamp.after.max.ms',
      limit: limits.timestampAfterMaxMs,
      nowMs,
    })
  }
  return value === 0 ? 0 : value // -0 becomes 0
}

function timestampInvalid(
  timestamp: number,
  rule: { index: number; key: string; limit: number; nowMs: number },
): SeglogError {
  const hint = timestamp > rule.nowMs * 100 ? '; timestamps are ms, this looks like a finer unit' : ''
  return new SeglogError(
    'TIMESTAMP_INVALID',
    `timestamp ${timestamp} of record ${rule.index} is over ${rule.key} (${rule.limit} ms) from now, ${rule.nowMs}${hint}`,
    { found: timestamp, expected: rule.nowMs, outcome: 'not-written' },
  )
}

function unknownField(name: string, index: number): TypeError {
  const nearest = nearestName(name, FIELDS)
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`
  return argumentTypeError(`record ${index} has an unknown field '${name.slice(0, 80)}'${hint}`)
}
