import { describe, expect, it } from 'vitest'
import { inspectRecords } from '../../../src/inspect/index.ts'
import { encodeBatch } from '../../../src/record/index.ts'
import { batchAround, compressed, decode, errorOf, golden, threeRecords } from '../record/batches.ts'

const producer = { producerId: 7, producerEpoch: 0 }

describe('inspectRecords', () => {
  it('gives every record with no sequence where no producer counted', () => {
    const found = [...inspectRecords(decode(threeRecords(10)))]
    expect(found.map(({ record, sequence, control }) => [record.offset, sequence, control])).toEqual([
      [10, -1, undefined],
      [11, -1, undefined],
      [12, -1, undefined],
    ])
  })

  it('counts sequences on from the first, by offset, and past 2^31 - 1 from 0', () => {
    const batch = encodeBatch([{ offset: 5 }, { offset: 6 }, { offset: 9 }], {
      ...producer,
      baseOffset: 5,
      baseSequence: 2 ** 31 - 2,
    })
    expect(Array.from(inspectRecords(decode(batch)), ({ sequence }) => sequence)).toEqual([
      2 ** 31 - 2,
      2 ** 31 - 1,
      2,
    ])
  })

  it('reads the markers that end transactions', () => {
    const [found, ...others] = inspectRecords(decode(golden.commitMarker))
    expect(others).toEqual([])
    expect(found).toMatchObject({
      record: { offset: 983 },
      sequence: -1,
      control: { type: 'COMMIT', typeId: 1, coordinatorEpoch: 347, message: undefined },
    })
  })

  it('gives the number of a marker of a type that is not known', () => {
    const batch = encodeBatch([{ key: Buffer.from([0, 0, 0, 42]), value: Buffer.from([1]) }], {
      isControl: true,
    })
    expect([...inspectRecords(decode(batch))][0]?.control).toEqual({
      type: 'UNKNOWN',
      typeId: 42,
      message: undefined,
    })
  })

  it('gives nothing for a batch that compaction emptied', () => {
    expect([...inspectRecords(decode(golden.empty))]).toEqual([])
  })

  it('gives the good records before one that can not be read', () => {
    // A record of seven bytes and a value of one byte, then a length of 63 bytes where none are left.
    const batch = decode(batchAround(`0e000000010261007f`, { recordCount: 2 }))
    const offsets: number[] = []
    const error = errorOf(() => {
      for (const { record } of inspectRecords(batch)) offsets.push(record.offset)
    })
    expect(error.code).toBe('BATCH_CORRUPT')
    expect(offsets).toEqual([100])
  })

  it('fails for a marker whose key is too short, and for records in a codec that is not known', () => {
    const short = encodeBatch([{ key: Buffer.from([0]), value: Buffer.alloc(6) }], { isControl: true })
    expect(errorOf(() => [...inspectRecords(decode(short))]).code).toBe('BATCH_CORRUPT')
    const unknown = compressed(threeRecords(), 5)
    expect(errorOf(() => [...inspectRecords(decode(unknown))]).code).toBe('COMPRESSION_UNSUPPORTED')
  })
})
