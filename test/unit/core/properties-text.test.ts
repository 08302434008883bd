import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatProperties, parseProperties } from '../../../src/core/index.ts'

const parse = (text: string) => Object.fromEntries(parseProperties(text))

describe('properties text', () => {
  // The expected entries of this table are what java.util.Properties gives for the same text.
  it.each([
    ['', {}],
    ['\n\n \t\f\n', {}],
    ['a=b', { a: 'b' }],
    ['a=b\n', { a: 'b' }],
    ['a:b', { a: 'b' }],
    ['a b', { a: 'b' }],
    ['a\tb', { a: 'b' }],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['=b', { '': 'b' }],
    [' \t\fa \t= \tb c ', { a: 'b c ' }],
    ['a = = b', { a: '= b' }],
    ['a : = b', { a: '= b' }],
    ['a==b', { a: '=b' }],
    ['a b=c', { a: 'b=c' }],
    ['a=1\nb=2\r\nc=3\rd=4', { a: '1', b: '2', c: '3', d: '4' }],
    ['a=1\na=2', { a: '2' }],
    ['# a=1\n! b=2\n  #c=3\nd=4 # no comment', { d: '4 # no comment' }],
    ['# not continued \\\na=1', { a: '1' }],
    ['a=1,\\\n   2,\\\r\n\t3', { a: '1,2,3' }],
    ['a=1\\\n#2', { a: '1#2' }],
    ['a=1\\\n\nb=2', { a: '1', b: '2' }],
    ['a=1\\\\\nb=2', { a: '1\\', b: '2' }],
    ['a=1\\\\\\\nb=2', { a: '1\\b=2' }],
    ['a=1\\', { a: '1' }],
    ['a\\\nb=1', { ab: '1' }],
    ['\\\n# a=1\nb=2', { b: '2' }],
    ['a=\\t\\n\\r\\f\\q\\\\', { a: '\t\n\r\fq\\' }],
    ['a=\\u0041\\u00e9\\ud83d\\ude42', { a: 'Aé🙂' }],
    ['a=\\u00\\\n41', { a: 'A' }],
    ['a=\\\\u0041', { a: '\\u0041' }],
    ['\\u0061\\=\\:\\ b=c', { 'a=: b': 'c' }],
    ['a\\\\=b', { 'a\\': 'b' }],
    ['größe=🙂', { größe: '🙂' }],
    [
      '__proto__=1\nconstructor=2',
      Object.fromEntries([
        ['__proto__', '1'],
        ['constructor', '2'],
      ]),
    ],
  ])('%j is read as Java reads it', (text, expected) => {
    expect(parse(text)).toEqual(expected)
  })

  it('has its entries in the order of first appearance', () => {
    expect([...parseProperties('b=1\na=2\nb=3')]).toEqual([
      ['b', '3'],
      ['a', '2'],
    ])
  })

  it('may start with a byte order mark, and with one only', () => {
    expect(parse('\ufeffa=1')).toEqual({ a: '1' })
    expect(parse('\ufeff\ufeffa=1')).toEqual({ '\ufeffa': '1' })
  })

  it('that ends in a line of nothing but a backslash has no entry there', () => {
    for (const text of ['\\', '\\\n', 'a=1\n\\', '\\\n\\\n']) {
      expect(parse(text)).toEqual(text.startsWith('a') ? { a: '1' } : {})
    }
  })

  it.each([
    ['a=\\u', 1],
    ['a=\\u12', 1],
    ['a=\\u12g4', 1],
    ['a=\\uu0041', 1],
    ['# one\n\nb=2\r\na\\u00=1', 4],
    ['a=1\\\n  2\\\n  \\uXYZW\nb=2', 1],
    ['a=1\nb=2\\\n3\\u', 2],
  ])('%j has a malformed escape, and the line is named', (text, line) => {
    expect(() => parseProperties(text)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `malformed \\u escape in the entry that starts at line ${line}: expected four hexadecimal digits`,
      }),
    )
  })

  it('in a comment is never malformed', () => {
    expect(parse('# \\u\n! \\uXYZW\na=1')).toEqual({ a: '1' })
  })

  it('of 1 MiB is read, of one character more refused', () => {
    const mebibyte = 1024 * 1024
    const text = `a=${'x'.repeat(mebibyte - 2)}`
    expect(parseProperties(text).get('a')).toHaveLength(mebibyte - 2)
    expect(() => parseProperties(`${text}x`)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', found: mebibyte + 1, expected: mebibyte }),
    )
  })

  it('of a hundred thousand lines or continuations is read in one pass', () => {
    expect(parseProperties('a=1\n'.repeat(100_000)).get('a')).toBe('1')
    expect(parseProperties(`a=${'1\\\n'.repeat(100_000)}`).get('a')).toHaveLength(100_000)
    expect(parseProperties(`a=${'\\'.repeat(1_000_000)}`).get('a')).toHaveLength(500_000)
  })

  it('that is no text is a TypeError', () => {
    for (const text of [undefined, null, 5, Buffer.from('a=1'), ['a=1'], {}]) {
      expect(() => parseProperties(text as never)).toThrow(
        expect.objectContaining({ name: 'TypeError', code: 'ARGUMENT_INVALID' }),
      )
    }
  })
})

describe('written properties', () => {
  it('are plain ASCII lines as Java writes them', () => {
    const entries: [string, string][] = [
      ['retention.ms', '604800000'],
      ['cleanup.policy', 'compact,delete'],
      ['a key=:#!\\', '  two # ! = : \\ '],
      ['é', '\t\n\r\f\u0000🙂'],
      ['', ''],
    ]
    expect(formatProperties(entries)).toBe(
      [
        'retention.ms=604800000',
        'cleanup.policy=compact,delete',
        'a\\ key\\=\\:\\#\\!\\\\=\\  two \\# \\! \\= \\: \\\\ ',
        '\\u00E9=\\t\\n\\r\\f\\u0000\\uD83D\\uDE42',
        '=',
        '',
      ].join('\n'),
    )
    expect([...parseProperties(formatProperties(entries))]).toEqual(entries)
  })

  it('of nothing are nothing', () => {
    expect(formatProperties([])).toBe('')
    expect(formatProperties(new Map(), 'only a comment')).toBe('# only a comment\n')
  })

  it('begin with the comment, every line of it', () => {
    expect(formatProperties([['a', '1']], 'one\ntwo\r\n\nrésumé\u0000')).toBe(
      '# one\n# two\n#\n# r\\u00E9sum\\u00E9\\u0000\na=1\n',
    )
    expect(parse(formatProperties([['a', '1']], 'x\\\rb=2\u2028c=3\u0085d=4\fe=5'))).toEqual({ a: '1' })
  })

  it('read back as the same entries, whatever these are, and are written the same again', () => {
    const seed = 0x9407
    console.info(`properties seed ${seed}`)
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string(),
      fc
        .array(
          fc.constantFrom('\\', ' ', '=', ':', '#', '!', '\n', '\r', '\t', '\f', 'u', '\\u', '\ud800', 'n'),
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, text), { maxLength: 8 }),
        fc.option(text, { nil: undefined }),
        (entries, comment) => {
          const map = new Map(entries)
          const written = formatProperties(map, comment)
          expect(written).toMatch(/^[\n -~]*$/)
          expect([...parseProperties(written)]).toEqual([...map])
          expect(formatProperties(parseProperties(written), comment)).toBe(written)
        },
      ),
      { seed, numRuns: 200 },
    )
  })

  it('of any text that can be read read back as that text does', () => {
    const seed = 0x9408
    console.info(`properties text seed ${seed}`)
    const part = fc.constantFrom(
      'a',
      'b',
      '=',
      ':',
      ' ',
      '\t',
      '\f',
      '\n',
      '\r\n',
      '\\',
      '\\u0041',
      '\\n',
      '#',
      '!',
      'é',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const entries = parseProperties(parts.join(''))
        expect([...parseProperties(formatProperties(entries))]).toEqual([...entries])
      }),
      { seed, numRuns: 500 },
    )
  })
})
