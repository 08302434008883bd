import { assertNever } from '../core/index.ts'
import type { KeySpec } from './config-keys.ts'
import { type ConfigValue, LONG_MAX, LONG_MAX_TEXT, LONG_MIN, LONG_MIN_TEXT } from './config-row.ts'
import { parseQuantity } from './quantity.ts'

const LONG_MAX_EXACT = BigInt(LONG_MAX_TEXT)
const LONG_MIN_EXACT = BigInt(LONG_MIN_TEXT)

const DOUBLE = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const DOUBLE_TEXT_LENGTH_MAX = 400

/** Bounds the work that one list can cause. */
const LIST_LENGTH_MAX = 10_000

/**
 * Reads one value as the key's kind, in the key's own unit, and checks its range.
 *
 * Shape:  `undefined` for a value that the key can't have; lists are copied and frozen.
 */
export function parseValue(spec: KeySpec, raw: unknown): ConfigValue | undefined {
  switch (spec.kind) {
    case 'int':
    case 'long':
      return inRange(spec, parseInteger(spec, raw))
    case 'double':
      return inRange(spec, parseDouble(raw))
    case 'boolean':
      return parseBoolean(raw)
    case 'string':
      return parseString(spec, raw)
    case 'list':
      return parseList(spec, raw)
    case 'unread':
      return parseUnread(raw)
    default:
      return assertNever(spec.kind)
  }
}

/** Writes a parsed value as Kafka's tools do; `parseValue` reads it back as the same value. */
export function formatValue(value: ConfigValue): string {
  if (typeof value === 'object') return value.join(',')
  if (value === LONG_MAX) return LONG_MAX_TEXT
  if (value === LONG_MIN) return LONG_MIN_TEXT
  return String(value)
}

function inRange(spec: KeySpec, value: number | undefined): number | undefined {
  if (value === undefined) return undefined
  return value === spec.also || (value >= spec.min && value <= spec.max) ? value : undefined
}

function parseInteger(spec: KeySpec, raw: unknown): number | undefined {
  if (spec.kind === 'long' && (raw === LONG_MAX || raw === LONG_MIN)) return raw
  const exact = exactInteger(spec, raw)
  if (exact === undefined) return undefined
  const value = Number(exact)
  if (Number.isSafeInteger(value)) return value
  // The literal 9223372036854775807 is 2^63 once JavaScript has read it, so one above is Long.MAX too.
  const longMax = typeof raw === 'number' ? LONG_MAX_EXACT + 1n : LONG_MAX_EXACT
  if (exact > longMax || exact < LONG_MIN_EXACT) return undefined
  return exact > 0n ? LONG_MAX : LONG_MIN
}

function exactInteger(spec: KeySpec, raw: unknown): bigint | undefined {
  if (typeof raw === 'string') return parseQuantity(raw, spec.unit)
  if (typeof raw === 'bigint') return raw
  return typeof raw === 'number' && Number.isInteger(raw) ? BigInt(raw) : undefined
}

function parseDouble(raw: unknown): number | undefined {
  if (typeof raw === 'string') {
    if (raw.length > DOUBLE_TEXT_LENGTH_MAX || !DOUBLE.test(raw.trim())) return undefined
    return parseDouble(Number(raw))
  }
  if (typeof raw === 'bigint') return parseDouble(Number(raw))
  if (typeof raw !== 'number' || !Number.isFinite(raw)) return undefined
  return raw === 0 ? 0 : raw // -0 becomes 0
}

function parseBoolean(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw
  if (typeof raw !== 'string') return undefined
  const word = raw.trim().toLowerCase()
  return word === 'true' ? true : word === 'false' ? false : undefined
}

function parseString(spec: KeySpec, raw: unknown): string | undefined {
  if (typeof raw !== 'string') return undefined
  const text = raw.trim()
  return spec.oneOf === undefined || spec.oneOf.includes(text) ? text : undefined
}

function parseList(spec: KeySpec, raw: unknown): readonly string[] | undefined {
  const given = listEntries(raw)
  if (given === undefined) return undefined
  // Kafka's closed lists are policies: read in any case, and a policy named twice is named once.
  const entries = spec.oneOf === undefined ? given : [...new Set(given.map((entry) => entry.toLowerCase()))]
  if (spec.oneOf !== undefined && !entries.every((entry) => spec.oneOf!.includes(entry))) return undefined
  if (spec.nonEmpty && entries.length === 0) return undefined
  if (spec.distinct && new Set(entries).size !== entries.length) return undefined
  if (spec.form !== undefined && !spec.form.pattern.test(entries.join(','))) return undefined
  return Object.freeze(entries)
}

/** The trimmed entries of a comma-separated text or an array, each read once; `undefined` when one is none. */
function listEntries(raw: unknown): string[] | undefined {
  if (typeof raw === 'string') {
    if (raw.trim() === '') return []
    const entries = raw.split(',', LIST_LENGTH_MAX + 1).map((entry) => entry.trim())
    return entries.length > LIST_LENGTH_MAX || entries.includes('') ? undefined : entries
  }
  if (!Array.isArray(raw) || raw.length > LIST_LENGTH_MAX) return undefined
  const entries: string[] = []
  for (let index = 0; index < raw.length; index++) {
    const entry: unknown = Object.hasOwn(raw, index) ? raw[index] : undefined
    const text = typeof entry === 'string' ? entry.trim() : ''
    if (text === '' || text.includes(',')) return undefined
    entries.push(text)
  }
  return entries
}

function parseUnread(raw: unknown): ConfigValue | undefined {
  if (typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean') return raw
  if (typeof raw === 'bigint') return raw >= LONG_MIN_EXACT && raw <= LONG_MAX_EXACT ? String(raw) : undefined
  return listEntries(raw)
}
