import { describe, expect, it } from 'vitest'
import { HeldSegments } from '../../../src/log/held-segments.ts'
import { SegmentList } from '../../../src/log/segment-list.ts'
import { Segment } from '../../../src/segment/index.ts'

function segments(...bases: number[]): Segment[] {
  return bases.map(
    (baseOffset) =>
      new Segment({
        baseOffset,
        path: `/${baseOffset}`,
        sizeBytes: 0,
        nextOffset: baseOffset,
        appendedAtMs: 0,
      }),
  )
}

const references = (all: readonly Segment[]): number[] => all.map((segment) => segment.references)

describe('segments that a reader holds', () => {
  it('are held from the first to the last, and let go of one by one', () => {
    const all = segments(0, 10, 20)
    const list = new SegmentList(all)
    const held = new HeldSegments()
    expect([held.current, held.next]).toEqual([undefined, undefined])
    held.hold(all)
    expect([held.current, held.next, references(all)]).toEqual([all[0], all[1], [1, 1, 1]])
    held.advance()
    expect([held.current, held.following(list), references(all)]).toEqual([all[1], all[2], [0, 1, 1]])
    held.releaseAll()
    held.releaseAll()
    expect([held.current, references(all)]).toEqual([undefined, [0, 0, 0]])
  })

  it('are followed by what the list has by now, which is held from then on', () => {
    const all = segments(0, 10, 20)
    const list = new SegmentList(all.slice(0, 1))
    const held = new HeldSegments()
    held.hold(list.all)
    expect(held.following(list)).toBeUndefined()
    list.push(all[1]!)
    list.push(all[2]!)
    expect([held.following(list), references(all)]).toEqual([all[1], [1, 1, 1]])
    held.releaseAll()
  })

  it('stay held when the list has lost them', () => {
    const all = segments(0, 10, 20)
    const list = new SegmentList(all)
    const held = new HeldSegments()
    held.hold(all.slice(0, 1))
    list.remove(new Set(all.slice(0, 2)))
    expect(held.following(list)).toBe(all[2]) // 10 was never held: it is gone
    held.releaseAll()
    expect(references(all)).toEqual([0, 0, 0])
  })

  it('are dropped when they are gone, but for the one the reader is in', () => {
    const all = segments(0, 10, 20, 30)
    const held = new HeldSegments()
    held.drop(() => true)
    held.hold(all)
    held.drop(({ baseOffset }) => baseOffset < 30)
    expect([held.current, held.next, references(all)]).toEqual([all[0], all[3], [1, 0, 0, 1]])
    held.releaseAll()
  })

  it('are held once more by a copy', () => {
    const all = segments(0, 10)
    const held = new HeldSegments()
    held.hold(all)
    const copy = held.copy()
    held.releaseAll()
    expect([copy.current, references(all)]).toEqual([all[0], [1, 1]])
    copy.releaseAll()
    expect(references(all)).toEqual([0, 0])
  })
})
