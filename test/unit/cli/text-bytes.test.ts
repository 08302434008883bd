import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeText, parseBase64, parseEscapes, toJsonBytes } from '../../../src/cli/text-bytes.ts'
import { seed } from '../../helpers/seed.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

describe('decodeText', () => {
  // What `new String(bytes, UTF_8)` gives in Java 17.
  it.each([
    ['valid text', 'c3a9f09f9880', 'é😀'],
    ['bytes that begin nothing', 'ff80', '\ufffd\ufffd'],
    ['an encoded surrogate, which is one character to Java', 'eda080', '\ufffd'],
    ['a surrogate cut short', 'eda041', '\ufffdA'],
    ['a surrogate at the very end', 'eda0', '\ufffd'],
    ['a surrogate behind another', 'eda080edbfbf78', '\ufffd\ufffdx'],
    ['a lead byte of a surrogate alone', 'ed41', '\ufffdA'],
    ['what looks like a surrogate and is none', 'ed9fbf', '\ud7ff'],
    ['an overlong encoding', 'c080', '\ufffd\ufffd'],
    ['a character of four bytes cut short', 'f09f98', '\ufffd'],
  ])('decodes %s as Kafka prints it', (_, bytes, text) => {
    expect(decodeText(hex(bytes))).toBe(text)
  })

  it('leaves the bytes as they are', () => {
    const bytes = hex('eda080')
    decodeText(bytes)
    expect(bytes).toEqual(hex('eda080'))
  })

  it('is plain decoding wherever there are no surrogates', () => {
    fc.assert(
      fc.property(
        fc.uint8Array().filter((bytes) => !bytes.includes(0xed)),
        (bytes) => {
          expect(decodeText(Buffer.from(bytes))).toBe(Buffer.from(bytes).toString())
        },
      ),
      { seed },
    )
  })
})

describe('bytes in JSON', () => {
  it('are text where that loses nothing, and base64 where it would', () => {
    expect(toJsonBytes(Buffer.from('é'))).toEqual({ text: 'é', encoding: undefined })
    expect(toJsonBytes(Buffer.alloc(0))).toEqual({ text: '', encoding: undefined })
    expect(toJsonBytes(hex('fffe'))).toEqual({ text: '//4=', encoding: 'base64' })
    expect(toJsonBytes(Buffer.from('\ufffd'))).toEqual({ text: '\ufffd', encoding: undefined })
  })

  it('come back exactly', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (input) => {
        const bytes = Buffer.from(input)
        const { text, encoding } = toJsonBytes(bytes)
        expect(encoding === 'base64' ? parseBase64(text) : Buffer.from(text)).toEqual(bytes)
      }),
      { seed },
    )
  })

  it('are refused as base64 that is not written that way', () => {
    for (const text of ['/', '//4', '//4=\n', '__4=', '//5=', 'é']) expect(parseBase64(text)).toBeUndefined()
    expect(parseBase64('')).toEqual(Buffer.alloc(0))
  })
})

describe('parseEscapes', () => {
  it.each([
    ['plain é', 'plain é'],
    ['a\\tb\\n\\r', 'a\tb\n\r'],
    ['\\x41\\x7C', 'A|'],
    ['\\\\n', '\\n'],
    ['', ''],
  ])('reads %j', (text, expected) => {
    expect(parseEscapes(text)?.toString()).toBe(expected)
  })

  it('reads bytes that are no text', () => {
    expect(parseEscapes('\\xff\\x00')).toEqual(hex('ff00'))
  })

  it('refuses what is no escape', () => {
    for (const text of ['\\', 'a\\', '\\q', '\\x', '\\x4', '\\xzz', '\\N'])
      expect(parseEscapes(text)).toBeUndefined()
  })
})
