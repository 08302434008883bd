import { argumentTypeError, isSeglogError } from '../core/index.ts'
import type { Bytes, RecordInput } from '../index.ts'
import { parseJsonRecord } from './record-json.ts'

/** How a piece of the input becomes a record. */
export interface LineOptions {
  readonly isJson: boolean
  /** Ends the key; without it, the whole piece is the value. */
  readonly keyDelimiter: Buffer | undefined
  /** The key of records that bring none. */
  readonly key: string | undefined
  readonly headers: readonly (readonly [string, Bytes | null])[]
  /** An empty key or value is null. */
  readonly emptyIsNull: boolean
}

/**
 * Makes records of pieces of the input; undefined for one that holds nothing: a blank line between JSON objects.
 *
 * Errors: TypeError, naming the piece, for JSON that is no record.
 */
export function recordMaker(options: LineOptions): (piece: Buffer) => RecordInput | undefined {
  return options.isJson ? jsonMaker() : (piece) => makeRecord(piece, options)
}

function makeRecord(piece: Buffer, options: LineOptions): RecordInput {
  const { keyDelimiter, headers } = options
  const at = keyDelimiter === undefined ? -1 : piece.indexOf(keyDelimiter)
  const orNull = (bytes: Buffer): Buffer | null => (bytes.length === 0 && options.emptyIsNull ? null : bytes)
  const key = at === -1 ? (options.key ?? null) : orNull(piece.subarray(0, at))
  const value = orNull(at === -1 ? piece : piece.subarray(at + (keyDelimiter?.length ?? 0)))
  return headers.length === 0 ? { key, value } : { key, value, headers }
}

function jsonMaker(): (piece: Buffer) => RecordInput | undefined {
  let lineNumber = 0
  return (piece) => {
    lineNumber++
    const line = piece.toString()
    if (line.trim() === '') return undefined
    try {
      return parseJsonRecord(line)
    } catch (error) {
      if (isSeglogError(error) || !(error instanceof TypeError)) throw error
      throw argumentTypeError(`line ${lineNumber}: ${error.message}`)
    }
  }
}
