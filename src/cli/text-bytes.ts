import { isUtf8 } from 'node:buffer'

const SURROGATE_LEAD = 0xed
const CONTINUATION_MASK = 0xc0
const CONTINUATION = 0x80

/** U+FFFD as it is encoded, in three bytes. */
const REPLACEMENT = [0xef, 0xbf, 0xbd] as const
/** The head of a character of three bytes: where no third one follows, it is decoded as one U+FFFD. */
const UNFINISHED = [0xe2, 0x82] as const

/**
 * Decodes bytes as Kafka's tools print them: UTF-8, with U+FFFD for what is none.
 *
 * Java gives one U+FFFD for an encoded surrogate, where JavaScript gives one for each of its bytes.
 */
export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes) || !bytes.includes(SURROGATE_LEAD)) return bytes.toString()
  const copy = Buffer.from(bytes)
  for (let at = copy.indexOf(SURROGATE_LEAD); at !== -1; at = copy.indexOf(SURROGATE_LEAD, at + 1)) {
    if (!isBetween(copy[at + 1], 0xa0, 0xbf)) continue
    const isWhole = ((copy[at + 2] ?? 0) & CONTINUATION_MASK) === CONTINUATION
    copy.set(isWhole ? REPLACEMENT : UNFINISHED, at)
  }
  return copy.toString()
}

function isBetween(byte: number | undefined, first: number, last: number): boolean {
  return byte !== undefined && byte >= first && byte <= last
}

/** Bytes as JSON holds them: text where they are valid UTF-8, base64 where they are not. */
export interface JsonBytes {
  readonly text: string
  readonly encoding: 'base64' | undefined
}

/** Turns bytes into what JSON can hold, so that they can be had back exactly. */
export function toJsonBytes(bytes: Buffer): JsonBytes {
  return isUtf8(bytes)
    ? { text: bytes.toString(), encoding: undefined }
    : { text: bytes.toString('base64'), encoding: 'base64' }
}

/** Decodes base64 that is written as `toJsonBytes` writes it; undefined for anything else. */
export function parseBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/**
 * Reads the notation of kcat's `-D`, `-K` and `-f`: `\n`, `\r`, `\t`, `\\`, `\xNN`; everything else is itself.
 *
 * Shape:  undefined for any other escape, and for a backslash at the end.
 */
export function parseEscapes(text: string): Buffer | undefined {
  const pieces: Buffer[] = []
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\\', at)
    const end = next === -1 ? text.length : next
    pieces.push(Buffer.from(text.slice(at, end)))
    if (next === -1) break
    const escape = /^\\(?:([nrt\\])|x([0-9a-fA-F]{2}))/.exec(text.slice(next, next + 4))
    if (escape === null) return undefined
    const [whole, letter = '', digits] = escape
    pieces.push(Buffer.from([digits === undefined ? (SIMPLE[letter] ?? 0) : Number.parseInt(digits, 16)]))
    at = next + whole.length
  }
  return Buffer.concat(pieces)
}

const SIMPLE: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, '\\': 0x5c }
