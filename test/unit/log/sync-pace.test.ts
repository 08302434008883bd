import { describe, expect, it } from 'vitest'
import { SyncPace } from '../../../src/log/sync-pace.ts'

const KIB = 1024
const small = { unsyncedBytes: KIB, wasInline: false }

/** Notes `count` syncs of `ms`, each made as the pace says; gives how many blocked. */
function run(pace: SyncPace, count: number, ms: number): number {
  let blocked = 0
  for (let sync = 0; sync < count; sync++) {
    const wasInline = pace.isInline(KIB)
    if (wasInline) blocked++
    pace.took(ms, { unsyncedBytes: KIB, wasInline })
  }
  return blocked
}

describe('SyncPace', () => {
  it('blocks once eight syncs in a row were quick, to the millisecond', () => {
    const pace = new SyncPace(1)
    expect(run(pace, 8, 1)).toBe(0)
    expect(pace.isInline(KIB)).toBe(true)
  })

  it('never blocks where no time is allowed, nor on a disk that takes longer', () => {
    expect(run(new SyncPace(0), 1000, 0)).toBe(0)
    expect(run(new SyncPace(1), 1000, 1.001)).toBe(0)
  })

  it('does not block for much, and learns nothing from how long much takes', () => {
    const pace = new SyncPace(1)
    run(pace, 8, 0.1)
    expect([pace.isInline(256 * KIB), pace.isInline(256 * KIB + 1)]).toEqual([true, false])
    pace.took(500, { unsyncedBytes: 256 * KIB + 1, wasInline: false })
    expect(pace.isInline(KIB)).toBe(true)
  })

  it('goes through the pool one time in 64, where a busy event loop shows', () => {
    const pace = new SyncPace(1)
    run(pace, 8, 0.1)
    expect(run(pace, 640, 0.1)).toBe(630)
    const busy = new SyncPace(1)
    run(busy, 8, 0.1)
    let blocked = 0
    for (let sync = 0; sync < 640; sync++) {
      const wasInline = busy.isInline(KIB)
      if (wasInline) blocked++
      busy.took(wasInline ? 0.1 : 3, { unsyncedBytes: KIB, wasInline })
    }
    expect(blocked).toBe(56) // up to the first that went through the pool: from then on all do
  })

  it('goes on at a slow one now and then, and stops where they are slow in the mean', () => {
    const pace = new SyncPace(1)
    run(pace, 9, 0.1)
    for (let sync = 0; sync < 30; sync++) {
      expect(pace.isInline(KIB)).toBe(true)
      pace.took(sync % 10 === 0 ? 5 : 0.1, { ...small, wasInline: true })
    }
    run(pace, 20, 2)
    expect(pace.isInline(KIB)).toBe(false)
    run(pace, 40, 0.1)
    expect(pace.isInline(KIB)).toBe(true)
  })

  it('stops at a stall, and blocks again only after twice as many quick ones each time, up to a bound', () => {
    const pace = new SyncPace(1)
    run(pace, 8, 0.1)
    for (const quick of [16, 32, 64, 128, 256, 512, 1024, 1024]) {
      while (!pace.isInline(KIB)) pace.took(0.1, small)
      pace.took(8.001, { ...small, wasInline: true })
      expect(run(pace, quick, 0.1)).toBe(0)
      if (!pace.isInline(KIB)) pace.took(0.1, small) // the one in 64
      expect(pace.isInline(KIB)).toBe(true)
    }
  })

  it('takes a slow one that went through the pool for a reason to wait, and for no surprise', () => {
    const pace = new SyncPace(1)
    run(pace, 8, 0.1)
    pace.took(4, small)
    expect(run(pace, 8, 0.1)).toBe(0)
    expect(pace.isInline(KIB)).toBe(true)
  })

  it('forgets surprises after some thousand quick syncs', () => {
    const pace = new SyncPace(1)
    run(pace, 8, 0.1)
    for (let surprise = 0; surprise < 10; surprise++) pace.took(40, { ...small, wasInline: true })
    expect(run(pace, 1024, 0.1)).toBe(0)
    run(pace, 3072, 0.1)
    pace.took(4, small)
    expect(run(pace, 8, 0.1)).toBe(0)
    expect(pace.isInline(KIB)).toBe(true)
  })
})
