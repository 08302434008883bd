import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WriteBuffer } from '../../../src/record/index.ts'
import {
  addPlainRecord,
  isPlainRecord,
  type PlainRecord,
  readPlainRecord,
} from '../../../src/record/plain-record.ts'
import { type RecordFrame, RecordReader } from '../../../src/record/record-reader.ts'
import { RecordWriter } from '../../../src/record/record-writer.ts'
import { seed } from '../../helpers/seed.ts'

/** Sizes on both sides of where a length takes one byte more. */
const sizes = fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(54, 55, 56, 63, 64, 65, 8180, 8191, 8192, 8193))
const bytes = fc.option(
  sizes.map((size) => new Uint8Array(size).fill(size)),
  { freq: 4 },
)
const delta = fc.oneof(
  fc.constantFrom(0, 63, 64, -64, -65),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
)
const offset = fc.oneof(fc.constantFrom(0, 63, 64, 8191, 8192), fc.integer({ min: 0, max: 2 ** 31 - 1 }))

const plain = (key: Uint8Array | null, value: Uint8Array | null): PlainRecord => ({ key, value, headers: [] })

/** The record as the writer of all records writes it. */
function written(record: PlainRecord, timestampDelta: number, offsetDelta: number): Buffer {
  const writer = new RecordWriter()
  const into = Buffer.alloc(writer.measure(record, timestampDelta, offsetDelta))
  expect(writer.write(into, 0)).toBe(into.length)
  return into
}

describe('addPlainRecord', () => {
  it('writes what the writer of all records writes, behind what is there', () => {
    const property = fc.property(bytes, bytes, delta, offset, (key, value, timestampDelta, offsetDelta) => {
      const target = new WriteBuffer(16)
      target.length = 5
      const record = plain(key, value)
      expect(isPlainRecord(record, timestampDelta)).toBe(true)
      expect(addPlainRecord(target, record, timestampDelta, offsetDelta, Infinity)).toBe(true)
      expect(target.filled().subarray(5)).toEqual(written(record, timestampDelta, offsetDelta))
    })
    fc.assert(property, { seed })
  })

  it('takes a record of exactly the size there is room for, and one byte less is too little', () => {
    const record = plain(new Uint8Array(3), new Uint8Array(200))
    const { length } = written(record, 7, 300)
    const target = new WriteBuffer(16)
    expect(addPlainRecord(target, record, 7, 300, length - 1)).toBe(false)
    expect(target.length).toBe(0)
    expect(addPlainRecord(target, record, 7, 300, length)).toBe(true)
    expect(target.length).toBe(length)
  })
})

describe('isPlainRecord', () => {
  it('leaves text, headers and far timestamps to the writer of all records', () => {
    const value = new Uint8Array(1)
    expect(isPlainRecord({ key: 'text', value, headers: [] }, 0)).toBe(false)
    expect(isPlainRecord({ key: null, value: '', headers: [] }, 0)).toBe(false)
    expect(isPlainRecord({ key: null, value, headers: [['name', null]] }, 0)).toBe(false)
    expect(isPlainRecord(plain(null, value), 2 ** 31)).toBe(false)
    expect(isPlainRecord(plain(null, value), -(2 ** 31) - 1)).toBe(false)
    expect(isPlainRecord(plain(null, null), -(2 ** 31))).toBe(true)
  })
})

const frame: RecordFrame = {
  baseOffset: 1000,
  lastOffset: 10_000,
  timestampType: 'CreateTime',
  baseTimestamp: 1_700_000_000_000,
  maxTimestamp: 1_700_000_000_500,
}

/** What lies behind the length of a record. */
function bodyOf(record: Buffer): Buffer {
  let at = 0
  while (record[at]! > 0x7f) at++
  return record.subarray(at + 1)
}

const readBody = (body: Buffer, of = frame, range = { min: 0, max: 9000 }) =>
  readPlainRecord(body, 0, body.length, of, range.min, range.max)

/** The same record as the reader of all records reads it: a count of headers in two bytes makes it no plain one. */
function readSlowly(body: Buffer, of = frame) {
  const rest = Buffer.concat([body.subarray(0, -1), Buffer.from([0x80, 0])])
  const prefix = rest.length < 64 ? [rest.length * 2] : [((rest.length * 2) & 0x7f) | 0x80, rest.length >> 6]
  const whole = Buffer.concat([Buffer.from(prefix), rest])
  const region = {
    bytes: whole,
    start: 0,
    end: whole.length,
    origin: 0,
    within: 'the record',
    place: {},
  } as const
  return new RecordReader(region, of).read()
}

describe('readPlainRecord', () => {
  const small = fc.option(
    fc.uint8Array({ maxLength: 70 }).map((value) => Buffer.from(value)),
    { freq: 4 },
  )
  const near = fc.integer({ min: -8192, max: 8191 })
  const nearOffset = fc.nat({ max: 8191 })

  it('reads a record with small numbers as the reader of all records does', () => {
    const property = fc.property(
      small,
      small,
      near,
      nearOffset,
      (key, value, timestampDelta, offsetDelta) => {
        const body = bodyOf(written(plain(key, value), timestampDelta, offsetDelta))
        const expected = {
          offset: 1000 + offsetDelta,
          timestamp: frame.baseTimestamp + timestampDelta,
          headers: [],
        }
        if (body.length >= 8) expect(readBody(body)).toEqual({ ...expected, key, value })
        expect(readSlowly(body)).toEqual({ ...expected, key, value })
      },
    )
    fc.assert(property, { seed })
  })

  it('gives nothing else for damaged bytes than the reader of all records', () => {
    const flip = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      to: fc.nat({ max: 255 }),
    })
    const property = fc.property(small, small, fc.array(flip, { maxLength: 4 }), (key, value, flips) => {
      const body = bodyOf(written(plain(key, value), 70, 5))
      for (const { at, to } of flips) body[Math.floor(at * body.length)] = to
      const found = readBody(body)
      if (found !== undefined) expect(readSlowly(body)).toEqual(found)
    })
    fc.assert(property, { seed, numRuns: 500 })
  })

  it('gives nothing for an offset that is not in range', () => {
    const body = bodyOf(written(plain(null, Buffer.from('value')), 0, 5))
    expect(readBody(body, frame, { min: 5, max: 5 })?.offset).toBe(1005)
    expect(readBody(body, frame, { min: 6, max: 9 })).toBeUndefined()
    expect(readBody(body, frame, { min: 0, max: 4 })).toBeUndefined()
  })

  it('gives the append time where the batch has one, and nothing where a number can not hold a timestamp', () => {
    const body = bodyOf(written(plain(null, Buffer.from('value')), 3, 5))
    expect(readBody(body, { ...frame, timestampType: 'LogAppendTime' })?.timestamp).toBe(frame.maxTimestamp)
    expect(readBody(body, { ...frame, baseTimestampExact: 2n ** 60n })).toBeUndefined()
    expect(readBody(body, { ...frame, maxTimestampExact: 2n ** 60n })).toBeUndefined()
    expect(readBody(body, { ...frame, baseTimestamp: Number.MAX_SAFE_INTEGER - 2 })).toBeUndefined()
  })

  it('leaves headers, numbers of three bytes and what is too short to the reader of all records', () => {
    const value = Buffer.alloc(9000)
    expect(readBody(bodyOf(written(plain(null, value), 0, 0)))).toBeUndefined()
    expect(readBody(bodyOf(written(plain(null, value.subarray(0, 8191)), 8192, 0)))).toBeUndefined()
    expect(readBody(bodyOf(written({ ...plain(null, value), headers: [['a', null]] }, 0, 0)))).toBeUndefined()
    expect(readBody(bodyOf(written(plain(null, null), 0, 0)))).toBeUndefined()
  })
})
