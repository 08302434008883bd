import { argumentTypeError, SeglogError } from './errors.ts'
import { typeName } from './numbers.ts'

/*
 * Java's .properties text, as `java.util.Properties` reads and writes it.
 *
 *   # comment, ! comment          a first character of a line; blanks before it are skipped
 *   key = value   key:value   key value
 *   key = a value that goes on \
 *         here                    blanks at the start of the continuation are dropped
 *   \t \n \r \f \uXXXX            a backslash before any other character stands for that character
 *
 * One departure: a text that ends in a line of nothing but a backslash has no entry there, where Java's has an empty one.
 *
 * A backslash at the end of a line joins it to the next only if it is not itself escaped, so only if an odd number of them
 * stand there; a comment is never continued.
 */

/** A larger text is refused; Kafka's own files have a few KiB. */
const PROPERTIES_LENGTH_MAX = 1024 * 1024

const BYTE_ORDER_MARK = 0xfeff

interface LogicalLine {
  readonly text: string
  /** The number of its first line in the file, from 1. */
  readonly lineNumber: number
}

/**
 * Reads Java's .properties text; a key that is set twice has its last value.
 *
 * Shape:  any key and value, unchecked, in the order of first appearance; a byte order mark at the start is skipped.
 * Errors: `CONFIG_INVALID` for a malformed `\uXXXX`, with the line, and for text of over 1 MiB; TypeError for no text.
 * Source: the `java.util.Properties.load` grammar.
 */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  if (typeof text !== 'string') throw argumentTypeError(`properties must be text, found ${typeName(text)}`)
  if (text.length > PROPERTIES_LENGTH_MAX) {
    throw new SeglogError(
      'CONFIG_INVALID',
      `properties of ${text.length} characters found, at most ${PROPERTIES_LENGTH_MAX} expected`,
      { found: text.length, expected: PROPERTIES_LENGTH_MAX },
    )
  }
  const entries = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const { keyEnd, valueStart } = splitEntry(line.text)
    entries.set(
      unescape(line.text.slice(0, keyEnd), line.lineNumber),
      unescape(line.text.slice(valueStart), line.lineNumber),
    )
  }
  return entries
}

/**
 * Writes entries as .properties text that Java and `parseProperties` read back as the same entries.
 *
 * Shape:  plain ASCII, one entry a line in the order given, each line of `comment` first with `#` before it.
 */
export function formatProperties(entries: Iterable<readonly [string, string]>, comment?: string): string {
  const lines = comment === undefined ? [] : comment.split(/\r\n|\r|\n/).map(formatComment)
  for (const [key, value] of entries) {
    lines.push(`${escapeText(key, { spaces: 'all' })}=${escapeText(value, { spaces: 'leading' })}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** Joins lines that continue, and drops comments, blank lines and the blanks every line starts with. */
function* logicalLines(text: string): Generator<LogicalLine> {
  const lines = (text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text).split(/\r\n|\r|\n/)
  let joined = ''
  let firstLineNumber = 0
  for (const [index, line] of lines.entries()) {
    const content = line.slice(blanksEnd(line, 0))
    // Nothing joined so far: this line starts an entry, even after a line of nothing but a backslash.
    if (joined === '' && (content === '' || content.startsWith('#') || content.startsWith('!'))) continue
    if (joined === '') firstLineNumber = index + 1
    const continues = endsInSingleBackslash(content)
    joined += continues ? content.slice(0, -1) : content
    if (continues || joined === '') continue
    yield { text: joined, lineNumber: firstLineNumber }
    joined = ''
  }
  if (joined !== '') yield { text: joined, lineNumber: firstLineNumber }
}

function endsInSingleBackslash(line: string): boolean {
  let start = line.length
  while (start > 0 && line[start - 1] === '\\') start--
  return (line.length - start) % 2 === 1
}

/** The key ends at the first `=`, `:` or blank that no backslash stands before; blanks around the separator are its. */
function splitEntry(line: string): { keyEnd: number; valueStart: number } {
  let keyEnd = 0
  while (keyEnd < line.length && !isBlank(line[keyEnd]) && line[keyEnd] !== '=' && line[keyEnd] !== ':') {
    keyEnd += line[keyEnd] === '\\' ? 2 : 1
  }
  keyEnd = Math.min(keyEnd, line.length)
  const separator = blanksEnd(line, keyEnd)
  if (line[separator] !== '=' && line[separator] !== ':') return { keyEnd, valueStart: separator }
  return { keyEnd, valueStart: blanksEnd(line, separator + 1) }
}

function unescape(text: string, lineNumber: number): string {
  return text.replaceAll(/\\(u[0-9a-fA-F]{4}|[^])|\\$/g, (_match, escape: string | undefined) => {
    switch (escape) {
      case undefined:
        return ''
      case 't':
        return '\t'
      case 'n':
        return '\n'
      case 'r':
        return '\r'
      case 'f':
        return '\f'
      case 'u':
        throw new SeglogError(
          'CONFIG_INVALID',
          `malformed \\u escape in the entry that starts at line ${lineNumber}: expected four hexadecimal digits`,
        )
      default:
        return escape.length === 5 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : escape
    }
  })
}

function escapeText(text: string, options: { spaces: 'all' | 'leading' }): string {
  return text.replaceAll(/[^!-~]|[#!=:\\]/g, (character, position: number) => {
    switch (character) {
      case ' ':
        return options.spaces === 'all' || position === 0 ? '\\ ' : ' '
      case '\t':
        return '\\t'
      case '\n':
        return '\\n'
      case '\r':
        return '\\r'
      case '\f':
        return '\\f'
      default:
        return character >= '!' && character <= '~' ? `\\${character}` : escapeUnit(character)
    }
  })
}

function formatComment(line: string): string {
  return `# ${line.replaceAll(/[^ -~]/g, escapeUnit)}`.trimEnd()
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`
}

function blanksEnd(text: string, start: number): number {
  let end = start
  while (end < text.length && isBlank(text[end])) end++
  return end
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\f'
}
