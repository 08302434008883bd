import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addCut, type Cut, lowestCutSince } from '../../../src/log/cuts.ts'
import { seed } from '../../helpers/seed.ts'

/** The truncations to these offsets, one a generation, from 1 on. */
const cutTo = (offsets: readonly number[], max = Infinity): readonly Cut[] =>
  offsets.reduce<readonly Cut[]>(
    (cuts, offset, slot) => addCut(cuts, { generation: slot + 1, offset }, { max }),
    [],
  )

describe('the truncations of a log', () => {
  it('say for every generation how low the log was cut since, whatever they were', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 12 }), (offsets) => {
        const cuts = cutTo(offsets)
        for (let generation = 0; generation <= offsets.length; generation++) {
          const later = offsets.slice(generation)
          expect(lowestCutSince(cuts, generation)).toBe(later.length === 0 ? undefined : Math.min(...later))
        }
      }),
      { seed },
    )
  })

  it('never say too little where only some are kept', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (offsets, max) => {
        const cuts = cutTo(offsets, max)
        expect(cuts.length).toBeLessThanOrEqual(max)
        for (let generation = 0; generation < offsets.length; generation++)
          expect(lowestCutSince(cuts, generation)).toBeLessThanOrEqual(Math.min(...offsets.slice(generation)))
        expect(lowestCutSince(cuts, offsets.length)).toBeUndefined()
      }),
      { seed },
    )
  })
})
