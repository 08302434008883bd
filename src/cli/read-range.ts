/*
 * Where `read` starts and stops, in kcat's notation.
 *
 *   beginning · end · N an offset · -N the last N offsets · s@T from the time T on · e@T up to the time T, not included
 */
import type { Log } from '../index.ts'
import { UsageError } from './failures.ts'
import { quote } from './option-values.ts'

/** A place in a log, or a time to look one up by. */
export type Place = 'beginning' | 'end' | { offset: number } | { last: number } | { timestamp: number }

/** Where reading starts, and where it stops, if it does before the end. */
export interface ReadRange {
  readonly start: Place
  readonly stopTimestamp: number | undefined
}

const NUMBER = /^(-?)(\d{1,16})$/
const TIME = /^([se])@(\d{1,16})$/

/** Reads the values of `-o`, which may be given twice: where to start and where to stop. Errors: UsageError. */
export function parseReadRange(
  values: readonly string[],
  { hasGroup = false }: { hasGroup?: boolean } = {},
): ReadRange {
  if (hasGroup) return checkStored(values)
  let start: Place | undefined
  let stopTimestamp: number | undefined
  for (const value of values) {
    const [, which, ms = ''] = TIME.exec(value) ?? []
    if (which === 'e') {
      if (stopTimestamp !== undefined) throw new UsageError('-o names two places to stop at')
      stopTimestamp = Number(ms)
    } else {
      if (start !== undefined) throw new UsageError('-o names two places to start at')
      start = which === 's' ? { timestamp: Number(ms) } : parsePlace(value)
    }
  }
  return { start: start ?? 'beginning', stopTimestamp }
}

/** A group knows itself where it is; kcat calls that `stored`. */
function checkStored(values: readonly string[]): ReadRange {
  const other = values.find((value) => value !== 'stored')
  if (other === undefined) return { start: 'beginning', stopTimestamp: undefined }
  throw new UsageError(
    `-G goes on where the group is, and takes no other -o than stored, found ${quote(other)}`,
  )
}

function parsePlace(value: string): Place {
  if (value === 'beginning' || value === 'end') return value
  const [, sign, digits] = NUMBER.exec(value) ?? []
  const number = Number(digits)
  if (digits !== undefined && Number.isSafeInteger(number))
    return sign === '-' ? { last: number } : { offset: number }
  const stored = value === 'stored' ? '; stored is where a group is, so it goes with -G' : ''
  throw new UsageError(`-o takes beginning, end, N, -N, s@MS or e@MS, found ${quote(value)}${stored}`)
}

/** The offsets a range comes to in a log as it is now; `until` is exclusive. Errors: those of a look-up by time. */
export async function resolveRange(
  log: Log,
  { start, stopTimestamp }: ReadRange,
): Promise<{ from: number; until: number | undefined }> {
  const until =
    stopTimestamp === undefined ? undefined : (await log.offsetForTimestamp(stopTimestamp))?.offset
  return { from: await resolvePlace(log, start), until }
}

async function resolvePlace(log: Log, place: Place): Promise<number> {
  if (place === 'beginning') return log.startOffset
  if (place === 'end') return log.readableEndOffset
  if ('offset' in place) return place.offset
  if ('last' in place) return Math.max(log.startOffset, log.readableEndOffset - place.last)
  return (await log.offsetForTimestamp(place.timestamp))?.offset ?? log.readableEndOffset
}
