import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeBatch, type Log } from '../../src/index.ts'
import { BATCH } from '../../src/record/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { crc32c, readLogDirectory } from '../helpers/independent-reader.ts'
import {
  expectIndependentReaderAgrees,
  namesOf,
  openTempLog,
  readAll,
  readValues,
} from '../helpers/temp-log.ts'
import { compressed, golden, resealed, threeRecords } from '../unit/record/batches.ts'

const NOW = Date.UTC(2026, 0, 1)
const clock = () => new ManualClock({ wallMs: NOW })
const batchesOf = (log: Log) => readLogDirectory(log.directory).flatMap(({ batches }) => batches)

function segmentBytes(log: Log): Buffer {
  return Buffer.concat(namesOf(log.directory, '.log').map((name) => readFileSync(join(log.directory, name))))
}

/** Shows that a batch is refused and that the log is then as it was before. */
async function refusal(log: Log, batch: unknown): Promise<unknown> {
  await log.flush()
  const before = [log.endOffset, log.readableEndOffset, segmentBytes(log)]
  const error = await log.appendBatch(batch as Uint8Array).then(
    () => 'it was taken',
    (reason: unknown) => reason,
  )
  expect([log.endOffset, log.readableEndOffset, segmentBytes(log)]).toEqual(before)
  return error
}

describe('appendBatch', () => {
  it('stores the batch as it is, but for the offsets and the leader epoch', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    await log.append(['a', 'b'])
    const batch = encodeBatch(
      [
        { value: 'x', timestamp: 5 },
        { value: 'y', timestamp: 9 },
      ],
      {
        partitionLeaderEpoch: 77,
        producerId: 1324,
        producerEpoch: 10,
        baseSequence: 984,
        isTransactional: true,
      },
    )
    const given = Buffer.from(batch)
    expect(await log.appendBatch(batch)).toEqual({
      baseOffset: 2,
      lastOffset: 3,
      timestamp: 9,
      durability: 'disk',
    })
    expect(batch).toEqual(given) // the caller's own is left alone
    const stored = segmentBytes(log).subarray(-batch.length)
    expect(stored.subarray(BATCH.crc)).toEqual(batch.subarray(BATCH.crc))
    expect([stored.readBigInt64BE(0), stored.readInt32BE(BATCH.partitionLeaderEpoch)]).toEqual([2n, 0])
    expect((await log.get(3))?.value?.toString()).toBe('y')
    await expectIndependentReaderAgrees(log)
  })

  it('never shares, before or behind', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock(), durability: 'os' })
    const results = await Promise.all([
      log.append('a'),
      log.append('b'),
      log.appendBatch(threeRecords()),
      log.appendBatch(threeRecords()),
      log.append('c'),
    ])
    expect(results.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset])).toEqual([
      [0, 0],
      [1, 1],
      [2, 4],
      [5, 7],
      [8, 8],
    ])
    expect(batchesOf(log).map(({ recordCount }) => recordCount)).toEqual([2, 3, 3, 1])
    await expectIndependentReaderAgrees(log)
  })

  it('gives records consecutive offsets wherever the log is', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock(), durability: 'os' })
    for (let count = 0; count < 5; count++) await log.appendBatch(threeRecords())
    expect((await readAll(log)).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 15 }, (_, at) => at),
    )
  })

  it('keeps a compressed batch compressed', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    const batch = compressed(threeRecords(), 1)
    await log.appendBatch(batch)
    expect(segmentBytes(log).subarray(BATCH.crc)).toEqual(batch.subarray(BATCH.crc))
    expect(await readValues(log)).toEqual(['first', 'second', undefined])
  })

  it('under LogAppendTime sets type, time and CRC, and nothing else', async () => {
    const config = {
      'message.timestamp.type': 'LogAppendTime',
      'message.timestamp.before.max.ms': 0,
    } as const
    const log = await openTempLog({ cleanup: false, clock: clock(), config })
    const batch = threeRecords()
    expect((await log.appendBatch(batch)).timestamp).toBe(NOW)
    const stored = segmentBytes(log)
    expect(stored.length).toBe(batch.length)
    expect(stored.readUInt32BE(BATCH.crc)).toBe(crc32c(stored.subarray(BATCH.attributes)))
    expect(stored.readBigInt64BE(BATCH.baseTimestamp)).toBe(1000n)
    expect(stored.subarray(BATCH.producerId)).toEqual(batch.subarray(BATCH.producerId))
    expect((await readAll(log)).map(({ timestamp }) => timestamp)).toEqual([NOW, NOW, NOW])
    await expectIndependentReaderAgrees(log)
  })

  it('does not believe what the header says is the largest timestamp: retention goes by it', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    for (const lie of [-1n, 0n, 999n, BigInt(NOW) * 1000n, 2n ** 60n]) {
      const batch = resealed(threeRecords(), (copy) => void copy.writeBigInt64BE(lie, BATCH.maxTimestamp))
      expect((await log.appendBatch(batch)).timestamp).toBe(1002)
    }
    expect(batchesOf(log).map(({ maxTimestamp }) => maxTimestamp)).toEqual(
      Array.from({ length: 5 }, () => 1002n),
    )
    expect(log.segments().map(({ maxTimestamp }) => maxTimestamp)).toEqual([1002])
    await expectIndependentReaderAgrees(log)
  })

  it('honours expectedOffset, the level and the signal', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    expect(await log.appendBatch(threeRecords(), { expectedOffset: 0, durability: 'os' })).toMatchObject({
      durability: 'os',
    })
    const late = log.appendBatch(threeRecords(), { expectedOffset: 0 })
    await expect(late).rejects.toMatchObject({ code: 'EXPECTED_OFFSET_MISMATCH', found: 3 })
    const reason = new Error('no')
    await expect(log.appendBatch(threeRecords(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(log.endOffset).toBe(3)
  })

  it('is bounded as append is', async () => {
    const config = { 'max.message.bytes': 500, 'internal.segment.bytes': 4096 }
    const log = await openTempLog({
      cleanup: false,
      clock: clock(),
      config,
      maxBufferedBytes: 1024,
      durability: 'os',
    })
    const big = encodeBatch([{ value: 'x'.repeat(450) }], {})
    expect(await refusal(log, big)).toMatchObject({ code: 'RECORD_TOO_LARGE', outcome: 'not-written' })
    const fitting = encodeBatch([{ value: 'x'.repeat(420) }], {})
    const results = await Promise.allSettled([1, 2, 3].map(() => log.appendBatch(fitting)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(results[2]).toMatchObject({ reason: { code: 'BUFFER_FULL', outcome: 'not-written' } })
    expect((await log.appendBatch(fitting)).baseOffset).toBe(2)
  })
})

describe('appendBatch refuses', () => {
  it.each([
    ['nothing', Buffer.alloc(0), 'RECORD_INVALID'],
    ['zeros', Buffer.alloc(200), 'RECORD_INVALID'],
    ['noise', Buffer.alloc(200, 0xa7), 'RECORD_INVALID'],
    ['two batches', Buffer.concat([threeRecords(), threeRecords()]), 'RECORD_INVALID'],
    [
      'two compressed batches',
      Buffer.concat([1, 1].map(() => compressed(threeRecords(), 1))),
      'RECORD_INVALID',
    ],
    ['bytes behind the batch', Buffer.concat([threeRecords(), Buffer.from([0])]), 'RECORD_INVALID'],
    ['a batch cut short', threeRecords().subarray(0, -1), 'RECORD_INVALID'],
    ['offsets that do not start at 0', threeRecords(1234567), 'RECORD_INVALID'],
    ['a batch without records', golden.empty, 'RECORD_INVALID'],
    ['a sparse batch', encodeBatch([{ offset: 0 }, { offset: 2 }], {}), 'RECORD_INVALID'],
    ['control records', golden.commitMarker, 'RECORD_INVALID'],
    [
      'another format',
      resealed(threeRecords(), (copy) => void copy.writeInt8(1, BATCH.magic)),
      'FORMAT_UNSUPPORTED',
    ],
  ])('%s', async (_, batch, code) => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    await log.append('before')
    expect(await refusal(log, batch)).toMatchObject({ code, outcome: 'not-written' })
  })

  it.each([
    [0, 3],
    [15, 3],
    [-3, 3],
    [5, 6],
    [1, 2],
    [2, -3],
    [2, 2 ** 31 - 1],
    [2 ** 31 - 1, 3],
  ])('three records under a last offset of %d and a count of %d', async (lastOffsetDelta, count) => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    const batch = resealed(threeRecords(), (copy) => {
      copy.writeInt32BE(lastOffsetDelta, BATCH.lastOffsetDelta)
      copy.writeInt32BE(count, BATCH.recordCount)
    })
    expect(await refusal(log, batch)).toMatchObject({ code: 'RECORD_INVALID', outcome: 'not-written' })
  })

  it('a sequence under 0 with a producer', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    const batch = resealed(
      encodeBatch([{}], { producerId: 5, producerEpoch: 0, baseSequence: 0 }),
      (copy) => {
        copy.writeInt32BE(-2, BATCH.baseSequence)
      },
    )
    expect(await refusal(log, batch)).toMatchObject({ code: 'RECORD_INVALID' })
  })

  it('any flipped bit under the CRC', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    const batch = threeRecords()
    for (let position = BATCH.crc; position < batch.length; position += 3) {
      const flipped = Buffer.from(batch)
      flipped[position]! ^= 1 << (position % 8)
      expect(await refusal(log, flipped)).toMatchObject({ code: 'BATCH_CORRUPT', outcome: 'not-written' })
    }
  })

  it('what is no Uint8Array', async () => {
    const log = await openTempLog({ cleanup: false, clock: clock() })
    for (const input of [
      undefined,
      null,
      'batch',
      5,
      [],
      {},
      threeRecords().buffer,
      new DataView(new ArrayBuffer(61)),
    ])
      expect(await refusal(log, input)).toMatchObject({ name: 'TypeError', code: 'ARGUMENT_INVALID' })
  })

  it("timestamps outside the limits, the type that is not the log's, and records without a key where it is compacted", async () => {
    const log = await openTempLog({
      cleanup: false,
      clock: clock(),
      config: { 'message.timestamp.before.max.ms': 1000, 'cleanup.policy': 'compact' },
    })
    const keyed = (timestamp: number) =>
      encodeBatch(
        [
          { key: 'k', timestamp: NOW },
          { key: 'k', timestamp },
        ],
        {},
      )
    await log.appendBatch(keyed(NOW - 1000))
    await log.appendBatch(keyed(-1))
    expect(await refusal(log, keyed(NOW - 1001))).toMatchObject({
      code: 'TIMESTAMP_INVALID',
      outcome: 'not-written',
    })
    expect(await refusal(log, keyed(NOW + 3_600_001))).toMatchObject({ code: 'TIMESTAMP_INVALID' })
    const appendTime = encodeBatch([{ key: 'k' }], { timestampType: 'LogAppendTime', maxTimestamp: NOW })
    expect(await refusal(log, appendTime)).toMatchObject({ code: 'TIMESTAMP_INVALID' })
    const unkeyed = encodeBatch([{ key: 'k', timestamp: NOW }, { timestamp: NOW }], {})
    expect(await refusal(log, unkeyed)).toMatchObject({ code: 'RECORD_INVALID', outcome: 'not-written' })
  })

  it('a small batch that decompresses to more than max.decompressed.message.bytes', async () => {
    const config = { 'max.decompressed.message.bytes': 4096 }
    const log = await openTempLog({ cleanup: false, clock: clock(), config })
    const batch = compressed(encodeBatch([{ value: 'x'.repeat(100_000) }], {}), 1)
    expect(batch.length).toBeLessThan(1000)
    expect(await refusal(log, batch)).toMatchObject({ code: 'RECORD_TOO_LARGE', outcome: 'not-written' })
  })
})
