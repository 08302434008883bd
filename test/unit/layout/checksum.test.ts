import { describe, expect, it } from 'vitest'
import { smallFileChecksum } from '../../../src/layout/checksum.ts'

describe('the checksum of small files', () => {
  it.each([
    ['', 0x811c_9dc5],
    ['a', 0xe40c_292c],
    ['foobar', 0xbf9c_f968],
  ])('of %j is what FNV-1a says', (text, expected) => {
    expect(smallFileChecksum(Buffer.from(text))).toBe(expected)
  })

  it('changes with every single bit', () => {
    const bytes = Buffer.from('0123456789')
    const sums = new Set([smallFileChecksum(bytes)])
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      sums.add(smallFileChecksum(flipped))
    }
    expect(sums.size).toBe(bytes.length * 8 + 1)
  })
})
