import { argumentTypeError, checkInteger, checkOffset, readOptions, typeName } from '../core/index.ts'

/** A place in a segment where reading went wrong, and where it can go on. */
export interface Damage {
  readonly path: string
  readonly position: number
  /** First offset that is lost. */
  readonly offset: number
  /** Where reading goes on: the next offset that is sound, or the end. */
  readonly nextOffset: number
  /** Bytes passed over in this file. */
  readonly sizeBytes: number
  readonly reason: string
  /** Set when nothing is broken: it is of a format that is not read, Kafka's before version 2. */
  readonly isUnsupported?: true
}

/** Where reading starts. */
export type ReadFrom =
  | number
  | 'earliest'
  | 'latest'
  | { readonly timestamp: number }
  | { readonly last: number }

/** What to read, and how. */
export interface ReadOptions {
  /** Default `earliest`. A time means the first record at or after it; `last: n` the last n offsets. */
  readonly from?: ReadFrom
  /** Exclusive. */
  readonly until?: number
  /** Wait at the end for more instead of ending. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
  /** Bound on what is read ahead; one batch is always read whole. Default 2 MiB. */
  readonly maxBytes?: number
  /** Default `throw`. A function is told, and reading goes on after the damage. */
  readonly onDamage?: 'throw' | ((damage: Damage) => void)
  /**
   * `committed` leaves out what transactions of Kafka's producers have aborted, and ends (or, following, waits) before the
   * first one that is still open. Transactions count from their first record at or past `from`.
   */
  readonly isolation?: 'uncommitted' | 'committed'
}

/** Reading options, checked and with their defaults. */
export interface CheckedReadOptions {
  readonly from: ReadFrom
  readonly until: number
  readonly follow: boolean
  readonly signal: AbortSignal | undefined
  readonly maxBytes: number
  readonly onDamage: ((damage: Damage) => void) | undefined
  readonly isolation: 'uncommitted' | 'committed'
}

const READ_BYTES = 2 * 1024 * 1024
const KNOWN = ['from', 'until', 'follow', 'signal', 'maxBytes', 'onDamage', 'isolation'] as const

/** Checks reading options. Errors: TypeError, RangeError. */
export function checkReadOptions(input: ReadOptions | undefined): CheckedReadOptions {
  const options = readOptions<ReadOptions>(input, { what: 'read', known: KNOWN })
  const { follow = false, signal, onDamage = 'throw', isolation = 'uncommitted' } = options
  if (typeof follow !== 'boolean')
    throw argumentTypeError(`follow must be a boolean, found ${typeName(follow)}`)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw argumentTypeError(`signal must be an AbortSignal, found ${typeName(signal)}`)
  }
  if (onDamage !== 'throw' && typeof onDamage !== 'function') {
    throw argumentTypeError(`onDamage must be 'throw' or a function, found ${typeName(onDamage)}`)
  }
  if (isolation !== 'uncommitted' && isolation !== 'committed') {
    throw argumentTypeError(`isolation must be 'uncommitted' or 'committed', found ${typeName(isolation)}`)
  }
  const { maxBytes = READ_BYTES, from = 'earliest' } = options
  return {
    from: checkFrom(from),
    until: options.until === undefined ? Infinity : checkOffset(options.until, 'until'),
    follow,
    signal,
    maxBytes: checkInteger(maxBytes, { name: 'maxBytes', min: 1, max: Number.MAX_SAFE_INTEGER }),
    onDamage: onDamage === 'throw' ? undefined : onDamage,
    isolation,
  }
}

function checkFrom(from: unknown): ReadFrom {
  if (from === 'earliest' || from === 'latest') return from
  if (typeof from === 'object' && from !== null) {
    const keys = Object.keys(from)
    const { timestamp, last } = from as Record<string, unknown>
    if (keys.length === 1 && keys[0] === 'timestamp') return { timestamp: checkTimestamp(timestamp) }
    if (keys.length === 1 && keys[0] === 'last') return { last: checkOffset(last, 'from.last') }
  } else if (typeof from === 'number') return checkOffset(from, 'from')
  throw argumentTypeError(
    `from must be an offset, 'earliest', 'latest', { timestamp } or { last }, found ${typeof from === 'string' ? JSON.stringify(from.slice(0, 40)) : typeName(from)}`,
  )
}

/** Gives a time to look up back if it is a whole number of ms. Errors: TypeError, RangeError. */
export function checkTimestamp(value: unknown): number {
  return checkInteger(value, {
    name: 'timestamp',
    min: Number.MIN_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
  })
}
