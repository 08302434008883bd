import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { floorSlot, SegmentList } from '../../../src/log/segment-list.ts'
import { Segment } from '../../../src/segment/index.ts'
import { seed } from '../../helpers/seed.ts'

const at = (baseOffset: number): Segment =>
  new Segment({
    baseOffset,
    path: `/${baseOffset}.log`,
    sizeBytes: 0,
    nextOffset: baseOffset,
    appendedAtMs: 0,
  })

describe('the list of segments', () => {
  const list = new SegmentList([at(5), at(10), at(20)])

  it('finds the segment that holds an offset', () => {
    expect([0, 4, 5, 9, 10, 19, 20, 1e15].map((offset) => list.floor(offset)?.baseOffset)).toEqual([
      undefined,
      undefined,
      5,
      5,
      10,
      10,
      20,
      20,
    ])
    expect([4, 5, 25].map((offset) => list.slotOf(offset))).toEqual([-1, 0, 2])
    expect([list.first?.baseOffset, list.last?.baseOffset]).toEqual([5, 20])
  })

  it('may be empty', () => {
    const empty = new SegmentList([])
    expect([empty.first, empty.last, empty.floor(5), empty.slotOf(5)]).toEqual([
      undefined,
      undefined,
      undefined,
      -1,
    ])
  })

  it('never changes a snapshot that was taken', () => {
    const changing = new SegmentList([at(0), at(10)])
    const before = changing.all
    changing.push(at(20))
    changing.remove(new Set([before[0]!]))
    expect(before.map(({ baseOffset }) => baseOffset)).toEqual([0, 10])
    expect(changing.all.map(({ baseOffset }) => baseOffset)).toEqual([10, 20])
    changing.replaceAll([at(7)])
    expect(changing.all.map(({ baseOffset }) => baseOffset)).toEqual([7])
  })

  it('takes what comes behind, and nothing else', () => {
    expect(() => new SegmentList([at(5)]).push(at(5))).toThrow('out of order')
    expect(() => new SegmentList([at(5)]).push(at(4))).toThrow('out of order')
    const list2 = new SegmentList([])
    list2.push(at(0))
    expect(list2.last?.baseOffset).toBe(0)
  })

  it('finds what a search from the end finds (property)', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(50)), fc.nat(60), (bases, offset) => {
        const segments = bases.toSorted((a, b) => a - b).map(at)
        expect(floorSlot(segments, offset)).toBe(
          segments.findLastIndex(({ baseOffset }) => baseOffset <= offset),
        )
      }),
      { seed },
    )
  })
})
