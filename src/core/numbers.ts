import { argumentRangeError, argumentTypeError } from './errors.ts'

/** Largest value of a signed 32-bit field: the bound on segment bytes and on offsets within a segment. */
export const INT32_MAX = 0x7fff_ffff

/** Node fires a longer timer after 1 ms, so every delay is clamped to this. */
export const TIMER_MS_MAX = INT32_MAX

/** True for an integer that a number holds exactly and that can be an offset or a position. */
export function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Gives `value` back if it is a whole number from 0 to 2^53 - 1; throws TypeError or RangeError naming `name`. */
export function checkOffset(value: unknown, name: string): number {
  return checkInteger(value, { name, min: 0, max: Number.MAX_SAFE_INTEGER })
}

/** Gives `value` back if it is a whole number in `[min, max]`; throws TypeError or RangeError naming `name`. */
export function checkInteger(value: unknown, range: { name: string; min: number; max: number }): number {
  if (typeof value !== 'number') {
    throw argumentTypeError(`${range.name} must be a number, found ${typeName(value)}`)
  }
  if (!Number.isSafeInteger(value) || value < range.min || value > range.max) {
    throw argumentRangeError(
      `${range.name} must be a whole number from ${range.min} to ${range.max}, found ${value}`,
    )
  }
  return value === 0 ? 0 : value // -0 becomes 0
}

/** A word for the type of `value`, for messages: 'null', 'array', 'bigint', 'Map'. Never its contents. */
export function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'array'
  return (
    (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name ||
    'object'
  )
}

/** The nearest safe integer to a signed 64-bit value given as two 32-bit halves; `exact` says whether it is equal. */
export function toSafeInteger(high: number, low: number): { value: number; exact: boolean } {
  const value = high * 0x1_0000_0000 + low
  if (Number.isSafeInteger(value)) return { value, exact: true }
  return { value: value > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER, exact: false }
}
