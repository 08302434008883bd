import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeOffsetKey,
  decodeOffsetValue,
  encodeOffsetKey,
  encodeOffsetValue,
} from '../../../src/store/offset-commit.ts'
import { seed } from '../../helpers/seed.ts'

const key = { group: 'billing', topic: 'orders', partition: 3 }

/** A value as it is written, in hexadecimal digits. */
function hexOf(generation: number | undefined): string {
  return encodeOffsetValue({ nextOffset: 42, topicId: 'an-id', generation, atMs: 1000 }).toString('hex')
}

/** The same as Kafka writes it, around the digits of the leader epoch. */
function around(epoch: string): string {
  return `0003${'000000000000002a'}${epoch}0005${Buffer.from('an-id').toString('hex')}${'00000000000003e8'}`
}

describe('the key of a committed offset', () => {
  it('has the bytes that Kafka gives it', () => {
    expect(encodeOffsetKey(key).toString('hex')).toBe(
      `0001${'0007'}${Buffer.from('billing').toString('hex')}${'0006'}${Buffer.from('orders').toString('hex')}00000003`,
    )
  })

  it('comes back as it was, whatever the group is called', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
        fc.nat(0x7fffffff),
        (group, partition) => {
          const text = Buffer.from(group).toString()
          expect(decodeOffsetKey(encodeOffsetKey({ ...key, group: text, partition }))).toEqual({
            ...key,
            group: text,
            partition,
          })
        },
      ),
      { seed },
    )
  })

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['too short', (bytes) => bytes.subarray(0, -1)],
    ['one byte too long', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['empty', () => Buffer.alloc(0)],
    ['one byte', (bytes) => bytes.subarray(0, 1)],
    ['of another version', (bytes) => Buffer.concat([Buffer.from([0, 2]), bytes.subarray(2)])],
    [
      'with a length beyond the end',
      (bytes) => Buffer.concat([bytes.subarray(0, 2), Buffer.from([0x7f, 0xff]), bytes.subarray(4)]),
    ],
    [
      'with a negative length',
      (bytes) => Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xff, 0xff]), bytes.subarray(4)]),
    ],
    [
      'with a negative partition',
      (bytes) => Buffer.concat([bytes.subarray(0, -4), Buffer.from([0xff, 0, 0, 0])]),
    ],
  ])('is none where it is %s', (_, damage) => {
    expect(decodeOffsetKey(damage(encodeOffsetKey(key)))).toBeUndefined()
  })
})

describe('the value of a committed offset', () => {
  it('has the bytes that Kafka gives it', () => {
    expect(hexOf(undefined)).toBe(around('ffffffff'))
    expect(hexOf(6)).toBe(around('00000006'))
    expect(hexOf(2 ** 31)).toBe(around('ffffffff')) // no room for it: it counts as not known
  })

  it('comes back as it was, up to the largest offset there is', () => {
    for (const nextOffset of [0, 1, 2 ** 31, Number.MAX_SAFE_INTEGER])
      for (const topicId of ['', 'x'.repeat(22)])
        for (const generation of [undefined, 0, 2 ** 31 - 1])
          expect(decodeOffsetValue(encodeOffsetValue({ nextOffset, topicId, generation, atMs: 0 }))).toEqual({
            nextOffset,
            topicId,
            generation,
          })
  })

  it('is none where it is short, of another version, negative or beyond what a number holds', () => {
    const bytes = encodeOffsetValue({ nextOffset: 42, topicId: 'an-id', generation: 0, atMs: 1000 })
    const withOffset = (offset: bigint): Buffer => {
      const copy = Buffer.from(bytes)
      copy.writeBigInt64BE(offset, 2)
      return copy
    }
    for (const damaged of [
      bytes.subarray(0, -1),
      bytes.subarray(0, 13),
      bytes.subarray(0, 15),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.alloc(0),
      Buffer.concat([Buffer.from([0, 4]), bytes.subarray(2)]),
    ])
      expect(decodeOffsetValue(damaged)).toBeUndefined()
    expect(decodeOffsetValue(withOffset(-1n))).toBeUndefined()
    expect(decodeOffsetValue(withOffset(2n ** 53n))).toBeUndefined()
  })
})
