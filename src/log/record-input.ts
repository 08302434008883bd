import {
  argumentRangeError,
  argumentTypeError,
  nearestName,
  realLength,
  SeglogError,
  typeName,
} from '../core/index.ts'
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
export interface EncodableRecord {
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

  /** Takes note that the call begins with records that the encoder took by itself: bytes alone, with the time of the call. */
  tookBytes(nowMs: number): void {
    this.#maxTimestamp = nowMs
  }

  /** The largest timestamp of the call whose records were read last. */
  takeMaxTimestamp(): number {
    return this.#maxTimestamp
  }

  #readFields(input: unknown, call: { index: number; nowMs: number; limits: AppendLimits }): void {
    if (typeof input !== 'object' || input === null || Array.isArray(input) || ArrayBuffer.isView(input))
      throw badRecord(input, call.index)
    const record = this.#record
    let fieldCount = 0
    for (const name in input) {
      if (!Object.hasOwn(input, name)) continue
      fieldCount++
      const field = (input as Record<string, unknown>)[name]
      if (name === 'value') record.value = field === undefined ? null : checkBytes(field, name, call.index)
      else if (name === 'key') record.key = field === undefined ? null : checkBytes(field, name, call.index)
      else if (name === 'headers')
        record.headers = field === undefined ? NO_HEADERS : readHeaders(field, call.index)
      else if (name === 'timestamp') {
        if (field !== undefined) record.timestamp = checkTimestamp(field, call)
      } else throw unknownField(name, call.index)
    }
    if (fieldCount === 0 && !isPlain(input)) throw badRecord(input, call.index)
  }
}

/** True for what an object literal makes, of any realm; a Map, a promise or an ArrayBuffer has no fields either. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function checkBytes(value: unknown, name: string, index: number): Bytes | null {
  if (typeof value === 'string' || value === null) return value
  // A proxy of a view is none, and a property called length may say anything: what is copied goes by the real one.
  if (!(value instanceof Uint8Array) || !ArrayBuffer.isView(value)) {
    throw argumentTypeError(
      `${name} of record ${index} must be a string, a Uint8Array or null, found ${typeName(value)}`,
    )
  }
  const length = realLength(value)
  if (value.length !== length)
    throw argumentTypeError(`${name} of record ${index} has ${length} bytes and says something else`)
  if (length === 0 && (value.buffer as ArrayBuffer & { detached?: boolean }).detached === true)
    throw argumentTypeError(`${name} of record ${index} is a view of a detached ArrayBuffer`)
  return value
}

function readHeaders(headers: unknown, index: number): readonly HeaderPair[] {
  if (typeof headers !== 'object' || headers === null || ArrayBuffer.isView(headers))
    throw badHeaders(headers, index)
  const pairs: HeaderPair[] = []
  if (Array.isArray(headers)) {
    const count = headers.length // by index, and not by methods of the list: a hole is an error, like any other non-pair
    for (let slot = 0; slot < count; slot++) pairs.push(readHeaderPair(headers[slot], index))
    return pairs
  }
  for (const key of Object.keys(headers)) {
    const value = (headers as Record<string, unknown>)[key]
    pairs.push([key, checkBytes(value, 'a header value', index)])
  }
  if (pairs.length === 0 && !isPlain(headers)) throw badHeaders(headers, index)
  return pairs
}

function readHeaderPair(pair: unknown, index: number): HeaderPair {
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw argumentTypeError(
      `each header of record ${index} must be a pair [name, value], found ${typeName(pair)}`,
    )
  }
  const key: unknown = pair[0]
  if (typeof key !== 'string') {
    throw argumentTypeError(`a header name of record ${index} must be a string, found ${typeName(key)}`)
  }
  return [key, checkBytes(pair[1], 'a header value', index)]
}

function badHeaders(headers: unknown, index: number): TypeError {
  return argumentTypeError(
    `headers of record ${index} must be an object or pairs, found ${typeName(headers)}`,
  )
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
      `timestamp of record ${index} must be a whole number of ms from -1 (none) on, found ${value}${unitHint(value, nowMs)}`,
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
  const hint = unitHint(timestamp, rule.nowMs)
  return new SeglogError(
    'TIMESTAMP_INVALID',
    `timestamp ${timestamp} of record ${rule.index} is over ${rule.key} (${rule.limit} ms) from now, ${rule.nowMs}${hint}`,
    { found: timestamp, expected: rule.nowMs, outcome: 'not-written' },
  )
}

function unitHint(timestamp: number, nowMs: number): string {
  return Number.isFinite(timestamp) && timestamp > nowMs * 100
    ? '; timestamps are ms, this looks like a finer unit'
    : ''
}

function badRecord(input: unknown, index: number): TypeError {
  return argumentTypeError(
    `record ${index} must be a string, a Uint8Array or an object with a value, found ${typeName(input)}`,
  )
}

function unknownField(name: string, index: number): TypeError {
  const nearest = nearestName(name, FIELDS)
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`
  return argumentTypeError(`record ${index} has an unknown field '${name.slice(0, 80)}'${hint}`)
}
