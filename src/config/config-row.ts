/** The type of a key's value, in Kafka's words. */
export type ConfigKind = 'int' | 'long' | 'double' | 'boolean' | 'string' | 'list'

/** What a number counts; a key in ms also takes durations, one in bytes also takes sizes. */
export type ConfigUnit = 'ms' | 'minutes' | 'hours' | 'bytes'

/** A parsed value. A long that a number can't hold exactly is `Infinity` or `-Infinity`. */
export type ConfigValue = number | boolean | string | readonly string[]

/** Who goes by a key. */
export type ConfigStatus = 'active' | 'store' | 'inert'

/** A broker's name for a topic-level key; what it leaves out is as in its row. */
export interface ConfigSynonym {
  readonly name: string
  readonly kind?: 'int' | 'long'
  readonly unit?: ConfigUnit
  /** The row's value is this many times the synonym's. */
  readonly factor?: number
  readonly min?: number
  /** Any negative value means -1, and 0 is refused where it would take effect. */
  readonly negativeIsUnlimited?: true
}

/** One key of Kafka's: everything that parsing, validation, types and the documentation need to know about it. */
export interface ConfigRow {
  readonly name: string
  readonly scope: 'topic' | 'broker'
  readonly kind: ConfigKind
  /** `null`: nothing unless it is set. */
  readonly default: ConfigValue | null
  readonly unit?: ConfigUnit
  readonly min?: number
  readonly max?: number
  /** One value outside `[min, max]` that is valid too. */
  readonly also?: number
  /** The closed set of a string, or of a list's entries. */
  readonly oneOf?: readonly string[]
  /** The form of a list, tested on its entries joined by commas, and that form in words. */
  readonly form?: { readonly pattern: RegExp; readonly words: string }
  /** A list with no entry is refused. */
  readonly nonEmpty?: true
  /** A list that names an entry twice is refused. */
  readonly distinct?: true
  /** Broker-level names, the one that wins first. */
  readonly synonyms?: readonly ConfigSynonym[]
  /**
   * Active: something one log does depends on it. Store: nothing in a single log does, but a store goes by it. Inert:
   * accepted, checked and kept, and nothing depends on it.
   */
  readonly status: ConfigStatus
  /** One sentence for the documentation. */
  readonly doc: string
}

/** The ends of Java's long as they are written. */
export const LONG_MAX_TEXT = '9223372036854775807'
export const LONG_MIN_TEXT = '-9223372036854775808'

/** The ends of Java's long as they are held: like every long that a number can't hold exactly. */
export const LONG_MAX = Number.POSITIVE_INFINITY
export const LONG_MIN = Number.NEGATIVE_INFINITY

/** The lower end of Java's int. */
export const INT32_MIN = -0x8000_0000

/** Sizes that the table's defaults and ranges are written in. */
export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB
