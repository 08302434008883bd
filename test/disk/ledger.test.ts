import { describe, expect, it } from 'vitest'
import { type Found, Ledger } from './ledger.ts'

/** A log of five records in three calls, the first two of them acknowledged; the last may be there or not. */
function heard(...more: string[]): Ledger {
  const ledger = new Ledger()
  const lines = ['R', 'O 0 0', 'T os a b', 'T disk c', 'A 0 0 1 os', 'A 1 2 2 disk', 'T os d e', ...more]
  for (const line of lines) ledger.hear(line)
  return ledger
}

const found = (hashes: string, startOffset = 0): Found => ({
  startOffset,
  endOffset: startOffset + hashes.length,
  hashes: [...hashes],
  sizeBytes: 1000,
})
const afterKill = { survives: 'os' } as const

describe('a ledger', () => {
  it.each(['abc', 'abcde'])(
    'is content with what was acknowledged and whole calls behind it: %s',
    (hashes) => {
      expect(heard().settle(found(hashes), afterKill).acknowledged).toEqual({ memory: 0, os: 2, disk: 1 })
    },
  )

  it.each<[what: string, given: Found, trouble: RegExp]>([
    ['an acknowledged record is gone', found('ab'), /ends at 2, 3 was acknowledged/],
    ['a call is there by half', found('abcd'), /ends at 4, inside a call/],
    ['a record is another one', found('abxde'), /record at 2 is not/],
    ['two records have changed places', found('bac'), /record at 0 is not/],
    ['a record is there twice', found('abbc'), /record at 2 is not/],
    ['there is one that nobody gave', found('abcdef'), /6 records, 5 were expected/],
    ['the start has moved, and nobody asked', found('bc', 1), /starts at 1, nobody asked/],
  ])('notices that %s', (_, given, trouble) => {
    expect(() => heard().settle(given, afterKill)).toThrow(trouble)
  })

  it.each<[what: string, lines: string[], trouble: RegExp]>([
    ['acknowledges at another offset', ['A 2 4 5 os'], /acknowledged as 4 to 5/],
    [
      'acknowledges at a lower level than was asked for',
      ['T disk f', 'A 3 5 5 os'],
      /asked for disk and got os/,
    ],
    ['acknowledges twice', ['A 1 2 2 disk'], /out of order/],
    [
      'acknowledges behind a refusal',
      ['E 2 IO_FAILED not-written', 'T os f', 'A 3 5 5 os'],
      /behind a refused one/,
    ],
    ['moves the start back', ['D 2', 'd 2'], /starts at 0, it had started at 2/],
    ['refuses what is there', ['E 2 IO_FAILED not-written'], /from 3 on all was refused/],
    ['says what nobody understands', ['what'], /said "what"/],
  ])('notices that a process %s', (_, lines, trouble) => {
    expect(() => heard(...lines).settle(found('abcde'), afterKill)).toThrow(trouble)
  })

  it('lets go after a power cut what was acknowledged at os, from the end only', () => {
    const ledger = heard('A 2 3 4 os')
    expect(() => heard('A 2 3 4 os').settle(found('abc'), afterKill)).toThrow(/5 was acknowledged/)
    expect(ledger.settle(found('abc'), { survives: 'disk' }).lost).toBe(2)
    expect(() => heard('F 3', 'f 3').settle(found('abc'), { survives: 'disk' })).toThrow(/5 was acknowledged/)
  })

  it('takes nothing as proven that was said too late', () => {
    const ledger = heard()
    ledger.hear('A 2 3 4 disk', { isLate: true })
    expect(ledger.settle(found('abc'), { survives: 'disk' }).lost).toBe(0)
  })

  it('knows how far the start may have moved', () => {
    expect(() => heard('D 2').settle(found('bc', 1), afterKill)).not.toThrow()
    expect(() => heard('D 2').settle(found('', 3), afterKill)).toThrow(/nobody asked for more than 2/)
    expect(() => heard('C').settle(found('c', 2), afterKill)).not.toThrow()
    expect(() => heard('C').settle(found('c', 2), { ...afterKill, retentionBytes: 1001 })).toThrow(
      /cleaning left 1000/,
    )
  })

  it('goes on from what was found', () => {
    const ledger = heard()
    ledger.settle(found('abc'), afterKill)
    ledger.appended('x')
    for (const line of ['O 0 4', 'T os y', 'A 0 4 4 os']) ledger.hear(line)
    expect(() => ledger.settle(found('abcdy'), afterKill)).toThrow(/record at 3 is not/)
    expect(ledger.settle(found('abcxy'), afterKill).acknowledged.os).toBe(1)
    ledger.hear('O 0 4')
    expect(() => ledger.settle(found('abcxy'), afterKill)).toThrow(/opened as 0 to 4, 0 to 5 was left/)
  })
})
