import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeLine, escapeText, formatJson } from '../../../src/cli/escape.ts'
import { seed } from '../../helpers/seed.ts'

/** Everything that a terminal acts on, and nothing that people write in. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/

describe('escapeLine', () => {
  it('escapes what a terminal would act on', () => {
    expect(escapeLine('\u001b[31mred\u001b[0m')).toBe('\\x1b[31mred\\x1b[0m')
    expect(escapeLine('a\r\nb\tc\u0000\u0007\u007f')).toBe('a\\x0d\\x0ab\\x09c\\x00\\x07\\x7f')
    expect(escapeLine('\u009b2J\u0085')).toBe('\\x9b2J\\x85')
  })

  it('escapes what turns the direction of writing, or can not be seen', () => {
    expect(escapeLine('\u202egpj.exe\u202c\u2066\u2069')).toBe('\\u202egpj.exe\\u202c\\u2066\\u2069')
    expect(escapeLine('\u2028\u2029\ufeff\ufff9')).toBe('\\u2028\\u2029\\ufeff\\ufff9')
    expect(escapeLine('\u{e0041}')).toBe('\\u{e0041}')
  })

  it('leaves alone what people write in', () => {
    const text = 'grüße 日本語 العربية עברית 😀 👩‍👩‍👧 नमस्ते \\x1b "quoted"'
    expect(escapeLine(text)).toBe(text)
  })

  it('leaves nothing active in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeLine(text)).not.toMatch(ACTIVE)
      }),
      { seed },
    )
  })
})

describe('escapeText', () => {
  it('is as escapeLine, but for line ends and tabs', () => {
    expect(escapeText('a\tb\nc\r\n\u001b[2J')).toBe('a\tb\nc\\x0d\n\\x1b[2J')
  })
})

describe('formatJson', () => {
  it('is JSON that reads back as what it was, and is safe on a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = formatJson({ text })
        expect(json).not.toMatch(ACTIVE)
        expect(JSON.parse(json)).toEqual({ text })
      }),
      { seed },
    )
    expect(formatJson({ a: '\u{e0041}\u202e\u0085' })).toBe('{"a":"\\udb40\\udc41\\u202e\\u0085"}')
  })

  it('writes a bigint as the text of its digits', () => {
    expect(formatJson({ a: 2n ** 63n - 1n, b: -5n, c: 5 })).toBe('{"a":"9223372036854775807","b":"-5","c":5}')
  })
})
