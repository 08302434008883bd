import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { ConfigInput, Log, LogOptions, Random } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { readLogDirectory } from '../helpers/independent-reader.ts'
import {
  expectIndependentReaderAgrees,
  namesOf,
  openTempLog,
  readAll,
  readValues,
} from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const NOW = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000
const SEGMENT = /\.log$/

const at = (timestamp: number) => ({ value: 'x', timestamp })
const bases = (log: Log) => log.segments().map(({ baseOffset }) => baseOffset)

async function open(config: ConfigInput, options: LogOptions = {}, directory = temporaryDirectory()) {
  const clock = new ManualClock({ wallMs: NOW })
  const log = await openTempLog({ cleanup: false, durability: 'os', clock, config, ...options }, directory)
  return { log, clock }
}

/** The size in the file of a batch that holds one value of 1,000 bytes. */
async function oneBatchBytes(): Promise<number> {
  const { log } = await open({})
  await log.append('x'.repeat(1000))
  return log.stats().sizeBytes
}

describe('segment.bytes', () => {
  it('lets a segment end exactly there, so that eleven batches of a tenth make two', async () => {
    const size = await oneBatchBytes()
    const { log } = await open({ 'internal.segment.bytes': size * 10 })
    for (let count = 0; count < 10; count++) await log.append('x'.repeat(1000))
    expect(log.segments()).toMatchObject([
      { baseOffset: 0, nextOffset: 10, sizeBytes: size * 10, active: true },
    ])
    await log.append('x'.repeat(1000))
    expect(bases(log)).toEqual([0, 10])
  })

  it('keeps a byte too many out', async () => {
    const size = await oneBatchBytes()
    const { log } = await open({ 'internal.segment.bytes': size * 10 - 1 })
    for (let count = 0; count < 10; count++) await log.append('x'.repeat(1000))
    expect(bases(log)).toEqual([0, 9])
  })

  it('names a segment by the offset of its first record, in 20 digits', async () => {
    const { log } = await open({ 'internal.segment.bytes': 2500 })
    for (let count = 0; count < 5; count++) await log.append(['x'.repeat(500), 'y'.repeat(500)])
    expect(namesOf(log.directory, '.log')).toEqual(
      [0, 4, 8].map((base) => `${String(base).padStart(20, '0')}.log`),
    )
    expect(log.segments().map(({ path, active }) => [path, active])).toEqual([
      [join(log.directory, '00000000000000000000.log'), false],
      [join(log.directory, '00000000000000000004.log'), false],
      [join(log.directory, '00000000000000000008.log'), true],
    ])
  })

  it('splits what was written together into one write and one sync a segment', async () => {
    const fileSystem = new FaultFileSystem()
    const config = { 'internal.segment.bytes': 100_000, 'max.message.bytes': 40_000 }
    const { log } = await open(config, { fileSystem, index: 'memory', durability: 'disk' })
    fileSystem.calls.length = 0
    await Promise.all(Array.from({ length: 12 }, () => log.append('x'.repeat(30_000))))
    expect(bases(log)).toEqual([0, 3, 6, 9])
    expect(fileSystem.count('write', SEGMENT)).toBe(4)
    expect(fileSystem.count('syncData', SEGMENT)).toBe(4)
    await expectIndependentReaderAgrees(log)
  })

  it('may be so small that a hundred records make a hundred segments, all read in order', async () => {
    const directory = temporaryDirectory()
    const { log } = await open({ 'internal.segment.bytes': 100 }, {}, directory)
    for (let count = 0; count < 100; count++) await log.append(String(count))
    expect(log.segments()).toHaveLength(100)
    expect(await readValues(log)).toEqual(Array.from({ length: 100 }, (_, offset) => String(offset)))
    const stored = () => readFileSync(join(directory, 'recovery-point-offset-checkpoint'), 'utf8').trimEnd()
    await vi.waitFor(() => expect(stored()).toMatch(/\nlog 0 99$/))
    await expectIndependentReaderAgrees(log)
  })

  it('that is lowered while the log is open holds for the next batch', async () => {
    const { log } = await open({})
    await log.append('x'.repeat(3000))
    await log.updateConfig({ 'internal.segment.bytes': 2000 })
    await log.append('y')
    expect(bases(log)).toEqual([0, 1])
  })
})

describe('segment.ms', () => {
  const config = { 'segment.ms': HOUR, 'message.timestamp.after.max.ms': 10 * HOUR }

  it('goes by the times of the records: old data rolls as it first did, without any time passing', async () => {
    const { log } = await open(config)
    const start = Date.UTC(2020, 0, 1)
    for (let minutes = 0; minutes <= 180; minutes += 30) await log.append(at(start + minutes * 60_000))
    expect(bases(log)).toEqual([0, 3, 6]) // an hour later is not yet over an hour
  })

  it('does not go by a clock that jumps', async () => {
    const { log, clock } = await open(config)
    await log.append(at(NOW))
    clock.jumpWall(30 * HOUR)
    await log.append(at(NOW + 1))
    clock.jumpWall(-90 * HOUR)
    await log.append(at(NOW + HOUR - 90 * HOUR))
    expect(bases(log)).toEqual([0])
  })

  it('waits longer after a first record from the future', async () => {
    const { log } = await open(config)
    await log.append(at(NOW + 5 * HOUR))
    await log.append(at(NOW + 2 * HOUR))
    await log.append(at(NOW + 6 * HOUR))
    expect(bases(log)).toEqual([0])
    await log.append(at(NOW + 6 * HOUR + 1))
    expect(bases(log)).toEqual([0, 3])
  })

  it('goes by the clock where the first record has no time', async () => {
    const { log, clock } = await open(config)
    await log.append(at(-1))
    await clock.advance(HOUR)
    await log.append(at(-1))
    expect(bases(log)).toEqual([0])
    await clock.advance(1)
    await log.append(at(-1))
    expect(bases(log)).toEqual([0, 2])
    await log.append(at(-1))
    expect(bases(log)).toEqual([0, 2])
  })

  it('never rolls an empty segment', async () => {
    const { log, clock } = await open(config)
    await clock.advance(30 * HOUR)
    await log.append(at(-1))
    expect(bases(log)).toEqual([0])
  })

  it('knows the time of the first record again after the log was opened anew', async () => {
    const directory = temporaryDirectory()
    const { log } = await open(config, {}, directory)
    await log.append([at(NOW - HOUR), at(NOW)])
    await log.close()
    const { log: again } = await open(config, {}, directory)
    await again.append(at(NOW + HOUR))
    expect(bases(again)).toEqual([0])
    await again.append(at(NOW + HOUR + 1))
    expect(bases(again)).toEqual([0, 3])
  })

  it('is shorter by what segment.jitter.ms drew', async () => {
    const random: Random = { below: (limit) => limit - 1, bytes: (count) => Buffer.alloc(count, 7) }
    const jittered = { ...config, 'segment.jitter.ms': 20 * 60_000 }
    const { log } = await open(jittered, { random })
    const waitMs = 40 * 60_000 + 1 // an hour less the most that can be drawn
    await log.append(at(NOW))
    await log.append(at(NOW + waitMs))
    expect(bases(log)).toEqual([0])
    await log.append(at(NOW + waitMs + 1))
    expect(bases(log)).toEqual([0, 2])
    await log.append(at(NOW + waitMs + 1 + waitMs))
    await log.append(at(NOW + waitMs + 1 + waitMs + 1))
    expect(bases(log)).toEqual([0, 2, 4])
  })
})

describe('segment.ms on the clock', () => {
  const config = { 'segment.ms': HOUR, 'retention.ms': -1, 'log.initial.task.delay.ms': 60_000 }

  it('rolls an idle segment that was written to, at the next check', async () => {
    const { log, clock } = await open(config, { cleanup: true })
    await log.append('x')
    await clock.advance(HOUR)
    expect(bases(log)).toEqual([0])
    await clock.advance(6 * 60_000)
    await vi.waitFor(() => expect(bases(log)).toEqual([0, 1]))
    await clock.advance(5 * HOUR)
    expect(bases(log)).toEqual([0, 1]) // the empty one stays
    expect(await readValues(log)).toEqual(['x'])
  })

  it('is what plan says and clean does', async () => {
    const { log, clock } = await open(config)
    await log.append('x')
    await clock.advance(HOUR)
    expect((await log.plan()).roll).toBeNull()
    await clock.advance(1)
    const plan = await log.plan()
    expect([plan.roll, plan.deleteCount]).toEqual(['segment.ms', 0])
    expect(await log.clean({ plan })).toMatchObject({ rolled: true, deleted: [] })
    expect(bases(log)).toEqual([0, 1])
    expect((await log.clean()).rolled).toBe(false)
  })

  it('counts from our first write to it, not from what an earlier process wrote', async () => {
    const directory = temporaryDirectory()
    const { log } = await open(config, {}, directory)
    await log.append('x')
    await log.close()
    const { log: again, clock } = await open(config, {}, directory)
    await clock.advance(5 * HOUR)
    expect((await again.plan()).roll).toBeNull()
    await again.append('y')
    await clock.advance(HOUR + 1)
    expect((await again.plan()).roll).toBe('segment.ms')
  })
})

describe('segment.index.bytes', () => {
  it("rolls when Kafka's index of that size would be full", async () => {
    const { log } = await open({ 'segment.index.bytes': 32, 'index.interval.bytes': 0 })
    for (let count = 0; count < 9; count++) await log.append({ value: 'x', timestamp: NOW + count })
    // 32 bytes hold 2 time entries, and the last is kept free: one entry, which the second batch gives
    expect(bases(log)).toEqual([0, 2, 4, 6, 8])
    await expectIndependentReaderAgrees(log)
  })
})

describe('roll', () => {
  it('closes a segment with something in it, and leaves an empty one alone', async () => {
    const { log } = await open({})
    await log.roll()
    expect(bases(log)).toEqual([0])
    await log.append(['a', 'b'])
    await log.roll()
    await log.roll()
    expect(bases(log)).toEqual([0, 2])
    expect(log.durableOffset).toBe(2)
    expect(await readAll(log, { from: 2 })).toEqual([])
    await log.append('c')
    expect(await readValues(log)).toEqual(['a', 'b', 'c'])
  })

  it('takes place between the appends around it, however many there are', async () => {
    const { log } = await open({})
    const calls: Promise<unknown>[] = []
    for (let count = 0; count < 10; count++) calls.push(log.append(String(count)), log.roll(), log.roll())
    await Promise.all(calls)
    expect(bases(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(readLogDirectory(log.directory).map(({ batches }) => batches.length)).toEqual([
      ...Array(10).fill(1),
      0,
    ])
    await expectIndependentReaderAgrees(log)
  })

  it('keeps the facts of closed segments', async () => {
    const { log } = await open({})
    await log.append([
      { value: 'a', timestamp: 7 },
      { value: 'b', timestamp: 5 },
    ])
    await log.roll()
    await log.append({ value: 'c', timestamp: 3 })
    expect(log.segments()).toMatchObject([
      { baseOffset: 0, nextOffset: 2, maxTimestamp: 7, active: false, appendedAt: NOW },
      { baseOffset: 2, nextOffset: 3, maxTimestamp: 3, active: true, appendedAt: NOW },
    ])
  })
})
