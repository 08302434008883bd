import type { Screen } from '../machine.ts'
import { type Paint, paintFor } from '../paint.ts'

/** Text and how a column of it lines up: numbers right, words left. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

const INDENT = '   '

/** What the demo prints, line by line; coloured on a terminal that has colours, and never with NO_COLOR. */
export class Page {
  readonly #stream: Screen
  readonly #paint: Paint
  #chapters = 0

  constructor(stream: Screen, environment: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream
    this.#paint = paintFor(stream, environment)
  }

  title(name: string, subtitle: string): void {
    this.#line(`${this.#paint('bold', name)}  ${subtitle}`)
  }

  /** Begins the next chapter: its number, its name, and what it is about in a sentence or two. */
  chapter(name: string, ...about: readonly string[]): void {
    this.#chapters++
    this.#line()
    this.#line(this.#paint('bold', `${this.#chapters}  ${name}`))
    for (const text of about) this.#line(INDENT + text)
    this.#line()
  }

  say(text: string): void {
    this.#line(text === '' ? '' : INDENT + text)
  }

  /** A line that tells what went well. */
  good(text: string): void {
    this.#line(INDENT + this.#paint('green', text))
  }

  /** Names to the left, values to the right of them. */
  facts(rows: readonly (readonly [name: string, value: string])[]): void {
    const width = widest(rows.map(([name]) => name))
    for (const [name, value] of rows)
      this.#line(`${INDENT}${this.#paint('dim', name.padEnd(width))}  ${value}`)
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    const widths = columns.map(({ title }, slot) => widest([title, ...rows.map((row) => row[slot] ?? '')]))
    const format = (cells: readonly string[]): string =>
      columns
        .map(({ align }, slot) => {
          const cell = cells[slot] ?? ''
          const width = widths[slot] ?? 0
          return align === 'right' ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd()
    this.#line(INDENT + this.#paint('dim', format(columns.map(({ title }) => title))))
    for (const row of rows) this.#line(INDENT + format(row))
  }

  #line(text = ''): void {
    this.#stream.write(`${text}\n`)
  }
}

/** A count with its thousands set apart: '1,707'. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** A count and what is counted: '1 segment', '12 segments'. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** A short time in the unit that suits it: '85 µs', '3.2 ms', '312 ms', '1.25 s'. */
export function formatElapsed(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`
  if (ms < 99.95) return `${ms.toFixed(1)} ms`
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** A moment to the minute, UTC: '2018-02-06 15:50'. */
export function formatMoment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0)
}
