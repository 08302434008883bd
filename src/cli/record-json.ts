/*
 * A record in one line of JSON, as `read --json` prints it, `dump --json` prints it, and `append --json` reads it.
 *
 *   {"offset":0,"timestamp":1700000000000,"key":"k","value":"v","headers":[["name","value"]]}
 *
 * Bytes that are no UTF-8 are base64, and said to be: "keyEncoding", "valueEncoding", and a third entry in a header.
 * A number that JSON can't hold exactly is a text of its digits.
 */
import { argumentTypeError, nearestName } from '../core/index.ts'
import type { RecordInput } from '../index.ts'
import type { TopicPartition } from '../layout/index.ts'
import type { LogRecord } from '../record/index.ts'
import { parseBase64, toJsonBytes } from './text-bytes.ts'

/** A header in JSON: its name, its value, and how the value is encoded when it is no text. */
type JsonHeader = readonly [string, string | null] | readonly [string, string, 'base64']

/** A record in JSON. */
export interface JsonRecord {
  /** Only of a record of a topic. */
  readonly topic?: string
  readonly partition?: number
  readonly offset: number
  readonly timestamp: number | bigint
  readonly key: string | null
  readonly keyEncoding?: 'base64'
  readonly value: string | null
  readonly valueEncoding?: 'base64'
  readonly headers: readonly JsonHeader[]
}

const FIELDS = [
  'topic',
  'partition',
  'offset',
  'timestamp',
  'key',
  'keyEncoding',
  'value',
  'valueEncoding',
  'headers',
] as const

type Fields = Partial<Record<(typeof FIELDS)[number], unknown>>

/** The record as it goes into JSON, with where it is from, where that is to be said; nothing of it is lost. */
export function toJsonRecord(record: LogRecord, place?: TopicPartition): JsonRecord {
  const key = record.key === null ? undefined : toJsonBytes(record.key)
  const value = record.value === null ? undefined : toJsonBytes(record.value)
  return {
    ...(place === undefined ? {} : { topic: place.topic, partition: place.partition }),
    offset: record.offset,
    timestamp: record.timestampExact ?? record.timestamp,
    key: key?.text ?? null,
    ...(key?.encoding === undefined ? {} : { keyEncoding: key.encoding }),
    value: value?.text ?? null,
    ...(value?.encoding === undefined ? {} : { valueEncoding: value.encoding }),
    headers: record.headers.map(([name, bytes]): JsonHeader => {
      if (bytes === null) return [name, null]
      const { text, encoding } = toJsonBytes(bytes)
      return encoding === undefined ? [name, text] : [name, text, encoding]
    }),
  }
}

/**
 * Reads one line of JSON as a record to append; where it was is passed over, for the log gives out its own offsets.
 * Errors: TypeError for anything that `toJsonRecord` does not write.
 */
export function parseJsonRecord(line: string): RecordInput {
  const fields = parseObject(line)
  const { timestamp, headers } = fields
  return {
    key: readBytes('key', fields.key, fields.keyEncoding),
    value: readBytes('value', fields.value, fields.valueEncoding),
    ...(timestamp === undefined ? {} : { timestamp: readTimestamp(timestamp) }),
    ...(headers === undefined ? {} : { headers: readHeaders(headers) }),
  }
}

function parseObject(line: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw argumentTypeError('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw argumentTypeError('a JSON object was expected, such as {"key":"k","value":"v"}')
  }
  for (const name of Object.keys(value)) {
    if ((FIELDS as readonly string[]).includes(name)) continue
    const nearest = nearestName(name, FIELDS)
    throw argumentTypeError(
      `unknown field ${JSON.stringify(name.slice(0, 40))}${nearest === undefined ? '' : `, did you mean "${nearest}"?`}`,
    )
  }
  return value
}

function readBytes(name: string, value: unknown, encoding: unknown): Buffer | string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw argumentTypeError(`${name} must be a text or null`)
  if (encoding === undefined) return value
  const bytes = encoding === 'base64' ? parseBase64(value) : undefined
  if (bytes !== undefined) return bytes
  throw argumentTypeError(
    encoding === 'base64' ? `${name} is not base64` : `${name}Encoding must be "base64", or left out`,
  )
}

/** A text of digits is what a timestamp beyond the safe integers is written as; none of those can be appended. */
function readTimestamp(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw argumentTypeError('timestamp must be a whole number of ms')
}

function readHeaders(headers: unknown): [string, Buffer | string | null][] {
  if (!Array.isArray(headers)) throw argumentTypeError('headers must be a list of [name, value]')
  return headers.map((header: unknown) => {
    const [name, value, encoding] = Array.isArray(header) ? (header as unknown[]) : []
    const isPair = Array.isArray(header) && (header.length === 2 || header.length === 3)
    if (!isPair || typeof name !== 'string') throw argumentTypeError('each header must be [name, value]')
    return [name, readBytes('a header value', value, encoding)]
  })
}
