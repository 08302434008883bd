import type { ConfigUnit } from './config-row.ts'

/** Enough for any 64-bit number with a fraction; a longer text is none. */
const TEXT_LENGTH_MAX = 40

const WHOLE = /^[+-]?\d+$/
const WITH_UNIT = /^(\d+)(?:\.(\d+))?\s*([a-z]+)$/i

const MS_PER_UNIT: ReadonlyMap<string, bigint> = new Map([
  ['ms', 1n],
  ['s', 1000n],
  ['m', 60_000n],
  ['h', 3_600_000n],
  ['d', 86_400_000n],
])

const BYTES_PER_UNIT: ReadonlyMap<string, bigint> = new Map([
  ['b', 1n],
  ['kb', 1000n],
  ['mb', 1000n ** 2n],
  ['gb', 1000n ** 3n],
  ['tb', 1000n ** 4n],
  ['kib', 1024n],
  ['mib', 1024n ** 2n],
  ['gib', 1024n ** 3n],
  ['tib', 1024n ** 4n],
])

/**
 * Reads a whole number, or, where the unit is ms or bytes, a duration (`'7d'`, `'1.5h'`) or a size (`'64KiB'`, `'10kB'`).
 *
 * Shape:  exact: `undefined` for text that is no such quantity, or that is no whole number of `unit`.
 * Units:  of `unit`; unit names in any case, `kB` is 1000 bytes and `KiB` 1024.
 */
export function parseQuantity(text: string, unit: ConfigUnit | undefined): bigint | undefined {
  const trimmed = text.length > TEXT_LENGTH_MAX * 2 ? text : text.trim()
  if (trimmed.length > TEXT_LENGTH_MAX) return undefined
  if (WHOLE.test(trimmed)) return BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed)
  const units = unit === 'ms' ? MS_PER_UNIT : unit === 'bytes' ? BYTES_PER_UNIT : undefined
  if (units === undefined) return undefined
  const match = WITH_UNIT.exec(trimmed)
  if (match === null) return undefined
  const size = units.get(match[3]!.toLowerCase())
  if (size === undefined) return undefined
  const fraction = match[2] ?? ''
  const scaled = BigInt(match[1]! + fraction) * size
  const divisor = 10n ** BigInt(fraction.length)
  return scaled % divisor === 0n ? scaled / divisor : undefined
}

/** The largest unit that gives `value` as a whole number: `'7d'`, `'64KiB'`; `undefined` where plain digits say as much. */
export function formatQuantity(value: number, unit: 'ms' | 'bytes'): string | undefined {
  if (!Number.isSafeInteger(value) || value <= 0) return undefined
  const names = unit === 'ms' ? (['d', 'h', 'm', 's'] as const) : (['TiB', 'GiB', 'MiB', 'KiB'] as const)
  const units = unit === 'ms' ? MS_PER_UNIT : BYTES_PER_UNIT
  for (const name of names) {
    const size = Number(units.get(name.toLowerCase())!)
    if (value % size === 0) return `${value / size}${name}`
  }
  return undefined
}
