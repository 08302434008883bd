import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findNextBatch, type ResyncRange } from '../../../src/segment/index.ts'
import { encodeBatch } from '../../../src/index.ts'
import { baseOffsetAt, checkBatch } from '../../../src/record/index.ts'
import { dataBatch, flipped, resealed, sparseBatch, transactionalBatch } from '../../helpers/hand-made.ts'
import { seed } from '../../helpers/seed.ts'
import { sourceOf } from './byte-source.ts'

const MAX = 1 << 20

function find(
  bytes: Buffer,
  range: Partial<ResyncRange> & Pick<ResyncRange, 'offsetEnd'>,
): ReturnType<typeof findNextBatch> {
  return findNextBatch(sourceOf(bytes), {
    from: 0,
    end: bytes.length,
    offsetMin: 0,
    dense: true,
    batchBytesMax: MAX,
    endsWhole: true,
    ...range,
  })
}

/** A batch of one record whose value is `value`, at `offset`. */
function around(offset: number, value: Buffer, count = 1): Buffer {
  return encodeBatch(
    Array.from({ length: count }, (_, slot) => ({ offset: offset + slot, timestamp: 1, value })),
    { baseOffset: offset },
  )
}

describe('what is found behind damage', () => {
  const batches = [dataBatch(0, 5), dataBatch(5, 5), dataBatch(10, 5)]
  const sizes = batches.map(({ length }) => length)

  it('is the next batch, whatever byte of the damaged one is wrong', async () => {
    for (let at = 0; at < sizes[0]!; at++) {
      const bytes = Buffer.concat([flipped(batches[0]!, at, at % 8), ...batches.slice(1)])
      expect(await find(bytes, { offsetEnd: 15 })).toMatchObject({ position: sizes[0], baseOffset: 5 })
    }
  })

  it('is the next batch where bytes are gone, too many or all zero', async () => {
    const [first, ...rest] = batches
    const others = Buffer.concat(rest)
    for (const middle of [
      Buffer.alloc(0),
      first!.subarray(0, 60),
      first!.subarray(0, 62),
      first!.subarray(1),
      Buffer.alloc(4096),
      Buffer.alloc(4096, 2), // every byte could be a version
      Buffer.concat([first!, first!.subarray(0, 10)]).subarray(3),
    ]) {
      const found = await find(Buffer.concat([middle, others]), { offsetEnd: 15 })
      expect(found).toMatchObject({ position: middle.length, baseOffset: 5 })
    }
  })

  it('is nothing where nothing sound follows', async () => {
    expect(await find(Buffer.alloc(0), { offsetEnd: 15 })).toBeUndefined()
    expect(await find(Buffer.alloc(60, 2), { offsetEnd: 15 })).toBeUndefined()
    expect(await find(Buffer.alloc(100_000, 2), { offsetEnd: 15 })).toBeUndefined()
    expect(await find(flipped(batches[0]!, 80), { offsetEnd: 5 })).toBeUndefined()
  })

  it('has offsets within the bounds', async () => {
    const bytes = Buffer.concat([Buffer.alloc(10), dataBatch(5, 5)])
    expect(await find(bytes, { offsetEnd: 10 })).toMatchObject({ position: 10 })
    expect(await find(bytes, { offsetEnd: 10, offsetMin: 6 })).toBeUndefined()
    expect(await find(bytes, { offsetEnd: 9 })).toBeUndefined()
    expect(await find(bytes, { offsetEnd: 11 })).toBeUndefined() // it would leave a hole
    expect(await find(bytes, { offsetEnd: 11, dense: false })).toMatchObject({ position: 10 })
  })

  it('may be where the search starts: the damage was a hole', async () => {
    const bytes = Buffer.concat(batches.slice(1))
    for (const dense of [true, false])
      expect(await find(bytes, { offsetEnd: 15, dense })).toMatchObject({ position: 0, baseOffset: 5 })
    const open = { offsetEnd: 1000, dense: false, endsWhole: false }
    expect(await find(bytes, open)).toMatchObject({ position: 0, baseOffset: 5 })
    const torn = Buffer.concat([bytes, Buffer.alloc(100, 9)])
    expect(await find(torn, open)).toMatchObject({ position: 0, baseOffset: 5 }) // the next one vouches for it
  })

  it('may be larger than the window that is read', async () => {
    const large = dataBatch(5, 3, { valueBytes: 700_000 })
    const bytes = Buffer.concat([flipped(batches[0]!, 9), large, dataBatch(8, 1)])
    const found = await find(bytes, { offsetEnd: 9, batchBytesMax: 4 * MAX })
    expect(found).toMatchObject({ position: sizes[0], baseOffset: 5 })
    expect(await find(bytes, { offsetEnd: 9, batchBytesMax: MAX })).toMatchObject({ baseOffset: 8 })
  })

  it('is found at the place where one window ends and the next begins', async () => {
    for (const shift of [-62, -61, -17, 0]) {
      const garbage = Buffer.alloc(1024 * 1024 + shift, 2)
      const found = await find(Buffer.concat([garbage, dataBatch(5, 5)]), { offsetEnd: 10 })
      expect(found).toMatchObject({ position: garbage.length })
    }
  })

  it('is told when the file is shorter than it was, instead of searched for byte by byte', async () => {
    const source = sourceOf(Buffer.alloc(1000, 2))
    const range = { from: 0, end: 5_000_000, offsetMin: 0, offsetEnd: 9, dense: true, batchBytesMax: MAX }
    expect(await findNextBatch(source, range)).toBeUndefined()
    expect(source.reads).toBeLessThan(10)
  })
})

describe('a record that holds batches', () => {
  const fake = dataBatch(12, 2)
  const chain = Buffer.concat([dataBatch(11, 1), dataBatch(12, 2), dataBatch(14, 1)])
  const next = dataBatch(20, 5)

  it.each([
    ['one batch', fake],
    ['a chain of batches', chain],
    ['a chain that goes on to the next real batch', Buffer.concat([chain, dataBatch(15, 5)])],
    ['a thousand chains', Buffer.concat(Array.from({ length: 1000 }, () => fake))],
    [
      'headers that all claim to reach far',
      Buffer.concat(Array.from({ length: 1000 }, () => farReaching(12))),
    ],
  ])('is never taken for them, whichever header byte is wrong: %s', async (_, value) => {
    const outer = around(10, value, 10)
    for (let at = 0; at < 61; at += value.length > 10_000 ? 9 : 1) {
      if (at >= 12 && at < 16) continue
      for (const bit of [0, 3, 7]) {
        const bytes = Buffer.concat([flipped(outer, at, bit), next])
        const found = await find(bytes, { offsetMin: 10, offsetEnd: 25 })
        expect(found).toEqual(expect.objectContaining({ position: outer.length, baseOffset: 20 }))
      }
    }
  })

  it('is not taken for them in a log with holes either', async () => {
    const outer = around(10, chain, 3)
    const bytes = Buffer.concat([flipped(outer, 9), sparseBatch([40]), sparseBatch([50])])
    const found = await find(bytes, { offsetMin: 10, offsetEnd: 60, dense: false })
    expect(found).toMatchObject({ position: outer.length, baseOffset: 40 })
  })

  it('is not taken for them when nothing sound follows', async () => {
    const outer = flipped(around(10, chain, 10), 9)
    expect(await find(outer, { offsetMin: 10, offsetEnd: 20 })).toBeUndefined()
    expect(await find(outer, { offsetMin: 10, offsetEnd: 20, dense: false })).toBeUndefined()
  })
})

describe('a wrong length that leads to a batch inside a record', () => {
  const fake = dataBatch(20, 1)
  const outer = around(10, Buffer.concat([Buffer.alloc(200), fake, Buffer.alloc(300)]), 10)
  const wrong = Buffer.from(outer)
  wrong.writeInt32BE(outer.indexOf(fake) - 12, 8)

  it('is not followed: the chain from there breaks off', async () => {
    const bytes = Buffer.concat([wrong, dataBatch(20, 5), dataBatch(25, 5)])
    const found = await find(bytes, { offsetMin: 10, offsetEnd: 30 })
    expect(found).toMatchObject({ position: outer.length, baseOffset: 20 })
  })

  it('is not followed though more damage breaks the other chains: all else in the batch is right', async () => {
    const bytes = Buffer.concat([wrong, flipped(dataBatch(20, 5), 80), dataBatch(25, 5)])
    const found = await find(bytes, { offsetMin: 10, offsetEnd: 30 })
    expect(found).toMatchObject({ baseOffset: 25 })
  })
})

describe('more damage further on', () => {
  const [first, second, third, fourth] = [0, 10, 20, 30].map((base) => dataBatch(base, 10))

  it('in records: the headers still lead to the end', async () => {
    const bytes = Buffer.concat([flipped(first!, 5), second!, flipped(third!, 90), fourth!])
    expect(await find(bytes, { offsetEnd: 40 })).toMatchObject({ baseOffset: 10 })
  })

  it('in a header: the length of the damaged batch is believed if a sound one starts there', async () => {
    const bytes = Buffer.concat([flipped(first!, 90), second!, flipped(third!, 9), fourth!])
    expect(await find(bytes, { offsetEnd: 40 })).toMatchObject({ position: first!.length, baseOffset: 10 })
    const sparse = Buffer.concat([flipped(first!, 90), sparseBatch([17]), flipped(third!, 9), fourth!])
    expect(await find(sparse, { offsetEnd: 40, dense: false })).toMatchObject({ baseOffset: 17 })
  })

  it('in both headers: what lies between is lost rather than guessed', async () => {
    const bytes = Buffer.concat([flipped(first!, 9), second!, flipped(third!, 9), fourth!])
    expect(await find(bytes, { offsetEnd: 40 })).toMatchObject({ baseOffset: 30 })
  })

  it('in both headers: a stretch that is longer than any batch is believed', async () => {
    const many = Array.from({ length: 40 }, (_, slot) => dataBatch(10 + 10 * slot, 10))
    const bytes = Buffer.concat([
      flipped(first!, 9),
      ...many,
      flipped(dataBatch(410, 10), 9),
      dataBatch(420, 10),
    ])
    expect(await find(bytes, { offsetEnd: 430, batchBytesMax: 2000 })).toMatchObject({ baseOffset: 10 })
    expect(await find(bytes, { offsetEnd: 430 })).toMatchObject({ baseOffset: 420 })
  })
})

describe('a record that holds thousands of headers', () => {
  const rest = Array.from({ length: 4000 }, (_, slot) => dataBatch(20 + slot, 1, { valueBytes: 5 }))
  const restBytes = rest[0]!.length

  /** A damaged batch at 10 whose first value is headers that claim to end where it does, or `step` batches later each. */
  function crowded(count: number, { valueBytes = count * 61, step = 0 } = {}): Buffer {
    const header = dataBatch(19, 1).subarray(0, 61)
    const value = Buffer.alloc(valueBytes)
    for (let slot = 0; slot < count; slot++) value.set(header, slot * 61)
    const outer = around(10, value)
    const first = outer.indexOf(header)
    for (let slot = 0; slot < count; slot++) {
      const at = first + slot * 61
      outer.writeInt32BE(outer.length + slot * step * restBytes - at - 12, at + 8)
    }
    return flipped(outer, 9)
  }

  it('costs a chain of thousands of batches behind it one pass, not one for each header', async () => {
    const outer = crowded(rest.length)
    const bytes = Buffer.concat([outer, ...rest])
    const source = sourceOf(bytes)
    const range = { from: 0, end: bytes.length, offsetMin: 10, offsetEnd: 4020, dense: true, endsWhole: true }
    const found = await findNextBatch(source, { ...range, batchBytesMax: MAX })
    expect(found).toMatchObject({ position: outer.length, baseOffset: 20 })
    expect(source.reads).toBeLessThan(20) // 20 000 when each header's chain is followed anew
  })

  it('is not checksummed once for each of them: after some in vain, the search goes on without', async () => {
    const outer = crowded(300, { valueBytes: 3 * MAX, step: 1 })
    const bytes = Buffer.concat([outer, ...rest])
    const source = sourceOf(bytes)
    const range = {
      from: 0,
      end: bytes.length,
      offsetMin: 10,
      offsetEnd: 4020,
      dense: false,
      endsWhole: true,
    }
    const found = await findNextBatch(source, { ...range, batchBytesMax: 4 * MAX })
    expect(found).toMatchObject({ position: outer.length, baseOffset: 20 })
    expect(source.reads).toBeLessThan(50) // 300 without the bound, each of 3 MiB
  })
})

describe('a range whose end may be torn', () => {
  const damaged = flipped(dataBatch(0, 5), 9)
  const next = dataBatch(5, 5)

  it('ends in part of a batch, and what is before it is believed', async () => {
    for (const torn of [dataBatch(10, 5).subarray(0, 20), dataBatch(10, 5).subarray(0, 90)]) {
      const bytes = Buffer.concat([damaged, next, torn])
      const range = { offsetEnd: Number.MAX_SAFE_INTEGER, dense: false }
      expect(await find(bytes, { ...range, endsWhole: false })).toMatchObject({ baseOffset: 5 })
      expect(await find(bytes, { ...range, endsWhole: true })).toBeUndefined()
    }
  })

  it('ends in something else, and then it is not', async () => {
    const bytes = Buffer.concat([damaged, next, Buffer.alloc(100, 9)])
    expect(await find(bytes, { offsetEnd: 1000, dense: false, endsWhole: false })).toBeUndefined()
  })
})

it('finds what is sound behind any damage to a batch, and nothing else (property)', async () => {
  const damage = fc.record({
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    insert: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 }),
      damage,
      async (counts, edit) => {
        let offset = 0
        const batches = counts.map((count, slot) => {
          const batch = slot % 2 === 0 ? dataBatch(offset, count) : transactionalBatch(offset, count, 7)
          offset += count
          return batch
        })
        const [first, ...rest] = batches
        const at = edit.at % first!.length
        const middle = edit.insert
          ? Buffer.concat([first!.subarray(0, at), edit.bytes, first!.subarray(at)])
          : Buffer.concat([first!.subarray(0, at), edit.bytes, first!.subarray(at + edit.bytes.length)])
        const bytes = Buffer.concat([middle, ...rest])
        const isHarmless = checkBatch(bytes, 0, { batchBytesMax: MAX }) === undefined
        fc.pre(!isHarmless || baseOffsetAt(bytes, 0) !== 0) // the same bytes, or a leader epoch
        const found = await find(bytes, { offsetEnd: offset })
        const isWhole = edit.insert && middle.subarray(edit.bytes.length).equals(first!) // zeros among zeros, say
        expect(found).toMatchObject(
          isWhole
            ? { position: edit.bytes.length, baseOffset: 0 }
            : { position: middle.length, baseOffset: counts[0] },
        )
      },
    ),
    { seed, numRuns: 200 },
  )
})

/** A header that says it has a megabyte, and nothing behind it. */
function farReaching(offset: number): Buffer {
  const batch = resealed(dataBatch(offset, 1), () => {})
  batch.writeInt32BE(MAX - 100, 8)
  return batch.subarray(0, 61)
}
