import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BatchBuilder,
  checkBatch,
  encodeBatch,
  type RecordToAppend,
  WriteBuffer,
} from '../../../src/record/index.ts'
import { seed } from '../../helpers/seed.ts'
import { record } from './arbitraries.ts'
import { asRead, decode, golden, limits } from './batches.ts'

const ANY_SIZE = Number.MAX_SAFE_INTEGER
const opening = { baseOffset: 0, timestampType: 'CreateTime', partitionLeaderEpoch: 0 } as const

function plain(value: string, timestamp = 1000): RecordToAppend {
  return { key: null, value, headers: [], timestamp }
}

function openBuilder(baseOffset = 0): { target: WriteBuffer; builder: BatchBuilder } {
  const target = new WriteBuffer(0)
  const builder = new BatchBuilder(target)
  builder.open({ ...opening, baseOffset })
  return { target, builder }
}

describe('a builder', () => {
  it("makes Kafka's own batch, byte for byte", () => {
    const { target, builder } = openBuilder()
    builder.add({ key: 'key1', value: 'value1', headers: [], timestamp: 283843 }, ANY_SIZE)
    builder.add(
      { key: Buffer.from('key2'), value: Buffer.from('value2'), headers: [], timestamp: 1234 },
      ANY_SIZE,
    )
    builder.seal()
    expect(target.filled()).toEqual(golden.twoRecords)
  })

  it('says what it holds, while open and when sealed', () => {
    const { target, builder } = openBuilder(40)
    expect(builder).toMatchObject({
      isOpen: true,
      baseOffset: 40,
      nextOffset: 40,
      recordCount: 0,
      sizeBytes: 61,
    })
    expect(builder).toMatchObject({ firstTimestamp: -1, maxTimestamp: -1 })
    builder.add(plain('a', 5), ANY_SIZE)
    builder.add(plain('b', 9), ANY_SIZE)
    builder.add(plain('c', 7), ANY_SIZE)
    expect(builder).toMatchObject({ nextOffset: 43, recordCount: 3, firstTimestamp: 5, maxTimestamp: 9 })
    expect(builder.sizeBytes).toBe(target.length)
    expect(builder.seal()).toEqual({
      startPosition: 0,
      sizeBytes: target.length,
      baseOffset: 40,
      lastOffset: 42,
      recordCount: 3,
      firstTimestamp: 5,
      maxTimestamp: 9,
    })
    expect(builder.isOpen).toBe(false)
  })

  it('puts batches one behind another, over memory that moves', () => {
    const target = new WriteBuffer(0)
    const builder = new BatchBuilder(target)
    const batches = Array.from({ length: 20 }, (_, slot) => {
      builder.open({ ...opening, baseOffset: slot * 2, partitionLeaderEpoch: 3 })
      builder.add(plain('x'.repeat(slot * 100)), ANY_SIZE)
      builder.add(plain('y'), ANY_SIZE)
      return builder.seal()
    })
    for (const { startPosition, sizeBytes, baseOffset } of batches) {
      const bytes = target.bytes.subarray(startPosition, startPosition + sizeBytes)
      expect(checkBatch(bytes, 0, limits)).toBeUndefined()
      expect(decode(bytes)).toMatchObject({ baseOffset, lastOffset: baseOffset + 1, partitionLeaderEpoch: 3 })
    }
    expect(batches.at(-1)!.startPosition + batches.at(-1)!.sizeBytes).toBe(target.length)
  })

  it('makes the batch that encoding makes, whatever the records', () => {
    const property = fc.property(
      fc.array(record, { minLength: 1, maxLength: 12 }),
      fc.maxSafeNat(),
      (records, offset) => {
        fc.pre(offset < Number.MAX_SAFE_INTEGER - 12)
        const { target, builder } = openBuilder(offset)
        for (const added of records) expect(builder.add(added, ANY_SIZE)).toBe(true)
        const sealed = builder.seal()
        expect(target.filled()).toEqual(encodeBatch(records, { baseOffset: offset }))
        expect([...decode(Buffer.from(target.filled()))]).toEqual(
          records.map((added, slot) => asRead({ ...added, offset: offset + slot })),
        )
        expect(sealed.maxTimestamp).toBe(Math.max(...records.map(({ timestamp }) => timestamp)))
      },
    )
    fc.assert(property, { seed })
  })

  it('copies bytes at once', () => {
    const { target, builder } = openBuilder()
    const value = Buffer.from('abc')
    builder.add({ key: value, value, headers: [['h', value]], timestamp: 1 }, ANY_SIZE)
    value.fill(0)
    builder.seal()
    expect(target.filled()).toEqual(
      encodeBatch([{ key: 'abc', value: 'abc', headers: [['h', 'abc']], timestamp: 1 }], {}),
    )
  })

  it('takes any Uint8Array, and a part of one', () => {
    const { target, builder } = openBuilder()
    const part = new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 4)
    const shared = new Uint8Array(new SharedArrayBuffer(2))
    builder.add({ key: part, value: shared, headers: [], timestamp: 1 }, ANY_SIZE)
    builder.seal()
    expect([...decode(target.filled())]).toMatchObject([
      { key: Buffer.from([1, 2, 3]), value: Buffer.alloc(2) },
    ])
  })
})

describe('a batch under LogAppendTime', () => {
  it('has the time of its sealing, and the base its first record had', () => {
    const target = new WriteBuffer(0)
    const builder = new BatchBuilder(target)
    builder.open({ ...opening, timestampType: 'LogAppendTime' })
    builder.add(plain('a', 0), ANY_SIZE)
    builder.add(plain('b', 2), ANY_SIZE)
    builder.add(plain('c', 1), ANY_SIZE)
    expect(builder.seal({ appendTimestamp: 77 })).toMatchObject({ firstTimestamp: 0, maxTimestamp: 77 })
    const batch = decode(target.filled())
    expect(batch).toMatchObject({ timestampType: 'LogAppendTime', baseTimestamp: 0, maxTimestamp: 77 })
    expect([...batch].map(({ timestamp }) => timestamp)).toEqual([77, 77, 77])
  })

  it('needs that time, and no other batch takes one', () => {
    const builder = new BatchBuilder(new WriteBuffer(0))
    builder.open({ ...opening, timestampType: 'LogAppendTime' })
    builder.add(plain('a'), ANY_SIZE)
    expect(() => builder.seal()).toThrow('seglog bug')
    builder.abandon()
    builder.open(opening)
    builder.add(plain('a'), ANY_SIZE)
    expect(() => builder.seal({ appendTimestamp: 1 })).toThrow('seglog bug')
  })
})

describe('a batch at its limit', () => {
  it('takes a record that fills it, and not one byte more', () => {
    const { target, builder } = openBuilder()
    const size = encodeBatch([{ value: 'abc', timestamp: 1000 }], {}).length
    expect(builder.add(plain('abc'), size - 1)).toBe(false)
    expect(builder.add(plain('abc'), size)).toBe(true)
    expect(builder.sizeBytes).toBe(size)
    expect(builder.add(plain(''), size)).toBe(false)
    builder.seal()
    expect(target.filled()).toEqual(encodeBatch([{ value: 'abc', timestamp: 1000 }], {}))
  })

  it('is not changed by a record that does not fit', () => {
    const { target, builder } = openBuilder()
    builder.add(plain('a', 5), ANY_SIZE)
    const before = builder.mark()
    expect(builder.add(plain('much too long', 9), builder.sizeBytes + 5)).toBe(false)
    expect(builder.mark()).toEqual(before)
    builder.add(plain('b', 6), ANY_SIZE)
    builder.seal()
    expect(target.filled()).toEqual(
      encodeBatch(
        [
          { value: 'a', timestamp: 5 },
          { value: 'b', timestamp: 6 },
        ],
        {},
      ),
    )
  })
})

describe('taking records back', () => {
  it('leaves the batch as it was at the mark', () => {
    const { target, builder } = openBuilder()
    builder.add(plain('kept', 5), ANY_SIZE)
    const mark = builder.mark()
    builder.add(plain('taken', 99), ANY_SIZE)
    builder.add(plain('back', 98), ANY_SIZE)
    builder.rollback(mark)
    expect(builder).toMatchObject({ nextOffset: 1, recordCount: 1, maxTimestamp: 5 })
    builder.add(plain('next', 6), ANY_SIZE)
    builder.seal()
    const expected = [
      { value: 'kept', timestamp: 5 },
      { value: 'next', timestamp: 6 },
    ]
    expect(target.filled()).toEqual(encodeBatch(expected, {}))
  })

  it('as far as the first lets another record set the base timestamp', () => {
    const { target, builder } = openBuilder()
    const mark = builder.mark()
    builder.add(plain('gone', 99), ANY_SIZE)
    builder.rollback(mark)
    builder.add(plain('first', 5), ANY_SIZE)
    builder.seal()
    expect(target.filled()).toEqual(encodeBatch([{ value: 'first', timestamp: 5 }], {}))
  })

  it('twice to the same mark is fine, forward is a bug', () => {
    const { builder } = openBuilder()
    const start = builder.mark()
    builder.add(plain('a'), ANY_SIZE)
    const later = builder.mark()
    builder.rollback(start)
    builder.rollback(start)
    expect(() => builder.rollback(later)).toThrow('seglog bug')
  })

  it('altogether leaves what was before the batch', () => {
    const { target, builder } = openBuilder()
    builder.add(plain('first'), ANY_SIZE)
    builder.seal()
    const before = Buffer.from(target.filled())
    builder.open({ ...opening, baseOffset: 1 })
    builder.add(plain('x'.repeat(10_000)), ANY_SIZE)
    builder.abandon()
    expect(builder.isOpen).toBe(false)
    expect(target.filled()).toEqual(before)
    builder.open({ ...opening, baseOffset: 1 })
    builder.add(plain('second'), ANY_SIZE)
    expect(builder.seal()).toMatchObject({ startPosition: before.length, baseOffset: 1 })
  })
})

describe('calls out of order', () => {
  it('are bugs of ours: outside a batch', () => {
    const { builder } = openBuilder()
    const mark = builder.mark()
    builder.abandon()
    const calls = [
      () => builder.add(plain('a'), ANY_SIZE),
      () => builder.seal(),
      () => builder.abandon(),
      () => builder.mark(),
      () => builder.rollback(mark),
    ]
    for (const call of calls) expect(call).toThrow('seglog bug')
  })

  it('are bugs of ours: a batch inside a batch, and one without records', () => {
    const { builder } = openBuilder()
    expect(() => builder.open(opening)).toThrow('seglog bug')
    expect(() => builder.seal()).toThrow('seglog bug')
  })

  it.each([-2, 0.5, Number.NaN, 2 ** 53])('are bugs of ours: a timestamp of %d', (timestamp) => {
    const { target, builder } = openBuilder()
    expect(() => builder.add(plain('a', timestamp), ANY_SIZE)).toThrow('seglog bug')
    expect(target.length).toBe(61)
  })

  it('are bugs of ours: offsets past the safe range', () => {
    expect(() => openBuilder(2 ** 53)).toThrow('seglog bug')
    expect(() => openBuilder(-1)).toThrow('seglog bug')
    const { builder } = openBuilder(Number.MAX_SAFE_INTEGER)
    builder.add(plain('a'), ANY_SIZE)
    builder.add(plain('b'), ANY_SIZE)
    expect(() => builder.seal()).toThrow('seglog bug')
  })
})
