import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WriteBuffer } from '../../../src/record/index.ts'
import { addKeyedValue, addValue, isPlainRecord, type PlainRecord } from '../../../src/record/plain-record.ts'
import { RecordWriter } from '../../../src/record/record-writer.ts'
import { seed } from '../../helpers/seed.ts'

/** Sizes on both sides of where a length takes one byte more. */
const sizes = fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(54, 55, 56, 63, 64, 65, 8180, 8191, 8192, 8193))
const bytes = sizes.map((size) => new Uint8Array(size).fill(size))
const keys = fc.option(bytes, { freq: 4 })
const delta = fc.oneof(
  fc.constantFrom(0, 63, 64, -64, -65),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
)
const offset = fc.oneof(fc.constantFrom(0, 63, 64, 8191, 8192), fc.integer({ min: 0, max: 2 ** 31 - 1 }))

const plain = (key: Uint8Array | null, value: Uint8Array): PlainRecord => ({ key, value, headers: [] })

/** The record as the writer of all records writes it. */
function written(record: PlainRecord, timestampDelta: number, offsetDelta: number): Buffer {
  const writer = new RecordWriter()
  const into = Buffer.alloc(writer.measure(record, timestampDelta, offsetDelta))
  expect(writer.write(into, 0)).toBe(into.length)
  return into
}

/** Adds a plain record in the way that is meant for it. */
function add(
  target: WriteBuffer,
  record: PlainRecord,
  deltas: [time: number, offset: number],
  max = Infinity,
) {
  const [time, offsetDelta] = deltas
  return record.key === null
    ? addValue(target, record.value, time, offsetDelta, max)
    : addKeyedValue(target, record.key, record.value, time, offsetDelta, max)
}

describe('addValue and addKeyedValue', () => {
  it('write what the writer of all records writes, behind what is there', () => {
    const property = fc.property(keys, bytes, delta, offset, (key, value, timestampDelta, offsetDelta) => {
      const target = new WriteBuffer(16)
      target.length = 5
      const record = plain(key, value)
      expect(isPlainRecord(record, timestampDelta)).toBe(true)
      expect(add(target, record, [timestampDelta, offsetDelta])).toBe(true)
      expect(target.filled().subarray(5)).toEqual(written(record, timestampDelta, offsetDelta))
    })
    fc.assert(property, { seed, numRuns: 300 })
  })

  it.each([
    ['with a key', new Uint8Array(3)],
    ['without one', null],
  ])('take a record %s of exactly the size there is room for, and one byte less is too little', (_, key) => {
    const record = plain(key, new Uint8Array(200))
    const { length } = written(record, 7, 300)
    const target = new WriteBuffer(16)
    expect(add(target, record, [7, 300], length - 1)).toBe(false)
    expect(target.length).toBe(0)
    expect(add(target, record, [7, 300], length)).toBe(true)
    expect(target.length).toBe(length)
  })
})

describe('isPlainRecord', () => {
  it('leaves text, no value, headers and far timestamps to the writer of all records', () => {
    const value = new Uint8Array(1)
    expect(isPlainRecord({ key: 'text', value, headers: [] }, 0)).toBe(false)
    expect(isPlainRecord({ key: null, value: '', headers: [] }, 0)).toBe(false)
    expect(isPlainRecord({ key: null, value, headers: [['name', null]] }, 0)).toBe(false)
    expect(isPlainRecord(plain(null, value), 2 ** 31)).toBe(false)
    expect(isPlainRecord(plain(null, value), -(2 ** 31) - 1)).toBe(false)
    expect(isPlainRecord({ key: value, value: null, headers: [] }, 0)).toBe(false)
    expect(isPlainRecord(plain(null, value), -(2 ** 31))).toBe(true)
  })
})
