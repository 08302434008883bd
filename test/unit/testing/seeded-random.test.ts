import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/testing/index.ts'

const draw = (random: SeededRandom, count: number, limit = 1000) =>
  Array.from({ length: count }, () => random.below(limit))

/** sfc32 in arithmetic that can't overflow: the generator's definition, slowly. */
function* definition(seed: bigint): Generator<number> {
  const mask = 0xffff_ffffn
  let [a, b, c, counter] = [seed >> 32n, seed & mask, 0n, 1n]
  for (let round = 0; ; round++) {
    const result = (a + b + counter) & mask
    counter = (counter + 1n) & mask
    a = b ^ (b >> 9n)
    b = (c + (c << 3n)) & mask
    c = ((((c << 21n) | (c >> 11n)) & mask) + result) & mask
    if (round >= 16) yield Number(result)
  }
}

describe('SeededRandom', () => {
  it('gives the same for the same seed, and says which it was', () => {
    expect(draw(new SeededRandom(42), 100)).toEqual(draw(new SeededRandom(42), 100))
    expect(new SeededRandom(42).seed).toBe(42)
  })

  it('gives something else for a seed that differs in one bit, high or low', () => {
    const first = draw(new SeededRandom(42), 10)
    expect(draw(new SeededRandom(43), 10)).not.toEqual(first)
    expect(draw(new SeededRandom(42 + 2 ** 32), 10)).not.toEqual(first)
  })

  it.each([0, 1, 42, 2 ** 31, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER])(
    'follows the definition of sfc32 for seed %d',
    (seed) => {
      const expected = definition(BigInt(seed))
      const random = new SeededRandom(seed)
      for (let count = 0; count < 1000; count++) expect(random.below(2 ** 32)).toBe(expected.next().value)
    },
  )

  it('gives these numbers for this seed, today and in every later version', () => {
    expect(draw(new SeededRandom(2024), 5, 1_000_000)).toEqual([158258, 497581, 655865, 51817, 895929])
    expect(new SeededRandom(2024).bytes(7).toString('hex')).toBe('f2b0cfd56d416b')
  })

  it('stays under the limit and reaches all below it, evenly', () => {
    const counts = [0, 0, 0, 0, 0, 0, 0]
    for (const drawn of draw(new SeededRandom(7), 70_000, 7)) counts[drawn]!++
    expect(counts).toHaveLength(7)
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  it.each([3 * 2 ** 30, 3 * 2 ** 46])('does not favour the small numbers below a limit of %d', (limit) => {
    const small = draw(new SeededRandom(7), 30_000, limit).filter((drawn) => drawn < limit / 3)
    expect(Math.abs(small.length - 10_000)).toBeLessThan(500)
  })

  it('has no use for a limit of 1 or less', () => {
    expect(draw(new SeededRandom(7), 3, 1)).toEqual([0, 0, 0])
    expect(new SeededRandom(7).below(0)).toBe(0)
  })

  it('reaches limits over 2^32, up to 2^48 - 1', () => {
    const limit = 2 ** 48 - 1
    const drawn = draw(new SeededRandom(7), 1000, limit)
    expect(Math.max(...drawn)).toBeGreaterThan(limit * 0.99)
    expect(Math.max(...drawn)).toBeLessThan(limit)
    expect(drawn.every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(true)
  })

  it.each([2 ** 48, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %d', (limit) => {
    expect(() => new SeededRandom(7).below(limit)).toThrow(RangeError)
  })

  it.each([0, 1, 2, 3, 4, 5, 1000])('gives %i bytes', (count) => {
    expect(new SeededRandom(7).bytes(count)).toHaveLength(count)
  })

  it('gives every value a byte can have', () => {
    expect(new Set(new SeededRandom(7).bytes(10_000)).size).toBe(256)
  })

  it.each([-1, 1.5, Number.NaN, 2 ** 53])('refuses %d as a seed and as a count of bytes', (value) => {
    expect(() => new SeededRandom(value)).toThrow(RangeError)
    expect(() => new SeededRandom(1).bytes(value)).toThrow(RangeError)
  })
})
