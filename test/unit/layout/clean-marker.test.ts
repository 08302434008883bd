import { symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { smallFileChecksum } from '../../../src/layout/checksum.ts'
import {
  type CleanLogState,
  formatCleanMarker,
  parseCleanMarker,
  readCleanMarker,
} from '../../../src/layout/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { seed } from '../../helpers/seed.ts'

const orders: CleanLogState = {
  topic: 'orders',
  partition: 0,
  identity: '64769:1234',
  activeBase: 81_920,
  sizeBytes: 4096,
  nextOffset: 90_000,
  lastBatchPosition: 4000,
  lastBatchCrc: 0xffff_ffff,
  maxTimestamp: 1_700_000_000_000,
}
const fresh: CleanLogState = {
  ...orders,
  partition: 1,
  activeBase: 0,
  sizeBytes: 0,
  nextOffset: 0,
  lastBatchPosition: null,
  lastBatchCrc: null,
  maxTimestamp: -1,
}

/** A marker whose only log has `fields` instead of its own, and whose checksum is right. */
const altered = (fields: Record<string, unknown>) => {
  const logs = [{ ...orders, ...fields }]
  const checksum = smallFileChecksum(Buffer.from(JSON.stringify(logs)))
  return JSON.stringify({ version: 0, brokerEpoch: -1, seglog: { version: 1, logs, checksum } })
}

describe('the clean marker', () => {
  it("is Kafka's JSON with one more field", () => {
    const parsed = JSON.parse(formatCleanMarker([orders])) as Record<string, unknown>
    expect(Object.keys(parsed)).toEqual(['version', 'brokerEpoch', 'seglog'])
    expect(parsed).toMatchObject({ version: 0, brokerEpoch: -1 })
  })

  it('comes back with every log by its name', () => {
    const logs = new Map([
      ['orders-0', orders],
      ['orders-1', fresh],
    ])
    expect(parseCleanMarker(formatCleanMarker([orders, fresh]))).toEqual({ kafkaOnly: false, logs })
    expect(parseCleanMarker(formatCleanMarker([]))).toEqual({ kafkaOnly: false, logs: new Map() })
  })

  it('comes back whatever the numbers are', () => {
    const state = fc.record({
      topic: fc.stringMatching(/^[a-zA-Z0-9_]{1,20}$/),
      partition: fc.nat(),
      identity: fc.stringMatching(/^[ -~]{1,40}$/),
      activeBase: fc.nat(),
      sizeBytes: fc.integer({ min: 61, max: 2 ** 31 }),
      nextOffset: fc.integer({ min: 2 ** 31, max: Number.MAX_SAFE_INTEGER }),
      lastBatchPosition: fc.nat(60),
      lastBatchCrc: fc.integer({ min: 0, max: 0xffff_ffff }),
      maxTimestamp: fc.maxSafeInteger(),
    })
    fc.assert(
      fc.property(state, (log) => {
        const marker = parseCleanMarker(formatCleanMarker([log]))
        expect(marker).toEqual({ kafkaOnly: false, logs: new Map([[`${log.topic}-${log.partition}`, log]]) })
      }),
      { seed },
    )
  })

  it('written by Kafka is told apart, whatever else Kafka may add', () => {
    expect(parseCleanMarker('{"version":0,"brokerEpoch":77}')).toEqual({ kafkaOnly: true })
    expect(parseCleanMarker('{"version":0,"brokerEpoch":-1,"later":[1]}')).toEqual({ kafkaOnly: true })
  })

  it.each([
    '',
    'null',
    '[]',
    '0',
    '"clean"',
    '{}',
    '{"version":0}',
    '{"version":1,"brokerEpoch":1}',
    '{"version":"0","brokerEpoch":1}',
    '{"version":0,"brokerEpoch":"1"}',
    '{"version":0,"brokerEpoch":1.5}',
    '{"version":0,"brokerEpoch":-1,"seglog":null}',
    '{"version":0,"brokerEpoch":-1,"seglog":[]}',
    '{"version":0,"brokerEpoch":-1,"seglog":{}}',
    '{"version":0,"brokerEpoch":-1,"seglog":{"version":2,"logs":[]}}',
    '{"version":0,"brokerEpoch":-1,"seglog":{"version":1}}',
    '{"version":0,"brokerEpoch":-1,"seglog":{"version":1,"logs":{}}}',
    '{"version":0,"brokerEpoch":-1,"seglog":{"version":1,"logs":[null]}}',
    '{"version":0,"brokerEpoch":-1,"seglog":{"version":1,"logs":[[]]}}',
    '{"__proto__":{"version":0,"brokerEpoch":1}}',
    '['.repeat(200_000),
  ])('that is %.60j counts for nothing', (text) => {
    expect(parseCleanMarker(text)).toBeUndefined()
  })

  it.each([
    [{ topic: '../x' }],
    [{ topic: 7 }],
    [{ partition: -1 }],
    [{ partition: '0' }],
    [{ identity: '' }],
    [{ identity: 'x'.repeat(129) }],
    [{ identity: null }],
    [{ identity: 'é' }],
    [{ activeBase: -1 }],
    [{ activeBase: 90_001 }], // above the next offset
    [{ sizeBytes: 1.5 }],
    [{ sizeBytes: 4000 }], // the last batch would start at the end
    [{ nextOffset: 2 ** 53 }],
    [{ lastBatchPosition: null }], // a CRC without a batch
    [{ lastBatchCrc: null }],
    [{ lastBatchCrc: 2 ** 32 }],
    [{ lastBatchCrc: -1 }],
    [{ maxTimestamp: null }],
    [{ maxTimestamp: '0' }],
    [{ maxTimestamp: undefined }], // missing
    [{ more: 1 }],
  ])('with %j in a log counts for nothing', (fields) => {
    expect(parseCleanMarker(altered({}))).toBeDefined()
    expect(parseCleanMarker(altered(fields))).toBeUndefined()
  })

  it('that names a log twice counts for nothing', () => {
    expect(parseCleanMarker(formatCleanMarker([orders, fresh, orders]))).toBeUndefined()
  })

  it('with any one bit flipped counts for nothing, or says that Kafka wrote it, or says the same', () => {
    const bytes = Buffer.from(formatCleanMarker([orders, fresh]))
    const sound = parseCleanMarker(bytes.toString('latin1'))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect([undefined, { kafkaOnly: true }, sound]).toContainEqual(
        parseCleanMarker(flipped.toString('latin1')),
      )
    }
  })

  it('without its checksum counts for nothing', () => {
    expect(parseCleanMarker(formatCleanMarker([orders]).replace(/,"checksum":\d+/, ''))).toBeUndefined()
  })

  it('cut short anywhere before its end counts for nothing', () => {
    const text = formatCleanMarker([orders])
    for (let length = 0; length < text.length - 1; length++)
      expect(parseCleanMarker(text.slice(0, length))).toBeUndefined()
  })

  it('is never written from a state it would not believe', () => {
    expect(() => formatCleanMarker([{ ...orders, sizeBytes: -1 }])).toThrow('seglog bug')
  })

  it('is read from its file; none, a link and a huge one count for nothing', () => {
    const path = join(temporaryDirectory(), '.kafka_cleanshutdown')
    expect(readCleanMarker(nodeFileSystem, path)).toBeUndefined()
    writeFileSync(path, formatCleanMarker([orders]))
    expect(readCleanMarker(nodeFileSystem, path)).toMatchObject({ kafkaOnly: false })
    truncateSync(path, 16 * 1024 * 1024 + 1)
    expect(readCleanMarker(nodeFileSystem, path)).toBeUndefined()
    symlinkSync('/dev/zero', `${path}-link`)
    expect(readCleanMarker(nodeFileSystem, `${path}-link`)).toBeUndefined()
  })
})
