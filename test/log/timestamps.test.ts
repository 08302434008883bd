import { rmSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Log, openLog, type TimestampOffset } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { handMadeLog, sparseBatch } from '../helpers/hand-made.ts'
import { seed } from '../helpers/seed.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { openTempLog, readAll } from '../helpers/temp-log.ts'

/** What a look at every record gives. */
function bruteForce(
  records: readonly { offset: number; timestamp: number }[],
  time: number,
  startOffset: number,
): TimestampOffset | undefined {
  const found = records.find(({ offset, timestamp }) => offset >= startOffset && timestamp >= time)
  return found === undefined ? undefined : { offset: found.offset, timestamp: found.timestamp }
}

async function expectAgrees(log: Log, times: readonly number[]): Promise<void> {
  const records = await readAll(log)
  for (const time of times) {
    const expected = bruteForce(records, time, log.startOffset)
    expect([time, await log.offsetForTimestamp(time)]).toEqual([time, expected])
  }
}

const config = { 'internal.segment.bytes': 1200, 'index.interval.bytes': 100 }

it('a record is found by its time as by a look at all of them (property)', async () => {
  const time = fc.oneof({ weight: 6, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.constant(-1) })
  const batch = fc.array(time, { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(batch, { minLength: 1, maxLength: 60 }),
      fc.constantFrom(0, 1, 100, 4096),
      fc.nat(100),
      async (batches, indexInterval, start) => {
        const directory = temporaryDirectory()
        const options = {
          durability: 'os',
          cleanup: false,
          config: { ...config, 'index.interval.bytes': indexInterval },
        } as const
        let log = await openLog(directory, options)
        for (const timestamps of batches)
          await log.append(timestamps.map((timestamp) => ({ value: 'x'.repeat(20), timestamp })))
        const times = Array.from({ length: 32 }, (_, at) => 2 * at - 1)
        await expectAgrees(log, times)
        await log.deleteRecordsBefore(Math.min(start, log.endOffset))
        await expectAgrees(log, times)
        await log.close()
        log = await openLog(directory, options)
        await expectAgrees(log, times)
        await log.close()
        for (const name of ['index.db', 'index.db-wal', 'index.db-shm'])
          rmSync(join(directory, name), { force: true })
        log = await openLog(directory, options)
        await expectAgrees(log, times)
        await log.close()
      },
    ),
    { seed, numRuns: 12 },
  )
})

describe('a look-up by time', () => {
  it('gives nothing of an empty log, and of one record it or nothing', async () => {
    const log = await openTempLog({ durability: 'os' })
    expect(await log.offsetForTimestamp(0)).toBeUndefined()
    await log.append({ value: 'a', timestamp: 500 })
    await expectAgrees(log, [Number.MIN_SAFE_INTEGER, -1, 0, 499, 500, 501, Number.MAX_SAFE_INTEGER])
  })

  it('sees only what is acknowledged', async () => {
    const log = await openTempLog({ durability: 'disk' })
    const append = log.append({ value: 'a', timestamp: 500 })
    const before = log.readableEndOffset
    const found = await log.offsetForTimestamp(0)
    await append
    expect([before, found === undefined || found.offset === 0]).toEqual([0, true])
    expect(await log.offsetForTimestamp(0)).toEqual({ offset: 0, timestamp: 500 })
  })

  it('goes by the time of the append where the log gives it', async () => {
    const clock = new ManualClock({ wallMs: 10_000 })
    const log = await openTempLog({
      durability: 'os',
      clock,
      cleanup: false,
      config: { ...config, 'message.timestamp.type': 'LogAppendTime' },
    })
    for (let count = 0; count < 50; count++) {
      await log.append([
        { value: 'a', timestamp: 1 },
        { value: 'b', timestamp: 2 },
      ])
      clock.jumpWall(10)
    }
    await expectAgrees(log, [0, 10_000, 10_001, 10_250, 10_490, 10_491])
  })

  it('and from: { timestamp } agree, in what they find and where they begin', async () => {
    const log = await openTempLog({ durability: 'os', config })
    for (let count = 0; count < 100; count++)
      await log.append({ value: `${count}`, timestamp: (count * 37) % 100 })
    for (const timestamp of [0, 1, 50, 98, 99, 100]) {
      const found = await log.offsetForTimestamp(timestamp)
      const [first] = await readAll(log, { from: { timestamp } })
      expect(first?.offset).toBe(found?.offset)
    }
  })

  it('finds records in a log with holes', async () => {
    const directory = await handMadeLog([
      [sparseBatch([5, 9]), sparseBatch([20])],
      { baseOffset: 50, batches: [] },
      [sparseBatch([70, 99])],
    ])
    const log = await openTempLog({}, directory)
    await expectAgrees(log, [0, 1005, 1006, 1009, 1010, 1020, 1021, 1070, 1071, 1099, 1100])
  })

  it('goes on while segments are deleted and records cut off', async () => {
    const log = await openTempLog({ durability: 'os', config: { ...config, 'file.delete.delay.ms': 0 } })
    for (let count = 0; count < 300; count++) await log.append({ value: 'x'.repeat(20), timestamp: count })
    const lookUps = Array.from({ length: 60 }, async (_, at) => {
      const found = await log.offsetForTimestamp(at * 5)
      expect(found === undefined || found.timestamp >= at * 5).toBe(true)
    })
    const changes = [log.deleteRecordsBefore(100), log.clean(), log.truncateTo(250), log.clean()]
    await Promise.all([...lookUps, ...changes])
    await expectAgrees(log, [0, 99, 100, 101, 249, 250, 299])
  })

  it('is refused once the log is closed', async () => {
    const log = await openTempLog({ durability: 'os' })
    await log.close()
    await expect(log.offsetForTimestamp(0)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })
})
