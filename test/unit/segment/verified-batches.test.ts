import { describe, expect, it } from 'vitest'
import { Segment, type VerifiedBatch, VerifiedBatches } from '../../../src/segment/index.ts'

const segment = new Segment({ baseOffset: 0, path: '/0.log', sizeBytes: 0, nextOffset: 0, appendedAtMs: 0 })

function batch(firstOffset: number, count: number, position = firstOffset * 10): VerifiedBatch {
  const starts = Uint32Array.from({ length: count + 1 }, (_, slot) => 61 + slot * 8)
  const lastOffset = firstOffset + count - 1
  const frame = {
    baseOffset: firstOffset,
    lastOffset,
    timestampType: 'CreateTime' as const,
    baseTimestamp: 0,
    maxTimestamp: 0,
    plain: { baseOffset: firstOffset, baseTimestamp: 0, appendTimestamp: undefined },
  }
  return { segment, position, firstOffset, lastOffset, starts, frame }
}

/** Where the cache says the record at `offset` is. */
function placeOf(cache: VerifiedBatches, offset: number): [number, number] | undefined {
  const found = cache.find(offset)
  if (found === undefined) return undefined
  const slot = offset - found.firstOffset
  return [found.position + found.starts[slot]!, found.position + found.starts[slot + 1]!]
}

function expectedPlace(of: VerifiedBatch, offset: number): [number, number] {
  const slot = offset - of.firstOffset
  return [of.position + of.starts[slot]!, of.position + of.starts[slot + 1]!]
}

describe('what is remembered', () => {
  it.each([
    [0, 1],
    [255, 1],
    [256, 1],
    [255, 2],
    [10, 800],
    [256, 256],
    [1, 256],
    [Number.MAX_SAFE_INTEGER - 300, 300],
  ])('is every record of a batch, from offset %i on, %i of them, and no other', (firstOffset, count) => {
    const cache = new VerifiedBatches({ bytesMax: 1 << 20 })
    const added = batch(firstOffset, count, 5000)
    cache.add(added)
    for (let offset = firstOffset; offset < firstOffset + count; offset++)
      expect(placeOf(cache, offset)).toEqual(expectedPlace(added, offset))
    expect(placeOf(cache, firstOffset - 1)).toBeUndefined()
    expect(placeOf(cache, firstOffset + count)).toBeUndefined()
  })

  it('is many small batches in one slot, each its own', () => {
    const cache = new VerifiedBatches({ bytesMax: 1 << 20 })
    const added = Array.from({ length: 256 }, (_, slot) => batch(slot, 1))
    for (const one of added) cache.add(one)
    for (const [offset, one] of added.entries())
      expect(placeOf(cache, offset)).toEqual(expectedPlace(one, offset))
  })

  it('is the batch that was added last, where two cover an offset', () => {
    const cache = new VerifiedBatches({ bytesMax: 1 << 20 })
    cache.add(batch(0, 400, 0))
    const [again, over] = [batch(0, 400, 7000), batch(390, 20, 9000)]
    cache.add(again)
    expect(placeOf(cache, 270)).toEqual(expectedPlace(again, 270))
    cache.add(over)
    expect(placeOf(cache, 395)).toEqual(expectedPlace(over, 395))
    expect(placeOf(cache, 60)).toEqual(expectedPlace(again, 60)) // in another slot
  })

  it('is nothing after clear', () => {
    const cache = new VerifiedBatches({ bytesMax: 1 << 20 })
    cache.add(batch(0, 500))
    cache.clear()
    for (let offset = 0; offset < 500; offset++) expect(cache.find(offset)).toBeUndefined()
  })

  it('never takes more than its bound, whatever is asked for', () => {
    const bytesMax = 100_000
    const cache = new VerifiedBatches({ bytesMax })
    const kept = new Map<VerifiedBatch, number>()
    // Large batches of which single records are asked for, over and over: each keeps a stretch of its batch alive.
    for (let round = 0; round < 400; round++) {
      cache.add(batch(round * 10_000, 1000))
      for (let other = Math.max(0, round - 50); other <= round; other++) cache.find(other * 10_000 + 5)
    }
    for (let offset = 0; offset < 400 * 10_000; offset += 64) {
      const found = cache.find(offset)
      if (found !== undefined) kept.set(found, found.starts.buffer.byteLength)
    }
    expect(kept.size).toBeGreaterThan(10)
    expect([...kept.values()].reduce((sum, bytes) => sum + bytes + 512, 0)).toBeLessThanOrEqual(bytesMax)
  })

  it('is nothing of a batch when its bound has no room for a stretch', () => {
    const cache = new VerifiedBatches({ bytesMax: 10 })
    cache.add(batch(0, 100))
    expect(cache.find(5)).toBeUndefined()
  })
})
