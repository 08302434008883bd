import { describe, expect, it } from 'vitest'
import { LogReads } from '../../../src/log/log-reads.ts'
import type { LogState } from '../../../src/log/log-state.ts'
import type { ReadOptions } from '../../../src/log/read-options.ts'
import { dataBatch, marker, referencesOf, transactionalBatch, viewOf } from '../../helpers/hand-made.ts'

async function offsets(view: LogState, options: ReadOptions, meanwhile = (): void => {}): Promise<number[]> {
  const iterator = new LogReads(view).read(options)
  meanwhile() // after the call, before the first value is asked for
  const found: number[] = []
  for await (const { offset } of iterator) found.push(offset)
  expect(referencesOf(view)).toBe(0)
  return found
}

const view = (): LogState => viewOf([[dataBatch(10, 3)], [dataBatch(13, 3)]], { startOffset: 11 })

describe('where reading starts', () => {
  it('is what `from` says', async () => {
    const cases: [ReadOptions, number[]][] = [
      [{}, [11, 12, 13, 14, 15]],
      [{ from: 'earliest' }, [11, 12, 13, 14, 15]],
      [{ from: 'latest' }, []],
      [{ from: 12 }, [12, 13, 14, 15]],
      [{ from: 16 }, []],
      [{ from: { last: 2 } }, [14, 15]],
      [{ from: { last: 100 } }, [11, 12, 13, 14, 15]],
      [{ from: { last: 0 } }, []],
      [{ from: { timestamp: 1014 } }, [14, 15]],
      [{ from: { timestamp: 0 } }, [11, 12, 13, 14, 15]],
      [{ from: { timestamp: 9999 } }, []],
    ]
    for (const [options, expected] of cases) expect(await offsets(view(), options)).toEqual(expected)
  })

  it('is refused outside the log, with its range at the first value', async () => {
    for (const from of [0, 10, 17, Number.MAX_SAFE_INTEGER]) {
      const error = { code: 'OFFSET_OUT_OF_RANGE', offset: from, found: from, expected: [11, 16] }
      await expect(offsets(view(), { from })).rejects.toMatchObject(error)
      await expect(offsets(view(), { from, follow: true })).rejects.toMatchObject(error)
    }
    const moving = view()
    await expect(offsets(moving, { from: 11 }, () => moving.setStart(12))).rejects.toMatchObject({
      expected: [12, 16],
    })
  })

  it('moves up with the start of the log, unless it is an offset', async () => {
    for (const from of ['earliest', { last: 5 }, { timestamp: 1011 }] as const) {
      const moving = view()
      expect(await offsets(moving, { from }, () => moving.setStart(14))).toEqual([14, 15])
    }
  })

  it('is the end as it is at the call: what is appended next is given', async () => {
    for (const from of ['latest', { last: 0 }] as const) {
      const growing = viewOf([[dataBatch(0, 3), dataBatch(3, 2)]], { readableEndOffset: 3 })
      expect(await offsets(growing, { from }, () => growing.setReadableEnd(5))).toEqual([3, 4])
    }
  })

  it('is not past the end when the log has been cut since the call', async () => {
    for (const from of ['latest', { last: 1 }] as const) {
      const cut = viewOf([[dataBatch(0, 3), dataBatch(3, 2)]])
      const meanwhile = (): void => {
        cut.cut(2)
        cut.setReadableEnd(5)
        cut.cut(3)
        cut.setReadableEnd(3)
      }
      expect(await offsets(cut, { from }, meanwhile)).toEqual([])
    }
  })

  it('is nowhere in a log that is closed', async () => {
    for (const from of [5, 12, 'earliest', 'latest', { last: 1 }, { timestamp: 0 }] as const) {
      const closed = view()
      closed.close()
      await expect(offsets(closed, { from })).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    }
  })
})

describe('what is wrong with a call', () => {
  it('is thrown by the call itself, or, where that gives a promise, by rejection', async () => {
    const reads = new LogReads(view())
    const invalid = expect.objectContaining({ code: 'ARGUMENT_INVALID' })
    expect(() => reads.read({ from: -1 })).toThrow(invalid)
    expect(() => reads.readBatches({ from: -1 })).toThrow(invalid)
    for (const offset of [Number.NaN, -1, 1.5, 2 ** 53, Infinity, 5n, '5', null, undefined, {}]) {
      expect(() => reads.getSync(offset as number)).toThrow(invalid)
      await expect(reads.get(offset as number)).rejects.toEqual(invalid)
    }
    for (const time of [Number.NaN, 1.5, 2 ** 53, Infinity, 5n, '5', null, undefined, new Date(0)])
      await expect(reads.offsetForTimestamp(time as number)).rejects.toEqual(invalid)
    const zero = new LogReads(viewOf([[dataBatch(0, 1)]]))
    expect(zero.getSync(-0)).toMatchObject({ offset: 0 })
  })
})

it('leaves out, where that is asked for, what is not committed', async () => {
  const mixed = viewOf([
    [dataBatch(0, 1), transactionalBatch(1, 2, 7), marker(3, 7, 'ABORT'), transactionalBatch(4, 2, 7)],
    [marker(6, 7, 'COMMIT'), dataBatch(7, 1), transactionalBatch(8, 1, 7), dataBatch(9, 1)],
  ])
  expect(await offsets(mixed, {})).toEqual([0, 1, 2, 4, 5, 7, 8, 9])
  expect(await offsets(mixed, { isolation: 'uncommitted' })).toEqual([0, 1, 2, 4, 5, 7, 8, 9])
  expect(await offsets(mixed, { isolation: 'committed' })).toEqual([0, 4, 5, 7])
  expect(await offsets(mixed, { isolation: 'committed', from: 5, until: 7 })).toEqual([5])
  const bases: number[] = []
  for await (const batch of new LogReads(mixed).readBatches({ isolation: 'committed' }))
    bases.push(batch.baseOffset)
  expect(bases).toEqual([0, 3, 4, 6, 7])
})
