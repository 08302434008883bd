/*
 * How `read -f` prints a record, in kcat's notation.
 *
 *   %o offset   %T timestamp in ms   %k key   %K its length   %s value   %S its length   %R its length, as int32
 *   %h headers, name=value joined by commas   %t topic   %p partition   %% a percent sign   \n \r \t \\ \xNN
 *
 * A length is -1 for null, which itself prints as nothing, or as NULL.
 */
import type { TopicPartition } from '../layout/index.ts'
import type { LogRecord } from '../record/index.ts'
import { UsageError } from './failures.ts'
import { quote } from './option-values.ts'
import { parseEscapes } from './text-bytes.ts'

/** Where pieces of a record go: bytes as they are, or text. */
export type WritePiece = (piece: Buffer | string) => void

/** What a record is printed in. */
export interface RecordSurroundings extends TopicPartition {
  /** What null prints as. */
  readonly nullText: string
}

/** Prints one record. */
export type FormatRecord = (record: LogRecord, write: WritePiece) => void

type Field = (record: LogRecord, surroundings: RecordSurroundings) => Buffer | string

const FIELDS: Readonly<Record<string, Field>> = {
  o: ({ offset }) => String(offset),
  T: ({ timestamp, timestampExact }) => String(timestampExact ?? timestamp),
  k: ({ key }, { nullText }) => key ?? nullText,
  K: ({ key }) => String(key?.length ?? -1),
  s: ({ value }, { nullText }) => value ?? nullText,
  S: ({ value }) => String(value?.length ?? -1),
  R: ({ value }) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value?.length ?? -1)
    return bytes
  },
  h: formatHeaders,
  t: (_record, { topic }) => topic,
  p: (_record, { partition }) => String(partition),
  '%': () => '%',
}

/** Turns a format into what prints records by it. Errors: UsageError for a token or an escape that is none. */
export function parseRecordFormat(format: string, surroundings: RecordSurroundings): FormatRecord {
  const pieces: (Buffer | Field)[] = []
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf('%', at)
    const end = percent === -1 ? format.length : percent
    if (end > at) pieces.push(parseLiteral(format.slice(at, end)))
    if (percent === -1) break
    const name = format.slice(percent + 1, percent + 2)
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
    if (field === undefined) {
      throw new UsageError(
        `-f has no ${quote(`%${name}`)}; there are ${Object.keys(FIELDS)
          .map((known) => `%${known}`)
          .join(' ')}`,
      )
    }
    pieces.push(field)
    at = percent + 2
  }
  return (record, write) => {
    for (const piece of pieces) write(typeof piece === 'function' ? piece(record, surroundings) : piece)
  }
}

function parseLiteral(text: string): Buffer {
  const bytes = parseEscapes(text)
  if (bytes !== undefined) return bytes
  throw new UsageError(`-f has the escapes \\n \\r \\t \\\\ \\xNN and no others, found ${quote(text)}`)
}

function formatHeaders({ headers }: LogRecord): Buffer {
  const pieces: Buffer[] = []
  for (const [name, value] of headers) {
    pieces.push(Buffer.from(`${pieces.length === 0 ? '' : ','}${name}=`), value ?? Buffer.from('NULL'))
  }
  return Buffer.concat(pieces)
}
