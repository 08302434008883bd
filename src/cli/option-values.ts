import type { ConfigInput } from '../config/index.ts'
import { UsageError } from './failures.ts'

/** Reads an option's value as a whole number from `min` on. Errors: UsageError naming the option. */
export function wholeNumber(option: string, range: { min: number; max: number }): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(value) && value >= range.min && value <= range.max) return value
    throw new UsageError(
      `${option} takes a whole number from ${range.min} to ${range.max}, found ${quote(text)}`,
    )
  }
}

/** Reads an option's value as one of `choices`. Errors: UsageError naming them. */
export function oneOf<T extends string>(option: string, choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text)
    if (choice !== undefined) return choice
    throw new UsageError(`${option} takes ${choices.join(', ')}, found ${quote(text)}`)
  }
}

/** Collects the values of an option that may be given more than once. */
export function repeated<T>(
  read: (text: string) => T,
): (text: string, earlier: readonly T[] | undefined) => T[] {
  return (text, earlier = []) => [...earlier, read(text)]
}

/** Reads `name=value`. Errors: UsageError naming the option. */
export function nameAndValue(option: string): (text: string) => readonly [string, string] {
  return (text) => {
    const equals = text.indexOf('=')
    if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
    throw new UsageError(`${option} takes name=value, found ${quote(text)}`)
  }
}

/** Turns `--config key=value` options into a configuration; what is wrong with it is for the log to say. */
export function toConfig(pairs: readonly (readonly [string, string])[] | undefined): ConfigInput {
  return Object.fromEntries(pairs ?? []) as ConfigInput
}

/** Reads a moment: ms since 1970, or a date in ISO 8601. Errors: UsageError naming the option. */
export function moment(option: string): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : ISO_DATE.test(text) ? Date.parse(text) : Number.NaN
    if (Number.isSafeInteger(value) && value >= 0) return value
    throw new UsageError(
      `${option} takes ms since 1970 or a date such as 2026-01-31T12:00:00Z, found ${quote(text)}`,
    )
  }
}

/** A date alone, or with a time that says where on earth it is meant. */
const ISO_DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/

/** What someone typed, fit for a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
