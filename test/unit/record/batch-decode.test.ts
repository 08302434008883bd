import { describe, expect, it } from 'vitest'
import {
  BATCH,
  checkBatch,
  decodeBatch,
  encodeBatch,
  type LogRecord,
  setMaxTimestamp,
  validateRecords,
} from '../../../src/record/index.ts'
import {
  batchAround,
  compressed,
  decode,
  errorOf,
  golden,
  limits,
  rawRecords,
  resealed,
  threeRecords,
} from './batches.ts'

const GZIP = 1
const ZSTD = 4

function timestampsOf(bytes: Buffer): number[] {
  return [...decode(bytes)].map(({ timestamp }) => timestamp)
}

function texts(records: Iterable<LogRecord>): (string | undefined)[] {
  return [...records].map(({ value }) => value?.toString())
}

describe('decoding', () => {
  it("gives the records of Kafka's own batch", () => {
    expect([...decode(golden.twoRecords)]).toEqual([
      { offset: 0, timestamp: 283843, key: Buffer.from('key1'), value: Buffer.from('value1'), headers: [] },
      { offset: 1, timestamp: 1234, key: Buffer.from('key2'), value: Buffer.from('value2'), headers: [] },
    ])
  })

  it('gives the same records each time, even at the same time', () => {
    const batch = decode(threeRecords(57))
    const first = [...batch]
    expect([...batch]).toEqual(first)
    const [a, b] = [batch[Symbol.iterator](), batch[Symbol.iterator]()]
    expect(a.next()).toEqual(b.next())
    expect(a.next()).toEqual(b.next())
    expect(first.map(({ offset }) => offset)).toEqual([57, 58, 59])
  })

  it('stays at its end', () => {
    const records = decode(golden.twoRecords)[Symbol.iterator]()
    records.next()
    records.next()
    expect(records.next()).toEqual({ done: true, value: undefined })
    expect(records.next()).toEqual({ done: true, value: undefined })
  })

  it('gives views into the batch, as plain objects', () => {
    const bytes = threeRecords()
    const [record] = decode(bytes)
    expect(Object.keys(record!)).toEqual(['offset', 'timestamp', 'key', 'value', 'headers'])
    expect(Buffer.isBuffer(record!.value)).toBe(true)
    expect(record!.value!.buffer).toBe(bytes.buffer)
  })

  it('has the header fields and the bytes', () => {
    const bytes = threeRecords(57)
    const batch = decode(bytes)
    expect(batch).toMatchObject({ baseOffset: 57, lastOffset: 59, recordCount: 3, maxTimestamp: 1002 })
    expect(batch.bytes).toBe(bytes)
  })

  it('takes exactly one batch: not a byte less, not a byte more', () => {
    const bytes = threeRecords()
    for (const wrong of [
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      bytes.subarray(0, 60),
    ]) {
      expect(errorOf(() => decode(wrong)).code).toBe('BATCH_CORRUPT')
    }
  })

  it('puts the place into its errors, late ones too', () => {
    const place = { path: 'a.log', position: 4096 }
    const batch = decodeBatch(batchAround('02'), { ...limits, place })
    expect(errorOf(() => [...batch])).toMatchObject({ ...place, offset: 100, code: 'BATCH_CORRUPT' })
    expect(errorOf(() => [...batch]).message).toMatch(/byte 62 of the batch, batch at offset 100 of a\.log$/)
    expect(errorOf(() => decodeBatch(threeRecords().subarray(0, 70), { ...limits, place }))).toMatchObject(
      place,
    )
  })
})

describe('a batch without records', () => {
  it('is legal, covers its offsets and gives nothing', () => {
    const batch = decode(golden.empty)
    expect([...batch]).toEqual([])
    expect(batch.lastOffset).toBe(4)
    expect(() => validateRecords(batch)).not.toThrow()
  })

  it('has no negative count', () => {
    const bytes = resealed(golden.empty, (copy) => void copy.writeInt32BE(-1, BATCH.recordCount))
    expect(errorOf(() => decode(bytes))).toMatchObject({ code: 'BATCH_CORRUPT', offset: 3, found: -1 })
  })

  it('keeps the codec it had, with nothing to decompress', () => {
    for (const id of [1, 2, 3, 4]) {
      const bytes = resealed(golden.empty, (copy) => void copy.writeUInt16BE(id, BATCH.attributes))
      expect([...decode(bytes)]).toEqual([])
    }
  })
})

describe('timestamps', () => {
  it('may fall, and may be missing', () => {
    const bytes = encodeBatch([{ timestamp: 10 }, { timestamp: -1 }, { timestamp: 4 }], {})
    expect(timestampsOf(bytes)).toEqual([10, -1, 4])
    expect(decode(bytes)).toMatchObject({ baseTimestamp: 10, maxTimestamp: 10 })
  })

  it('under LogAppendTime are all that of the append', () => {
    const bytes = threeRecords()
    setMaxTimestamp(bytes, 0, { timestampType: 'LogAppendTime', timestamp: 15 })
    expect(timestampsOf(bytes)).toEqual([15, 15, 15])
    expect(decode(bytes).baseTimestamp).toBe(1000)
  })

  it('are unchanged by a delete horizon, which takes the place of the base', () => {
    const bytes = encodeBatch([{ timestamp: 50 }, { timestamp: 100 }, { timestamp: 150 }], {
      deleteHorizonMs: 100,
    })
    const batch = decode(bytes)
    expect(batch).toMatchObject({ deleteHorizonMs: 100, baseTimestamp: 100, maxTimestamp: 150 })
    expect(timestampsOf(bytes)).toEqual([50, 100, 150])
    expect(decode(threeRecords()).deleteHorizonMs).toBeUndefined()
  })

  it('out of the safe range are the nearest safe number, with the exact one beside it', () => {
    const exact = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n - 1n, 0n]
    const bytes = encodeBatch(
      exact.map((timestampExact) => ({ timestampExact })),
      {},
    )
    expect([...decode(bytes)].map(({ timestamp, timestampExact }) => [timestamp, timestampExact])).toEqual([
      [Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n],
      [Number.MIN_SAFE_INTEGER, -(2n ** 63n)],
      [Number.MAX_SAFE_INTEGER, 2n ** 53n],
      [Number.MAX_SAFE_INTEGER, undefined],
      [0, undefined],
    ])
    expect(Object.keys([...decode(bytes)][3]!)).not.toContain('timestampExact')
  })

  it('out of the safe range come from LogAppendTime as well', () => {
    const bytes = encodeBatch([{ timestamp: 1 }], {
      timestampType: 'LogAppendTime',
      maxTimestampExact: 2n ** 60n,
    })
    expect([...decode(bytes)]).toMatchObject([
      { timestamp: Number.MAX_SAFE_INTEGER, timestampExact: 2n ** 60n },
    ])
  })

  it('that pass 64 bits wrap, as in Kafka', () => {
    const bytes = resealed(batchAround('0c000200010100'), (copy) => {
      copy.writeBigInt64BE(2n ** 63n - 1n, BATCH.baseTimestamp)
    })
    expect([...decode(bytes)]).toMatchObject([{ timestampExact: -(2n ** 63n) }])
  })
})

describe.each([
  ['gzip', GZIP],
  ['zstd', ZSTD],
])('records compressed with %s', (name, id) => {
  const bytes = compressed(threeRecords(7), id)

  it('are the same records', () => {
    expect(checkBatch(bytes, 0, limits)).toBeUndefined()
    expect(decode(bytes).compression).toBe(name)
    expect([...decode(bytes)]).toEqual([...decode(threeRecords(7))])
    expect(() => validateRecords(decode(bytes))).not.toThrow()
  })

  it('are bounded in size', () => {
    const batch = decodeBatch(compressed(encodeBatch([{ value: 'x'.repeat(5000) }], {}), id), {
      decompressedBytesMax: 5000,
      place: { path: 'a.log', position: 9 },
    })
    expect(errorOf(() => [...batch])).toMatchObject({
      code: 'RECORD_TOO_LARGE',
      path: 'a.log',
      position: 9,
      offset: 0,
      expected: 5000,
    })
  })

  it('must be exactly as many as the count says', () => {
    for (const recordCount of [2, 5]) {
      const wrong = resealed(bytes, (copy) => void copy.writeInt32BE(recordCount, BATCH.recordCount))
      const error = errorOf(() => [...decode(wrong)])
      expect(error.code).toBe('BATCH_CORRUPT')
      expect(error.message).toContain('of the decompressed records')
    }
  })

  it('with anything behind them are damage', () => {
    const wrong = resealed(bytes, (copy) => Buffer.concat([copy, Buffer.from('junk')]))
    expect(errorOf(() => [...decode(wrong)])).toMatchObject({ code: 'BATCH_CORRUPT', offset: 7 })
  })
})

describe('records in an unread codec', () => {
  it.each([
    [2, 'snappy'],
    [3, 'lz4'],
    [5, 'unknown codec 5'],
  ])('%d are refused by name, when they are asked for', (id, name) => {
    const batch = decode(compressed(threeRecords(7), id))
    expect(batch.lastOffset).toBe(9)
    const error = errorOf(() => [...batch])
    expect(error).toMatchObject({ code: 'COMPRESSION_UNSUPPORTED', offset: 7 })
    expect(error.message).toContain(name)
  })
})

describe('a control batch', () => {
  it('hides its records from readers and counts them', () => {
    const batch = decode(golden.commitMarker)
    expect([...batch]).toEqual([])
    expect(batch).toMatchObject({ isControl: true, isTransactional: true, recordCount: 1, lastOffset: 983 })
    expect(batch.controlRecords()).toEqual([
      { offset: 983, type: 'COMMIT', version: 0, coordinatorEpoch: 347 },
    ])
    expect(rawRecords(golden.commitMarker)).toMatchObject([
      { offset: 983, key: Buffer.from('00000001', 'hex') },
    ])
  })

  it('is what a plain batch is not', () => {
    expect(decode(threeRecords()).controlRecords()).toEqual([])
  })
})

describe('validating', () => {
  it('finds damage in the last record, and in a hidden one', () => {
    const bytes = resealed(threeRecords(), (copy) => void (copy[copy.length - 4] = 0x7e))
    expect(errorOf(() => validateRecords(decode(bytes))).code).toBe('BATCH_CORRUPT')
    const marker = resealed(golden.commitMarker, (copy) => void copy.writeInt8(0x02, 65))
    expect(errorOf(() => validateRecords(decode(marker))).code).toBe('BATCH_CORRUPT')
    expect(texts(decode(threeRecords()))).toEqual(['first', 'second', undefined])
  })

  it('finds a marker that is none', () => {
    const bytes = encodeBatch([{ key: Buffer.from('000000', 'hex') }], { isControl: true })
    expect(rawRecords(bytes)).toHaveLength(1)
    expect(errorOf(() => validateRecords(decode(bytes))).message).toContain('key is too short')
  })
})
