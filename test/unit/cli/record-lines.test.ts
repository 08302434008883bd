import { describe, expect, it } from 'vitest'
import { type LineOptions, recordMaker } from '../../../src/cli/record-lines.ts'

const plain: LineOptions = {
  isJson: false,
  keyDelimiter: undefined,
  key: undefined,
  headers: [],
  emptyIsNull: false,
}

const make = (text: string, options: Partial<LineOptions> = {}) =>
  recordMaker({ ...plain, ...options })(Buffer.from(text))

const bytes = (text: string) => Buffer.from(text)

describe('recordMaker', () => {
  it('takes the whole piece for the value, an empty one too', () => {
    expect(make('k:v')).toEqual({ key: null, value: bytes('k:v') })
    expect(make('')).toEqual({ key: null, value: bytes('') })
  })

  it('splits key and value at the first delimiter; without one there is no key', () => {
    const keyDelimiter = bytes('::')
    expect(make('k::v::w', { keyDelimiter })).toEqual({ key: bytes('k'), value: bytes('v::w') })
    expect(make('::v', { keyDelimiter })).toEqual({ key: bytes(''), value: bytes('v') })
    expect(make('k::', { keyDelimiter })).toEqual({ key: bytes('k'), value: bytes('') })
    expect(make('v', { keyDelimiter })).toEqual({ key: null, value: bytes('v') })
  })

  it('gives the same key to records that bring none', () => {
    expect(make('v', { key: 'fixed' })).toEqual({ key: 'fixed', value: bytes('v') })
    expect(make('k:v', { key: 'fixed', keyDelimiter: bytes(':') })).toMatchObject({ key: bytes('k') })
  })

  it('takes empty for null where that is asked for', () => {
    const options = { keyDelimiter: bytes(':'), emptyIsNull: true }
    expect(make('', options)).toEqual({ key: null, value: null })
    expect(make(':', options)).toEqual({ key: null, value: null })
    expect(make('k:', options)).toEqual({ key: bytes('k'), value: null })
  })

  it('adds headers to every record', () => {
    expect(make('v', { headers: [['a', 'b']] })).toEqual({
      key: null,
      value: bytes('v'),
      headers: [['a', 'b']],
    })
  })

  it('reads JSON, passes over blank lines, and names the line that is wrong', () => {
    const maker = recordMaker({ ...plain, isJson: true })
    expect(maker(bytes('{"value":"a"}'))).toMatchObject({ value: 'a' })
    expect(maker(bytes('  \r'))).toBeUndefined()
    expect(() => maker(bytes('{"value":1}'))).toThrow('line 3: value must be a text or null')
  })
})
