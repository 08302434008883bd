import { describe, expect, it } from 'vitest'
import { encodeBatch } from '../../../src/index.ts'
import { baseOffsetAt, decodeBatch, lastOffsetAt } from '../../../src/record/index.ts'
import {
  type PointRead,
  readRecordInBatch,
  readVerifiedRecord,
  Segment,
  type VerifiedBatch,
  type VerifiedRecord,
  VerifiedRecords,
} from '../../../src/segment/index.ts'
import {
  compressedBatch,
  dataBatch,
  emptyBatch,
  flipped,
  marker,
  resealed,
  sparseBatch,
} from '../../helpers/hand-made.ts'
import { sourceOf } from './byte-source.ts'

const segment = new Segment({ baseOffset: 0, path: '/0.log', sizeBytes: 0, nextOffset: 0, appendedAtMs: 0 })
const limits = { batchBytesMax: 1 << 20, decompressedBytesMax: 1 << 20 }
const POSITION = 500

function readIn(batch: Buffer, offset: number, bytes = batch): PointRead {
  const [baseOffset, lastOffset] = [baseOffsetAt(batch, 0), lastOffsetAt(batch, 0)]
  const place = { position: POSITION, sizeBytes: batch.length, baseOffset, lastOffset }
  return readRecordInBatch(bytes, offset, { segment, place, limits })
}

/** What is remembered of the record at `offset`. */
function remembered(batch: VerifiedBatch, offset: number): VerifiedRecord {
  const records = new VerifiedRecords({ bytesMax: 1 << 20 })
  records.add(batch)
  return records.find(offset)!
}

const shapes: [string, Buffer, boolean][] = [
  ['a plain batch', dataBatch(70, 5), true],
  ['one record', dataBatch(70, 1), true],
  ['timestamps that fall', dataBatch(70, 4, { timestamps: [9, -1, 3, 8_000_000_000_000] }), true],
  ['LogAppendTime', dataBatch(70, 4, { timestampType: 'LogAppendTime', maxTimestamp: 77 }), true],
  ['a delete horizon', dataBatch(70, 4, { deleteHorizonMs: 5 }), true],
  ['a timestamp past what a number holds', exactTimestamps(), false],
  ['headers and nulls', withHeaders(), true],
  [
    'a transaction',
    dataBatch(70, 3, { producerId: 7, producerEpoch: 1, baseSequence: 0, isTransactional: true }),
    true,
  ],
  ['holes', sparseBatch([70, 72, 75], { lastOffset: 78 }), false],
  ['gzip', compressedBatch(dataBatch(70, 5), 1), false],
  ['zstd', compressedBatch(sparseBatch([71, 74], { baseOffset: 70 }), 4), false],
]

describe.each(shapes)('a record of %s', (_, batch, isRemembered) => {
  const records = new Map([...decodeBatch(batch, limits)].map((record) => [record.offset, record]))

  it('is the one that iterating gives, and a hole is undefined', () => {
    for (let offset = 70; offset <= lastOffsetAt(batch, 0); offset++)
      expect(readIn(batch, offset).record).toEqual(records.get(offset))
  })

  it('is remembered exactly where it can be read again by itself, with the same result', () => {
    const { verified } = readIn(batch, 70)
    expect(verified !== undefined).toBe(isRemembered)
    if (verified === undefined) return
    const source = sourceOf(Buffer.concat([Buffer.alloc(POSITION), batch, Buffer.alloc(9)]))
    for (const [offset, record] of records) {
      source.reads = 0
      expect(readVerifiedRecord(source, remembered(verified, offset))).toEqual(record)
      expect(source.reads).toBe(1)
    }
  })

  it('is refused with the place when any bit of the batch is wrong', () => {
    for (let at = 21; at < batch.length; at++) {
      const place = { code: 'BATCH_CORRUPT', path: '/0.log', position: POSITION, offset: 70 }
      expect(() => readIn(batch, 70, flipped(batch, at, at % 8))).toThrow(expect.objectContaining(place))
    }
    expect(() => readIn(batch, 70, batch.subarray(0, batch.length - 1))).toThrow(
      expect.objectContaining({ code: 'BATCH_CORRUPT' }),
    )
  })
})

it('gives nothing of control batches and of those that compaction emptied', () => {
  expect(readIn(marker(70, 7, 'ABORT'), 70)).toEqual({ record: undefined, verified: undefined })
  expect(readIn(emptyBatch(70, 75), 72)).toEqual({ record: undefined, verified: undefined })
})

it('names the codec it can not read', () => {
  for (const [codec, found] of [
    [2, 'snappy'],
    [3, 'lz4'],
    [6, 6],
  ] as const) {
    const error = { code: 'COMPRESSION_UNSUPPORTED', path: '/0.log', position: POSITION, offset: 70, found }
    expect(() => readIn(compressedBatch(dataBatch(70, 3), codec), 71)).toThrow(expect.objectContaining(error))
  }
})

it('refuses a batch whose checksum is right and whose records are not, with the place', () => {
  const cases = [
    resealed(dataBatch(70, 5), (copy) => void copy.writeInt32BE(4, 57)), // a count too small
    resealed(dataBatch(70, 5), (copy) => void (copy.writeInt32BE(6, 57), copy.writeInt32BE(5, 23))), // too large
    resealed(dataBatch(70, 5), (copy) => void (copy[61] = 0x7e)), // a length that leads out
    resealed(dataBatch(70, 5), (copy) => void (copy[66] = 0x7e)), // a value that does
  ]
  for (const batch of cases) {
    const place = { code: 'BATCH_CORRUPT', path: '/0.log', position: POSITION, offset: 70 }
    expect(() => readIn(batch, 70)).toThrow(expect.objectContaining(place))
  }
})

describe('a record of a batch that was verified', () => {
  const { verified } = readIn(dataBatch(70, 5), 70)

  it('is not taken for another one, when the file has changed since', () => {
    const others = [
      Buffer.alloc(0),
      Buffer.alloc(200),
      dataBatch(70, 5).subarray(0, 70),
      dataBatch(70, 5).subarray(3),
      dataBatch(70, 4, { valueBytes: 9 }),
    ]
    for (const other of others) {
      const source = sourceOf(Buffer.concat([Buffer.alloc(POSITION), other]))
      expect(() => readVerifiedRecord(source, remembered(verified!, 74))).toThrow(
        expect.objectContaining({ code: 'BATCH_CORRUPT' }),
      )
    }
  })

  it('keeps nothing of the batch it was in alive', () => {
    const { frame } = remembered(verified!, 72)
    expect(Object.values(frame).some((value) => typeof value === 'object')).toBe(false)
  })
})

function exactTimestamps(): Buffer {
  const timestampExact = 2n ** 60n
  return encodeBatch(
    [
      { offset: 70, timestampExact, value: 'a' },
      { offset: 71, timestamp: 5, value: 'b' },
    ],
    {},
  )
}

function withHeaders(): Buffer {
  return encodeBatch(
    [
      {
        offset: 70,
        key: null,
        value: null,
        headers: [
          ['h', null],
          ['h', ''],
          ['', 'x'],
        ],
      },
      { offset: 71, key: '', value: '', headers: [['__proto__', 'x']] },
      { offset: 72, key: 'k', value: Buffer.alloc(300) },
    ],
    {},
  )
}
