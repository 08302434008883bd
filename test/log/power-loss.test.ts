/*
 * Moments at which a power loss once did harm, or would: found by visiting every crash point of whole runs (test/crash),
 * and kept here each by itself.
 */
import { describe, expect, it } from 'vitest'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { CrashFileSystem, FaultPlan, ManualClock } from '../../src/testing/index.ts'
import { readValues } from '../helpers/temp-log.ts'

const TORN = { bytes: 'torn', names: 'some' } as const
const LOST = { bytes: 'lost', names: 'lost' } as const

async function begin(options: LogOptions = {}) {
  const faults = new FaultPlan()
  const clock = new ManualClock()
  const fileSystem = new CrashFileSystem({ faults, now: () => clock.now() })
  const config = { 'internal.segment.bytes': 200, 'retention.ms': 60_000 }
  const open = (on: CrashFileSystem = fileSystem): Promise<Log> =>
    openLog('/log', { config, clock, cleanup: false, fileSystem: on, ...options })
  return { faults, clock, fileSystem, open, log: await open() }
}

async function fill(log: Log, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await log.append(`v${log.endOffset}`.padEnd(60, '.'))
}

/** Opens what is left after each operation from `from` on, with each of several draws of which names survived. */
async function openAtEveryPoint(
  fileSystem: CrashFileSystem,
  from: number,
  open: (left: CrashFileSystem) => Promise<Log>,
): Promise<Log[]> {
  const logs: Log[] = []
  for (const point of fileSystem.crashPoints({ from })) {
    for (let salt = 0; salt < 6; salt++)
      logs.push(await open(point.powerLoss({ bytes: 'kept', names: 'some' }, salt)))
  }
  return logs
}

describe('a power loss that keeps some renames and loses others', () => {
  it('in a truncation over several segments leaves no gap', async () => {
    const { fileSystem, log, open } = await begin()
    await fill(log, 12)
    expect(log.segments().length).toBeGreaterThan(4)
    const from = fileSystem.step
    await log.truncateTo(2)
    const ends = (await openAtEveryPoint(fileSystem, from, open)).map(({ endOffset }) => endOffset)
    expect([ends[0], ends.at(-1)]).toEqual([12, 2])
    expect(new Set(ends).size).toBeGreaterThan(3) // a segment at a time
  })

  it('in a retention that takes everything leaves a log that opens, empty', async () => {
    const { clock, fileSystem, log, open } = await begin()
    await fill(log, 12)
    await clock.advance(3_600_000)
    const from = fileSystem.step
    const report = await log.clean()
    expect([report.rolled, report.deleted.length]).toEqual([true, 12])
    for (const left of await openAtEveryPoint(fileSystem, from, open)) {
      expect([0, 12]).toContain(left.startOffset)
      expect([left.endOffset, left.recovery.damage]).toEqual([12, []])
    }
  })
})

describe('a log that was being made when its process was killed', () => {
  it('opens for writing after a power loss at any moment of being made again', async () => {
    const { fileSystem, open } = await begin()
    for (const killed of fileSystem.crashPoints()) {
      const again = killed.kill()
      await open(again)
      for (const point of again.crashPoints()) {
        for (let salt = 0; salt < 4; salt++) {
          const left = await open(point.powerLoss({ bytes: 'torn', names: 'some' }, salt))
          expect([left.state, left.endOffset]).toEqual(['open', 0])
        }
      }
    }
  })
})

describe('a record that was refused for want of room', () => {
  it('does not turn up after a power loss that would have undone the cut', async () => {
    const { faults, fileSystem, log, open } = await begin()
    await log.append('kept')
    faults.fail('write', { name: /\.log$/, code: 'ENOSPC', shortBytes: 1000 }) // all of it, and then no room
    await expect(log.append('refused')).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
    for (let salt = 0; salt < 10; salt++) {
      const left = await open([...fileSystem.crashPoints()].at(-1)!.powerLoss(TORN, salt))
      expect(await readValues(left)).toEqual(['kept'])
    }
  })

  it('and had been told at memory is owned up to by flush, once, and by close', async () => {
    const { faults, log } = await begin()
    await log.append('kept')
    faults.fail('write', { name: /\.log$/, code: 'ENOSPC', times: 2 })
    expect(await log.append('lost', { durability: 'memory' })).toMatchObject({ baseOffset: 1 })
    await expect(log.flush()).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
    await log.flush()
    await log.append('lost too', { durability: 'memory' })
    await expect(log.close()).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(log.state).toBe('closed')
  })
})

describe('the directory of a new log', () => {
  it('is made anew after the sync of its name failed, or all that is put into it would be lost with it', async () => {
    const fileSystem = new CrashFileSystem()
    fileSystem.faults.fail('syncDirectory', { name: /^data$/, code: 'EIO' })
    await expect(openLog('/data/log', { fileSystem })).rejects.toMatchObject({ code: 'EIO' })
    const log = await openLog('/data/log', { fileSystem, cleanup: false })
    await log.append('a')
    const left = await openLog('/data/log', { fileSystem: fileSystem.powerLoss(LOST), cleanup: false })
    expect(await readValues(left)).toEqual(['a'])
  })

  it('has a durable name, also if the process that made it was killed before it synced that', async () => {
    const { fileSystem, log, open } = await begin()
    await log.close()
    for (const point of fileSystem.crashPoints()) {
      const left = point.kill()
      await (await open(left)).append('a')
      expect([point.step, await readValues(await open(left.powerLoss(LOST)))]).toEqual([point.step, ['a']])
    }
  })
})

describe('a sync of the directory that fails', () => {
  it.each<[string, (log: Log) => Promise<unknown>]>([
    ['after a new start offset', (log) => log.deleteRecordsBefore(3)],
    ['after a new configuration', (log) => log.updateConfig({ 'segment.ms': 99_999_999 })],
    ['before a roll goes on', (log) => log.roll()],
    ['in a truncation', (log) => log.truncateTo(1)],
    ['before the first append', (log) => log.append('x')],
  ])('%s poisons the log, and the next opening is careful', async (_, call) => {
    const first = await begin()
    await fill(first.log, 6)
    await first.log.close()
    const { faults, fileSystem, open } = first
    const log = await open()
    faults.fail('syncDirectory', { code: 'EIO' })
    await expect(call(log)).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'EIO' } })
    expect(log.state).toBe('poisoned')
    await log.close()
    expect(fileSystem.paths).toContain('/log/FAILED')
    const again = await open()
    await again.append('goes on')
    const left = await open(fileSystem.powerLoss(LOST))
    expect((await readValues(left)).at(-1)).toBe('goes on')
    expect(fileSystem.paths).not.toContain('/log/FAILED')
  })

  it('while files of deleted segments are renamed is told in the report, and poisons', async () => {
    const { faults, clock, log } = await begin()
    await fill(log, 6)
    await clock.advance(3_600_000)
    await log.roll()
    const plan = await log.plan()
    await log.deleteRecordsBefore(6)
    faults.fail('syncDirectory', { code: 'EIO' })
    const report = await log.clean({ plan })
    expect(report.failures).toMatchObject([{ error: { code: 'LOG_POISONED' } }])
    expect(log.state).toBe('poisoned')
  })

  it('of the recovery point, while a start offset is on its way, lets that go no further', async () => {
    for (let turns = 0; turns < 8; turns++) {
      const { faults, log } = await begin()
      await fill(log, 3)
      faults.fail('syncData', { name: /^recovery-point/, code: 'EIO' })
      await log.roll() // which stores the recovery point behind its back
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      const calls = [log.append('told', { durability: 'os' }), log.deleteRecordsBefore(4)]
      for (const settled of await Promise.allSettled(calls))
        if (settled.status === 'rejected') expect(settled.reason).toMatchObject({ code: 'LOG_POISONED' })
      expect(log.state).toBe('poisoned')
      await log.close()
      expect(log.startOffset).toBeLessThanOrEqual(log.readableEndOffset)
    }
  })

  it('of the recovery point, while the log is being closed or truncated, is not taken for success', async () => {
    for (const call of [(log: Log) => log.close(), (log: Log) => log.truncateTo(1)]) {
      for (let turns = 0; turns < 8; turns++) {
        const { faults, fileSystem, log } = await begin()
        await fill(log, 3)
        faults.fail('syncData', { name: /^recovery-point/, code: 'EIO' })
        await log.roll()
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
        const wasOpen = log.state === 'open'
        const told = await call(log).catch((error: unknown) => error)
        if (wasOpen) expect(told).toMatchObject({ code: 'LOG_POISONED' })
        expect([log.endOffset, fileSystem.paths.includes('/log/.kafka_cleanshutdown')]).toEqual([3, false])
        await log.close().catch(() => {})
        expect(fileSystem.held).toEqual([])
      }
    }
  })

  it('when the recovery point is stored in the background poisons', async () => {
    const { faults, clock, log } = await begin()
    await log.append('a')
    faults.fail('syncDirectory', { code: 'EIO' })
    await clock.advance(6_000)
    expect(log.state).toBe('poisoned')
    await log.close()
  })
})

describe('a log that is poisoned', () => {
  it('stores nothing any more, whatever was about to be', async () => {
    const { faults, clock, fileSystem, log } = await begin()
    await log.append('a')
    faults.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(log.append('b')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await clock.advance(1)
    expect(fileSystem.paths).toContain('/log/FAILED')
    const { step } = fileSystem
    await clock.advance(60_000) // the recovery point was due 5 s after the first append
    expect(fileSystem.operations.slice(step)).toEqual([])
    await log.close()
    expect(fileSystem.operations.slice(step)).toEqual([])
  })

  it('owns up at closing to records told at memory', async () => {
    const { faults, log } = await begin()
    faults.fail('syncData', { name: /\.log$/, code: 'EIO' })
    const told = log.append('perhaps', { durability: 'memory' })
    await expect(log.append('b')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    expect(await told).toMatchObject({ durability: 'memory' })
    const lost = { code: 'LOG_POISONED', message: expect.stringContaining('memory may be lost') as string }
    await expect(log.close()).rejects.toMatchObject(lost)
    expect(log.state).toBe('closed')
  })
})

describe('a sync that fails while a log is opened', () => {
  it('ends the opening, and the next one trusts nothing that the cache shows', async () => {
    const { faults, fileSystem, log, open } = await begin()
    await fill(log, 3)
    await log.append('perhaps', { durability: 'os' })
    const killed = fileSystem.kill()
    killed.faults.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(open(killed)).rejects.toMatchObject({ code: 'IO_FAILED', cause: { code: 'EIO' } })
    const again = await open(killed)
    expect(await readValues(again)).toHaveLength(4)
    await again.append('after')
    expect(await readValues(await open(killed.powerLoss(LOST)))).toHaveLength(5)
    expect(faults.firedCount).toBe(0)
  })
})

describe('a read that fails', () => {
  it('in a truncation rejects with IO_FAILED, and the log goes on', async () => {
    const { faults, log } = await begin()
    await fill(log, 5)
    faults.fail('read', { code: 'EIO', name: /\.log$/ })
    await expect(log.truncateTo(1)).rejects.toMatchObject({ code: 'IO_FAILED', cause: { code: 'EIO' } })
    expect([log.state, log.endOffset]).toEqual(['open', 5])
    await log.truncateTo(1)
    expect(log.endOffset).toBe(1)
  })

  it('at an opening leaves no file open and no lock held', async () => {
    const { fileSystem, log, open } = await begin()
    await fill(log, 5)
    await log.close()
    for (let skip = 0; ; skip++) {
      const copy = fileSystem.kill()
      copy.faults.fail('read', { code: 'EIO', skip })
      const opened = await open(copy).catch((error: unknown) => error)
      if (copy.faults.firedCount === 0) break
      if (!(opened instanceof Error)) await (opened as Log).close()
      expect(copy.held).toEqual([])
    }
  })
})
