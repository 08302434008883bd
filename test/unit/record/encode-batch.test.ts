import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkBatch,
  type EncodeBatchOptions,
  encodeBatch,
  type RecordToEncode,
} from '../../../src/record/index.ts'
import { seed } from '../../helpers/seed.ts'
import { sparseRecords } from './arbitraries.ts'
import { asRead, compressed, decode, golden, limits, rawRecords } from './batches.ts'

describe('encoding', () => {
  it("makes Kafka's own batches, byte for byte", () => {
    const records = [
      { timestamp: 283843, key: 'key1', value: 'value1' },
      { timestamp: 1234, key: 'key2', value: 'value2' },
    ]
    expect(encodeBatch(records, {})).toEqual(golden.twoRecords)

    const producer = { producerId: 23, producerEpoch: 5, baseSequence: 10 }
    const emptied = { ...producer, baseOffset: 3, lastOffset: 4, partitionLeaderEpoch: 293, maxTimestamp: 12 }
    expect(encodeBatch([], emptied)).toEqual(golden.empty)

    const marker = {
      offset: 983,
      timestamp: 1000,
      key: Buffer.from('00000001', 'hex'),
      value: Buffer.from('00000000015b', 'hex'),
    }
    const transaction = { producerId: 73, producerEpoch: 13, isTransactional: true, isControl: true }
    expect(encodeBatch([marker], { ...transaction, partitionLeaderEpoch: 29 })).toEqual(golden.commitMarker)
  })

  it('by default starts at 0, has no producer and no timestamps', () => {
    const batch = decode(encodeBatch([{}, { value: 'x' }], {}))
    expect(batch).toMatchObject({
      baseOffset: 0,
      lastOffset: 1,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
    })
    expect(batch).toMatchObject({
      baseTimestamp: -1,
      maxTimestamp: -1,
      timestampType: 'CreateTime',
      attributes: 0,
    })
    expect([...batch]).toEqual([asRead({ offset: 0 }), asRead({ offset: 1, value: 'x' })])
  })

  it('gives back what went in, whatever it was', () => {
    const property = fc.property(sparseRecords, (records) => {
      const bytes = encodeBatch(records, {})
      expect(checkBatch(bytes, 0, limits)).toBeUndefined()
      expect(rawRecords(bytes)).toEqual(records.map(asRead))
      const timestamps = records.map(({ timestamp }) => timestamp!)
      expect(decode(bytes)).toMatchObject({
        baseTimestamp: timestamps[0] ?? -1,
        maxTimestamp: Math.max(-1, ...timestamps),
        recordCount: records.length,
      })
    })
    fc.assert(property, { seed })
  })

  it('of what was decoded gives the same bytes, compressed or not', () => {
    const header = fc.record({
      baseOffsetGap: fc.nat({ max: 1000 }),
      lastOffsetGap: fc.nat({ max: 1000 }),
      partitionLeaderEpoch: fc.integer(),
      producer: fc.option(
        fc.record({
          producerId: fc.maxSafeNat(),
          producerEpoch: fc.nat({ max: 0x7fff }),
          baseSequence: fc.nat({ max: 2 ** 31 - 1 }),
          isTransactional: fc.boolean(),
          isControl: fc.boolean(),
        }),
        { nil: {} },
      ),
      deleteHorizonMs: fc.option(fc.maxSafeInteger(), { nil: undefined }),
    })
    const property = fc.property(
      sparseRecords,
      header,
      fc.constantFrom(0, 1, 4),
      (records, fields, codecId) => {
        const { baseOffsetGap, lastOffsetGap, producer, ...rest } = fields
        const options = {
          ...rest,
          ...producer,
          baseOffset: Math.max(0, (records[0]?.offset ?? 0) - baseOffsetGap),
          lastOffset: (records.at(-1)?.offset ?? 0) + lastOffsetGap,
        }
        const bytes = encodeBatch(records, options)
        const batch = decode(compressed(bytes, records.length === 0 ? 0 : codecId))
        expect(encodeBatch([...batch.rawRecords()], batch)).toEqual(bytes)
      },
    )
    fc.assert(property, { seed })
  })

  it('keeps timestamps that no number can hold', () => {
    const exact = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    const property = fc.property(fc.array(exact, { minLength: 1, maxLength: 6 }), (timestamps) => {
      const bytes = encodeBatch(
        timestamps.map((timestampExact) => ({ timestampExact })),
        {},
      )
      const read = rawRecords(bytes)
      expect(read.map(({ timestamp, timestampExact }) => timestampExact ?? BigInt(timestamp))).toEqual(
        timestamps,
      )
      const batch = decode(bytes)
      expect(encodeBatch(read, batch)).toEqual(bytes)
    })
    fc.assert(property, { seed })
  })

  it('can give a record the same timestamps and headers a batch can hold', () => {
    const headers = [
      ['a', '1'],
      ['', null],
      ['a', Buffer.from('2')],
      ['é', ''],
    ] as const
    const [read] = rawRecords(
      encodeBatch([{ headers, timestamp: 5 }], { timestampType: 'LogAppendTime', maxTimestamp: 9 }),
    )
    expect(read!.timestamp).toBe(9)
    expect(read!.headers.map(([key, value]) => [key, value?.toString()])).toEqual([
      ['a', '1'],
      ['', undefined],
      ['a', '2'],
      ['é', ''],
    ])
  })
})

describe('encoding refuses', () => {
  const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0 }

  it.each<[string, RecordToEncode[], EncodeBatchOptions]>([
    ['the same offset twice', [{ offset: 1 }, { offset: 1 }], {}],
    ['falling offsets', [{ offset: 2 }, { offset: 1 }], {}],
    ['an offset below the base', [{ offset: 2 }], { baseOffset: 3 }],
    ['a last offset below the records', [{ offset: 2 }], { lastOffset: 1 }],
    ['a last offset below the base', [], { baseOffset: 2, lastOffset: 1 }],
    ['more offsets than a delta holds', [{ offset: 0 }, { offset: 2 ** 31 }], {}],
    ['negative offsets', [{ offset: -1 }], {}],
    ['offsets past the safe range', [{ offset: Number.MAX_SAFE_INTEGER }, {}], {}],
    ['half a timestamp', [{ timestamp: 0.5 }], {}],
    ['a transaction without a producer', [{}], { isTransactional: true }],
    ['a producer without an epoch', [{}], { ...producer, producerEpoch: -1 }],
    ['a producer without a sequence', [{}], { ...producer, baseSequence: -1 }],
    ['an epoch of more than 16 bits', [{}], { ...producer, producerEpoch: 0x8000 }],
    ['a sequence of more than 32 bits', [{}], { ...producer, baseSequence: 2 ** 31 }],
    ['LogAppendTime without the time', [{}], { timestampType: 'LogAppendTime' }],
  ])('%s', (_name, records, options) => {
    expect(() => encodeBatch(records, options)).toThrow(RangeError)
  })

  it('nothing at the edges', () => {
    expect(decode(encodeBatch([{ offset: 0 }, { offset: 2 ** 31 - 1 }], {})).lastOffset).toBe(2 ** 31 - 1)
    expect(decode(encodeBatch([{ offset: Number.MAX_SAFE_INTEGER }], {})).lastOffset).toBe(
      Number.MAX_SAFE_INTEGER,
    )
    expect(decode(encodeBatch([], { baseOffset: 5 })).lastOffset).toBe(5)
  })
})
