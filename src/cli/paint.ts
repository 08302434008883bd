import type { Screen } from './machine.ts'

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const

/** Gives a text colour, or leaves it as it is. */
export type Paint = (style: keyof typeof STYLES, text: string) => string

const plain: Paint = (_, text) => text
const coloured: Paint = (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m`

/** Colours for a terminal that has them, unless `NO_COLOR` is set to anything (no-color.org). */
export function paintFor(screen: Screen, environment: Readonly<Record<string, string | undefined>>): Paint {
  const isUnwanted = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb'
  return screen.isTTY === true && !isUnwanted ? coloured : plain
}
