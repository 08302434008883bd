import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { CleanPlan, ConfigInput, Log, LogOptions } from '../../src/index.ts'
import { encodeBatch } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import {
  expectIndependentReaderAgrees,
  namesOf,
  openTempLog,
  readAll,
  readValues,
} from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const NOW = Date.UTC(2026, 0, 1)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

const bases = (log: Log) => log.segments().map(({ baseOffset }) => baseOffset)
const at = (timestamp: number) => ({ value: 'x'.repeat(100), timestamp })

async function open(config: ConfigInput = {}, options: LogOptions = {}, directory = temporaryDirectory()) {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock({ wallMs: NOW })
  const log = await openTempLog({ cleanup: false, durability: 'os', config, ...options, clock }, directory)
  return { log, clock, directory }
}

/** A segment of `perSegment` records for each of `timestamps`, the last of them active. */
async function fill(log: Log, timestamps: readonly number[], perSegment = 5): Promise<void> {
  for (const [slot, timestamp] of timestamps.entries()) {
    if (slot > 0) await log.roll()
    for (let count = 0; count < perSegment; count++) await log.append(at(timestamp))
  }
}

/** The text of `leader-epoch-checkpoint`, from pairs of an epoch and an offset. */
const text = (pairs: string) =>
  `0\n${pairs.split(' ').length / 2}\n${pairs.replaceAll(/(\d+ \d+) ?/g, '$1\n')}`

const fates = (plan: CleanPlan) =>
  plan.segments.map(({ action, rule, blockedBy }) => rule ?? blockedBy ?? action)

describe('retention.ms', () => {
  const config = { 'retention.ms': HOUR }

  it('takes what is older, strictly', async () => {
    const { log, clock } = await open(config)
    await fill(log, [NOW - 2, NOW - 1, NOW])
    await clock.advance(HOUR - 2)
    expect((await log.clean()).deleted).toEqual([])
    await clock.advance(1)
    const report = await log.clean()
    expect(report).toMatchObject({ rolled: false, startOffset: 5, failures: [], skipped: [] })
    expect(report.deleted).toMatchObject([{ baseOffset: 0, rule: 'retention.ms' }])
    expect([bases(log), log.startOffset, log.endOffset]).toEqual([[5, 10], 5, 15])
    expect((await readAll(log))[0]?.offset).toBe(5)
    await expect(log.get(4)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', expected: [5, 15] })
    await expectIndependentReaderAgrees(log)
  })

  it('rolls and takes everything when all of it is older, once', async () => {
    const { log, clock } = await open(config)
    await fill(log, [NOW, NOW, NOW])
    await clock.advance(2 * HOUR)
    expect((await log.plan()).roll).toBe('all-expired')
    expect(await log.clean()).toMatchObject({ rolled: true, startOffset: 15 })
    expect([bases(log), log.startOffset, log.endOffset]).toEqual([[15], 15, 15])
    expect(await log.clean()).toMatchObject({ rolled: false, deleted: [] })
    expect(await log.append('next')).toMatchObject({ baseOffset: 15 })
    expect(await readValues(log)).toEqual(['next'])
  })

  it('leaves an empty log alone', async () => {
    const { log, clock } = await open(config)
    await clock.advance(YEAR)
    expect(await log.clean({ force: true })).toMatchObject({ rolled: false, deleted: [] })
    expect(bases(log)).toEqual([0])
  })

  it('takes a prefix only: an old segment behind a young one waits for it', async () => {
    const { log, clock } = await open(config)
    await fill(log, [NOW - 50 * MINUTE, NOW, NOW - 50 * MINUTE, NOW - 50 * MINUTE])
    await clock.advance(40 * MINUTE)
    expect(fates(await log.plan())).toEqual(['retention.ms', 'keep', 'earlier-segment', 'earlier-segment'])
    expect((await log.clean()).deleted.map(({ baseOffset }) => baseOffset)).toEqual([0])
  })

  it('takes no segment that has one young record', async () => {
    const { log, clock } = await open(config)
    await log.append([at(NOW - 5 * DAY), at(NOW), at(NOW - 9 * DAY)])
    await log.roll()
    await clock.advance(HOUR)
    expect((await log.clean()).deleted).toEqual([])
  })

  it('of -1 keeps everything for ever', async () => {
    const { log, clock } = await open({ 'retention.ms': -1 })
    await fill(log, [0, NOW - YEAR])
    await clock.advance(10 * YEAR)
    expect((await log.clean({ force: true })).deleted).toEqual([])
  })

  it('of 0 takes all that is older than now', async () => {
    const { log, clock } = await open({ 'retention.ms': 0 })
    await fill(log, [NOW, NOW])
    expect((await log.clean()).deleted).toEqual([])
    await clock.advance(1)
    expect((await log.clean()).deleted).toHaveLength(2)
  })

  it('goes by the append time where records have no time, or one from the future', async () => {
    const { log, clock } = await open({ ...config, 'message.timestamp.after.max.ms': 20 * YEAR })
    await fill(log, [-1, NOW + 10 * YEAR, NOW + 10 * YEAR, NOW])
    const plan = await log.plan()
    expect([plan.futureTimestamps, plan.deleteCount]).toEqual([2, 0])
    expect(plan.segments.map(({ futureTimestamp }) => futureTimestamp)).toEqual([false, true, true, false])
    await clock.advance(HOUR + 1)
    expect((await log.clean()).deleted).toHaveLength(4)
  })

  it('goes by the append time where records have nanoseconds for milliseconds', async () => {
    const unlimited = { ...config, 'message.timestamp.after.max.ms': '9223372036854775807' }
    const { log, clock } = await open(unlimited)
    const nanoseconds = BigInt(NOW) * 1_000_000n
    await log.append(at(NOW * 1000)) // micro, which still is a safe number
    await log.appendBatch(encodeBatch([{ timestampExact: nanoseconds, value: 'x' }], {}))
    expect(await readAll(log)).toMatchObject([
      { timestamp: NOW * 1000 },
      { timestamp: Number.MAX_SAFE_INTEGER, timestampExact: nanoseconds },
    ])
    expect(await log.offsetForTimestamp(NOW - 1)).toMatchObject({ offset: 0 })
    await clock.advance(HOUR)
    expect((await log.clean()).deleted).toEqual([])
    await clock.advance(1)
    expect((await log.clean()).deleted).toHaveLength(2) // going by their times, segment.ms had passed between the two
  })
})

describe('retention.bytes', () => {
  it('keeps at least so many', async () => {
    const { log } = await open({ 'retention.ms': -1 })
    await fill(log, [NOW, NOW, NOW])
    const size = log.stats().sizeBytes / 3
    await log.updateConfig({ 'retention.bytes': 2 * size + 1 })
    expect((await log.clean()).deleted).toEqual([])
    await log.updateConfig({ 'retention.bytes': 2 * size })
    expect((await log.clean()).deleted).toMatchObject([
      { baseOffset: 0, rule: 'retention.bytes', sizeBytes: size },
    ])
    expect(bases(log)).toEqual([5, 10])
  })

  it('of five segments and ten bytes keeps six of twenty', async () => {
    const { log } = await open({ 'retention.ms': -1 })
    await fill(
      log,
      Array.from({ length: 20 }, () => NOW),
      1,
    )
    await log.updateConfig({ 'retention.bytes': (log.stats().sizeBytes / 20) * 5 + 10 })
    await log.clean()
    expect(log.segments()).toHaveLength(6)
  })

  it('of 0 takes everything, the active segment too', async () => {
    const { log } = await open({ 'retention.ms': -1, 'retention.bytes': 0 })
    await fill(log, [NOW, NOW])
    expect(await log.clean()).toMatchObject({ rolled: true, startOffset: 10 })
    expect(bases(log)).toEqual([10])
  })
})

describe('the start offset', () => {
  it.each([
    [1, 3],
    [5, 2],
    [6, 2],
    [10, 1],
    [15, 1],
  ])('of %d leaves %d of three segments of five', async (offset, left) => {
    const { log } = await open({ 'retention.ms': -1 })
    await fill(log, [NOW, NOW, NOW])
    await log.deleteRecordsBefore(offset)
    expect([log.startOffset, bases(log)]).toEqual([offset, [0, 5, 10]])
    const report = await log.clean()
    expect(report.deleted.every(({ rule }) => rule === 'log-start-offset')).toBe(true)
    expect([log.segments().length, log.startOffset, log.endOffset]).toEqual([left, offset, 15])
  })

  it('is where it was after reopening, clean or not', async () => {
    const { log, directory } = await open()
    await fill(log, [NOW, NOW])
    await log.deleteRecordsBefore(7)
    await log.deleteRecordsBefore(3) // below it: nothing
    expect(log.startOffset).toBe(7)
    await log.close()
    const { log: again } = await open({}, {}, directory)
    expect([again.startOffset, (await readAll(again)).map(({ offset }) => offset)]).toEqual([7, [7, 8, 9]])
    await expect(again.get(6)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
  })

  it('is durable before deleteRecordsBefore resolves, after the bytes below the end', async () => {
    const fileSystem = new FaultFileSystem()
    const { log } = await open({}, { fileSystem, index: 'memory' })
    await log.append(['a', 'b', 'c'])
    fileSystem.calls.length = 0
    await log.deleteRecordsBefore(2)
    const ended = fileSystem.calls
      .filter((call) => call.ended === true)
      .map(({ kind, name }) => `${kind} ${name}`)
    expect(ended.slice(0, 3)).toEqual([
      'syncData 00000000000000000000.log',
      'syncData log-start-offset-checkpoint.tmp',
      'rename log-start-offset-checkpoint',
    ])
    expect(ended[3]).toMatch(/^syncDirectory/)
  })

  it('may be the end that was acknowledged and no further; and needs a policy that deletes', async () => {
    const fileSystem = new FaultFileSystem()
    const { log } = await open({}, { fileSystem, index: 'memory' })
    await log.append(['a', 'b'])
    await expect(log.deleteRecordsBefore(3)).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      expected: [0, 2],
    })
    const hold = fileSystem.hold('syncData', /\.log$/)
    const underWay = log.append('c', { durability: 'disk' })
    await hold.reached
    await expect(log.deleteRecordsBefore(3)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    hold.release()
    await underWay
    await log.updateConfig({ 'cleanup.policy': 'compact' })
    await expect(log.deleteRecordsBefore(1)).rejects.toMatchObject({ code: 'POLICY_VIOLATION' })
    await log.updateConfig({ 'cleanup.policy': 'compact,delete' })
    await log.deleteRecordsBefore(3)
    expect([log.startOffset, await readValues(log)]).toEqual([3, []])
    expect(await log.append({ key: 'k', value: 'd' })).toMatchObject({ baseOffset: 3 })
  })

  it.each([
    [5, '0 0 1 5 2 10', '1 5 2 10'],
    [5, '0 0 1 7 2 10', '0 5 1 7 2 10'],
    [12, '0 0 1 5 2 10', '2 12'],
  ])('of %d leaves of the leader epochs %s what is %s', async (offset, before, after) => {
    const { log, directory } = await open()
    await fill(log, [NOW, NOW, NOW])
    await log.close()
    const path = join(directory, 'leader-epoch-checkpoint')
    writeFileSync(path, text(before))
    const { log: again } = await open({}, {}, directory)
    await again.deleteRecordsBefore(offset)
    expect(readFileSync(path, 'utf8')).toBe(text(after))
  })

  it('wakes nobody to an error who reads past it', async () => {
    const { log } = await open()
    await log.append(['a', 'b', 'c'])
    const reader = log.read({ from: 2, follow: true })
    expect((await reader.next()).value).toMatchObject({ offset: 2 })
    const next = reader.next()
    await log.deleteRecordsBefore(3)
    await log.append('d')
    expect((await next).value).toMatchObject({ offset: 3 })
    await reader.return?.()
  })
})

describe('cleanup.policy', () => {
  it.each([
    ['compact', 3],
    ['compact,delete', 1],
    ['', 3],
  ])('of "%s" leaves %d segments of three expired ones', async (policy, left) => {
    const { log, clock } = await open({ 'retention.ms': HOUR, 'cleanup.policy': policy })
    for (let segment = 0; segment < 3; segment++) {
      await log.append({ key: 'k', value: 'x' })
      if (segment < 2) await log.roll()
    }
    await clock.advance(2 * HOUR)
    await log.clean()
    expect(log.segments()).toHaveLength(left)
  })

  it('that keeps everything still lets go what lies below the start offset', async () => {
    const { log, clock } = await open({ 'retention.ms': HOUR })
    await fill(log, [NOW, NOW, NOW])
    await log.deleteRecordsBefore(6)
    await log.updateConfig({ 'cleanup.policy': 'compact' })
    await clock.advance(2 * HOUR)
    expect(fates(await log.plan())).toEqual(['log-start-offset', 'policy', 'policy'])
    await log.clean()
    expect(bases(log)).toEqual([5, 10])
    await log.updateConfig({ 'cleanup.policy': 'delete' })
    await log.clean()
    expect(bases(log)).toEqual([15])
  })
})

describe('the scheduler', () => {
  const config = {
    'retention.ms': HOUR,
    'log.retention.check.interval.ms': 10 * MINUTE,
    'log.initial.task.delay.ms': MINUTE,
  }

  it('expires an idle log by itself', async () => {
    const { log, clock } = await open(config, { cleanup: true })
    await fill(log, [NOW, NOW])
    await clock.advance(HOUR)
    expect(log.startOffset).toBe(0)
    await clock.advance(11 * MINUTE)
    await vi.waitFor(() => expect([log.startOffset, bases(log)]).toEqual([10, [10]]))
    await clock.advance(DAY)
    expect(bases(log)).toEqual([10])
  })

  it('does nothing with cleanup: false, which clean still can', async () => {
    const { log, clock } = await open(config)
    await fill(log, [NOW, NOW])
    await clock.advance(DAY)
    expect(log.startOffset).toBe(0)
    expect((await log.clean({ force: true })).deleted).toHaveLength(2)
  })

  it('outlives a clean that fails, and does the rest at the next', async () => {
    const fileSystem = new FaultFileSystem()
    const { log, clock, directory } = await open(config, { cleanup: true, fileSystem, index: 'memory' })
    await fill(log, [NOW, NOW, NOW])
    fileSystem.fail('rename', { name: /\.deleted$/, code: 'EACCES', skip: 1 })
    await clock.advance(HOUR + 5 * MINUTE)
    // Below the start, and there again once the second of their files could not be renamed.
    await vi.waitFor(() => expect([log.startOffset, bases(log)]).toEqual([15, [5, 10, 15]]))
    await clock.advance(10 * MINUTE)
    await vi.waitFor(() => expect(bases(log)).toEqual([15]))
    await vi.waitFor(() => expect(namesOf(directory, '.log')).toHaveLength(1))
  })

  it('waits for a steady day when the wall clock jumps ten years ahead, unless it is told not to', async () => {
    const { log, clock } = await open(config, { cleanup: true })
    await fill(log, [NOW, NOW])
    await clock.advance(5 * MINUTE)
    clock.jumpWall(10 * YEAR)
    await clock.advance(20 * MINUTE)
    expect([log.startOffset, bases(log)]).toEqual([0, [0, 5]])
    const plan = await log.plan()
    expect([plan.blocked, fates(plan)]).toEqual(['clock-jump', ['clock-jump', 'clock-jump']])
    expect(await log.clean()).toMatchObject({ blocked: 'clock-jump', deleted: [] })
    expect((await log.clean({ force: true })).deleted).toHaveLength(2)
  })

  it('believes the clock again after a steady day', async () => {
    const { log, clock } = await open(config, { cleanup: true })
    await fill(log, [NOW])
    clock.jumpWall(10 * YEAR)
    await clock.advance(23 * HOUR)
    expect(log.startOffset).toBe(0)
    await clock.advance(2 * HOUR)
    await vi.waitFor(async () => {
      await clock.advance(5 * MINUTE) // on a slow disk the last tick may have found the one before still at work
      expect(log.startOffset).toBe(5)
    })
  })

  it('takes nothing early when the wall clock goes back three days, and appends go on', async () => {
    const { log, clock } = await open(config, { cleanup: true })
    await fill(log, [NOW])
    clock.jumpWall(-3 * DAY)
    await clock.advance(30 * MINUTE)
    expect(log.startOffset).toBe(0)
    expect(await log.append('back then')).toMatchObject({
      baseOffset: 5,
      timestamp: NOW - 3 * DAY + 30 * MINUTE,
    })
    await clock.advance(50 * MINUTE)
    expect(log.startOffset).toBe(0) // the last append was less than an hour ago, whatever the first five say of theirs
    await vi.waitFor(async () => {
      await clock.advance(10 * MINUTE) // on a slow disk a tick may find the one before still at work
      expect(log.startOffset).toBe(6)
    })
  })

  it('judges by the moment it is given', async () => {
    const { log } = await open(config)
    await fill(log, [NOW - 1, NOW])
    expect((await log.plan(NOW + HOUR - 1)).deleteCount).toBe(0)
    expect((await log.plan(NOW + HOUR)).deleteCount).toBe(1)
    expect((await log.clean(NOW + HOUR)).deleted).toHaveLength(1)
    expect((await log.clean({ now: NOW + HOUR + 1 })).deleted).toHaveLength(1)
  })
})
