import { INT32_MAX, typeName } from '../core/index.ts'
import type { KeySpec } from './config-keys.ts'
import { INT32_MIN, LONG_MAX, LONG_MIN } from './config-row.ts'

/** A longer name or value is cut in messages. */
const SHOWN_LENGTH_MAX = 80

/** Writing out a bigint of millions of digits would take minutes. */
const BIGINT_SHOWN_END = 10n ** 40n

// Controls, separators and marks that turn text around, a byte order mark, and halves of surrogate pairs: what would let a
// value rewrite the line that shows it.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u

/** `text` on one line, cut before 80 characters, control characters as escapes. */
export function printable(text: string): string {
  let shown = ''
  for (const character of text.slice(0, SHOWN_LENGTH_MAX)) {
    const next = UNPRINTABLE.test(character) ? escapeUnits(character) : character
    if (shown.length + next.length >= SHOWN_LENGTH_MAX) return `${shown}…`
    shown += next
  }
  return shown
}

/** What was found, in a few words: a short value as it is, anything else by its type. */
export function describeFound(raw: unknown): string {
  if (typeof raw === 'string') return `'${printable(raw)}'`
  if (typeof raw === 'number' || typeof raw === 'boolean') return String(raw)
  if (typeof raw === 'bigint')
    return raw < BIGINT_SHOWN_END && raw > -BIGINT_SHOWN_END ? `${raw}n` : 'a larger bigint'
  if (Array.isArray(raw)) return `an array of ${raw.length}`
  const name: unknown = typeName(raw)
  return typeof name === 'string' ? printable(name) : 'object'
}

/** The valid values of a key, for a reader who knows its kind; empty where that says it all. */
export function describeValid(spec: KeySpec): string {
  if (spec.form !== undefined) return spec.form.words
  if (spec.oneOf !== undefined) return (spec.kind === 'list' ? 'any of ' : '') + spec.oneOf.join(', ')
  const rules = [
    spec.min === LONG_MIN || spec.min === INT32_MIN ? '' : `at least ${spec.min}`,
    spec.max === LONG_MAX || spec.max === INT32_MAX ? '' : `at most ${spec.max}`,
    spec.also === undefined ? '' : `or ${spec.also}`,
    spec.nonEmpty ? 'at least one' : '',
    spec.distinct ? 'none twice' : '',
  ]
  return rules.filter((rule) => rule !== '').join(', ')
}

/** What a key expects, in words that fit after "expected". */
export function describeExpected(spec: KeySpec): string {
  switch (spec.kind) {
    case 'boolean':
      return 'true or false'
    case 'string':
      return spec.oneOf === undefined ? 'text' : `one of ${spec.oneOf.join(', ')}`
    case 'list':
      return describeList(spec)
    case 'unread':
      return 'text, a number, true or false'
    default:
      return describeNumber(spec)
  }
}

function describeList(spec: KeySpec): string {
  if (spec.form !== undefined) return spec.form.words
  if (spec.oneOf !== undefined) return `a list of any of ${spec.oneOf.join(', ')}`
  return `a list${spec.nonEmpty ? ' of at least one entry' : ''}${spec.distinct ? ', none twice' : ''}`
}

function describeNumber(spec: KeySpec): string {
  const noun = spec.kind === 'double' ? 'a number' : 'a whole number'
  const unit = spec.unit === undefined ? '' : ` of ${spec.unit}`
  const also = spec.also === undefined ? '' : `, or ${spec.also}`
  const text =
    spec.unit === 'ms' ? ", or text such as '7d'" : spec.unit === 'bytes' ? ", or text such as '1MiB'" : ''
  return noun + unit + describeRange(spec) + also + text
}

function describeRange(spec: KeySpec): string {
  if (spec.max !== LONG_MAX) return ` from ${spec.min} to ${spec.max}`
  return spec.min === LONG_MIN ? '' : `, at least ${spec.min}`
}

function escapeUnits(character: string): string {
  let escaped = ''
  for (let unit = 0; unit < character.length; unit++) {
    escaped += `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`
  }
  return escaped
}
