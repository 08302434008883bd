import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { crc32c, readLogDirectory, readSegment } from '../helpers/independent-reader.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const twoRecords = Buffer.from(
  '0000000000000000000000550000000002e58cf1ff00000000000100000000000454c300000000000454c3ffffffffffffffffffffffffffff' +
    '0000000220000000086b6579310c76616c756531002400e1bf2202086b6579320c76616c75653200',
  'hex',
)
const compactedAway = Buffer.from(
  '000000000000000300000031000001250255581148000000000001ffffffffffffffff000000000000000c000000000000001700050000000a' +
    '00000000',
  'hex',
)
const commitMarker = Buffer.from(
  '00000000000003d7000000420000001d02172b6dc800300000000000000000000003e800000000000003e80000000000000049000dffffffff' +
    '000000012000000008000000010c00000000015b00',
  'hex',
)

const name = (base: number) => `${String(base).padStart(20, '0')}.log`

/** `bytes` with the checksum of whatever it now holds. */
function resealed(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  change(copy)
  copy.writeUInt32BE(crc32c(copy.subarray(21)), 17)
  return copy
}

describe('crc32c', () => {
  it('is the Castagnoli checksum', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283)
    expect(crc32c(Buffer.alloc(0))).toBe(0)
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a91_36aa)
    expect(crc32c(twoRecords.subarray(21))).toBe(3_851_219_455)
  })
})

describe('readSegment', () => {
  it("reads the two records of Kafka's own test", () => {
    const { batches, records, validBytes } = readSegment(twoRecords)
    expect(validBytes).toBe(97)
    expect(batches).toEqual([
      {
        baseOffset: 0n,
        lastOffset: 1n,
        sizeBytes: 97,
        leaderEpoch: 0,
        attributes: 0,
        baseTimestamp: 283_843n,
        maxTimestamp: 283_843n,
        producerId: -1n,
        producerEpoch: -1,
        baseSequence: -1,
        recordCount: 2,
      },
    ])
    const common = { headers: [], isControl: false }
    expect(records).toEqual([
      { offset: 0n, timestamp: 283_843n, key: Buffer.from('key1'), value: Buffer.from('value1'), ...common },
      { offset: 1n, timestamp: 1234n, key: Buffer.from('key2'), value: Buffer.from('value2'), ...common },
    ])
  })

  it('reads the batch that compaction emptied: offsets, and no records', () => {
    const { batches, records, validBytes } = readSegment(compactedAway)
    expect(records).toEqual([])
    expect(validBytes).toBe(61)
    expect(batches[0]).toMatchObject({
      baseOffset: 3n,
      lastOffset: 4n,
      leaderEpoch: 293,
      maxTimestamp: 12n,
      producerId: 23n,
      producerEpoch: 5,
      baseSequence: 10,
      recordCount: 0,
    })
  })

  it('reads a commit marker as a control record', () => {
    const { batches, records, validBytes } = readSegment(commitMarker)
    expect(validBytes).toBe(78)
    expect(batches[0]).toMatchObject({
      baseOffset: 983n,
      leaderEpoch: 29,
      producerId: 73n,
      producerEpoch: 13,
    })
    expect(records).toEqual([
      {
        offset: 983n,
        timestamp: 1000n,
        key: Buffer.from('00000001', 'hex'), // version 0, COMMIT
        value: Buffer.from('00000000015b', 'hex'), // version 0, coordinator epoch 347
        headers: [],
        isControl: true,
      },
    ])
  })

  it('reads batches one after another and stops before one that is cut short, at any byte', () => {
    const whole = Buffer.concat([twoRecords, compactedAway, commitMarker])
    expect(readSegment(whole)).toMatchObject({
      validBytes: whole.length,
      batches: { length: 3 },
      records: { length: 3 },
    })
    for (let length = 0; length < whole.length; length++) {
      expect(readSegment(whole.subarray(0, length)).validBytes).toBe(
        length < 97 ? 0 : length < 158 ? 97 : 158,
      )
    }
  })

  it('stops before a batch with any bit flipped that its checksum covers, or that tells its size and format', () => {
    for (let bit = 0; bit < twoRecords.length * 8; bit++) {
      const position = bit >> 3
      const isOutside = position < 8 || (position >= 12 && position < 16) // base offset and leader epoch
      const damaged = Buffer.from(twoRecords)
      damaged[position]! ^= 1 << (bit & 7)
      expect(readSegment(damaged).validBytes).toBe(isOutside ? 97 : 0)
    }
  })

  it('stops at zeros, at garbage and at a batch that repeats offsets', () => {
    expect(readSegment(Buffer.concat([twoRecords, Buffer.alloc(200)])).validBytes).toBe(97)
    expect(readSegment(Buffer.concat([twoRecords, Buffer.alloc(200, 'x')])).validBytes).toBe(97)
    expect(readSegment(Buffer.concat([twoRecords, twoRecords])).validBytes).toBe(97)
  })

  it('keeps nulls, empty bytes and headers apart', () => {
    // length 12; null key, empty value; two headers: h is null, i is empty
    const body = Buffer.from('18000000010004026801026900', 'hex')
    const header = Buffer.from(twoRecords.subarray(0, 61))
    const batch = resealed(Buffer.concat([header, body]), (bytes) => {
      bytes.writeInt32BE(bytes.length - 12, 8)
      bytes.writeInt32BE(1, 57)
      bytes.writeInt32BE(0, 23)
    })
    expect(readSegment(batch).records).toMatchObject([
      {
        key: null,
        value: Buffer.alloc(0),
        headers: [
          ['h', null],
          ['i', Buffer.alloc(0)],
        ],
      },
    ])
  })

  it('gives every record the time of the append where the batch says so', () => {
    const batch = resealed(twoRecords, (bytes) => bytes.writeInt16BE(0b1000, 21))
    expect(readSegment(batch).records.map((record) => record.timestamp)).toEqual([283_843n, 283_843n])
  })

  it.each([
    ['compressed records', (bytes: Buffer) => bytes.writeInt16BE(1, 21), 'is compressed'],
    ['a record too few', (bytes: Buffer) => bytes.writeInt32BE(1, 57), 'bytes after its records'],
    ['a record too many', (bytes: Buffer) => bytes.writeInt32BE(3, 57), 'bytes end inside a field'],
    ['a record past its last offset', (bytes: Buffer) => bytes.writeInt32BE(0, 23), 'is out of order'],
    ['a record that repeats an offset', (bytes: Buffer) => bytes.writeUInt8(0, 83), 'is out of order'],
    [
      'a key longer than its record',
      (bytes: Buffer) => bytes.writeUInt8(0x40, 65),
      'bytes end inside a field',
    ],
    [
      'a record longer than its fields',
      (bytes: Buffer) => bytes.set([0x0a, 0, 0, 0, 0, 0, 0], 70),
      'bytes after its headers',
    ],
  ])('throws at %s under a sound checksum', (_, change, message) => {
    expect(() => readSegment(resealed(twoRecords, change))).toThrow(message)
  })
})

describe('readLogDirectory', () => {
  it('reads the segments in order and nothing else', () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, name(983)), commitMarker)
    writeFileSync(join(directory, name(3)), Buffer.concat([compactedAway, Buffer.alloc(5)]))
    writeFileSync(join(directory, name(0)), twoRecords)
    for (const other of [
      `${name(0)}.deleted`,
      '00000000000000000000.index',
      '1.log',
      'leader-epoch-checkpoint',
    ]) {
      writeFileSync(join(directory, other), 'x')
    }
    mkdirSync(join(directory, 'quarantine'))
    const segments = readLogDirectory(directory)
    expect(segments.map(({ name: found, sizeBytes, validBytes }) => [found, sizeBytes, validBytes])).toEqual([
      [name(0), 97, 97],
      [name(3), 66, 61],
      [name(983), 78, 78],
    ])
  })
})
