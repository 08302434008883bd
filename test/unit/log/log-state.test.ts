import { describe, expect, it } from 'vitest'
import { dataBatch, viewOf } from '../../helpers/hand-made.ts'

describe('what a state remembers of truncations', () => {
  it('tells late ones apart, and of very old ones the lowest', () => {
    const view = viewOf([[dataBatch(0, 1)]])
    for (let cut = 1; cut <= 5_000; cut++) {
      view.setReadableEnd(cut + 1)
      view.cut(cut)
    }
    expect(view.wasCutBelow(4_990, 4_990)).toBe(false) // by none of the ten that came later
    expect(view.wasCutBelow(4_992, 4_990)).toBe(true)
    expect(view.wasCutBelow(1, 0)).toBe(false)
    expect(view.wasCutBelow(2, 0)).toBe(true)
    expect(view.wasCutBelow(2, 1)).toBe(true) // which of the first ones went so low is not known any more
  })

  it('forgets those above a later one', () => {
    const view = viewOf([[dataBatch(0, 10)]])
    view.cut(8)
    view.cut(3)
    expect(view.wasCutBelow(4, 1)).toBe(true)
    expect(view.wasCutBelow(3, 0)).toBe(false)
  })
})

describe('a state that another process moves on', () => {
  it('asks whoever follows that for what it does not know yet', async () => {
    const view = viewOf([[dataBatch(0, 10)]])
    expect(view.unseen).toBeUndefined()
    await view.catchUp()
    let looks = 0
    view.writerElsewhere = {
      unseen: { cutTo: 5, startOffset: 0 },
      async catchUp() {
        looks++
        view.cut(5)
      },
    }
    expect(view.unseen).toEqual({ cutTo: 5, startOffset: 0 })
    await view.catchUp()
    expect([looks, view.readableEndOffset]).toEqual([1, 5])
  })
})
