/** What went wrong, in a word a program can match on; the code never changes, the message may. */
export type ErrorCode = keyof typeof ERROR_TABLE

/** The family an error belongs to: what the caller can do about it. */
export type ErrorKind = 'damage' | 'range' | 'refused' | 'busy' | 'disk' | 'state' | 'unsupported' | 'config'

interface ErrorTraits {
  readonly kind: ErrorKind
  /** The same call may succeed later, with nothing changed by this attempt. */
  readonly retriable: boolean
  /** The log takes no more appends until it is opened again. */
  readonly poisons: boolean
  /** Exit code of the command line: 1 damage, 2 usage, 3 could not run. */
  readonly exitCode: 1 | 2 | 3
}

const traits = (kind: ErrorKind, exitCode: 1 | 2 | 3, flags?: { retriable?: true; poisons?: true }) =>
  ({
    kind,
    exitCode,
    retriable: flags?.retriable ?? false,
    poisons: flags?.poisons ?? false,
  }) satisfies ErrorTraits

/** Every code there is. docs/errors.md says for each what it means and what to do; a test holds the two equal. */
export const ERROR_TABLE = {
  BATCH_CORRUPT: traits('damage', 1),
  LOG_CORRUPT: traits('damage', 1),
  TAIL_TORN: traits('damage', 1),
  COMPRESSION_UNSUPPORTED: traits('unsupported', 3),
  FORMAT_UNSUPPORTED: traits('unsupported', 3),
  OFFSET_OUT_OF_RANGE: traits('range', 2),
  EXPECTED_OFFSET_MISMATCH: traits('refused', 2),
  RECORD_INVALID: traits('refused', 2),
  RECORD_TOO_LARGE: traits('refused', 2),
  TIMESTAMP_INVALID: traits('refused', 2),
  POLICY_VIOLATION: traits('refused', 2),
  BUFFER_FULL: traits('busy', 3, { retriable: true }),
  DISK_FULL: traits('disk', 3, { retriable: true }),
  IO_FAILED: traits('disk', 3),
  LOG_POISONED: traits('state', 3, { poisons: true }),
  LOG_LOCKED: traits('busy', 3, { retriable: true }),
  LOG_CLOSED: traits('state', 3),
  LOG_READONLY: traits('state', 3),
  LOG_TRUNCATED: traits('state', 3),
  LOG_NOT_FOUND: traits('state', 3),
  STORE_NOT_FOUND: traits('state', 3),
  STORE_INVALID: traits('refused', 3),
  STORE_CLOSED: traits('state', 3),
  INCONSISTENT_CLUSTER_ID: traits('refused', 3),
  TOPIC_INVALID: traits('refused', 2),
  TOPIC_EXISTS: traits('refused', 2),
  TOPIC_NOT_FOUND: traits('state', 3),
  CONFIG_INVALID: traits('config', 2),
} as const satisfies Record<string, ErrorTraits>

/** Where and what: every field is optional, and none ever holds record contents. */
export interface ErrorPlace {
  readonly path?: string | undefined
  /** Byte position in the file at `path`. */
  readonly position?: number | undefined
  readonly offset?: number | undefined
  readonly found?: unknown
  readonly expected?: unknown
  /** For an append: whether its records may still turn up in the log. */
  readonly outcome?: 'unknown' | 'not-written' | undefined
  readonly cause?: unknown
}

const brand: unique symbol = Symbol.for('seglog.error') as never

/** The one class of operating errors; match on `code`. Wrong arguments are TypeError or RangeError instead. */
export class SeglogError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly retriable: boolean
  readonly poisons: boolean
  readonly exitCode: 1 | 2 | 3
  readonly path: string | undefined
  readonly position: number | undefined
  readonly offset: number | undefined
  readonly found: unknown
  readonly expected: unknown
  readonly outcome: 'unknown' | 'not-written' | undefined

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause })
    this.code = code
    const row: ErrorTraits = ERROR_TABLE[code]
    this.kind = row.kind
    this.retriable = row.retriable
    this.poisons = row.poisons
    this.exitCode = row.exitCode
    this.path = place.path
    this.position = place.position
    this.offset = place.offset
    this.found = place.found
    this.expected = place.expected
    this.outcome = place.outcome
  }
}
Object.defineProperty(SeglogError.prototype, 'name', { value: 'SeglogError' })
Object.defineProperty(SeglogError.prototype, brand, { value: true })

/** Says whether `error` is a SeglogError (of `code`, if given), even one from another copy of this package. */
export function isSeglogError(error: unknown, code?: ErrorCode): error is SeglogError {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false
  return code === undefined || (error as unknown as SeglogError).code === code
}

/** A TypeError for an argument of the wrong type or shape, with `code: 'ARGUMENT_INVALID'`. */
export function argumentTypeError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ARGUMENT_INVALID' as const })
}

/** A RangeError for an argument of the right type outside its range, with `code: 'ARGUMENT_INVALID'`. */
export function argumentRangeError(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ARGUMENT_INVALID' as const })
}
