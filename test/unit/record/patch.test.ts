import { describe, expect, it } from 'vitest'
import {
  assignOffsets,
  checkBatch,
  encodeBatch,
  readBatchHeader,
  setMaxTimestamp,
} from '../../../src/record/index.ts'
import { limits, rawRecords, threeRecords } from './batches.ts'

describe('assigning offsets', () => {
  it('moves every record, and leaves the CRC good', () => {
    const bytes = threeRecords()
    assignOffsets(bytes, 0, { baseOffset: 498, partitionLeaderEpoch: 500 })
    expect(checkBatch(bytes, 0, limits)).toBeUndefined()
    expect(rawRecords(bytes).map(({ offset }) => offset)).toEqual([498, 499, 500])
    expect(readBatchHeader(bytes, 0).partitionLeaderEpoch).toBe(500)
  })

  it('changes no other byte, of the batch or beside it', () => {
    const before = Buffer.concat([Buffer.alloc(4, 0xee), threeRecords(), Buffer.alloc(4, 0xee)])
    const bytes = Buffer.from(before)
    assignOffsets(bytes, 4, { baseOffset: 2 ** 52 + 1, partitionLeaderEpoch: -1 })
    expect(bytes.subarray(4, 12).toString('hex')).toBe('0010000000000001')
    bytes.fill(before.subarray(4, 12), 4, 12)
    bytes.fill(before.subarray(16, 20), 16, 20)
    expect(bytes).toEqual(before)
  })
})

describe('setting the largest timestamp', () => {
  it('under LogAppendTime dates every record, with a CRC to match, and keeps the base', () => {
    const bytes = threeRecords()
    setMaxTimestamp(bytes, 0, { timestampType: 'LogAppendTime', timestamp: 15 })
    expect(checkBatch(bytes, 0, limits)).toBeUndefined()
    expect(readBatchHeader(bytes, 0)).toMatchObject({
      timestampType: 'LogAppendTime',
      maxTimestamp: 15,
      baseTimestamp: 1000,
    })
  })

  it('under CreateTime leaves the records theirs', () => {
    const bytes = threeRecords()
    setMaxTimestamp(bytes, 0, { timestampType: 'LogAppendTime', timestamp: 15 })
    setMaxTimestamp(bytes, 0, { timestampType: 'CreateTime', timestamp: 1002 })
    expect(bytes).toEqual(threeRecords())
  })

  it('to what they are writes nothing, not even over a bad CRC', () => {
    const bytes = threeRecords()
    bytes[17]! ^= 1
    const before = Buffer.from(bytes)
    setMaxTimestamp(bytes, 0, { timestampType: 'CreateTime', timestamp: 1002 })
    expect(bytes).toEqual(before)
  })

  it('keeps the other attributes', () => {
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0 }
    const bytes = encodeBatch([{ timestamp: 3 }], { ...producer, isTransactional: true })
    setMaxTimestamp(bytes, 0, { timestampType: 'LogAppendTime', timestamp: 4 })
    expect(readBatchHeader(bytes, 0)).toMatchObject({
      isTransactional: true,
      attributes: 0x18,
      producerId: 1,
    })
  })

  it('replaces one that no number can hold', () => {
    const bytes = encodeBatch([], { maxTimestampExact: 2n ** 60n })
    setMaxTimestamp(bytes, 0, { timestampType: 'CreateTime', timestamp: Number.MAX_SAFE_INTEGER })
    expect(readBatchHeader(bytes, 0)).not.toHaveProperty('maxTimestampExact')
    expect(checkBatch(bytes, 0, limits)).toBeUndefined()
  })
})
