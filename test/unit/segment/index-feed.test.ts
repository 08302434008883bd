import { describe, expect, it } from 'vitest'
import { type IndexEntry, openMemoryIndex } from '../../../src/offset-index/index.ts'
import { IndexFeed, Segment, storeFacts } from '../../../src/segment/index.ts'

function setUp(intervalBytes: number) {
  const index = openMemoryIndex().log('orders-0', 'id')
  const entries: IndexEntry[] = []
  const recording = Object.assign(Object.create(index) as typeof index, {
    addEntry: (base: number, entry: IndexEntry) => {
      entries.push(entry)
      index.addEntry(base, entry)
    },
  })
  const segment = new Segment({ baseOffset: 100, path: 'x', sizeBytes: 0, nextOffset: 100, appendedAtMs: 0 })
  const feed = new IndexFeed(segment, recording, intervalBytes)
  /** Takes in batches of two records each. */
  const observe = (...batches: { sizeBytes: number; maxTimestamp: number }[]) => {
    for (const batch of batches) {
      const { sizeBytes: position, nextOffset: baseOffset } = segment
      feed.observe({ ...batch, position, baseOffset, lastOffset: baseOffset + 1, recordCount: 2 })
    }
  }
  return { index, entries, segment, feed, observe }
}

const batch = (sizeBytes: number, maxTimestamp = -1) => ({ sizeBytes, maxTimestamp })

describe('IndexFeed', () => {
  it('gives the first batch no entry, and the first one after more than the interval one', () => {
    const { entries, observe } = setUp(100)
    observe(batch(100, 5), batch(1, 3), batch(99, 9), batch(2, 1), batch(50))
    // 100 bytes are not more than 100; 101 before the third are. Then 99, 101.
    expect(entries).toEqual([
      { offset: 104, position: 101, timestamp: 5 },
      { offset: 108, position: 202, timestamp: 9 },
    ])
  })

  it('gives every batch but the first an entry when the interval is 0', () => {
    const { entries, observe } = setUp(0)
    observe(batch(61, 1), batch(61, 2), batch(61, 3))
    expect(entries.map(({ position, timestamp }) => [position, timestamp])).toEqual([
      [61, 1],
      [122, 2],
    ])
  })

  it('moves the segment on, batch by batch', () => {
    const { segment, observe } = setUp(4096)
    observe(batch(100, 7), batch(80, 3))
    expect(segment).toMatchObject({
      sizeBytes: 180,
      nextOffset: 104,
      maxTimestamp: 7,
      firstTimestamp: 7,
      lastBatchPosition: 100,
      batchCount: 2,
      recordCount: 4,
    })
  })

  it('stores what is known of the segment as a whole', () => {
    const { index, segment, observe } = setUp(4096)
    observe(batch(100, 7))
    storeFacts(segment, index)
    expect(index.facts(100)).toEqual({
      baseOffset: 100,
      sizeBytes: 100,
      nextOffset: 102,
      maxTimestamp: 7,
      batchCount: 1,
      recordCount: 2,
    })
  })

  it("is full when Kafka's offset index of that size would be", () => {
    const { feed, observe } = setUp(0)
    for (let count = 0; count < 8; count++) {
      expect(feed.isFull(60)).toBe(false) // 60 bytes hold 7 entries of 8
      observe(batch(61))
    }
    expect(feed.isFull(60)).toBe(true)
    expect(feed.isFull(64)).toBe(false)
  })

  it("is full when Kafka's time index would have only the entry left that is written at the end", () => {
    const { feed, observe } = setUp(0)
    observe(batch(61, 1), batch(61, 2), batch(61, 3)) // two entries, with the times 1 and 2
    expect([feed.isFull(36), feed.isFull(48)]).toEqual([true, false])
  })

  it('counts no time entry where the time does not rise', () => {
    const { feed, observe } = setUp(0)
    observe(batch(61, 9), batch(61, 1), batch(61, 1), batch(61, 1))
    expect([feed.isFull(36), feed.isFull(24)]).toEqual([false, true])
  })
})
