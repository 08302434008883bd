import { describe, expect, it } from 'vitest'
import { Segment, type VerifiedBatch, VerifiedRecords } from '../../../src/segment/index.ts'

const segment = new Segment({ baseOffset: 0, path: '/0.log', sizeBytes: 0, nextOffset: 0, appendedAtMs: 0 })

function batch(firstOffset: number, count: number, position = firstOffset * 10): VerifiedBatch {
  const starts = Uint32Array.from({ length: count + 1 }, (_, slot) => 61 + slot * 8)
  const lastOffset = firstOffset + count - 1
  const frame = { baseOffset: firstOffset, baseTimestamp: 7 + firstOffset, appendTimestamp: undefined }
  return { segment, position, firstOffset, lastOffset, starts, frame }
}

/** What the cache says of the record at `offset`. */
function placeOf(cache: VerifiedRecords, offset: number): unknown {
  const found = cache.find(offset)
  return found && { ...found, frame: { ...found.frame } }
}

function expectedPlace(of: VerifiedBatch, offset: number): unknown {
  const slot = offset - of.firstOffset
  const position = of.position + of.starts[slot]!
  const sizeBytes = of.starts[slot + 1]! - of.starts[slot]!
  return { segment: of.segment, position, sizeBytes, offset, frame: of.frame }
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
    const cache = new VerifiedRecords({ bytesMax: 1 << 20 })
    const added = batch(firstOffset, count, 5000)
    cache.add(added)
    for (let offset = firstOffset; offset < firstOffset + count; offset++)
      expect(placeOf(cache, offset)).toEqual(expectedPlace(added, offset))
    expect(placeOf(cache, firstOffset - 1)).toBeUndefined()
    expect(placeOf(cache, firstOffset + count)).toBeUndefined()
  })

  it('is many small batches in one slot, each its own', () => {
    const cache = new VerifiedRecords({ bytesMax: 1 << 20 })
    const added = Array.from({ length: 256 }, (_, slot) => batch(slot, 1))
    for (const one of added) cache.add(one)
    for (const [offset, one] of added.entries())
      expect(placeOf(cache, offset)).toEqual(expectedPlace(one, offset))
  })

  it('is the batch that was added last, where two cover an offset', () => {
    const cache = new VerifiedRecords({ bytesMax: 1 << 20 })
    cache.add(batch(0, 400, 0))
    const [again, over] = [batch(0, 400, 7000), batch(390, 20, 9000)]
    cache.add(again)
    expect(placeOf(cache, 270)).toEqual(expectedPlace(again, 270))
    cache.add(over)
    expect(placeOf(cache, 395)).toEqual(expectedPlace(over, 395))
    expect(placeOf(cache, 60)).toEqual(expectedPlace(again, 60))
    expect(placeOf(cache, 389)).toEqual(expectedPlace(again, 389))
  })

  it('is nothing after clear', () => {
    const cache = new VerifiedRecords({ bytesMax: 1 << 20 })
    cache.add(batch(0, 500))
    cache.clear()
    for (let offset = 0; offset < 500; offset++) expect(cache.find(offset)).toBeUndefined()
  })

  it('has the time of the append of its batch, and is of the segment that its batch is in', () => {
    const cache = new VerifiedRecords({ bytesMax: 1 << 20 })
    const other = new Segment({ baseOffset: 5, path: '/5.log', sizeBytes: 0, nextOffset: 5, appendedAtMs: 0 })
    const frame = { baseOffset: 5, baseTimestamp: Number.NaN, appendTimestamp: 77 }
    cache.add(batch(0, 5))
    cache.add({ ...batch(5, 5, 2 ** 31), segment: other, frame })
    expect(placeOf(cache, 4)).toMatchObject({ segment, frame: { appendTimestamp: undefined } })
    expect(placeOf(cache, 9)).toMatchObject({
      segment: other,
      position: 2 ** 31 + 61 + 4 * 8,
      frame: { baseOffset: 5, appendTimestamp: 77 },
    })
  })

  it('is what was asked for, where there is no room for all', () => {
    const rows = 12
    const cache = new VerifiedRecords({ bytesMax: rows * (256 * 32 + 96) })
    const batches = Array.from({ length: 100 }, (_, slot) => batch(slot * 256, 256))
    for (const added of batches) {
      cache.add(added)
      expect(placeOf(cache, 3)).toEqual(expectedPlace(batches[0]!, 3)) // asked for all the time
    }
    const held = batches.filter(({ firstOffset }) => cache.find(firstOffset) !== undefined)
    expect(held).toHaveLength(rows)
    for (const one of held) expect(placeOf(cache, one.lastOffset)).toEqual(expectedPlace(one, one.lastOffset))
  })

  it('is nothing of others in a row that was given to other offsets', () => {
    const cache = new VerifiedRecords({ bytesMax: 256 * 32 + 96 })
    cache.add(batch(0, 256))
    cache.add(batch(256, 1))
    expect(placeOf(cache, 256)).toBeDefined()
    for (let offset = 257; offset < 512; offset++) expect(cache.find(offset)).toBeUndefined()
    expect(cache.find(0)).toBeUndefined()
  })

  it('is forgotten, all of it, before there are more segments than have numbers', () => {
    const cache = new VerifiedRecords({ bytesMax: 1 << 20 })
    for (let base = 0; base <= 4096; base++) {
      const one = new Segment({ baseOffset: base, path: '', sizeBytes: 0, nextOffset: base, appendedAtMs: 0 })
      cache.add({ ...batch(base, 1), segment: one })
    }
    expect(cache.find(4095)).toBeUndefined()
    expect(cache.find(4096)?.segment.baseOffset).toBe(4096)
  })

  it('is nothing where its bound has no room for any', () => {
    const cache = new VerifiedRecords({ bytesMax: 10 })
    cache.add(batch(0, 100))
    expect(cache.find(5)).toBeUndefined()
  })
})
