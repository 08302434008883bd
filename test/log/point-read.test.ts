import { describe, expect, it } from 'vitest'
import { encodeBatch, type Log, type LogRecord, openLog, type RecordBatch } from '../../src/index.ts'
import {
  compressedBatch,
  controlBatch,
  dataBatch,
  emptyBatch,
  handMadeLog,
  marker,
  sparseBatch,
  transactionalBatch,
} from '../helpers/hand-made.ts'
import { openTempLog, readAll } from '../helpers/temp-log.ts'

const small = { 'internal.segment.bytes': 4096, 'index.interval.bytes': 300 }

/** Reads every offset one by one, cold and warm, both ways, and compares with what `read` gives. */
async function expectPointReadsAgree(log: Log): Promise<Map<number, LogRecord>> {
  const records = new Map((await readAll(log)).map((record) => [record.offset, record]))
  const all = Array.from({ length: log.readableEndOffset - log.startOffset }, (_, at) => log.startOffset + at)
  const shuffled = all.toSorted((a, b) => ((a * 7919) % 10_007) - ((b * 7919) % 10_007))
  for (const offsets of [shuffled, all, all.toReversed()]) {
    for (const offset of offsets) {
      expect(log.getSync(offset)).toEqual(records.get(offset))
      expect(await log.get(offset)).toEqual(records.get(offset))
    }
  }
  const parallel = await Promise.all(shuffled.map((offset) => log.get(offset)))
  expect(parallel).toEqual(shuffled.map((offset) => records.get(offset)))
  for (const offset of [log.readableEndOffset, log.readableEndOffset + 1, Number.MAX_SAFE_INTEGER])
    expect([log.getSync(offset), await log.get(offset)]).toEqual([undefined, undefined])
  return records
}

describe('get and getSync give what read gives', () => {
  it('of a log of its own, over many segments, before and after reopening, with the index and without', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    for (let offset = 0; offset < 400; ) {
      const count = 1 + ((offset * 5) % 23)
      await log.append(
        Array.from({ length: count }, (_, slot) => ({
          key: slot % 3 === 0 ? null : `k${slot}`,
          value: slot % 5 === 0 ? null : `v${offset + slot}`.padEnd((offset * slot) % 60),
          headers: slot % 4 === 0 ? [['h', `${offset}`] as const, ['h', null] as const] : [],
          timestamp: slot % 7 === 0 ? 5 : 1_000_000 - slot,
        })),
      )
      offset += count
    }
    expect((await expectPointReadsAgree(log)).size).toBe(log.endOffset)
    await log.deleteRecordsBefore(133)
    await expectPointReadsAgree(log)
    await log.close()
    for (const index of ['sqlite', 'memory'] as const) {
      const again = await openLog(log.directory, { config: small, index })
      expect((await expectPointReadsAgree(again)).size).toBe(again.endOffset - 133)
      await again.close()
    }
  })

  it('with the time of the append', async () => {
    const log = await openTempLog({
      durability: 'os',
      config: { ...small, 'message.timestamp.type': 'LogAppendTime' },
    })
    for (let batch = 0; batch < 10; batch++)
      await log.append(Array.from({ length: 5 }, () => ({ value: 'x', timestamp: 7 })))
    const records = await expectPointReadsAgree(log)
    expect([...records.values()].every(({ timestamp }) => timestamp > 1_600_000_000_000)).toBe(true)
  })

  it('of batches that came encoded: plain, gzip, zstd', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    const now = Date.now()
    const batch = (count: number): Buffer =>
      encodeBatch(
        Array.from({ length: count }, (_, slot) => ({
          timestamp: now - slot,
          key: `k${slot}`,
          value: `v${slot}`,
        })),
        {},
      )
    for (let round = 0; round < 20; round++) {
      await log.appendBatch(batch(1 + round))
      await log.appendBatch(compressedBatch(batch(30 - round), 1))
      await log.appendBatch(compressedBatch(batch(5), 4))
      await log.append('between')
    }
    expect((await expectPointReadsAgree(log)).size).toBe(log.endOffset)
  })

  it('of what Kafka and compaction leave: holes, emptied batches, markers, transactions, codecs', async () => {
    const directory = await handMadeLog([
      {
        baseOffset: 0,
        batches: [
          sparseBatch([3, 7], { baseOffset: 1, lastOffset: 9 }),
          emptyBatch(10, 14),
          marker(15, 7, 'ABORT'),
        ],
      },
      [compressedBatch(sparseBatch([20, 29], { lastOffset: 30 }), 1), transactionalBatch(31, 3, 7)],
      [controlBatch([{ offset: 40, key: Buffer.from([0, 0, 0, 2]), value: null }], { producerId: 7 })],
      { baseOffset: 50, batches: [] },
      [
        compressedBatch(dataBatch(60, 9), 4),
        dataBatch(69, 70, { deleteHorizonMs: 44 }),
        emptyBatch(139, 200),
      ],
    ])
    const log = await openTempLog({}, directory)
    expect(log.state).toBe('readonly')
    const records = await expectPointReadsAgree(log)
    expect([...records.keys()].slice(0, 7)).toEqual([3, 7, 20, 29, 31, 32, 33])
    expect(records.size).toBe(7 + 9 + 70)
  })
})

it('a codec that is not there is an error for records, and batches come through all the same', async () => {
  const batches = [
    dataBatch(0, 2),
    compressedBatch(dataBatch(2, 3), 2),
    compressedBatch(dataBatch(5, 3), 3),
    dataBatch(8, 1),
  ]
  const log = await openTempLog({}, await handMadeLog([batches]))
  for (const [offset, codec] of [
    [3, 'snappy'],
    [5, 'lz4'],
  ] as const) {
    const error = { code: 'COMPRESSION_UNSUPPORTED', found: codec }
    expect(() => log.getSync(offset)).toThrow(expect.objectContaining(error))
    await expect(log.get(offset)).rejects.toMatchObject(error)
    await expect(log.read({ from: offset }).next()).rejects.toMatchObject(error)
  }
  expect([log.getSync(1)?.offset, log.getSync(8)?.offset]).toEqual([1, 8])
  const seen: RecordBatch[] = []
  for await (const batch of log.readBatches()) seen.push(batch)
  expect(
    seen.map(({ compression, baseOffset, recordCount }) => [compression, baseOffset, recordCount]),
  ).toEqual([
    ['none', 0, 2],
    ['snappy', 2, 3],
    ['lz4', 5, 3],
    ['none', 8, 1],
  ])
  expect(
    seen.map(({ bytes }) => bytes.equals(batches[seen.findIndex((batch) => batch.bytes === bytes)]!)),
  ).toEqual([true, true, true, true])
  expect(() => [...seen[1]!]).toThrow(expect.objectContaining({ code: 'COMPRESSION_UNSUPPORTED' }))
})

describe('a point read beside everything else', () => {
  it('sees what is acknowledged, from the moment it is', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    for (let offset = 0; offset < 200; offset++) {
      await log.append(`v${offset}`.padEnd(50))
      expect(String(log.getSync(offset)?.value).trim()).toBe(`v${offset}`)
      expect(String((await log.get(offset >> 1))?.value).trim()).toBe(`v${offset >> 1}`)
    }
  })

  it('gives values that nothing overwrites', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    for (let offset = 0; offset < 300; offset++) await log.append(`v${offset}`)
    const records = Array.from({ length: 300 }, (_, offset) => log.getSync(offset)!)
    for (let offset = 0; offset < 300; offset++) await log.append('x'.repeat(100))
    expect(records.map(({ value }) => String(value))).toEqual(records.map(({ offset }) => `v${offset}`))
  })

  it('is refused once the log is closed', async () => {
    const log = await openTempLog({ durability: 'os' })
    await log.append('a')
    log.getSync(0)
    await log.close()
    expect(() => log.getSync(0)).toThrow(expect.objectContaining({ code: 'LOG_CLOSED' }))
    await expect(log.get(0)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })
})
