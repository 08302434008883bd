import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Durability, Log, LogOptions } from '../../src/index.ts'
import { FaultFileSystem, ManualClock, type RecordedCall } from '../../src/testing/index.ts'
import { copyOf } from '../helpers/log-files.ts'
import { expectIndependentReaderAgrees, openTempLog } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const MIB = 1024 * 1024
const SEGMENT = /\.log$/

interface Opened {
  readonly log: Log
  readonly fileSystem: FaultFileSystem
  readonly clock: ManualClock
}

/** A log over a recording file system, whose list of calls begins empty. */
async function openRecorded(options: LogOptions = {}, directory = temporaryDirectory()): Promise<Opened> {
  const fileSystem = new FaultFileSystem()
  const clock = new ManualClock()
  const log = await openTempLog({ cleanup: false, fileSystem, clock, index: 'memory', ...options }, directory)
  fileSystem.calls.length = 0
  return { log, fileSystem, clock }
}

/** Changes, and what makes them durable, in the order they ended; the watermark is for followers and promises nothing. */
function story(calls: readonly RecordedCall[]): string[] {
  const isAsync = new Set(['syncData', 'syncDirectory', 'rename', 'remove'])
  return calls
    .filter(({ kind, ended }) => (isAsync.has(kind) ? ended === true : kind === 'write' || kind === 'open'))
    .filter(({ kind, mode, name }) => (kind !== 'open' || mode !== 'read') && name !== 'watermark')
    .map(({ kind, name }) => `${kind} ${kind === 'syncDirectory' ? 'directory' : name.replace(/^0{15}/, '')}`)
}

describe('disk', () => {
  it('is told after an fdatasync that began after the last byte was written', async () => {
    const { log, fileSystem } = await openRecorded()
    const hold = fileSystem.hold('syncData', SEGMENT)
    let told = false
    const call = log.append('x').then((result) => {
      told = true
      return result
    })
    await hold.reached
    expect(story(fileSystem.calls)).toEqual(['write 00000.log'])
    expect([told, log.readableEndOffset, log.durableOffset]).toEqual([false, 0, 0])
    hold.release()
    expect((await call).durability).toBe('disk')
    expect(story(fileSystem.calls)).toEqual(['write 00000.log', 'syncData 00000.log'])
    expect(log.durableOffset).toBe(1)
  })

  it('is the default, and what openLog was given is the default of its appends', async () => {
    const { log } = await openRecorded()
    expect((await log.append('x')).durability).toBe('disk')
    const { log: other, fileSystem } = await openRecorded({ durability: 'os' })
    expect((await other.append('x')).durability).toBe('os')
    expect((await other.append('x', { durability: 'disk' })).durability).toBe('disk')
    expect(fileSystem.count('syncData', SEGMENT)).toBe(1)
  })

  it('costs 64 concurrent appenders far fewer syncs than appends, one at a time', async () => {
    const { log, fileSystem } = await openRecorded()
    const rounds = 5
    await Promise.all(
      Array.from({ length: 64 }, async (_, appender) => {
        for (let round = 0; round < rounds; round++) await log.append(`${appender}.${round}`)
      }),
    )
    const syncs = fileSystem.count('syncData', SEGMENT)
    expect(syncs).toBeLessThanOrEqual(rounds * 3)
    expect(fileSystem.count('write', SEGMENT)).toBeLessThanOrEqual(rounds * 3)
    let underWay = 0
    for (const { kind, name, ended } of fileSystem.calls) {
      if (kind !== 'syncData' || !SEGMENT.test(name)) continue
      underWay += ended === true ? -1 : 1
      expect(underWay).toBeLessThanOrEqual(1)
    }
    await expectIndependentReaderAgrees(log)
  })

  it('lets what arrives during a sync wait for the next one, together', async () => {
    const { log, fileSystem } = await openRecorded()
    const hold = fileSystem.hold('syncData', SEGMENT)
    const first = log.append('first')
    await hold.reached
    const others = Array.from({ length: 10 }, () => log.append('other'))
    hold.release()
    await Promise.all([first, ...others])
    expect(story(fileSystem.calls)).toEqual([
      'write 00000.log',
      'syncData 00000.log',
      'write 00000.log',
      'syncData 00000.log',
    ])
  })
})

describe('os and memory', () => {
  it('os is told once the write has returned, without a sync', async () => {
    const { log, fileSystem } = await openRecorded({ durability: 'os' })
    expect((await log.append('x')).durability).toBe('os')
    expect(story(fileSystem.calls)).toEqual(['write 00000.log'])
    expect([log.readableEndOffset, log.durableOffset]).toEqual([1, 0])
  })

  it('memory is told at once, even if the write fails later; flush says so then, once', async () => {
    const { log, fileSystem } = await openRecorded({ durability: 'memory' })
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC' })
    const call = log.append('x')
    expect([fileSystem.calls, log.endOffset]).toEqual([[], 1])
    expect(await call).toMatchObject({ baseOffset: 0, durability: 'memory' })
    await expect(log.flush()).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
    await log.flush()
    expect([log.endOffset, log.readableEndOffset]).toEqual([0, 0])
  })

  it('wait behind an append that asked for more, and say then that they got more', async () => {
    const { log, fileSystem } = await openRecorded()
    const hold = fileSystem.hold('syncData', SEGMENT)
    const order: string[] = []
    const note = (durability: Durability) =>
      log.append('x', { durability }).then((result) => order.push(`${durability}: ${result.durability}`))
    const calls = [note('memory'), note('disk'), note('memory'), note('os')]
    await hold.reached
    expect(order).toEqual(['memory: memory'])
    hold.release()
    await Promise.all(calls)
    expect(order).toEqual(['memory: memory', 'disk: disk', 'memory: disk', 'os: disk'])
  })

  it('are synced in the background a second later', async () => {
    const { log, fileSystem, clock } = await openRecorded({ durability: 'os' })
    await log.append('x')
    await clock.advance(999)
    expect(fileSystem.count('syncData')).toBe(0)
    await clock.advance(1)
    await vi.waitFor(() => expect(log.durableOffset).toBe(1))
    await clock.advance(3_000)
    expect(fileSystem.count('syncData', SEGMENT)).toBe(1)
  })

  it('are synced in the background after flush.ms where that is sooner', async () => {
    const { log, clock } = await openRecorded({ durability: 'os', config: { 'flush.ms': 20 } })
    await log.append('x')
    await clock.advance(20)
    await vi.waitFor(() => expect(log.durableOffset).toBe(1))
  })

  it('are synced after every flush.messages records, before they are told', async () => {
    const { log, fileSystem } = await openRecorded({ durability: 'os', config: { 'flush.messages': 3 } })
    const levels: Durability[] = []
    for (let count = 0; count < 7; count++) levels.push((await log.append('x')).durability)
    expect(levels).toEqual(['os', 'os', 'disk', 'os', 'os', 'disk', 'os'])
    expect(fileSystem.count('syncData', SEGMENT)).toBe(2)
  })

  it('get another sync for what was written while one was under way', async () => {
    const { log, fileSystem, clock } = await openRecorded({ durability: 'os' })
    const hold = fileSystem.hold('syncData', SEGMENT)
    await log.append('covered')
    await clock.advance(1_000)
    await hold.reached
    await log.append('written meanwhile')
    await clock.advance(1_500) // its second has passed, and the disk is still busy
    hold.release()
    await vi.waitFor(() => expect(log.durableOffset).toBe(1))
    await clock.advance(1_000)
    await vi.waitFor(() => expect(log.durableOffset).toBe(2))
  })

  it('are synced in the background after 32 MiB, without anyone waiting for it', async () => {
    const config = { 'max.message.bytes': 9 * MIB }
    const { log, fileSystem } = await openRecorded({ durability: 'os', config })
    const hold = fileSystem.hold('syncData', SEGMENT)
    const value = Buffer.alloc(8 * MIB)
    for (let count = 0; count < 3; count++) await log.append(value)
    expect(fileSystem.count('syncData')).toBe(0)
    await log.append(value)
    await hold.reached
    await log.append('told while the sync is under way')
    expect(log.durableOffset).toBe(0)
    hold.release()
    await vi.waitFor(() => expect(log.durableOffset).toBe(4))
  })

  it.each<[string, (log: Log) => Promise<unknown>]>([
    ['a roll', (log) => log.roll()],
    ['a truncation', (log) => log.truncateTo(1)],
    ['an append that asks for disk', (log) => log.append('x', { durability: 'disk' })],
    ['a flush', (log) => log.flush()],
    ['closing', (log) => log.close()],
  ])('let %s wait for a sync in the background, and never begin a second one beside it', async (_, act) => {
    const { log, fileSystem, clock } = await openRecorded({ durability: 'os' })
    await log.append('covered')
    const hold = fileSystem.hold('syncData', SEGMENT)
    await clock.advance(1_000)
    await hold.reached
    await log.append('written meanwhile')
    const acting = act(log)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(fileSystem.count('syncData', SEGMENT)).toBe(1)
    hold.release()
    await acting
    expect(fileSystem.count('syncData', SEGMENT)).toBeGreaterThan(1)
    expect(log.durableOffset).toBe(log.endOffset)
  })

  it('are on disk after flush and after close', async () => {
    const { log, fileSystem } = await openRecorded({ durability: 'memory' })
    void log.append('a')
    await log.flush()
    expect([log.durableOffset, log.readableEndOffset]).toEqual([1, 1])
    void log.append('b')
    await log.close()
    expect(log.durableOffset).toBe(2)
    const last = fileSystem.calls.findLastIndex(({ kind, name }) => kind === 'write' && SEGMENT.test(name))
    const synced = fileSystem.calls.findLastIndex(
      ({ kind, name, ended }) => kind === 'syncData' && SEGMENT.test(name) && ended === true,
    )
    expect(synced).toBeGreaterThan(last)
  })

  it('cost no sync where nothing was written', async () => {
    const { log, fileSystem, clock } = await openRecorded({ durability: 'os' })
    await log.flush()
    await clock.advance(10_000)
    expect(fileSystem.count('syncData', SEGMENT)).toBe(0)
  })
})

describe('the order on disk', () => {
  it('of a roll: the old segment synced, the new one made, its name durable, then its first byte', async () => {
    const { log, fileSystem } = await openRecorded({
      durability: 'os',
      config: { 'internal.segment.bytes': 2000 },
    })
    await log.append('x'.repeat(1500))
    fileSystem.calls.length = 0
    await log.append('y'.repeat(1500))
    expect(story(fileSystem.calls).filter((step) => !step.includes('checkpoint'))).toEqual([
      'syncData 00000.log',
      'open 00001.log',
      'syncDirectory directory',
      'write 00001.log',
    ])
    expect(log.durableOffset).toBe(1)
  })

  it('of the first write: the clean marker is gone, durably, before it', async () => {
    const directory = temporaryDirectory()
    const first = await openTempLog({ cleanup: false }, directory)
    await first.append('x')
    await first.close()
    const { log, fileSystem } = await openRecorded({}, directory)
    expect(log.recovery.clean).toBe(true)
    await log.append('y')
    await log.append('z')
    expect(story(fileSystem.calls)).toEqual([
      'remove .kafka_cleanshutdown',
      'syncDirectory directory',
      'write 00000.log',
      'syncData 00000.log',
      'write 00000.log',
      'syncData 00000.log',
    ])
  })

  it('of closing: the bytes, the recovery point, and last the marker', async () => {
    const { log, fileSystem } = await openRecorded({ durability: 'os' })
    await log.append('x')
    fileSystem.calls.length = 0
    await log.close()
    expect(story(fileSystem.calls)).toEqual([
      'syncData 00000.log',
      'open recovery-point-offset-checkpoint.tmp',
      'write recovery-point-offset-checkpoint.tmp',
      'syncData recovery-point-offset-checkpoint.tmp',
      'rename recovery-point-offset-checkpoint',
      'syncDirectory directory',
      'open .kafka_cleanshutdown.tmp',
      'write .kafka_cleanshutdown.tmp',
      'syncData .kafka_cleanshutdown.tmp',
      'rename .kafka_cleanshutdown',
      'syncDirectory directory',
    ])
  })

  it('of the recovery point: after the sync it describes, at a roll and within 5 s', async () => {
    const directory = temporaryDirectory()
    const config = { 'internal.segment.bytes': 2000 }
    const { log, fileSystem, clock } = await openRecorded({ config }, directory)
    const stored = () =>
      readFileSync(join(directory, 'recovery-point-offset-checkpoint'), 'utf8').trimEnd().split('\n')
    await log.append(['a', 'b'])
    await clock.advance(4_999)
    expect(fileSystem.count('open', /^recovery-point/)).toBe(0)
    await clock.advance(1)
    await vi.waitFor(() => expect(stored().at(-1)).toBe('log 0 2'))
    fileSystem.calls.length = 0
    await log.append('c')
    await log.roll()
    await vi.waitFor(() => expect(stored().at(-1)).toBe('log 0 3'))
    const steps = story(fileSystem.calls)
    expect(steps.indexOf('syncData 00000.log')).toBeLessThan(
      steps.indexOf('open recovery-point-offset-checkpoint.tmp'),
    )
  })
})

describe('the recovery point', () => {
  it('is stored after 64 MiB, at whichever level they were appended', async () => {
    const config = { 'max.message.bytes': 9 * MIB }
    const { log, fileSystem } = await openRecorded({ durability: 'os', config })
    const value = Buffer.alloc(8 * MIB)
    for (let count = 0; count < 7; count++) await log.append(value)
    await log.append('durable', { durability: 'disk' })
    expect(fileSystem.count('rename', /^recovery-point/)).toBe(0)
    await log.append(value, { durability: 'disk' })
    await vi.waitFor(() => expect(fileSystem.count('rename', /^recovery-point/)).toBe(1))
    const stored = readFileSync(join(log.directory, 'recovery-point-offset-checkpoint'), 'utf8')
    expect(stored).toMatch(/^log 0 9$/m)
  })
})

describe('a crash', () => {
  it('after a write without a sync keeps what was told at os, and opening makes it durable', async () => {
    const { log } = await openRecorded({ durability: 'os' })
    await log.append(['a', 'b'])
    const copy = copyOf(log.directory)
    const { log: reopened } = await openRecorded({}, copy)
    expect(reopened.recovery).toMatchObject({ clean: false, scannedBatches: 1, cut: undefined })
    expect([reopened.endOffset, reopened.durableOffset]).toEqual([2, 2])
  })
})
