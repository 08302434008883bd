/*
 * Logs of many shapes, written through the public interface and read twice: by the log itself, and by a reader that was
 * written from the description of the format alone. Every field of every batch and record must be the same, and every
 * byte of every file must belong to a sound batch.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBatch, type Log, openLog, type RecordBatch, type RecordInput } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { readLogDirectory } from '../helpers/independent-reader.ts'
import { seed } from '../helpers/seed.ts'
import { expectIndependentReaderAgrees, openTempLog } from '../helpers/temp-log.ts'

const small = { 'internal.segment.bytes': 4096 }

async function expectBothAgree(log: Log): Promise<void> {
  await log.flush()
  await expectIndependentReaderAgrees(log) // every record, and that there is no other byte
  const batches: unknown[] = []
  for await (const batch of log.readBatches()) batches.push(fieldsOf(batch))
  const plain = readLogDirectory(log.directory)
    .flatMap((segment) => segment.batches)
    .filter(({ lastOffset }) => lastOffset >= BigInt(log.startOffset))
  expect(batches).toEqual(plain)
}

function fieldsOf(batch: RecordBatch): unknown {
  return {
    baseOffset: BigInt(batch.baseOffset),
    lastOffset: BigInt(batch.lastOffset),
    sizeBytes: batch.sizeBytes,
    leaderEpoch: batch.partitionLeaderEpoch,
    attributes: batch.attributes,
    baseTimestamp: batch.baseTimestampExact ?? BigInt(batch.baseTimestamp),
    maxTimestamp: batch.maxTimestampExact ?? BigInt(batch.maxTimestamp),
    producerId: BigInt(batch.producerId),
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    recordCount: batch.recordCount,
  }
}

describe('an independent reader agrees on every byte of a log', () => {
  it('that is empty, and of one record', async () => {
    const log = await openTempLog({ durability: 'os' })
    await expectBothAgree(log)
    await log.append('one')
    await expectBothAgree(log)
  })

  it('of values, keys and headers of every kind', async () => {
    const log = await openTempLog({ durability: 'os' })
    const shapes: RecordInput[] = [
      {},
      { value: null, key: null },
      { value: '', key: '' },
      { value: Buffer.alloc(0), key: Buffer.alloc(0) },
      { value: 'ü€𝄞', key: 'k'.repeat(200) },
      { value: Buffer.from([0, 255, 128]), key: new Uint8Array([1, 2, 3]) },
      { value: Buffer.alloc(70_000, 7) },
      { headers: [] },
      { headers: { a: 'b', empty: '', nothing: null } },
      {
        headers: [
          ['', null],
          ['twice', 'a'],
          ['twice', 'b'],
          ['__proto__', 'x'],
          ['ü', Buffer.from([0])],
        ],
      },
      { headers: Array.from({ length: 200 }, (_, slot) => [`h${slot}`, `${slot}`] as const) },
    ]
    for (const shape of shapes) await log.append(shape)
    await log.append(shapes)
    await expectBothAgree(log)
  })

  it('of times that rise, fall, repeat and are none', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    for (const timestamps of [
      [5],
      [-1],
      [0, 0],
      [9, 5, 7],
      [-1, 3, -1],
      [1_700_000_000_000, 1],
      [1, 1_700_000_000_000],
    ])
      await log.append(timestamps.map((timestamp) => ({ value: 'v', timestamp })))
    await expectBothAgree(log)
  })

  it('with the time of the append', async () => {
    const config = { ...small, 'message.timestamp.type': 'LogAppendTime' }
    const clock = new ManualClock()
    const log = await openTempLog({ durability: 'os', clock, config, cleanup: false })
    for (let count = 0; count < 20; count++) {
      await log.append([{ value: 'a', timestamp: 3 }, { value: 'b', timestamp: 99 }, 'c'])
      clock.jumpWall(count % 3 === 0 ? -5 : 7)
    }
    await log.appendBatch(
      encodeBatch(
        [
          { timestamp: 5, value: 'x' },
          { timestamp: 9, value: 'y' },
        ],
        {},
      ),
    )
    await expectBothAgree(log)
  })

  it('of batches that came encoded, from producers with ids and in transactions', async () => {
    const log = await openTempLog({ durability: 'os', config: small })
    const timestamp = Date.now()
    const records = Array.from({ length: 5 }, (_, slot) => ({
      timestamp: timestamp + slot,
      key: `k${slot}`,
      value: 'v',
    }))
    for (let sequence = 0; sequence < 100; sequence += 5) {
      await log.appendBatch(encodeBatch(records, {}))
      await log.appendBatch(encodeBatch(records, { producerId: 7, producerEpoch: 1, baseSequence: sequence }))
      await log.appendBatch(
        encodeBatch(records, {
          producerId: 2 ** 40,
          producerEpoch: 0,
          baseSequence: sequence,
          isTransactional: true,
        }),
      )
      await log.append('between')
    }
    await expectBothAgree(log)
  })

  it('of calls that shared batches, at every level, over many segments', async () => {
    const log = await openTempLog({ config: small })
    const levels = ['memory', 'os', 'disk'] as const
    await Promise.all(
      Array.from({ length: 500 }, (_, slot) =>
        log.append(
          { value: `v${slot}`.padEnd(slot % 90), key: `${slot % 10}` },
          { durability: levels[slot % 3]! },
        ),
      ),
    )
    expect(log.segments().length).toBeGreaterThan(2)
    await expectBothAgree(log)
  })

  it('after everything that changes a log: rolls, deletion, truncation between and inside batches, reopening', async () => {
    const config = { ...small, 'file.delete.delay.ms': 0, 'retention.ms': -1 }
    const log = await openTempLog({ durability: 'os', config })
    const append = async (count: number): Promise<void> => {
      for (let batch = 0; batch < count; batch++)
        await log.append(
          Array.from({ length: 10 }, (_, slot) => ({ value: `v${slot}`.padEnd(40), timestamp: slot * 10 })),
        )
    }
    await append(40)
    await log.roll()
    await append(5)
    await log.deleteRecordsBefore(155)
    await expectBothAgree(log)
    await log.clean()
    await expectBothAgree(log)
    for (const offset of [420, 333, 300, 299, 295, 160]) {
      await log.truncateTo(offset)
      await expectBothAgree(log)
      await append(1)
      await expectBothAgree(log)
    }
    await log.close()
    const again = await openLog(log.directory, { config })
    await expectBothAgree(again)
    await again.append('after')
    await expectBothAgree(again)
    await again.close()
  })

  it('of anything at all (property)', async () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 60 }), { nil: null })
    const record = fc.record(
      {
        value: bytes,
        key: bytes,
        timestamp: fc.oneof(fc.constant(-1), fc.nat(2_000_000_000)),
        headers: fc.array(fc.tuple(fc.string({ maxLength: 8, unit: 'grapheme' }), bytes), { maxLength: 3 }),
      },
      { requiredKeys: [] },
    )
    const call = fc.record({
      records: fc.array(record, { minLength: 1, maxLength: 6 }),
      level: fc.constantFrom('os' as const, 'memory' as const),
      isAwaited: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), async (calls) => {
        const log = await openTempLog({ durability: 'os', config: small, cleanup: false })
        const pending: Promise<unknown>[] = []
        for (const { records, level, isAwaited } of calls) {
          const append = log.append(records, { durability: level })
          pending.push(append)
          if (isAwaited) await append
        }
        await Promise.all(pending)
        await expectBothAgree(log)
        await log.close()
      }),
      { seed, numRuns: 25 },
    )
  })
})
