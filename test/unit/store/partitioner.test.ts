import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey, StickyPartitioner } from '../../../src/store/partitioner.ts'
import { SeededRandom } from '../../../src/testing/index.ts'

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])("of '%s' is what Kafka's own tests expect", (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
  })

  it('takes bytes over 127 as bytes, and an empty key too', () => {
    expect(murmur2(Buffer.from([0xff, 0x80, 0xfe, 0x81, 0xff]))).not.toBe(
      murmur2(Buffer.from([0x7f, 0, 0x7e, 1, 0x7f])),
    )
    expect(Number.isInteger(murmur2(new Uint8Array(0)))).toBe(true)
  })

  it('is the same for a view into a larger buffer', () => {
    const bytes = Buffer.from('..foobar..')
    expect(murmur2(bytes.subarray(2, 8))).toBe(-790332482)
  })
})

describe('the partition of a key', () => {
  it('is the hash without its sign, over the number of partitions', () => {
    expect(partitionForKey(Buffer.from('foobar'), 1)).toBe(0)
    expect(partitionForKey(Buffer.from('foobar'), 10)).toBe((-790332482 & 0x7fffffff) % 10)
  })

  it('spreads keys over all partitions', () => {
    const seen = new Set(
      Array.from({ length: 200 }, (_, slot) => partitionForKey(Buffer.from(`k${slot}`), 7)),
    )
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
  })
})

describe('records without a key', () => {
  const all = [0, 1, 2, 3]

  it('stay with one partition until it has had its bytes, then go to another', () => {
    const partitioner = new StickyPartitioner(new SeededRandom(7), { stickyBytes: 100 })
    const went = Array.from({ length: 400 }, () => partitioner.next(all, 25))
    for (let at = 0; at < went.length; at += 4) {
      expect(new Set(went.slice(at, at + 4)).size).toBe(1)
      if (at > 0) expect(went[at]).not.toBe(went[at - 1])
    }
    expect(new Set(went).size).toBe(4)
  })

  it('leave a partition that is not available any more at once', () => {
    const partitioner = new StickyPartitioner(new SeededRandom(7))
    const first = partitioner.next(all, 1)
    const rest = all.filter((partition) => partition !== first)
    const second = partitioner.next(rest, 1)
    expect(rest).toContain(second)
    expect(partitioner.next(all, 1)).toBe(second)
  })

  it('go to the only partition there is, always', () => {
    const partitioner = new StickyPartitioner(new SeededRandom(7), { stickyBytes: 1 })
    expect([1, 2, 3].map(() => partitioner.next([2], 10))).toEqual([2, 2, 2])
  })
})
