/*
 * Text from a log goes to a terminal only with everything escaped that a terminal would act on: C0 and C1 controls
 * (with them every escape sequence), and what turns the direction of writing or can't be seen.
 */

/** C0, DEL and C1; Arabic letter mark, bidi marks, embeddings, overrides and isolates; separators, BOM, annotations, tags. */
const ACTIVE =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

/** As `ACTIVE`, without what JSON itself escapes. */
const ACTIVE_IN_JSON =
  /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

/** Escapes every character a terminal would act on: `\x1b`, `\u202e`, `\u{e0041}`; one line stays one line. */
export function escapeLine(text: string): string {
  return text.replace(ACTIVE, escapeCharacter)
}

/** As `escapeLine`, but line ends and tabs stay. */
export function escapeText(text: string): string {
  return text.replace(ACTIVE, (character) =>
    character === '\n' || character === '\t' ? character : escapeCharacter(character),
  )
}

/**
 * Writes a value as JSON in one line that is safe on a terminal.
 *
 * Shape:  a bigint becomes a text of its digits: a reader of JSON numbers would round it.
 */
export function formatJson(value: unknown): string {
  return stringify(value).replace(ACTIVE_IN_JSON, (character) =>
    character
      .split('')
      .map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`)
      .join(''),
  )
}

/** A replacer makes it three times slower, and few values have a bigint in them. */
function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? String(field) : field))
  }
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${hex(code, 2)}`
  return code < 0x1_0000 ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 1)}}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
