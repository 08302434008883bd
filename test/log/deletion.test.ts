import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type CleanPlan, type ConfigInput, encodeBatch, type Log, type LogOptions } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { copyOf } from '../helpers/log-files.ts'
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

const bases = (log: Log) => log.segments().map(({ baseOffset }) => baseOffset)

async function open(config: ConfigInput = {}, options: LogOptions = {}, directory = temporaryDirectory()) {
  const clock = new ManualClock({ wallMs: NOW })
  const log = await openTempLog(
    { cleanup: false, durability: 'os', clock, config: { 'retention.ms': HOUR, ...config }, ...options },
    directory,
  )
  return { log, clock, directory }
}

/** Segments of five records each, `from` an offset on; the last is active. */
async function fill(log: Log, segments: number): Promise<void> {
  for (let slot = 0; slot < segments; slot++) {
    if (slot > 0) await log.roll()
    for (let count = 0; count < 5; count++) await log.append(`${log.endOffset}`.padEnd(50))
  }
}

describe('a plan', () => {
  it('says of every segment whether it goes, why, what blocks it and when it will, and does nothing', async () => {
    const { log, clock } = await open({ 'retention.bytes': 600 })
    await fill(log, 2)
    await clock.advance(1000)
    await log.roll()
    await fill(log, 2)
    const before = [log.segments(), namesOf(log.directory, '')]
    const plan = await log.plan()
    expect([log.segments(), namesOf(log.directory, '')]).toEqual(before)
    expect(plan).toMatchObject({
      at: NOW + 1000,
      startOffset: 0,
      endOffset: 20,
      newStartOffset: 10,
      deleteCount: 2,
      roll: null,
      blocked: null,
    })
    expect(
      plan.segments.map(({ baseOffset, nextOffset, action, rule, ageMs, dueAt, active }) => [
        baseOffset,
        nextOffset,
        action,
        rule,
        ageMs,
        dueAt,
        active,
      ]),
    ).toEqual([
      [0, 5, 'delete', 'retention.bytes', 1000, null, false],
      [5, 10, 'delete', 'retention.bytes', 1000, null, false],
      [10, 15, 'keep', null, 0, NOW + 1000 + HOUR + 1, false],
      [15, 20, 'keep', null, 0, NOW + 1000 + HOUR + 1, true],
    ])
    expect(plan.deleteBytes).toBe(plan.segments[0]!.sizeBytes + plan.segments[1]!.sizeBytes)
    for (const { reason } of plan.segments) expect(reason).toMatch(/retention\.(bytes|ms)/)
  })

  it('is carried out exactly, though more could go by now', async () => {
    const { log, clock } = await open()
    await fill(log, 1)
    await clock.advance(HOUR / 2)
    await log.roll()
    await fill(log, 2)
    await clock.advance(HOUR / 2 + 1)
    const plan = JSON.parse(JSON.stringify(await log.plan())) as CleanPlan // a plan survives being written down
    await clock.advance(3 * HOUR)
    const report = await log.clean({ plan })
    expect(report).toMatchObject({ at: plan.at, rolled: false, skipped: [], failures: [] })
    expect([report.deleted.map(({ baseOffset }) => baseOffset), bases(log)]).toEqual([[0], [5, 10]])
  })

  it('carried out twice finds nothing the second time', async () => {
    const { log, clock } = await open()
    await fill(log, 3)
    await clock.advance(2 * HOUR)
    const plan = await log.plan()
    expect((await log.clean({ plan })).deleted).toHaveLength(3)
    const again = await log.clean({ plan })
    expect([again.deleted, again.rolled, again.skipped.map(({ baseOffset }) => baseOffset)]).toEqual([
      [],
      false,
      [0, 5, 10],
    ])
    expect(bases(log)).toEqual([15])
  })

  it('skips what was appended to since, and what came in its place', async () => {
    const { log, clock } = await open()
    await fill(log, 2)
    await clock.advance(2 * HOUR)
    const plan = await log.plan()
    expect([plan.roll, plan.deleteCount]).toEqual(['all-expired', 2])
    await log.append('young')
    const report = await log.clean({ plan })
    expect(report.rolled).toBe(false)
    expect(report.deleted.map(({ baseOffset }) => baseOffset)).toEqual([0])
    expect(report.skipped).toMatchObject([{ baseOffset: 5, why: expect.stringMatching(/changed|appended/) }])
    const later = await log.plan()
    await log.truncateTo(7)
    expect((await log.clean({ plan: later })).deleted).toEqual([])
    expect(bases(log)).toEqual([5])
  })

  it('never takes a record that was accepted while it was being carried out', async () => {
    const { log, clock } = await open({ 'internal.segment.bytes': 400 })
    await log.append(['old', 'old'])
    await clock.advance(2 * HOUR)
    const plan = await log.plan()
    expect([plan.roll, plan.deleteCount]).toEqual(['all-expired', 1])
    const cleaning = log.clean({ plan })
    // The first of these, a batch of its own, still goes into the segment that was planned as the last; then it rolls.
    const young = [log.appendBatch(encodeBatch([{ value: 'young 0', timestamp: clock.now() }], {}))]
    for (let count = 1; count < 4; count++) young.push(log.append(`young ${count}`.padEnd(300)))
    const report = await cleaning
    await Promise.all(young)
    expect([report.deleted, report.failures, bases(log)[0]]).toEqual([[], [], 0])
    expect((await readValues(log)).map((value) => value?.trim())).toEqual([
      'old',
      'old',
      'young 0',
      'young 1',
      'young 2',
      'young 3',
    ])
  })

  it('never takes a segment for older than what was appended while its headers were read', async () => {
    const directory = temporaryDirectory()
    const { log: first } = await open({}, {}, directory)
    await first.append(['old', 'old'])
    await first.close()
    const fileSystem = new FaultFileSystem()
    const { log, clock } = await open({}, { fileSystem, index: 'sqlite' }, directory)
    await clock.advance(2 * HOUR)
    const hold = fileSystem.hold('read', /\.log$/)
    const cleaning = log.clean({ now: NOW + 2 * HOUR })
    await hold.reached // what the index says of the segment is being confirmed
    await log.append('young')
    hold.release()
    expect((await cleaning).deleted).toEqual([])
    expect(log.segments()).toMatchObject([{ nextOffset: 3, maxTimestamp: NOW + 2 * HOUR }])
    await log.close()
    const { log: again } = await open({}, {}, directory)
    expect([again.recovery.clean, await readValues(again)]).toEqual([true, ['old', 'old', 'young']])
  })
})

describe('a deleted segment', () => {
  it('takes with it what Kafka kept beside it', async () => {
    const { log, directory } = await open()
    await fill(log, 3)
    await log.close()
    const names = [0, 5, 10].flatMap((base) =>
      ['index', 'timeindex'].map((kind) => `${String(base).padStart(20, '0')}.${kind}`),
    )
    for (const name of names) writeFileSync(join(directory, name), 'what Kafka found')
    const { log: again } = await open({}, {}, directory)
    await again.updateConfig({ 'file.delete.delay.ms': 1000 }) // a log that Kafka has had is not cleaned without one
    await again.deleteRecordsBefore(7)
    await again.clean()
    expect(bases(again)).toEqual([5, 10])
    const left = names.filter((name) => existsSync(join(directory, name)))
    expect(left).toEqual(names.slice(2, 4)) // those of the active segment went when it was opened
  })
})

describe('file.delete.delay.ms', () => {
  it('is how long a renamed file stays', async () => {
    const { log, clock, directory } = await open({ 'file.delete.delay.ms': 10_000 })
    await fill(log, 3)
    await clock.advance(2 * HOUR)
    await log.clean()
    expect([namesOf(directory, '.log').length, namesOf(directory, '.log.deleted').length]).toEqual([1, 3])
    expect(log.stats().waitingToBeRemoved).toBe(3)
    await clock.advance(9_999)
    expect(namesOf(directory, '.log.deleted')).toHaveLength(3)
    await clock.advance(1)
    await vi.waitFor(() => expect(log.stats().waitingToBeRemoved).toBe(0))
    expect(namesOf(directory, '.log.deleted')).toEqual([])
  })

  it('that is changed while the log is open holds for the next deletion', async () => {
    const { log, clock, directory } = await open()
    await fill(log, 2)
    await log.updateConfig({ 'file.delete.delay.ms': 0 })
    await clock.advance(2 * HOUR)
    await log.clean()
    await clock.advance(0)
    await vi.waitFor(() => expect(namesOf(directory, '.log.deleted')).toEqual([]))
  })

  it('does not outlast the log: what is left goes at the next opening', async () => {
    const { log, clock, directory } = await open()
    await fill(log, 3)
    await clock.advance(2 * HOUR)
    await log.clean()
    await log.close()
    expect(namesOf(directory, '.log.deleted')).toHaveLength(3)
    const { log: again } = await open({}, {}, directory)
    expect(namesOf(directory, '.log.deleted')).toEqual([])
    expect([again.startOffset, again.recovery.clean]).toEqual([15, true])
  })
})

describe('deleting under a reader', () => {
  it('leaves it all that was there when it began, however many files that is', async () => {
    const { log, clock, directory } = await open({ 'file.delete.delay.ms': 0 })
    await fill(log, 90) // more than are kept open for reading at once
    const reader = log.read({ maxBytes: 4096 })
    for (let offset = 0; offset < 7; offset++) expect((await reader.next()).value).toMatchObject({ offset })
    await clock.advance(2 * HOUR)
    expect((await log.clean()).deleted).toHaveLength(90)
    await clock.advance(HOUR)
    for (let offset = 7; offset < 450; offset++) expect((await reader.next()).value).toMatchObject({ offset })
    expect(await reader.next()).toMatchObject({ done: true })
    await vi.waitFor(() => expect(namesOf(directory, '.log.deleted')).toEqual([]))
    await expect(log.read({ from: 449 }).next()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      expected: [450, 450],
    })
  })

  it('lets one that follows go on with what comes next', async () => {
    const { log, clock } = await open()
    await fill(log, 2)
    const reader = log.read({ follow: true })
    for (let offset = 0; offset < 10; offset++) await reader.next()
    const next = reader.next()
    await clock.advance(2 * HOUR)
    await log.clean()
    await log.append('new')
    expect((await next).value).toMatchObject({ offset: 10 })
    await reader.return?.()
  })

  it('lets go of the file when the reader gives up half-way', async () => {
    const { log, clock, directory } = await open({ 'file.delete.delay.ms': 0 })
    await fill(log, 3)
    for await (const { offset } of log.read()) {
      if (offset < 6) continue
      await clock.advance(2 * HOUR)
      await log.clean()
      await clock.advance(0)
      expect(namesOf(directory, '.log.deleted').length).toBeGreaterThan(0)
      break
    }
    await vi.waitFor(() => expect(namesOf(directory, '.log.deleted')).toEqual([]))
  })

  it('never breaks readers that begin and end all the time', async () => {
    const { log, clock } = await open({ 'file.delete.delay.ms': 0, 'internal.segment.bytes': 400 })
    const state = { isDone: false }
    const readers = Array.from({ length: 4 }, async () => {
      let count = 0
      while (!state.isDone) {
        let last = -1
        for await (const { offset } of log.read({ maxBytes: 4096 })) {
          if (last >= 0) expect(offset).toBe(last + 1)
          last = offset
          count++
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
      return count
    })
    for (let round = 0; round < 12; round++) {
      await Promise.all(Array.from({ length: 10 }, () => log.append('x'.repeat(100))))
      await clock.advance(2 * HOUR)
      await log.clean({ force: true })
    }
    state.isDone = true
    for (const count of await Promise.all(readers)) expect(count).toBeGreaterThanOrEqual(0)
    expect(log.startOffset).toBe(120)
  })
})

describe('a crash while segments are deleted', () => {
  it('comes after the start offset is durable: the files below it are there, and go at the next clean', async () => {
    const fileSystem = new FaultFileSystem()
    const { log, clock, directory } = await open({}, { fileSystem, index: 'memory' })
    await fill(log, 3)
    await clock.advance(HOUR / 2)
    await log.roll()
    await fill(log, 1)
    await clock.advance(HOUR / 2 + 1)
    const hold = fileSystem.hold('rename', /\.deleted$/)
    const cleaning = log.clean()
    await hold.reached
    const copy = copyOf(directory)
    hold.release()
    await cleaning
    const { log: crashed } = await open({}, {}, copy)
    expect([crashed.startOffset, bases(crashed), crashed.recovery.damage]).toEqual([15, [0, 5, 10, 15], []])
    expect((await readAll(crashed)).map(({ offset }) => offset)).toEqual([15, 16, 17, 18, 19])
    await expect(crashed.get(14)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    expect((await crashed.clean()).deleted.map(({ rule }) => rule)).toEqual(
      Array.from({ length: 3 }, () => 'log-start-offset'),
    )
    await expectIndependentReaderAgrees(crashed)
  })

  it('between two renames leaves no hole', async () => {
    const fileSystem = new FaultFileSystem()
    const { log, clock, directory } = await open({}, { fileSystem, index: 'memory' })
    await fill(log, 4)
    await clock.advance(2 * HOUR)
    fileSystem.fail('rename', { name: /\.deleted$/, code: 'EIO', skip: 2 })
    const report = await log.clean()
    expect(report.deleted.map(({ baseOffset }) => baseOffset)).toEqual([0, 5])
    expect(report.failures).toMatchObject([{ error: { code: 'IO_FAILED', cause: { code: 'EIO' } } }])
    expect([report.startOffset, log.startOffset, bases(log)]).toEqual([20, 20, [10, 15, 20]])
    const copy = copyOf(directory)
    const { log: crashed } = await open({}, {}, copy)
    expect([crashed.startOffset, crashed.endOffset, bases(crashed)]).toEqual([20, 20, [10, 15, 20]])
    expect((await log.clean()).deleted.map(({ baseOffset }) => baseOffset)).toEqual([10, 15])
    expect(existsSync(directory)).toBe(true)
  })
})

describe('many things at once', () => {
  it('take effect one after another and leave a sound log', async () => {
    const { log, clock } = await open({ 'internal.segment.bytes': 1000 })
    await fill(log, 6)
    await clock.advance(2 * HOUR)
    const results = await Promise.allSettled([
      log.clean(),
      log.append('a'),
      log.deleteRecordsBefore(12),
      log.clean(),
      log.roll(),
      log.append('b'),
      log.updateConfig({ 'retention.ms': 5 * HOUR }),
      log.clean(),
      log.flush(),
    ])
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
    expect([log.endOffset, await readValues(log, { from: { last: 2 } })]).toEqual([32, ['a', 'b']])
    await expectIndependentReaderAgrees(log)
  })
})
