import { describe, expect, it } from 'vitest'
import { systemRandom } from '../../../src/core/index.ts'

describe("the system's randomness", () => {
  it('stays below its limit and reaches every value under it', () => {
    const seen = new Set(Array.from({ length: 200 }, () => systemRandom.below(3)))
    expect([...seen].sort()).toEqual([0, 1, 2]) // fails by chance once in 10^35
    for (const limit of [1, 0]) expect(systemRandom.below(limit)).toBe(0)
    expect(systemRandom.below(2 ** 48 - 1)).toBeLessThan(2 ** 48 - 1)
  })

  it('gives as many bytes as asked for, other ones each time', () => {
    expect(systemRandom.bytes(0)).toHaveLength(0)
    expect(systemRandom.bytes(16)).toHaveLength(16)
    expect(systemRandom.bytes(16)).not.toEqual(systemRandom.bytes(16))
  })
})
