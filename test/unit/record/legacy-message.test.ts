import { describe, expect, it } from 'vitest'
import { describeLegacy, legacyChecksumProblem, legacyMessageAt } from '../../../src/record/index.ts'
import { legacyMessage, legacyWrapper, withWrongChecksum } from '../../helpers/legacy-messages.ts'
import { golden } from './batches.ts'

const zero = legacyMessage({ magic: 0, offset: 7, key: 'k', value: 'v' })
const one = legacyMessage({ magic: 1, offset: 8, timestamp: 1234 })

const edited = (message: Buffer, edit: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(message)
  edit(copy)
  return copy
}

describe('an old message', () => {
  it('is known by its head: version, size, offset and, in version 1, its time', () => {
    expect(legacyMessageAt(zero, 0)).toEqual({
      magic: 0,
      sizeBytes: zero.length,
      lastOffset: 7,
      maxTimestamp: -1,
    })
    expect(legacyMessageAt(one, 0)).toEqual({
      magic: 1,
      sizeBytes: one.length,
      lastOffset: 8,
      maxTimestamp: 1234,
    })
    expect(legacyMessageAt(Buffer.concat([zero, one]), zero.length)?.lastOffset).toBe(8)
  })

  it('that holds others, compressed, ends with the last of them', () => {
    const messages = [3, 4, 5].map((offset) => ({ offset, timestamp: 1000 - offset, value: 'v' }))
    expect(legacyMessageAt(legacyWrapper(0, messages), 0)).toMatchObject({ lastOffset: 5, maxTimestamp: -1 })
    expect(legacyMessageAt(legacyWrapper(1, messages), 0)).toMatchObject({ lastOffset: 5, maxTimestamp: 997 })
  })

  it('has no time as long as only its beginning is there, and is none with fewer than 17 bytes', () => {
    expect(legacyMessageAt(one.subarray(0, 25), 0)).toMatchObject({ lastOffset: 8, maxTimestamp: -1 })
    expect(legacyMessageAt(one.subarray(0, 17), 0)).toMatchObject({ sizeBytes: one.length })
    expect(legacyMessageAt(one.subarray(0, 16), 0)).toBeUndefined()
    expect(legacyMessageAt(one, one.length - 16)).toBeUndefined()
  })

  it('is none of another version, smaller than any, or at an offset that is none', () => {
    expect(legacyMessageAt(golden.twoRecords, 0)).toBeUndefined()
    for (const magic of [2, 3, -1])
      expect(
        legacyMessageAt(
          edited(one, (copy) => copy.writeInt8(magic, 16)),
          0,
        ),
      ).toBeUndefined()
    expect(
      legacyMessageAt(
        edited(zero, (copy) => copy.writeInt32BE(14, 8)),
        0,
      )?.sizeBytes,
    ).toBe(26)
    expect(
      legacyMessageAt(
        edited(zero, (copy) => copy.writeInt32BE(13, 8)),
        0,
      ),
    ).toBeUndefined()
    expect(
      legacyMessageAt(
        edited(one, (copy) => copy.writeInt32BE(22, 8)),
        0,
      )?.sizeBytes,
    ).toBe(34)
    expect(
      legacyMessageAt(
        edited(one, (copy) => copy.writeInt32BE(21, 8)),
        0,
      ),
    ).toBeUndefined()
    for (const offset of [-1n, 2n ** 53n - 1n, 2n ** 62n])
      expect(
        legacyMessageAt(
          edited(one, (copy) => copy.writeBigInt64BE(offset, 0)),
          0,
        ),
      ).toBeUndefined()
  })

  it('has a checksum over everything behind it', () => {
    for (const message of [zero, one]) {
      expect(legacyChecksumProblem(message)).toBeUndefined()
      expect(legacyChecksumProblem(withWrongChecksum(message))).toEqual({
        found: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
        expected: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
      })
      for (let at = 16; at < message.length; at++)
        expect(legacyChecksumProblem(edited(message, (copy) => (copy[at]! ^= 1)))).toBeDefined()
    }
  })

  it('is named with its version', () => {
    expect(describeLegacy(1)).toBe('a message of the old format, version 1: only version 2 is read')
  })
})
