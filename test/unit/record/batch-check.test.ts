import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BATCH,
  type BatchProblemReason,
  batchProblemError,
  checkBatch,
  checkExtent,
  encodeBatch,
} from '../../../src/record/index.ts'
import { seed } from '../../helpers/seed.ts'
import { compressed, golden, limits, resealed, threeRecords } from './batches.ts'

function reasonFor(bytes: Buffer): BatchProblemReason | undefined {
  return checkBatch(bytes, 0, limits)?.reason
}

function edited(edit: (copy: Buffer) => void): Buffer {
  const copy = threeRecords()
  edit(copy)
  return copy
}

describe('a good batch', () => {
  it.each(Object.entries(golden))('passes: %s', (_name, bytes) => {
    expect(checkBatch(bytes, 0, limits)).toBeUndefined()
    expect(checkExtent(bytes, 0, limits)).toBeUndefined()
  })

  it('passes with other bytes before and behind it', () => {
    const bytes = Buffer.concat([Buffer.alloc(9, 0xee), threeRecords(), Buffer.alloc(5, 0xee)])
    expect(checkBatch(bytes, 9, limits)).toBeUndefined()
  })

  it('passes whatever its codec, which only its records need', () => {
    for (const id of [1, 4, 7]) expect(checkBatch(compressed(threeRecords(), id), 0, limits)).toBeUndefined()
  })

  it('passes sparse, when it has fewer records than offsets', () => {
    expect(
      checkBatch(encodeBatch([{ offset: 3 }, { offset: 9 }], { lastOffset: 20 }), 0, limits),
    ).toBeUndefined()
  })

  it('may be as large as the limit', () => {
    const bytes = threeRecords()
    expect(checkBatch(bytes, 0, { batchBytesMax: bytes.length })).toBeUndefined()
    const problem = checkBatch(bytes, 0, { batchBytesMax: bytes.length - 1 })
    expect(problem).toMatchObject({
      reason: 'length-over-limit',
      found: bytes.length,
      expected: bytes.length - 1,
    })
  })
})

describe('a torn batch', () => {
  it('is told from damage at every length', () => {
    const bytes = threeRecords(5)
    for (let length = 0; length < bytes.length; length++) {
      expect(reasonFor(bytes.subarray(0, length))).toBe(length < 17 ? 'too-short' : 'beyond-end')
    }
  })

  it('says how much there is and how much there should be', () => {
    const bytes = threeRecords()
    expect(checkBatch(bytes.subarray(0, 40), 0, limits)).toMatchObject({ found: 40, expected: bytes.length })
    expect(checkBatch(bytes, bytes.length - 3, limits)).toMatchObject({ found: 3, expected: 17 })
  })
})

describe('zeros', () => {
  it('are unused space, not a batch', () => {
    expect(reasonFor(Buffer.alloc(17))).toBe('zeros')
    expect(reasonFor(Buffer.alloc(4096))).toBe('zeros')
    expect(reasonFor(Buffer.alloc(16))).toBe('too-short')
  })

  it('with one bit among them are no zeros', () => {
    for (let slot = 0; slot < 17; slot++) {
      const bytes = Buffer.alloc(200)
      bytes[slot] = 1
      expect(reasonFor(bytes)).not.toBe('zeros')
      expect(reasonFor(bytes)).toBeDefined()
    }
  })
})

describe('one flipped bit', () => {
  /** All that the CRC leaves out and a single batch can't show: offsets in range, and the leader epoch. */
  const unseen = [
    { field: 'baseOffset', from: BATCH.baseOffset, to: BATCH.batchLength },
    { field: 'partitionLeaderEpoch', from: BATCH.partitionLeaderEpoch, to: BATCH.magic },
  ]

  it('anywhere in a batch is found, but in its base offset and its leader epoch', () => {
    const bytes = threeRecords(1000)
    const missed = new Set<string>()
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const byte = bit >> 3
      bytes[byte]! ^= 1 << (bit & 7)
      const problem = checkBatch(bytes, 0, limits)
      bytes[byte]! ^= 1 << (bit & 7)
      if (problem === undefined)
        missed.add(unseen.find(({ from, to }) => byte >= from && byte < to)?.field ?? `${byte}`)
    }
    expect([...missed].sort()).toEqual(['baseOffset', 'partitionLeaderEpoch'])
  })

  it('that takes the base offset out of range is found', () => {
    const bytes = threeRecords()
    for (let bit = 0; bit < 11; bit++) {
      bytes[bit >> 3]! ^= 0x80 >> (bit & 7)
      expect(reasonFor(bytes)).toBe('offset-range')
      bytes[bit >> 3]! ^= 0x80 >> (bit & 7)
    }
    expect(reasonFor(bytes)).toBeUndefined()
  })
})

describe('a length that lies', () => {
  it.each([
    [-(2 ** 31), 'length-under-minimum'],
    [-1, 'length-under-minimum'],
    [0, 'length-under-minimum'],
    [10, 'length-under-minimum'],
    [48, 'length-under-minimum'],
    [2 ** 31 - 1, 'length-over-limit'],
    [limits.batchBytesMax - 11, 'length-over-limit'],
    [limits.batchBytesMax - 12, 'beyond-end'],
  ] as const)('as %d is found before anything is made of it', (length, reason) => {
    expect(reasonFor(edited((copy) => copy.writeInt32BE(length, BATCH.batchLength)))).toBe(reason)
  })

  it('by one either way is found by the CRC or the end', () => {
    const { length } = threeRecords()
    expect(reasonFor(edited((copy) => copy.writeInt32BE(length - 12 + 1, BATCH.batchLength)))).toBe(
      'beyond-end',
    )
    expect(reasonFor(edited((copy) => copy.writeInt32BE(length - 12 - 1, BATCH.batchLength)))).toBe('crc')
  })

  it('as 2 GiB takes no memory', () => {
    const bytes = edited((copy) => copy.writeInt32BE(2 ** 31 - 1, BATCH.batchLength))
    const before = process.memoryUsage()
    expect(checkBatch(bytes, 0, { batchBytesMax: Number.MAX_SAFE_INTEGER })?.reason).toBe('beyond-end')
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20)
  })
})

describe('another version', () => {
  it.each([0, 1])('%d is named as the old format', (magic) => {
    const problem = checkBatch(
      edited((copy) => copy.writeInt8(magic, BATCH.magic)),
      0,
      limits,
    )
    expect(problem).toMatchObject({ reason: 'magic', found: magic, expected: 2 })
    expect(problem?.message).toContain(`version ${magic}`)
  })

  it.each([3, 127, -1, -128])('%d is unknown', (magic) => {
    const problem = checkBatch(
      edited((copy) => copy.writeInt8(magic, BATCH.magic)),
      0,
      limits,
    )
    expect(problem).toMatchObject({ reason: 'magic', found: magic })
  })

  it('is known by a message too short for a batch of ours', () => {
    const message = Buffer.alloc(34)
    message.writeInt32BE(22, BATCH.batchLength)
    message.writeInt8(1, BATCH.magic)
    expect(reasonFor(message)).toBe('magic')
    message.writeInt32BE(13, BATCH.batchLength)
    expect(reasonFor(message)).toBe('length-under-minimum')
  })
})

describe('a good CRC over a bad header', () => {
  it('is no excuse for a negative last offset delta', () => {
    const bytes = resealed(threeRecords(), (copy) => void copy.writeInt32BE(-1, BATCH.lastOffsetDelta))
    expect(checkBatch(bytes, 0, limits)).toMatchObject({ reason: 'delta', found: -1 })
  })

  it('is no excuse for offsets out of the safe range', () => {
    const bytes = edited((copy) => copy.writeBigInt64BE(2n ** 53n - 2n, BATCH.baseOffset))
    expect(checkBatch(bytes, 0, limits)).toMatchObject({
      reason: 'offset-range',
      found: `${2n ** 53n - 2n} + 2`,
    })
    bytes.writeBigInt64BE(2n ** 53n - 3n, BATCH.baseOffset)
    expect(checkBatch(bytes, 0, limits)).toBeUndefined()
  })

  it.each([-1, -(2 ** 31), 4, 2 ** 31 - 1])('is no excuse for %d records in three offsets', (count) => {
    const bytes = resealed(threeRecords(), (copy) => void copy.writeInt32BE(count, BATCH.recordCount))
    expect(checkBatch(bytes, 0, limits)).toMatchObject({ reason: 'count', found: count })
  })
})

describe('the error for a problem', () => {
  it('says what, how much and where', () => {
    const problem = checkBatch(
      edited((copy) => void (copy[70]! ^= 1)),
      0,
      limits,
    )!
    const error = batchProblemError(problem, { path: 'a.log', position: 4096, offset: 12 })
    expect(error).toMatchObject({ code: 'BATCH_CORRUPT', path: 'a.log', position: 4096, offset: 12 })
    expect(error.message).toMatch(
      /^a checksum that does not match \([0-9a-f]{8} found, [0-9a-f]{8} expected\) at position 4096 of a\.log$/,
    )
  })

  it('is FORMAT_UNSUPPORTED for another version', () => {
    const problem = checkBatch(
      edited((copy) => copy.writeInt8(1, BATCH.magic)),
      0,
      limits,
    )!
    expect(batchProblemError(problem, {}).code).toBe('FORMAT_UNSUPPORTED')
  })

  it('needs no figures and no place', () => {
    expect(batchProblemError(checkBatch(Buffer.alloc(99), 0, limits)!, {}).message).toBe(
      'zeros where a batch was expected',
    )
  })
})

describe('garbage', () => {
  it('never passes and never throws', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(checkBatch(Buffer.from(bytes), 0, limits)).toBeDefined()
    })
    fc.assert(property, { seed })
  })

  it('in place of any part of a batch from its CRC on is found', () => {
    const good = threeRecords()
    const property = fc.property(
      fc.integer({ min: BATCH.crc, max: good.length - 1 }),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      (at, garbage) => {
        const bytes = Buffer.from(good)
        bytes.set(garbage.subarray(0, bytes.length - at), at)
        expect(checkBatch(bytes, 0, limits) === undefined).toBe(bytes.equals(good))
      },
    )
    fc.assert(property, { seed })
  })
})
