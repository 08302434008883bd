import { describe, expect, it } from 'vitest'
import {
  describeGrowth,
  fitGrowth,
  formatPoints,
  type Growth,
  judgeGrowth,
  type Point,
} from '../bench/growth.ts'
import type { Run } from '../bench/results.ts'
import { SCENARIOS } from '../bench/scenarios/index.ts'
import { Noise } from '../bench/support/payload.ts'

const SIZES = [1, 10, 100]

/** A figure for each size in each of so many rounds. */
function points(rounds: number, figureOf: (size: number, round: number) => number): Point[] {
  return Array.from({ length: rounds }, (_, round) =>
    SIZES.map((size) => ({ round, size, figure: figureOf(size, round) })),
  ).flat()
}

const growth: Growth = {
  work: 'Opening',
  by: 'the data',
  unit: 'ms',
  metric: 'openMs',
  sizes: () => ({ one: 1, ten: 10, hundred: 100 }),
}

/** Judges figures of one, ten and hundred times the data, a list a round, and of none. */
function judge(
  rounds: readonly { one: number; ten: number; hundred: number; none?: number }[],
  rest: Partial<Growth> = {},
) {
  const runs = rounds.flatMap((figures, round): Run[] =>
    Object.entries(figures).map(([subject, openMs]) => ({
      round,
      subject,
      outcome: { metrics: { openMs }, checked: { count: 0, hash: 0 } },
    })),
  )
  const definition = { name: 'sample', growth: [{ ...growth, ...rest }] }
  return judgeGrowth(definition, { parameters: {}, runs, hasGoals: true })[0]!
}

describe('the exponent of a growth', () => {
  it.each([-0.5, 0, 0.5, 1, 2])('is found where figures go by the size to the power of %d', (exponent) => {
    const fit = fitGrowth(points(5, (size, round) => (round + 1) * 7 * size ** exponent))!
    expect(fit.exponent).toBeCloseTo(exponent, 10)
    expect(fit.min).toBeCloseTo(exponent, 10)
    expect(fit.max).toBeCloseTo(exponent, 10)
    expect(fit.rounds).toBe(5)
  })

  it('lies within what the rounds give alone, and near the truth under noise', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const noise = new Noise(seed)
      const fit = fitGrowth(points(7, (size) => 3 * size * (0.8 + noise.below(400) / 1000)))!
      expect(fit.min, `seed ${seed}`).toBeLessThanOrEqual(fit.exponent)
      expect(fit.max, `seed ${seed}`).toBeGreaterThanOrEqual(fit.exponent)
      expect(Math.abs(fit.exponent - 1), `seed ${seed}`).toBeLessThan(0.1)
    }
  })

  it('leaves out a round that has a figure of 0 or less, and is none where these are most', () => {
    const oneBad = points(5, (size, round) => (round === 2 && size === 1 ? -1 : size))
    expect(fitGrowth(oneBad)).toEqual(expect.objectContaining({ rounds: 4 }))
    expect(fitGrowth(oneBad)!.exponent).toBeCloseTo(1, 10)
    expect(fitGrowth(points(5, (size, round) => (round < 3 && size === 1 ? 0 : size)))).toBeUndefined()
  })

  it('is none of one size, and of nothing', () => {
    expect(fitGrowth([])).toBeUndefined()
    expect(fitGrowth([{ round: 0, size: 5, figure: 1 }])).toBeUndefined()
  })
})

describe('a growth in words', () => {
  const flat = { one: 10, ten: 10, hundred: 10 }

  it('says the exponent, its spread and what they mean', () => {
    expect(describeGrowth(judge([flat, { one: 10, ten: 10, hundred: 11 }]))).toMatch(
      /^exponent 0\.01 \(0\.00 – 0\.02\): does not grow with the data$/,
    )
  })

  it.each([
    [{ one: 10, ten: 30, hundred: 90 }, 'ms', 'grows, but less than the data'],
    [{ one: 1, ten: 10, hundred: 100 }, 'ms', 'grows in proportion to the data'],
    [{ one: 1, ten: 30, hundred: 900 }, 'ms', 'grows more than the data'],
    [{ one: 90, ten: 30, hundred: 10 }, 'ms', 'falls with the data'],
    [{ one: 90, ten: 30, hundred: 10 }, 'records/s', 'falls with the data'],
    [{ one: 10, ten: 30, hundred: 90 }, 'records/s', 'rises with the data'],
    [flat, 'records/s', 'does not change with the data'],
  ] as const)('of %j in %s is: %s', (figures, unit, meaning) => {
    expect(describeGrowth(judge([figures], { unit }))).toMatch(new RegExp(`: ${meaning}$`))
  })

  it('says so when the rounds are too far apart', () => {
    const text = describeGrowth(judge([flat, { one: 1, ten: 10, hundred: 100 }]))
    expect(text).toBe('exponent 0.50 (0.00 – 1.00): the rounds are too far apart to tell')
  })

  it('names the figures by how many times the smallest size they are of', () => {
    expect(formatPoints(judge([{ one: 1, ten: 2, hundred: 3 }]))).toBe(
      '1 ×: 1.00 ms, 10 ×: 2.00 ms, 100 ×: 3.00 ms',
    )
  })
})

describe('a growth of a scenario', () => {
  it('takes off what there is without any, round by round', () => {
    const rounds = [
      { none: 20, one: 21, ten: 30, hundred: 120 },
      { none: 50, one: 51, ten: 60, hundred: 150 },
    ]
    const judged = judge(rounds, { over: 'none' })
    expect(judged.fit!.exponent).toBeCloseTo(1, 10)
    expect(judged.points.map(({ figure }) => figure)).toEqual([1, 10, 100])
    expect(judge(rounds).fit!.exponent).toBeLessThan(0.5)
  })

  it('has no exponent, and is held against no goal, where nothing is above what there is without any', () => {
    const judged = judge([{ none: 20, one: 20, ten: 20, hundred: 20 }], { over: 'none', exponentMax: 1 })
    expect([judged.fit, judged.isMet]).toEqual([undefined, undefined])
    expect(describeGrowth(judged)).toMatch(/^no exponent/)
  })

  it('is held against its goal by the exponent', () => {
    const rounds = [{ one: 1, ten: 10, hundred: 100 }]
    expect(judge(rounds, { exponentMax: 1.1 }).isMet).toBe(true)
    expect(judge(rounds, { exponentMax: 0.9 }).isMet).toBe(false)
    expect(judge(rounds).isMet).toBeUndefined()
  })

  it('fails where a subject has no such figure', () => {
    expect(() => judge([{ one: 1, ten: 2, hundred: 3 }], { metric: 'other' })).toThrow('one has no other')
    expect(() => judge([{ one: 1, ten: 2, hundred: 3 }], { over: 'none' })).toThrow('none has no openMs')
  })

  it('names subjects that there are, at two sizes or more', () => {
    for (const { name, growth: all = [], subjects, parameters } of SCENARIOS) {
      for (const { sizes, over } of all) {
        for (const size of ['full', 'quick', 'smoke'] as const) {
          const found = sizes(parameters[size])
          const named = over === undefined ? Object.keys(found) : [...Object.keys(found), over]
          expect([name, named.filter((subject) => !Object.hasOwn(subjects, subject))]).toEqual([name, []])
          expect([name, new Set(Object.values(found)).size > 1]).toEqual([name, true])
        }
      }
    }
  })
})
