import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCheckpointText, parseCheckpointText } from '../../../src/layout/checkpoint-text.ts'
import { seed } from '../../helpers/seed.ts'

describe('checkpoint text', () => {
  it("is Kafka's: version, count, lines, each ended by a newline", () => {
    expect(formatCheckpointText([])).toBe('0\n0\n')
    expect(formatCheckpointText(['a 0 1', 'b 1 2'])).toBe('0\n2\na 0 1\nb 1 2\n')
  })

  it('comes back as its lines', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z0-9 ]{0,20}$/), { maxLength: 20 }), (lines) => {
        expect(parseCheckpointText(formatCheckpointText(lines))).toEqual({ value: lines })
      }),
      { seed },
    )
  })

  it.each([
    ['', 'is empty'],
    ['0', 'ends inside a line'],
    ['0\n1\na 0 1', 'ends inside a line'],
    ['0\n', 'says no number of lines'],
    ['\n', 'has version ""'],
    ['1\n0\n', 'has version "1", 0 was expected'],
    ['00\n0\n', 'has version "00"'],
    ['0\r\n0\r\n', String.raw`has version "0\r"`],
    ['0\n\n', 'says no number of lines'],
    ['0\n-1\n', 'says no number of lines'],
    ['0\n1e1\n', 'says no number of lines'],
    ['0\n99999999999999999999\n', 'says no number of lines'],
    ['0\n1\n', 'says 1 lines, has 0'],
    ['0\n0\na 0 1\n', 'says 0 lines, has 1'],
    ['0\n1\na 0 1\n\n', 'says 1 lines, has 2'],
    [`${'9'.repeat(100)}\n0\n`, `has version "${'9'.repeat(64)}"…`],
  ])('%j is a problem', (text, problem) => {
    expect(parseCheckpointText(text).problem).toContain(problem)
  })

  it('cut short anywhere is a problem', () => {
    const text = formatCheckpointText(['orders 0 42', 'orders 1 17'])
    for (let length = 0; length < text.length; length++) {
      expect(parseCheckpointText(text.slice(0, length)).problem).toBeDefined()
    }
  })
})
