import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePlainRecord } from '../../../src/record/plain-decode.ts'
import { plainFrameOf, type RecordFrame, RecordReader } from '../../../src/record/record-reader.ts'
import { RecordWriter } from '../../../src/record/record-writer.ts'
import { seed } from '../../helpers/seed.ts'

const BASE = 5000
const OFFSET_DELTA_MAX = 20_000
const frame: RecordFrame = {
  baseOffset: BASE,
  lastOffset: BASE + OFFSET_DELTA_MAX,
  timestampType: 'CreateTime',
  baseTimestamp: 1_700_000_000_000,
  maxTimestamp: 1_700_000_009_999,
}
const frames = [frame, { ...frame, timestampType: 'LogAppendTime' as const }]

const bytes = fc.option(fc.uint8Array({ maxLength: 70 }), { freq: 4 })
const record = fc.record({
  key: bytes,
  value: fc.oneof({ weight: 5, arbitrary: bytes }, fc.constant(new Uint8Array(8191))),
  headers: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, fc.constant([['name', null]] as const)),
})
const delta = fc.oneof(fc.constantFrom(0, 1, 63, 64, 8191, 8192), fc.integer({ min: -70_000, max: 70_000 }))

/** The record behind its length, and where that ends. */
function encode(fields: typeof record extends fc.Arbitrary<infer T> ? T : never, deltas: [number, number]) {
  const writer = new RecordWriter()
  const into = Buffer.alloc(writer.measure(fields, ...deltas))
  writer.write(into, 0)
  return { into, start: into.length < 65 ? 1 : into.length < 8194 ? 2 : 3 }
}

/** The record as the reader of all records reads it: a base that no number holds keeps it from taking the short way. */
function readAnyRecord(whole: Buffer, of: RecordFrame): unknown {
  const region = {
    bytes: whole,
    start: 0,
    end: whole.length,
    origin: 0,
    within: 'the record',
    place: {},
  } as const
  const exact = { baseTimestampExact: BigInt(of.baseTimestamp), maxTimestampExact: BigInt(of.maxTimestamp) }
  const reader = new RecordReader(region, { ...of, ...exact })
  try {
    const read = reader.read()
    reader.finish()
    return read
  } catch {
    return undefined
  }
}

describe('decodePlainRecord', () => {
  it('reads what the reader of all records reads, whatever bits are flipped, or leaves it alone', () => {
    let plain = 0
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 })), { maxLength: 2 })
    const property = fc.property(
      record,
      delta,
      delta,
      flips,
      fc.constantFrom(...frames),
      (fields, time, offset, at, of) => {
        const { into, start } = encode(fields, [time, offset])
        for (const [place, bit] of at) into[start + (place % (into.length - start))]! ^= 1 << bit
        const found = decodePlainRecord(into, start, into.length, plainFrameOf(of), -1, OFFSET_DELTA_MAX)
        if (found === undefined) return
        plain++
        expect(found).toEqual(readAnyRecord(into, of))
      },
    )
    fc.assert(property, { seed, numRuns: 2000 })
    expect(plain).toBeGreaterThan(200)
  })

  it('takes all that is plain', () => {
    const value = new Uint8Array(8000)
    for (const fields of [
      { key: null, value: null },
      { key: value.subarray(7900), value: value.subarray(200) },
    ]) {
      for (const deltas of [
        [0, 0],
        [-8192, 8191],
        [8191, 1],
      ] as [number, number][]) {
        const { into, start } = encode({ ...fields, headers: [] }, deltas)
        const found = decodePlainRecord(into, start, into.length, plainFrameOf(frame), -1, OFFSET_DELTA_MAX)
        expect(found).toMatchObject({ offset: BASE + deltas[1], timestamp: frame.baseTimestamp + deltas[0] })
      }
    }
  })

  it('takes no record that is cut, or followed by something, nor one that reads past its end', () => {
    const { into, start } = encode({ key: new Uint8Array(3), value: new Uint8Array(9), headers: [] }, [5, 7])
    const longer = Buffer.concat([into, Buffer.alloc(4)])
    for (let end = start; end <= longer.length; end++) {
      const found = decodePlainRecord(longer, start, end, plainFrameOf(frame), -1, OFFSET_DELTA_MAX)
      expect(found !== undefined).toBe(end === into.length)
      if (end >= into.length) continue
      const cut = into.subarray(0, end)
      expect(decodePlainRecord(cut, start, end, plainFrameOf(frame), -1, OFFSET_DELTA_MAX)).toBeUndefined()
    }
  })

  it('takes only an offset above the one before, up to the last', () => {
    const { into, start } = encode({ key: null, value: new Uint8Array(1), headers: [] }, [0, 7])
    const isTaken = (min: number, max: number) =>
      decodePlainRecord(into, start, into.length, plainFrameOf(frame), min, max) !== undefined
    expect([isTaken(6, 7), isTaken(7, 9), isTaken(-1, 6)]).toEqual([true, false, false])
  })

  it('leaves timestamps that are no safe integers to the reader of all records', () => {
    const { into, start } = encode({ key: null, value: null, headers: [] }, [100, 0])
    for (const of of [
      { ...frame, baseTimestampExact: 2n ** 60n },
      { ...frame, baseTimestamp: Number.MAX_SAFE_INTEGER },
      { ...frames[1]!, maxTimestampExact: 2n ** 60n },
    ])
      expect(decodePlainRecord(into, start, into.length, plainFrameOf(of), -1, 5)).toBeUndefined()
  })
})
