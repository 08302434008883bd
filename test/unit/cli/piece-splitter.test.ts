import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PieceSplitter } from '../../../src/cli/piece-splitter.ts'
import { seed } from '../../helpers/seed.ts'

function split(chunks: readonly string[], delimiter: string, pieceBytesMax = 1000): string[] {
  const splitter = new PieceSplitter({ delimiter: Buffer.from(delimiter), pieceBytesMax })
  const pieces = chunks.flatMap((chunk) => Array.from(splitter.push(Buffer.from(chunk)), String))
  const last = splitter.finish()
  return last === undefined ? pieces : [...pieces, last.toString()]
}

describe('PieceSplitter', () => {
  it('gives the pieces between delimiters, empty ones too', () => {
    expect(split(['a\nbc\n\nd\n'], '\n')).toEqual(['a', 'bc', '', 'd'])
  })

  it('gives what stands behind the last delimiter at the end, and nothing when nothing does', () => {
    expect(split(['a\nb'], '\n')).toEqual(['a', 'b'])
    expect(split(['a\n'], '\n')).toEqual(['a'])
    expect(split([], '\n')).toEqual([])
    expect(split([''], '\n')).toEqual([])
  })

  it('joins a piece that comes in many chunks', () => {
    expect(split(['a', 'b', 'c\nd', 'e'], '\n')).toEqual(['abc', 'de'])
  })

  it('finds a delimiter that comes in two, or one byte at a time', () => {
    expect(split(['a<', '>b'], '<>')).toEqual(['a', 'b'])
    expect(split(['a', '<', '>', 'b', '<', '<', '>'], '<>')).toEqual(['a', 'b<'])
    expect(split(['ab<', '<>'], '<>')).toEqual(['ab<'])
    expect(split(['<-', '-', '>x<', '-', '->'], '<-->')).toEqual(['', 'x'])
  })

  it('gives the same pieces however the input is cut into chunks', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '<', '>', '-'), maxLength: 40 })
    fc.assert(
      fc.property(
        text,
        fc.array(fc.nat({ max: 40 }), { maxLength: 8 }),
        fc.constantFrom('<', '<>', '<->', '<<', '-<-'),
        (input, cuts, delimiter) => {
          const places = [
            0,
            ...cuts.map((cut) => Math.min(cut, input.length)).sort((a, b) => a - b),
            input.length,
          ]
          const chunks = places.slice(1).map((place, slot) => input.slice(places[slot], place))
          const whole = input.split(delimiter)
          expect(split(chunks, delimiter)).toEqual(whole.at(-1) === '' ? whole.slice(0, -1) : whole)
        },
      ),
      { seed, numRuns: 500 },
    )
  })

  it('holds no more than the bound while a delimiter is waited for', () => {
    expect(split(['aaaa\n', 'bbbb'], '\n', 4)).toEqual(['aaaa', 'bbbb'])
    expect(() => split(['aaaaa\n'], '\n', 4)).toThrow('more than 4 bytes')
    expect(() => split(['aaa', 'aa'], '\n', 4)).toThrow('more than 4 bytes')
    expect(() => split(['aaa', 'aa\n'], '\n', 4)).toThrow('more than 4 bytes')
  })

  it('keeps no view of a chunk that only ends in the piece', () => {
    const splitter = new PieceSplitter({ delimiter: Buffer.from('\n'), pieceBytesMax: 100 })
    const chunk = Buffer.from('held')
    expect([...splitter.push(chunk)]).toEqual([])
    chunk.fill(0)
    expect(splitter.finish()?.toString()).toBe('held')
  })
})
