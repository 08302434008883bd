import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Size, writeUtf8 } from '../../../src/codec/index.ts'
import { seed } from '../../helpers/seed.ts'

function encoded(text: string): Buffer {
  const size = utf8Size(text)
  const bytes = Buffer.alloc(size + 6, 0xee)
  expect(writeUtf8(bytes, 3, text, size)).toBe(size + 3)
  expect(bytes.subarray(0, 3).toString('hex') + bytes.subarray(size + 3).toString('hex')).toBe('ee'.repeat(6))
  return bytes.subarray(3, size + 3)
}

describe('text', () => {
  it.each([
    '',
    'a',
    'sixteen letters.',
    'seventeen letters',
    'é',
    '€uro',
    '😀',
    'x'.repeat(300),
    'ß'.repeat(16),
  ])('is written as Buffer does: %j', (text) => expect(encoded(text)).toEqual(Buffer.from(text)))

  it('has U+FFFD for a lone surrogate, wherever it stands', () => {
    expect(encoded('\ud800')).toEqual(Buffer.from('\ufffd'))
    expect(encoded('ab\udc00')).toEqual(Buffer.from('ab\ufffd'))
    expect(encoded(`${'x'.repeat(40)}\ud800y`)).toEqual(Buffer.from(`${'x'.repeat(40)}\ufffdy`))
  })

  it('is written as Buffer does, whatever its code units are', () => {
    const codeUnits = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
    const ascii = fc.string({ maxLength: 40 })
    const text = fc.oneof(
      ascii,
      codeUnits.map((units) => String.fromCharCode(...units)),
    )
    const property = fc.property(text, (value) => {
      expect(encoded(value)).toEqual(Buffer.from(value))
    })
    fc.assert(property, { seed })
  })
})
