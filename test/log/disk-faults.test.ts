import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { isSeglogError, type Log, type LogOptions } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { expectIndependentReaderAgrees, namesOf, openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const SEGMENT = /\.log$/

async function openFaulty(options: LogOptions = {}, directory = temporaryDirectory()) {
  const fileSystem = new FaultFileSystem()
  const clock = new ManualClock()
  const log = await openTempLog({ cleanup: false, fileSystem, clock, index: 'memory', ...options }, directory)
  fileSystem.calls.length = 0
  return { log, fileSystem, clock, directory, path: join(log.directory, '00000000000000000000.log') }
}

/** Notes in which order promises settle, and how. */
function watch(calls: readonly Promise<unknown>[]): { order: string[]; all: Promise<unknown> } {
  const order: string[] = []
  const notes = calls.map((call, slot) =>
    call.then(
      () => order.push(`${slot} ok`),
      (error: unknown) => {
        if (!isSeglogError(error)) throw error
        order.push(`${slot} ${error.code} ${error.outcome}`)
      },
    ),
  )
  return { order, all: Promise.all(notes) }
}

async function manyTurns(): Promise<string> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  return 'many turns later'
}

/** What holds of every poisoned log: no appends, all reads, and a reopening that loses nothing acknowledged. */
async function expectPoisoned(log: Log, readable: readonly string[]): Promise<void> {
  expect(log.state).toBe('poisoned')
  for (const call of [() => log.append('x'), () => log.appendBatch(Buffer.alloc(61))])
    await expect(call()).rejects.toMatchObject({
      code: 'LOG_POISONED',
      poisons: true,
      outcome: 'not-written',
    })
  for (const call of [() => log.flush(), () => log.roll(), () => log.truncateTo(0), () => log.clean()])
    await expect(call()).rejects.toMatchObject({ code: 'LOG_POISONED' })
  await expect(log.updateConfig({ 'retention.ms': 1 })).rejects.toMatchObject({ code: 'LOG_POISONED' })
  await expect(log.deleteRecordsBefore(0)).rejects.toMatchObject({ code: 'LOG_POISONED' })
  expect(await readValues(log)).toEqual(readable)
  expect(existsSync(join(log.directory, 'FAILED'))).toBe(true)
}

describe('a full disk', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EFBIG'])(
    'at a write (%s, after some bytes) cuts the file back and refuses in order what waited',
    async (code) => {
      const { log, fileSystem, path } = await openFaulty()
      await log.append(['kept', 'too'])
      const size = statSync(path).size
      fileSystem.fail('write', { name: SEGMENT, code, shortBytes: 50 })
      const calls = [
        log.append('a', { durability: 'os' }),
        log.append('b'.repeat(100_000)),
        log.append('c', { durability: 'memory' }),
        log.append(['d', 'e']),
      ]
      const { order, all } = watch(calls)
      expect(log.endOffset).toBe(7)
      await all
      expect(order).toEqual([0, 1, 2, 3].map((slot) => `${slot} DISK_FULL not-written`))
      expect([log.endOffset, log.readableEndOffset, statSync(path).size, log.state]).toEqual([
        2,
        2,
        size,
        'open',
      ])
      await expect(calls[0]).rejects.toMatchObject({ retriable: true, path, cause: { code } })
      expect(await readValues(log)).toEqual(['kept', 'too'])
      expect(await log.append('again')).toMatchObject({ baseOffset: 2 })
      await expectIndependentReaderAgrees(log)
    },
  )

  it('refuses what was accepted while the write before was being synced, and keeps that one', async () => {
    const { log, fileSystem } = await openFaulty()
    const hold = fileSystem.hold('syncData', SEGMENT)
    const calls = [log.append('kept')]
    await hold.reached
    calls.push(log.append('refused'), log.append('refused too'))
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC', shortBytes: 1 })
    hold.release()
    const { order, all } = watch(calls)
    await all
    expect(order).toEqual(['0 ok', '1 DISK_FULL not-written', '2 DISK_FULL not-written'])
    expect([log.endOffset, (await log.append('next')).baseOffset]).toEqual([1, 1])
    await expectIndependentReaderAgrees(log)
  })

  it('leaves no flush, roll or close waiting for what was refused', async () => {
    const { log, fileSystem } = await openFaulty()
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC' })
    const refused = [log.append('a')]
    const flushed = log.flush()
    refused.push(log.append('b'))
    await Promise.allSettled(refused)
    await flushed
    const last = log.append('c')
    const closed = log.close()
    await expect(last).resolves.toMatchObject({ baseOffset: 0 })
    await closed
  })

  it('at a roll leaves the old segment active; the append after there is room rolls', async () => {
    const config = { 'internal.segment.bytes': 2000 }
    const { log, fileSystem } = await openFaulty({ config })
    await log.append('x'.repeat(1500))
    for (const code of ['ENOSPC', 'EMFILE']) {
      const times = code === 'EMFILE' ? 2 : 1 // once would be cured by closing files that only wait
      fileSystem.fail('open', { name: SEGMENT, code, times })
      await expect(log.append('y'.repeat(1500))).rejects.toMatchObject({
        code: 'DISK_FULL',
        outcome: 'not-written',
      })
      fileSystem.fail('open', { name: SEGMENT, code, times })
      await expect(log.roll()).rejects.toMatchObject({ code: 'DISK_FULL', cause: { code } })
      expect([log.segments().length, log.endOffset, log.state]).toEqual([1, 1, 'open'])
    }
    await log.append('z'.repeat(1500))
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 1])
    await expectIndependentReaderAgrees(log)
  })

  it("of descriptors, at the sync of a new segment's name, undoes the roll and may be tried again", async () => {
    const { log, fileSystem, directory } = await openFaulty({ config: { 'internal.segment.bytes': 2000 } })
    await log.append('x'.repeat(1500))
    for (const code of ['EMFILE', 'ENFILE']) {
      fileSystem.fail('syncDirectory', { code })
      await expect(log.append('y'.repeat(1500))).rejects.toMatchObject({
        code: 'DISK_FULL',
        outcome: 'not-written',
        cause: { code },
      })
      expect([log.state, log.endOffset, namesOf(directory, '.log').length]).toEqual(['open', 1, 1])
    }
    expect(await log.append('z'.repeat(1500))).toMatchObject({ baseOffset: 1 })
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 1])
    await expectIndependentReaderAgrees(log)
  })

  it('of descriptors, before the first write, leaves the removal of the marker to be synced by the next', async () => {
    const { log, directory } = await openFaulty()
    await log.append('a')
    await log.close()
    const { log: again, fileSystem } = await openFaulty({}, directory)
    fileSystem.fail('syncDirectory', { code: 'EMFILE' })
    await expect(again.append('b')).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
    fileSystem.calls.length = 0
    expect(await again.append('b')).toMatchObject({ baseOffset: 1 })
    const kinds = fileSystem.calls.filter(({ ended }) => ended === undefined).map(({ kind }) => kind)
    expect(kinds.indexOf('syncDirectory')).toBeLessThan(kinds.indexOf('write'))
  })

  it('lets cleaning go on, and deleted files go at once unless somebody reads them', async () => {
    const config = { 'internal.segment.bytes': 2000, 'retention.ms': 1000 }
    const { log, fileSystem, clock, directory } = await openFaulty({ config })
    for (let count = 0; count < 4; count++) await log.append(`${count}`.repeat(1500))
    const reader = log.read()
    await reader.next()
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC', times: 2 })
    await expect(log.append('x')).rejects.toMatchObject({ code: 'DISK_FULL' })
    await clock.advance(5_000)
    const report = await log.clean()
    expect([report.deleted.length, report.rolled]).toEqual([4, true])
    await clock.advance(0)
    expect(namesOf(directory, '.deleted')).toHaveLength(4) // the reader holds all four
    await reader.return?.()
    await vi.waitFor(() => expect(namesOf(directory, '.deleted')).toEqual([]))
    await expect(log.append('x')).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await log.append('room')).toMatchObject({ baseOffset: 4 })
  })

  it('at closing rejects, gives the lock back, and leaves no marker', async () => {
    const { log, fileSystem, directory } = await openFaulty()
    await log.append('x')
    fileSystem.fail('write', { name: /kafka_cleanshutdown/, code: 'ENOSPC' })
    await expect(log.close()).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(log.state).toBe('closed')
    const { log: again } = await openFaulty({}, directory)
    expect([again.recovery.clean, await readValues(again)]).toEqual([false, ['x']])
  })
})

describe('a write error', () => {
  it('that can be cut back refuses the group, and the log goes on', async () => {
    const { log, fileSystem } = await openFaulty()
    await log.append('kept')
    fileSystem.fail('write', { name: SEGMENT, code: 'EIO', shortBytes: 70 })
    await expect(log.append('lost')).rejects.toMatchObject({
      code: 'IO_FAILED',
      retriable: false,
      outcome: 'not-written',
    })
    expect([log.state, (await log.append('next')).baseOffset]).toEqual(['open', 1])
    await expectIndependentReaderAgrees(log)
  })

  it("that can't be cut back poisons: what was being written may be there, and is where it was whole", async () => {
    const { log, fileSystem, directory } = await openFaulty()
    await log.append('kept')
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC', shortBytes: 150 })
    fileSystem.fail('truncate', { name: SEGMENT, code: 'EIO' })
    const calls = [log.append('whole'), log.flush(), log.append('torn'.repeat(100)), log.flush()]
    const { order, all } = watch(calls)
    await all
    expect(order).toEqual([
      '0 LOG_POISONED unknown',
      '2 LOG_POISONED unknown',
      '1 LOG_POISONED unknown',
      '3 LOG_POISONED unknown',
    ])
    await expectPoisoned(log, ['kept'])
    await log.close()
    const { log: again } = await openFaulty({}, directory)
    expect((await readValues(again)).slice(0, 1)).toEqual(['kept'])
    await again.append('works')
    await again.flush()
    await expectIndependentReaderAgrees(again)
  })
})

describe('a failed sync', () => {
  it('poisons: everyone who waited learns in order that the outcome is unknown, and nothing is retried', async () => {
    const { log, fileSystem, directory, path } = await openFaulty()
    await log.append('durable')
    const hold = fileSystem.hold('syncData', SEGMENT)
    fileSystem.fail('syncData', { name: SEGMENT, code: 'EIO' })
    const calls: Promise<unknown>[] = [log.append('a'), log.append('b', { durability: 'os' })]
    await hold.reached
    calls.push(log.append('c'), log.append('d', { durability: 'memory' }), log.append('e'))
    hold.release()
    const { order, all } = watch(calls)
    await all
    expect(order).toEqual([0, 1, 2, 3, 4].map((slot) => `${slot} LOG_POISONED unknown`))
    await expect(calls[0]).rejects.toMatchObject({ cause: { code: 'EIO' } })
    expect([log.durableOffset, log.readableEndOffset]).toEqual([1, 1])
    await expectPoisoned(log, ['durable'])
    expect(fileSystem.count('syncData', SEGMENT)).toBe(2)
    expect(JSON.parse(readFileSync(join(directory, 'FAILED'), 'utf8'))).toMatchObject({ durableOffset: 1 })
    const before = statSync(path).ino
    await log.close()
    expect(existsSync(join(directory, '.kafka_cleanshutdown'))).toBe(false)

    const { log: again } = await openFaulty({}, directory)
    expect([statSync(path).ino === before, existsSync(join(directory, 'FAILED'))]).toEqual([false, false])
    expect(await readValues(again)).toEqual(['durable', 'a', 'b'])
    expect(await again.append('works')).toMatchObject({ baseOffset: 3 })
    await expectIndependentReaderAgrees(again)
  })

  it('in the background poisons too', async () => {
    const { log, fileSystem, clock } = await openFaulty({ durability: 'os' })
    await log.append('told')
    fileSystem.fail('syncData', { name: SEGMENT, code: 'EIO' })
    await clock.advance(1_000)
    await vi.waitFor(() => expect(log.state).toBe('poisoned'))
    await expectPoisoned(log, []) // told at `os`, and no more on disk than before: readers get what is durable
    expect(log.readableEndOffset).toBe(0)
  })

  it('in flush or close rejects there', async () => {
    const { log, fileSystem } = await openFaulty({ durability: 'os' })
    await log.append('told')
    fileSystem.fail('syncData', { name: SEGMENT, code: 'EIO' })
    await expect(log.flush()).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'EIO' } })
    await log.close()
    const second = await openFaulty({ durability: 'os' })
    await second.log.append('told')
    second.fileSystem.fail('syncData', { name: SEGMENT, code: 'EIO' })
    await expect(second.log.close()).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'EIO' } })
    expect(existsSync(join(second.directory, 'FAILED'))).toBe(true)
    const again = await openFaulty({}, second.directory)
    expect(await readValues(again.log)).toEqual(['told'])
  })

  it('of no room poisons like any other', async () => {
    const { log, fileSystem } = await openFaulty()
    fileSystem.fail('syncData', { name: SEGMENT, code: 'ENOSPC' })
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_POISONED', outcome: 'unknown' })
    await expectPoisoned(log, [])
  })

  it('of the directory at a roll poisons; the new segment is reused when the log is opened again', async () => {
    const config = { 'internal.segment.bytes': 2000 }
    const { log, fileSystem, directory } = await openFaulty({ config })
    await log.append('x'.repeat(1500))
    fileSystem.fail('syncDirectory', { code: 'EIO' })
    await expect(log.append('y'.repeat(1500))).rejects.toMatchObject({
      code: 'LOG_POISONED',
      outcome: 'unknown',
    })
    await expectPoisoned(log, ['x'.repeat(1500)])
    await log.close()
    const { log: again } = await openFaulty({ config }, directory)
    expect(await again.append('y'.repeat(1500))).toMatchObject({ baseOffset: 1 })
    await expectIndependentReaderAgrees(again)
  })

  it('keeps the marker from being written if that fails as well, and nobody waits for ever', async () => {
    const { log, fileSystem, directory } = await openFaulty()
    fileSystem.fail('syncData', { code: 'EIO', times: 99 })
    fileSystem.fail('open', { name: /FAILED/, code: 'EROFS' })
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await log.close()
    expect(existsSync(join(directory, 'FAILED'))).toBe(false)
  })

  it('has its marker written by the time close has resolved', async () => {
    const { log, fileSystem } = await openFaulty()
    const hold = fileSystem.hold('syncData', /FAILED/)
    fileSystem.fail('syncData', { name: SEGMENT, code: 'EIO' })
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    const closing = log.close()
    await hold.reached
    expect(await Promise.race([closing, manyTurns()])).toBe('many turns later')
    hold.release()
    await closing
  })
})

describe('a file that someone else changed', () => {
  it.each([
    ['grew', (path: string) => appendFileSync(path, 'intruder')],
    ['shrank', (path: string) => truncateSync(path, statSync(path).size - 1)],
  ])('that %s poisons, and nothing in it is overwritten', async (_, change) => {
    const { log, path } = await openFaulty()
    await log.append(['a', 'b'])
    change(path)
    const bytes = readFileSync(path)
    await expect(log.append('c')).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'ESTALE' } })
    expect(readFileSync(path)).toEqual(bytes)
    expect(log.state).toBe('poisoned')
  })

  it("loses nothing when the log is opened again: the stranger's bytes go to quarantine", async () => {
    const { log, path, directory } = await openFaulty()
    await log.append('a')
    appendFileSync(path, 'intruder')
    await expect(log.append('b')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await log.close()
    const { log: again } = await openFaulty({}, directory)
    expect(await readValues(again)).toEqual(['a'])
    expect(again.recovery.cut).toMatchObject({ sizeBytes: 8 })
    expect(readFileSync(again.recovery.cut!.quarantinedTo!, 'utf8')).toBe('intruder')
    expect(await again.append('b')).toMatchObject({ baseOffset: 1 })
  })
})

describe('a sealed segment that is saved into a new file', () => {
  it('is read from that file, and not from the old one, which the index may have had looked into', async () => {
    const index = 'sqlite'
    const { log, directory, path } = await openFaulty({ index })
    await log.append('a')
    await log.close()
    const staleIndex = readFileSync(join(directory, 'index.db'))
    const { log: second, fileSystem } = await openFaulty({ index }, directory)
    await second.append('b')
    fileSystem.fail('syncDirectory', { code: 'EIO' })
    await expect(second.roll()).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await second.close()
    for (const suffix of ['-wal', '-shm']) rmSync(join(directory, `index.db${suffix}`), { force: true })
    writeFileSync(join(directory, 'index.db'), staleIndex)
    const before = statSync(path).ino
    const { log: third } = await openFaulty({ index }, directory)
    expect([statSync(path).ino === before, third.stats().openFiles]).toEqual([false, 0])
    expect(await readValues(third)).toEqual(['a', 'b'])
  })
})

describe('a failing recovery point, start offset or configuration', () => {
  it('changes nothing and can be asked for again', async () => {
    const { log, fileSystem } = await openFaulty()
    await log.append(['a', 'b', 'c'])
    fileSystem.fail('write', { name: /^log-start-offset/, code: 'ENOSPC' })
    await expect(log.deleteRecordsBefore(2)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect([log.startOffset, log.state]).toEqual([0, 'open'])
    await log.deleteRecordsBefore(2)
    fileSystem.fail('rename', { name: /topic\.properties/, code: 'EIO' })
    await expect(log.updateConfig({ 'retention.ms': 5 })).rejects.toMatchObject({
      code: 'IO_FAILED',
      cause: { code: 'EIO' },
    })
    expect(log.config['retention.ms']).not.toBe(5)
    await log.updateConfig({ 'retention.ms': 5 })
    expect([log.startOffset, log.config['retention.ms']]).toEqual([2, 5])
  })
})
