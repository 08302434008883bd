import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeControlMessage } from '../../../src/inspect/control-message.ts'
import { seed } from '../../helpers/seed.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

/** As Kafka 4.3 writes them. */
const values = {
  leaderChange: hex('000000000001030000000100000000020002000000020000'),
  leaderChangeWithDirectories: hex('000100000003020000000300000000000000010000000000000002000100'),
  snapshotHeader: hex('000000007048860ddf7900'),
  snapshotFooter: hex('000000'),
  kraftVersion: hex('0000000100'),
  kraftVoters: hex(
    '00000200000004fffffffffffffffb000000000000004d030b434f4e54524f4c4c455207686f73742d31fde9000642' +
      '2207c3a9043a3a3100090000000001000000',
  ),
}

describe('decodeControlMessage', () => {
  it('reads a change of leader', () => {
    expect(decodeControlMessage('LEADER_CHANGE', values.leaderChange)).toEqual({
      version: 0,
      leaderId: 1,
      voters: [{ voterId: 1 }, { voterId: 2 }],
      grantingVoters: [{ voterId: 2 }],
    })
  })

  it('reads a change of leader with directories', () => {
    expect(decodeControlMessage('LEADER_CHANGE', values.leaderChangeWithDirectories)).toEqual({
      version: 1,
      leaderId: 3,
      voters: [{ voterId: 3, voterDirectoryId: 'AAAAAAAAAAEAAAAAAAAAAg' }],
      grantingVoters: [],
    })
  })

  it('reads the head and the foot of a snapshot, and the version of KRaft', () => {
    expect(decodeControlMessage('SNAPSHOT_HEADER', values.snapshotHeader)).toEqual({
      version: 0,
      lastContainedLogTimestamp: 123_456_789_012_345,
    })
    expect(decodeControlMessage('SNAPSHOT_FOOTER', values.snapshotFooter)).toEqual({ version: 0 })
    expect(decodeControlMessage('KRAFT_VERSION', values.kraftVersion)).toEqual({
      version: 0,
      kRaftVersion: 1,
    })
  })

  it('reads the voters with their endpoints', () => {
    expect(decodeControlMessage('KRAFT_VOTERS', values.kraftVoters)).toEqual({
      version: 0,
      voters: [
        {
          voterId: 4,
          voterDirectoryId: '__________sAAAAAAAAATQ',
          endpoints: [
            { name: 'CONTROLLER', host: 'host-1', port: 65_001 },
            { name: 'B"\u0007é', host: '::1', port: 9 },
          ],
          kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
        },
      ],
    })
  })

  it('keeps an int64 exact that a number can not hold', () => {
    const value = hex('00007fffffffffffffff00')
    expect(decodeControlMessage('SNAPSHOT_HEADER', value)).toEqual({
      version: 0,
      lastContainedLogTimestamp: 2n ** 63n - 1n,
    })
  })

  it('has nothing to say of transaction markers, other versions and unknown types', () => {
    expect(decodeControlMessage('COMMIT', hex('000000000001'))).toBeUndefined()
    expect(decodeControlMessage('UNKNOWN', hex('0000'))).toBeUndefined()
    expect(decodeControlMessage('LEADER_CHANGE', hex('0002000000010100'))).toBeUndefined()
    expect(decodeControlMessage('SNAPSHOT_FOOTER', hex('000100'))).toBeUndefined()
  })

  it('has nothing to say of bytes that end early, at whatever byte', () => {
    for (const value of [values.leaderChange, values.snapshotHeader, values.kraftVersion]) {
      const type =
        value === values.leaderChange
          ? 'LEADER_CHANGE'
          : value === values.snapshotHeader
            ? 'SNAPSHOT_HEADER'
            : 'KRAFT_VERSION'
      const needed = value === values.leaderChange ? value.length - 1 : value.length - 1
      for (let length = 0; length < needed; length++) {
        expect(decodeControlMessage(type, value.subarray(0, length))).toBeUndefined()
      }
    }
  })

  it('never fails and never believes a length that is not there', () => {
    const types = ['LEADER_CHANGE', 'SNAPSHOT_HEADER', 'KRAFT_VERSION', 'KRAFT_VOTERS'] as const
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 60 }), (type, bytes) => {
        decodeControlMessage(type, Buffer.from([0, 0, ...bytes]))
      }),
      { seed, numRuns: 500 },
    )
    // A list of 2^32 voters in a few bytes.
    expect(decodeControlMessage('KRAFT_VOTERS', hex('0000ffffffff0f00'))).toBeUndefined()
  })
})
