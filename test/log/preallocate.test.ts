/*
 * A log with `preallocate`: its active segment is longer than its records, nobody waits for the zeros and nobody takes
 * them for records; what ends a segment takes them off first. Every crash point of such logs is visited in test/crash/.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type ConfigInput, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { FaultFileSystem, type FaultRule, ManualClock } from '../../src/testing/index.ts'
import { readSegment } from '../helpers/independent-reader.ts'
import { appendNumbered, copyOf, numberedValue, segmentPaths } from '../helpers/log-files.ts'
import { expectIndependentReaderAgrees, openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const SEGMENT = /\.log$/
const SEGMENT_BYTES = 16 * 1024
const STEP_BYTES = SEGMENT_BYTES / 8

const quiet = (): void => {}

async function openFilled(options: LogOptions = {}, directory = temporaryDirectory()) {
  const fileSystem = new FaultFileSystem()
  const warn = vi.fn<(...said: unknown[]) => void>()
  const logger = { debug: quiet, info: quiet, warn, error: warn }
  const config: ConfigInput = { 'internal.segment.bytes': SEGMENT_BYTES, preallocate: true }
  const log = await openTempLog(
    { cleanup: false, fileSystem, clock: new ManualClock(), index: 'memory', logger, config, ...options },
    directory,
  )
  return { log, fileSystem, warn, directory }
}

/** The file of the last segment, and what of it is records. */
function activeFile(log: Log): { path: string; bytes: Buffer; recordBytes: number; zeroBytes: number } {
  const { path, sizeBytes } = log.segments().at(-1)!
  const bytes = readFileSync(path)
  expect(bytes.subarray(sizeBytes).every((byte) => byte === 0)).toBe(true)
  return { path, bytes, recordBytes: sizeBytes, zeroBytes: bytes.length - sizeBytes }
}

/** Waits until the zeros on their way have come. */
const untilFilled = (log: Log): Promise<unknown> =>
  vi.waitUntil(() => activeFile(log).zeroBytes >= STEP_BYTES / 2, { interval: 1 })

const valuesUpTo = (end: number): string[] =>
  Array.from({ length: end }, (_, offset) => numberedValue(offset))

describe('a log with preallocate', () => {
  it('has zeros behind its records, at most a step and a half of them, and counts only the records', async () => {
    const { log, fileSystem } = await openFilled({ inlineSyncMs: 0 }) // syncs that block leave steps few turns
    let wasLonger = 0
    for (let count = 0; count < 60; count++) {
      await appendNumbered(log, 1)
      const { bytes, recordBytes, zeroBytes } = activeFile(log)
      expect(readSegment(bytes)).toMatchObject({ validBytes: recordBytes })
      expect(zeroBytes).toBeLessThan(1.5 * STEP_BYTES)
      if (zeroBytes > 0) wasLonger++
    }
    expect(wasLonger).toBeGreaterThan(20)
    expect(fileSystem.count('extend', SEGMENT)).toBeGreaterThan(2)
    expect(await readValues(log)).toEqual(valuesUpTo(60))
  })

  it('has none before the first record, nor where it is not set', async () => {
    const { log, fileSystem } = await openFilled()
    await log.flush()
    expect([activeFile(log).bytes.length, fileSystem.count('extend')]).toEqual([0, 0])
    const plain = await openFilled({ config: { 'internal.segment.bytes': SEGMENT_BYTES } })
    await appendNumbered(plain.log, 40)
    expect([activeFile(plain.log).zeroBytes, plain.fileSystem.count('extend')]).toEqual([0, 0])
  })

  it('is as long as its records once it is closed, and opens as it was closed', async () => {
    const { log, directory } = await openFilled()
    await appendNumbered(log, 5)
    await untilFilled(log)
    const { path, recordBytes } = activeFile(log)
    await log.close()
    expect(statSync(path).size).toBe(recordBytes)
    const again = await openFilled({}, directory)
    expect(again.log.recovery).toMatchObject({ clean: true, cut: undefined, scannedBytes: 0 })
    await appendNumbered(again.log, 5)
    expect(await readValues(again.log)).toEqual(valuesUpTo(10))
  })

  it('takes the zeros off a segment before the next one is made, and off one that is cut', async () => {
    const { log, fileSystem } = await openFilled()
    await appendNumbered(log, 5)
    await untilFilled(log)
    fileSystem.calls.length = 0
    await log.roll()
    const order = fileSystem.calls.flatMap(({ kind, name, ended }) =>
      SEGMENT.test(name) && ended === undefined ? [`${kind} ${Number(name.slice(0, 20))}`] : [],
    )
    expect(order).toEqual(['truncate 0', 'syncData 0', 'open 5', 'close 0'])
    await appendNumbered(log, 10)
    await untilFilled(log)
    await log.truncateTo(12)
    expect(activeFile(log).zeroBytes).toBe(0)
    await appendNumbered(log, 3)
    await untilFilled(log)
    await log.truncateTo(3)
    await appendNumbered(log, 1)
    await untilFilled(log)
    expect(await readValues(log)).toEqual(valuesUpTo(4))
    await log.close()
    for (const path of segmentPaths(log.directory)) {
      const bytes = readFileSync(path)
      expect(readSegment(bytes).validBytes).toBe(bytes.length)
    }
  })

  it('follows a change of the setting from the next segment on', async () => {
    const { log, fileSystem } = await openFilled({ config: { 'internal.segment.bytes': SEGMENT_BYTES } })
    await log.updateConfig({ preallocate: true })
    await appendNumbered(log, 3)
    expect(fileSystem.count('extend')).toBe(0)
    await log.roll()
    await appendNumbered(log, 3)
    await untilFilled(log)
    await log.updateConfig({ preallocate: false })
    await log.roll()
    const { length } = fileSystem.calls
    await appendNumbered(log, 3)
    expect(fileSystem.calls.slice(length).map(({ kind }) => kind)).not.toContain('extend')
    await expectIndependentReaderAgrees(log)
  })
})

describe('zeros that take their time', () => {
  it('are not waited for: appends go past the end, and what comes then lies behind them', async () => {
    const { log, fileSystem } = await openFilled()
    const { reached, release } = fileSystem.hold('extend', SEGMENT)
    await appendNumbered(log, 1)
    await reached
    await appendNumbered(log, 30)
    expect([activeFile(log).zeroBytes, fileSystem.count('extend')]).toEqual([0, 1])
    release()
    await vi.waitUntil(() => activeFile(log).zeroBytes > 0, { interval: 1 })
    await appendNumbered(log, 30)
    expect(await readValues(log)).toEqual(valuesUpTo(61))
    await log.flush()
    expect(readSegment(activeFile(log).bytes).records).toHaveLength(61)
  })

  it.each<[string, (log: Log) => Promise<void>, number]>([
    ['a roll', (log) => log.roll(), 20],
    ['a truncation', (log) => log.truncateTo(15), 15],
    ['a close', (log) => log.close(), 20],
  ])('are waited for by %s, and taken off', async (_, end, endOffset) => {
    const { log, fileSystem, directory } = await openFilled()
    const { reached, release } = fileSystem.hold('extend', SEGMENT)
    await appendNumbered(log, 20)
    await reached
    const { path } = activeFile(log)
    let isOver = false
    const ended = end(log).then(() => (isOver = true))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(isOver).toBe(false)
    release()
    await ended
    const bytes = readFileSync(path)
    expect(readSegment(bytes)).toMatchObject({ validBytes: bytes.length })
    await log.close()
    const again = await openTempLog({ index: 'memory' }, directory)
    expect(again.recovery).toMatchObject({ clean: true })
    expect(await readValues(again)).toEqual(valuesUpTo(endOffset))
  })

  it('are waited for after a write that failed, so that nothing lies behind the cut', async () => {
    const { log, fileSystem } = await openFilled()
    const { reached, release } = fileSystem.hold('extend', SEGMENT)
    await appendNumbered(log, 2)
    await reached
    fileSystem.fail('write', { name: SEGMENT, code: 'EIO', shortBytes: 70 })
    const refused = expect(log.append('refused')).rejects.toMatchObject({ outcome: 'not-written' })
    release()
    await refused
    const { bytes, recordBytes } = activeFile(log)
    expect(bytes.length).toBe(recordBytes)
    await appendNumbered(log, 20)
    expect(await readValues(log)).toEqual(valuesUpTo(22))
  })
})

describe('zeros that can not be written', () => {
  it.each<[string, Pick<FaultRule, 'code' | 'shortBytes'>]>([
    ['for want of room', { code: 'ENOSPC' }],
    ['for want of room, but for some', { code: 'ENOSPC', shortBytes: 100 }],
    ['because of the disk', { code: 'EIO', shortBytes: 100 }],
    ['for want of descriptors', { code: 'EMFILE' }],
  ])('%s are no failure of an append: it is said once, and the segment goes on without', async (_, fault) => {
    const { log, fileSystem, warn } = await openFilled()
    fileSystem.fail('extend', { name: SEGMENT, times: 2, ...fault })
    await appendNumbered(log, 30)
    expect([fileSystem.count('extend'), fileSystem.count('truncate')]).toEqual([1, 0])
    await log.roll()
    await appendNumbered(log, 30)
    expect(fileSystem.count('extend')).toBe(2)
    expect(warn).toHaveBeenCalledTimes(1)
    const error: unknown = expect.objectContaining({ code: fault.code })
    const { path } = log.segments()[0]!
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ err: error, path }), expect.any(String))
    await log.roll()
    await appendNumbered(log, 1)
    await untilFilled(log)
    expect(await readValues(log)).toEqual(valuesUpTo(61))
    expect(log.state).toBe('open')
  })

  it('do not cost the ballast, and are not tried while it is spent', async () => {
    const { log, fileSystem, directory } = await openFilled({ clock: new ManualClock({ settleTurns: 2 }) })
    writeFileSync(join(directory, 'ballast'), Buffer.alloc(1024 * 1024, 1))
    fileSystem.fail('extend', { name: SEGMENT, code: 'ENOSPC' })
    await appendNumbered(log, 1)
    await vi.waitUntil(() => fileSystem.hasFailed, { interval: 1 })
    await appendNumbered(log, 3)
    expect(statSync(join(directory, 'ballast')).size).toBe(1024 * 1024)
  })
})

describe('a write that fails inside the zeros', () => {
  it('leaves nothing of itself, and the next one takes its place', async () => {
    const { log, fileSystem } = await openFilled()
    await appendNumbered(log, 3)
    await untilFilled(log)
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC', shortBytes: 70 })
    await expect(log.append('refused')).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
    expect(activeFile(log).zeroBytes).toBe(0)
    await appendNumbered(log, 3)
    await untilFilled(log)
    expect(await readValues(log)).toEqual(valuesUpTo(6))
  })
})

describe('what someone else has written behind the zeros', () => {
  it.each<[string, (log: Log) => Promise<unknown>]>([
    ['an append', (log) => log.append({ value: 'ours', timestamp: 1000 })],
    ['a roll', (log) => log.roll()],
    ['a truncation', (log) => log.truncateTo(1)],
  ])('is noticed by %s, and not cut', async (_, change) => {
    const { log, fileSystem } = await openFilled()
    await appendNumbered(log, 3)
    await vi.waitUntil(() => fileSystem.calls.some(({ kind, ended }) => kind === 'extend' && ended))
    const { path, bytes } = activeFile(log)
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('theirs')]))
    await expect(change(log)).rejects.toMatchObject({ code: 'LOG_POISONED' })
    expect(log.state).toBe('poisoned')
    expect(readFileSync(path).subarray(-6).toString()).toBe('theirs')
  })
})

/** What a process that is killed leaves, with something else made of the zeros. */
async function killed(change: (zeros: Buffer) => Buffer = (zeros) => zeros) {
  const { log } = await openFilled()
  await appendNumbered(log, 20)
  await untilFilled(log)
  const { bytes, recordBytes } = activeFile(log)
  const directory = copyOf(log.directory)
  const zeros = Buffer.from(bytes.subarray(recordBytes))
  const tail = change(zeros)
  writeFileSync(segmentPaths(directory)[0]!, Buffer.concat([bytes.subarray(0, recordBytes), tail]))
  return { directory, recordBytes, tail }
}

describe('a process killed with zeros ahead of its records', () => {
  it.each<[string, (zeros: Buffer) => Buffer]>([
    ['as they were', (zeros) => zeros],
    ['but one', () => Buffer.alloc(1)],
    ['as long as the head of a batch', () => Buffer.alloc(61)],
    ['one fewer than the head of a batch', () => Buffer.alloc(60)],
    ['more than a step of them', () => Buffer.alloc(3 * STEP_BYTES + 1)],
  ])('has lost nothing, whatever there is of them: %s', async (_, change) => {
    const { directory, recordBytes, tail } = await killed(change)
    const { log } = await openFilled({}, directory)
    const { sizeBytes, path } = log.segments()[0]!
    expect(log.recovery.cut).toMatchObject({
      kind: 'zeros',
      position: recordBytes,
      sizeBytes: tail.length,
      suspect: false,
      quarantinedTo: undefined,
    })
    expect([sizeBytes, statSync(path).size]).toEqual([recordBytes, recordBytes])
    await appendNumbered(log, 5)
    expect(await readValues(log)).toEqual(valuesUpTo(25))
  })

  it.each([0, 8, 16, 17, 60, 61, 1000, -1])(
    'has a torn tail where the zeros at %i have a bit set',
    async (at) => {
      const { directory, recordBytes, tail } = await killed((zeros) => {
        zeros[at < 0 ? zeros.length + at : at]! ^= 0x10
        return zeros
      })
      const { log } = await openFilled({}, directory)
      const { cut } = log.recovery
      expect(cut).toMatchObject({
        kind: 'TAIL_TORN',
        position: recordBytes,
        sizeBytes: tail.length,
        suspect: false,
      })
      expect(readFileSync(cut!.quarantinedTo!)).toEqual(tail)
      expect(await readValues(log)).toEqual(valuesUpTo(20))
    },
  )

  it('has a torn tail where a batch was half written into them, and keeps no more zeros than it must', async () => {
    const half = Buffer.from('half of a batch, without its rest')
    const { directory } = await killed(() => Buffer.concat([half, Buffer.alloc(1024 * 1024)]))
    const { log } = await openFilled({}, directory)
    const { cut } = log.recovery
    expect(cut).toMatchObject({ kind: 'TAIL_TORN', sizeBytes: half.length + 1024 * 1024 })
    const kept = readFileSync(cut!.quarantinedTo!)
    expect(kept.subarray(0, half.length)).toEqual(half)
    expect(kept.length).toBeLessThanOrEqual(half.length + 64 * 1024)
  })

  it('is damaged where they lie below what was surely on disk', async () => {
    const { log, directory } = await openFilled()
    await appendNumbered(log, 20)
    await log.close()
    const path = segmentPaths(directory)[0]!
    const bytes = readFileSync(path)
    writeFileSync(path, Buffer.concat([bytes.subarray(0, bytes.length - 100), Buffer.alloc(STEP_BYTES)]))
    await expect(openLog(directory, { index: 'memory' })).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
  })

  it('is read up to its last record by who only reads, and by who follows', async () => {
    const { directory } = await killed()
    const before = readFileSync(segmentPaths(directory)[0]!)
    const log = await openTempLog({ readOnly: true }, directory)
    expect(await readValues(log)).toEqual(valuesUpTo(20))
    expect(log.segments()[0]!.sizeBytes).toBeLessThan(before.length)
    expect(readFileSync(segmentPaths(directory)[0]!).equals(before)).toBe(true)
  })

  it('opens when nothing of its last segment but zeros was left', async () => {
    const { log } = await openFilled()
    await appendNumbered(log, 20)
    await log.roll()
    const directory = copyOf(log.directory)
    writeFileSync(segmentPaths(directory)[1]!, Buffer.alloc(STEP_BYTES))
    const reader = await openTempLog({ readOnly: true }, directory)
    expect(reader.endOffset).toBe(20)
    const again = await openFilled({}, directory)
    expect(again.log.recovery.cut).toMatchObject({ kind: 'zeros', position: 0, sizeBytes: STEP_BYTES })
    await appendNumbered(again.log, 2)
    expect(await readValues(again.log)).toEqual(valuesUpTo(22))
  })
})

describe('who follows a log with zeros ahead', () => {
  it('gets records, and takes none of the zeros for one', async () => {
    const { log, directory } = await openFilled()
    await appendNumbered(log, 5)
    const clock = new ManualClock()
    const follower = await openTempLog({ readOnly: true, clock }, directory)
    for (let end = 5; end <= 200; end += 15) {
      await vi.waitUntil(() => follower.endOffset === end, { interval: 1 })
      expect(await readValues(follower)).toEqual(valuesUpTo(end))
      await appendNumbered(log, 15)
    }
    expect(log.segments().length).toBeGreaterThan(1)
  })

  it('sees what is written into a file whose size stays what it is, by a writer that says nothing', async () => {
    const { log } = await openFilled()
    await appendNumbered(log, 3)
    const { bytes } = activeFile(log)
    const { length: ends } = Buffer.from(bytes)
    const directory = copyOf(log.directory)
    const path = segmentPaths(directory)[0]!
    const whole = readSegment(bytes)
    const sizes = whole.batches.map(({ sizeBytes }) => sizeBytes)
    const upTo = (count: number, more = 0): void => {
      const end = sizes.slice(0, count).reduce((sum, size) => sum + size, more)
      writeFileSync(path, Buffer.concat([bytes.subarray(0, end), Buffer.alloc(ends + STEP_BYTES - end)]))
    }
    upTo(1)
    const clock = new ManualClock()
    const follower = await openTempLog({ readOnly: true, clock }, directory)
    onTestFinished(() => follower.close())
    for (const [count, more] of [
      [1, 70],
      [2, 0],
      [2, 20],
      [3, 0],
    ] as const) {
      upTo(count, more)
      await clock.advance(1_000)
      await vi.waitUntil(() => follower.endOffset === count, { interval: 1 })
    }
    expect(await readValues(follower)).toEqual(valuesUpTo(3))
  })
})
