/*
 * How figures are written, in tables and in charts.
 */
import type { Spread } from './results.ts'
import type { Unit } from './scenario.ts'

/** True where a larger figure is the better one. */
export function isMoreBetter(unit: Unit): boolean {
  return unit.endsWith('/s')
}

/** A figure with its unit. */
export function formatFigure(value: number, unit: Unit): string {
  if (unit.endsWith('/s') && unit !== 'MB/s') {
    if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M ${unit}`
    return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k ${unit}` : `${value.toFixed(0)} ${unit}`
  }
  if (unit === 'bytes/byte') return value.toFixed(3)
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${unit}`
}

/** How many times as much. */
export function formatRatio(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ×`
}

/** The median, and in brackets the least and the most where they differ. */
export function formatSpread({ median, min, max }: Spread, format: (value: number) => string): string {
  return min === max ? format(median) : `${format(median)} (${format(min)} – ${format(max)})`
}

/** A number with a sign that is as wide as a digit is. */
export function formatSigned(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits)
  return value < 0 && Number(text) !== 0 ? `−${text}` : text
}
