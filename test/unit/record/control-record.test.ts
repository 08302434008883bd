import { describe, expect, it } from 'vitest'
import { type ControlRecord, encodeBatch } from '../../../src/record/index.ts'
import { decode, errorOf } from './batches.ts'

function field(hex: string | null): Buffer | null {
  return hex === null ? null : Buffer.from(hex, 'hex')
}

function controlRecord(keyHex: string | null, valueHex: string | null = '00000000015b'): ControlRecord {
  const bytes = encodeBatch([{ offset: 7, key: field(keyHex), value: field(valueHex) }], { isControl: true })
  return decode(bytes).controlRecords()[0]!
}

describe('a control record', () => {
  it.each([
    ['00000000', 'ABORT'],
    ['00000001', 'COMMIT'],
  ])('of key %s is %s, with the epoch of the coordinator', (key, type) => {
    expect(controlRecord(key)).toEqual({ offset: 7, type, version: 0, coordinatorEpoch: 347 })
  })

  it.each([
    ['00000002', 'LEADER_CHANGE'],
    ['00000003', 'SNAPSHOT_HEADER'],
    ['00000004', 'SNAPSHOT_FOOTER'],
    ['00000005', 'KRAFT_VERSION'],
    ['00000006', 'KRAFT_VOTERS'],
    ['00000007', 'UNKNOWN'],
    ['0000ffff', 'UNKNOWN'],
  ])('of key %s is %s, whatever its value', (key, type) => {
    expect(controlRecord(key, null)).toEqual({ offset: 7, type, version: 0 })
  })

  it('of a later version is read as version 0', () => {
    expect(controlRecord('00030001ff', '00050000015b99')).toEqual({
      offset: 7,
      type: 'COMMIT',
      version: 3,
      coordinatorEpoch: 347,
    })
  })

  it.each([
    ['no key', null, ''],
    ['a short key', '000000', ''],
    ['a negative version', 'ffff0001', '00000000015b'],
    ['no value', '00000001', null],
    ['a short value', '00000001', '0000000001'],
    ['a negative value version', '00000000', 'ffff0000015b'],
  ])('with %s is damage', (_name, key, value) => {
    expect(errorOf(() => controlRecord(key, value))).toMatchObject({ code: 'BATCH_CORRUPT', offset: 7 })
  })
})
