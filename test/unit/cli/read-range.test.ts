import { describe, expect, it } from 'vitest'
import { parseReadRange, resolveRange } from '../../../src/cli/read-range.ts'
import type { Log } from '../../../src/index.ts'

describe('parseReadRange', () => {
  it.each([
    [[], 'beginning', undefined],
    [['beginning'], 'beginning', undefined],
    [['end'], 'end', undefined],
    [['42'], { offset: 42 }, undefined],
    [['0'], { offset: 0 }, undefined],
    [['-10'], { last: 10 }, undefined],
    [['s@1000'], { timestamp: 1000 }, undefined],
    [['e@2000'], 'beginning', 2000],
    [['s@1000', 'e@2000'], { timestamp: 1000 }, 2000],
    [['e@2000', '5'], { offset: 5 }, 2000],
  ])('reads %j', (values, start, stopTimestamp) => {
    expect(parseReadRange(values)).toEqual({ start, stopTimestamp })
  })

  it.each([
    [['start'], '-o takes beginning, end, N, -N, s@MS or e@MS, found "start"'],
    [[''], 'found ""'],
    [['+1'], 'found "+1"'],
    [['1.5'], 'found "1.5"'],
    [['s@'], 'found "s@"'],
    [['s@-1'], 'found "s@-1"'],
    [['99999999999999999999'], 'found'],
    [['stored'], 'stored is where a group is, so it goes with -G'],
    [['1', '2'], 'two places to start at'],
    [['s@1', 'end'], 'two places to start at'],
    [['e@1', 'e@2'], 'two places to stop at'],
  ])('refuses %j', (values, message) => {
    expect(() => parseReadRange(values)).toThrow(message)
  })

  it('leaves the place to a group, and takes no other for it', () => {
    const nowhere = { start: 'beginning', stopTimestamp: undefined }
    expect(parseReadRange([], { hasGroup: true })).toEqual(nowhere)
    expect(parseReadRange(['stored'], { hasGroup: true })).toEqual(nowhere)
    for (const value of ['beginning', 'e@1', '5'])
      expect(() => parseReadRange(['stored', value], { hasGroup: true })).toThrow(
        `no other -o than stored, found "${value}"`,
      )
  })
})

describe('resolveRange', () => {
  const log = {
    startOffset: 10,
    readableEndOffset: 20,
    offsetForTimestamp: async (ms: number) => (ms > 5000 ? undefined : { offset: 15, timestamp: ms }),
  } as Pick<Log, 'startOffset' | 'readableEndOffset' | 'offsetForTimestamp'> as Log

  it.each([
    ['beginning', 10],
    ['end', 20],
    ['12', 12],
    ['5', 5],
    ['-3', 17],
    ['-300', 10],
    ['s@4000', 15],
    ['s@6000', 20],
  ])('takes %s for offset %d', async (value, from) => {
    expect(await resolveRange(log, parseReadRange([value]))).toEqual({ from, until: undefined })
  })

  it('stops before the first record of a time, or nowhere when there is none', async () => {
    expect(await resolveRange(log, parseReadRange(['e@4000']))).toEqual({ from: 10, until: 15 })
    expect(await resolveRange(log, parseReadRange(['e@6000']))).toEqual({ from: 10, until: undefined })
  })
})
