import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { isSeglogError, type Log, type LogOptions, openLog } from '../../src/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { dataBatch, segmentName } from '../helpers/hand-made.ts'
import { closedLog, fingerprint, killedLog, numberedValue, quick } from '../helpers/log-files.ts'
import { expectIndependentReaderAgrees, namesOf, openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const SEGMENT = /\.log$/
const BALLAST = /^ballast$/
const MIB = 1024 * 1024

async function open(options: LogOptions = {}, directory = temporaryDirectory()) {
  const fileSystem = new FaultFileSystem()
  const clock = new ManualClock({ settleTurns: 5 })
  const log = await openTempLog({ cleanup: false, fileSystem, clock, index: 'memory', ...options }, directory)
  const ballast = () => {
    const path = join(directory, 'ballast')
    return existsSync(path) ? statSync(path).size : undefined
  }
  return { log, fileSystem, clock, directory, ballast, path: join(directory, segmentName(0)) }
}

/** A log with one record and a ballast. */
async function ready(options: LogOptions = {}) {
  const opened = await open(options)
  await opened.log.append('kept')
  await opened.clock.advance(0)
  opened.fileSystem.calls.length = 0
  return opened
}

/** The same after an append has found the disk full; it stays full until `heal`. */
async function full(options: LogOptions = {}) {
  const opened = await ready(options)
  opened.fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC', shortBytes: 20 })
  await expect(opened.log.append('refused')).rejects.toMatchObject({
    code: 'DISK_FULL',
    outcome: 'not-written',
  })
  opened.fileSystem.fail('write', { name: BALLAST, code: 'ENOSPC', times: Infinity, shortBytes: 500 })
  return opened
}

/** Whatever needs room finds none. */
function noRoom(fileSystem: FaultFileSystem): void {
  fileSystem.fail(['open', 'write', 'overwrite', 'makeDirectory'], {
    code: 'ENOSPC',
    times: Infinity,
    modes: ['create', 'replace', 'overwrite'],
  })
}

const generationOf = (directory: string): string | undefined =>
  /seglog\.generation=(\d+)/.exec(readFileSync(join(directory, 'topic.properties'), 'utf8'))?.[1]

describe('the ballast of a log', () => {
  it('is made after the first write of an opening, and by no log that is only opened and read', async () => {
    const { log, clock, ballast, directory } = await open()
    await clock.advance(1000)
    await readValues(log)
    expect(ballast()).toBeUndefined()
    await log.append('x')
    expect(ballast()).toBeUndefined() // not on the way to an acknowledgement
    await clock.advance(0)
    expect(ballast()).toBe(MIB)
    await log.close()
    const readOnly = await openTempLog({ readOnly: true }, directory)
    expect([await readValues(readOnly), ballast()]).toEqual([['x'], MIB])
  })

  it('that can not be made fails no append, then or later', async () => {
    const { log, fileSystem, clock, ballast } = await open()
    fileSystem.fail('write', { name: BALLAST, code: 'ENOSPC', times: Infinity })
    for (let count = 0; count < 3; count++) {
      await log.append('x')
      await clock.advance(0)
    }
    await vi.waitFor(() => expect(ballast()).toBeUndefined())
    await log.close()
  })

  it('is not made by a log that is poisoned before it is its turn', async () => {
    const { log, fileSystem, clock, ballast } = await open({ durability: 'os' })
    await log.append('x')
    fileSystem.fail('syncData', { name: SEGMENT, code: 'EIO' })
    await expect(log.flush()).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await clock.advance(1000)
    expect(ballast()).toBeUndefined()
  })

  it('is no stranger to an opening', async () => {
    const { log, directory } = await ready()
    await log.close()
    const { log: again } = await open({}, directory)
    expect(again.recovery.unrecognisedFiles).toEqual([])
  })
})

describe('an append to a full disk', () => {
  it('spends the ballast; those after it get it back before they write, or are refused', async () => {
    const { log, fileSystem, ballast, path } = await full()
    const size = statSync(path).size
    expect(ballast()).toBe(0)
    for (let count = 0; count < 3; count++) {
      await expect(log.append('refused')).rejects.toMatchObject({ code: 'DISK_FULL', outcome: 'not-written' })
      expect([ballast(), statSync(path).size, log.endOffset, log.state]).toEqual([0, size, 1, 'open'])
    }
    fileSystem.heal()
    expect(await log.append('room')).toMatchObject({ baseOffset: 1 })
    expect([ballast(), await readValues(log)]).toEqual([MIB, ['kept', 'room']])
    await expectIndependentReaderAgrees(log)
  })

  it('is refused by the next process, too, until there is room for the ballast', async () => {
    const { log, directory, fileSystem } = await full()
    await log.close()
    const { log: again, fileSystem: fails } = await open({}, directory)
    expect([again.recovery.clean, fileSystem.count('rename', /kafka_cleanshutdown/)]).toEqual([true, 1])
    fails.fail('write', { name: BALLAST, code: 'ENOSPC' })
    await expect(again.append('refused')).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await again.append('room')).toMatchObject({ baseOffset: 1 })
  })

  it('at a roll has the ballast spent for the roll, and is refused', async () => {
    const { log, fileSystem, ballast } = await ready({ config: { 'internal.segment.bytes': 2000 } })
    await log.append('x'.repeat(1500))
    fileSystem.fail('open', { name: SEGMENT, code: 'ENOSPC', modes: ['create'] })
    fileSystem.fail('write', { name: BALLAST, code: 'ENOSPC' })
    await expect(log.append('y'.repeat(1500))).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect([ballast(), log.endOffset]).toEqual([0, 2])
    expect(await log.append('y'.repeat(1500))).toMatchObject({ baseOffset: 2 })
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 2])
    await expectIndependentReaderAgrees(log)
  })

  it.each(['EFBIG', 'EMFILE', 'EIO'])('(no: %s) leaves the ballast alone', async (code) => {
    const { log, fileSystem, ballast } = await ready()
    fileSystem.fail('write', { name: SEGMENT, code })
    await expect(log.append('refused')).rejects.toSatisfy((error) => isSeglogError(error))
    expect(ballast()).toBe(MIB)
  })
})

describe('what was refused', () => {
  it('is cut off durably before anyone is told', async () => {
    const { log, fileSystem, path } = await ready()
    const size = statSync(path).size
    const hold = fileSystem.hold('syncData', SEGMENT)
    fileSystem.fail('write', { name: SEGMENT, code: 'EIO', shortBytes: 70 })
    let told = false
    const calls = [log.append('a'), log.append('b', { durability: 'os' })]
    const all = Promise.allSettled(calls).finally(() => {
      told = true
    })
    await hold.reached
    const late = log.append('c')
    expect([told, statSync(path).size]).toEqual([false, size])
    hold.release()
    await expect(late).rejects.toMatchObject({ code: 'IO_FAILED', outcome: 'not-written' })
    await all
    expect([log.endOffset, log.durableOffset, await readValues(log)]).toEqual([1, 1, ['kept']])
    expect(await log.append('next')).toMatchObject({ baseOffset: 1 })
  })

  it('costs no sync where nothing had been written of it', async () => {
    const { log, fileSystem } = await ready()
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC' })
    await expect(log.append('a')).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(fileSystem.count('syncData', SEGMENT)).toBe(0)
  })

  it('may turn up where the sync of the cut fails: the log is poisoned', async () => {
    const { log, fileSystem, directory } = await ready()
    fileSystem.fail('write', { name: SEGMENT, code: 'ENOSPC', shortBytes: 70 })
    fileSystem.fail('syncData', { name: SEGMENT, code: 'EIO' })
    const calls = [log.append('a'), log.append('b'.repeat(100_000))]
    for (const { reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[])
      expect(reason).toMatchObject({ code: 'LOG_POISONED', outcome: 'unknown', cause: { code: 'EIO' } })
    expect([log.state, existsSync(join(directory, 'FAILED'))]).toEqual(['poisoned', true])
    await log.close()
    const { log: again } = await open({}, directory)
    expect(await readValues(again)).toEqual(['kept'])
  })
})

describe('while the disk is full', () => {
  it('records are deleted, the configuration changes and the log closes with the room of the ballast', async () => {
    const { log, fileSystem, directory, ballast } = await ready()
    await log.append(['a', 'b'])
    fileSystem.fail('write', { name: /^log-start-offset/, code: 'ENOSPC', shortBytes: 3 })
    await log.deleteRecordsBefore(1)
    expect(ballast()).toBe(0)
    fileSystem.fail('write', { name: BALLAST, code: 'ENOSPC', times: Infinity })
    await expect(log.append('refused')).rejects.toMatchObject({ code: 'DISK_FULL' })
    await log.updateConfig({ 'retention.ms': 5000 })
    await log.close()
    const { log: again } = await open({}, directory)
    expect([again.recovery.clean, again.startOffset, await readValues(again)]).toEqual([true, 1, ['a', 'b']])
    expect(again.config['retention.ms']).toBe(5000)
  })

  it('and there is no ballast either, closing says so, and the next opening scans', async () => {
    const { log, fileSystem, directory } = await open()
    await log.append('x')
    fileSystem.fail('write', { code: 'ENOSPC', times: Infinity })
    await expect(log.close()).rejects.toMatchObject({ code: 'DISK_FULL' })
    const { log: again } = await open({}, directory)
    expect([again.recovery.clean, await readValues(again), namesOf(directory, '.tmp')]).toEqual([
      false,
      ['x'],
      [],
    ])
  })

  it('retention rolls, deletes and removes at once what nobody reads, and then appends go on', async () => {
    const config = { 'internal.segment.bytes': 2000, 'retention.ms': 1000 }
    const { log, fileSystem, clock, directory } = await ready({ config })
    for (let count = 0; count < 4; count++) await log.append(`${count}`.repeat(1500))
    await clock.advance(5000)
    fileSystem.fail('open', { name: SEGMENT, code: 'ENOSPC', modes: ['create'] })
    fileSystem.fail('write', { name: BALLAST, code: 'ENOSPC' })
    const report = await log.clean()
    expect(report).toMatchObject({ rolled: true, failures: [] })
    expect(report.deleted).toHaveLength(4)
    await clock.advance(0)
    await vi.waitFor(() => expect(namesOf(directory, '.deleted')).toEqual([]))
    await expect(log.append('x')).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await log.append('x')).toMatchObject({ baseOffset: 5 })
  })

  it('the start of a log moves although its leader epochs can not be stored', async () => {
    const directory = await closedLog(9)
    writeFileSync(join(directory, 'leader-epoch-checkpoint'), '0\n2\n3 0\n4 4\n')
    const { log, fileSystem } = await open({}, directory)
    fileSystem.fail('write', { name: /^leader-epoch/, code: 'ENOSPC' })
    await log.deleteRecordsBefore(6)
    expect(log.startOffset).toBe(6)
  })
})

describe('a truncation that finds no room', () => {
  const places = [
    ['for the copy of a batch cut in two', SEGMENT.source + '.tmp$|\\.log\\.tmp$'],
    ['for the recovery point', '^recovery-point'],
    ['for the generation', '^topic\\.properties'],
  ] as const

  it.each(places)('%s rejects, and the log is as it was', async (_, name) => {
    for (const kind of ['open', 'write', 'rename'] as const) {
      const { log, fileSystem, directory, clock } = await ready({
        config: { 'internal.segment.bytes': 1000 },
      })
      for (let count = 0; count < 9; count++) await log.append([`a${count}`, `b${count}`, 'c'.repeat(300)])
      if (kind === 'rename' && name.includes('tmp')) continue // it is renamed after the commit point
      const reader = log.read({ follow: true })
      await reader.next()
      const values = await readValues(log)
      const before = fingerprint(directory)
      fileSystem.fail(kind, { name: new RegExp(name), code: 'ENOSPC', times: Infinity, shortBytes: 10 })
      await expect(log.truncateTo(9)).rejects.toMatchObject({ code: 'DISK_FULL', outcome: undefined })
      fileSystem.heal()
      expect([log.state, log.readableEndOffset, log.endOffset]).toEqual(['open', 28, 28])
      expect(await readValues(log)).toEqual(values)
      await vi.waitFor(() => expect(namesOf(directory, '.tmp')).toEqual([])) // a checkpoint of a roll may be on its way
      for (const file of Object.keys(before).filter((each) => each.endsWith('.log')))
        expect([file, fingerprint(directory)[file]]).toEqual([file, before[file]])
      expect((await reader.next()).value).toMatchObject({ offset: 1 }) // nobody was told of a truncation
      await reader.return?.()
      expect(await log.append('next')).toMatchObject({ baseOffset: 28 })
      await clock.advance(5000)
      await vi.waitFor(() =>
        expect(readFileSync(join(directory, 'recovery-point-offset-checkpoint'), 'utf8')).toMatch(
          /^log 0 29$/m,
        ),
      )
      await log.truncateTo(9)
      expect(await readValues(log)).toEqual(values.slice(0, 9))
      await expectIndependentReaderAgrees(log)
    }
  })

  it('has the room of the ballast', async () => {
    const { log, fileSystem, ballast } = await ready()
    await log.append(['a', 'b', 'c'])
    fileSystem.fail('write', { name: /\.log\.tmp$/, code: 'ENOSPC', shortBytes: 10 })
    await log.truncateTo(2)
    expect([ballast(), await readValues(log)]).toEqual([0, ['kept', 'a']])
    await expectIndependentReaderAgrees(log)
  })

  it('in a sync poisons', async () => {
    for (const name of [/\.log\.tmp$/, /^recovery-point/, /^topic\.properties/]) {
      const { log, fileSystem } = await ready()
      await log.append(['a', 'b', 'c'])
      fileSystem.fail('syncData', { name, code: 'ENOSPC' })
      await expect(log.truncateTo(2)).rejects.toMatchObject({
        code: 'LOG_POISONED',
        cause: { code: 'ENOSPC' },
      })
      expect([log.state, await readValues(log)]).toEqual(['poisoned', ['kept', 'a', 'b', 'c']])
    }
  })

  it('after the commit point poisons, and opening again loses nothing below the offset', async () => {
    const { log, fileSystem, directory } = await ready()
    await log.append(['a', 'b', 'c'])
    fileSystem.fail('rename', { name: SEGMENT, code: 'ENOSPC', times: Infinity })
    await expect(log.truncateTo(2)).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await log.close()
    const { log: again } = await open({}, directory)
    expect((await readValues(again)).slice(0, 2)).toEqual(['kept', 'a'])
  })

  it('half-way leaves no epoch behind that begins above the end', async () => {
    const { log, directory } = await ready()
    await log.append(['a', 'b', 'c'])
    await log.close()
    const path = join(directory, 'leader-epoch-checkpoint')
    writeFileSync(path, '0\n3\n3 0\n4 4\n7 5\n') // 7 began at a record that is gone, 4 begins with the next one
    const { log: again } = await open({}, directory)
    expect(readFileSync(path, 'utf8')).toMatch(/^7 5$/m) // nothing is written before the first change
    await again.append('x')
    expect(readFileSync(path, 'utf8')).toBe('0\n2\n3 0\n4 4\n')
    for await (const batch of again.readBatches({ from: 4 })) expect(batch.partitionLeaderEpoch).toBe(4)
  })

  it('leaves the log of a new generation readable as before', async () => {
    const { log, fileSystem, directory } = await ready()
    await log.append(['a', 'b', 'c'])
    const before = generationOf(directory)
    fileSystem.fail('syncDirectory', { code: 'EIO', skip: 1 }) // the recovery point's is the first
    await expect(log.truncateTo(1)).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await log.close()
    expect(generationOf(directory)).not.toBe(before)
    const { log: again } = await open({}, directory)
    expect(await readValues(again)).toEqual(['kept', 'a', 'b', 'c'])
  })
})

describe('opening on a full disk', () => {
  it('works: the log is read, refuses appends, and takes them when there is room', async () => {
    for (const directory of [await closedLog(20), await killedLog(20)]) {
      const fileSystem = new FaultFileSystem()
      noRoom(fileSystem)
      const log = await openTempLog({ ...quick, fileSystem }, directory)
      expect((await readValues(log)).length).toBe(20)
      await expect(log.append('x')).rejects.toMatchObject({ code: 'DISK_FULL' })
      fileSystem.heal()
      expect(await log.append('x')).toMatchObject({ baseOffset: 20 })
      const follower = await openTempLog({ readOnly: true }, directory)
      expect(follower.endOffset).toBe(21) // the watermark was made as soon as it could be
    }
  })

  it('cuts a torn tail without keeping it, and says so', async () => {
    const directory = await killedLog(5)
    appendFileSync(join(directory, segmentName(0)), 'torn')
    const fileSystem = new FaultFileSystem()
    noRoom(fileSystem)
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    expect(log.recovery).toMatchObject({
      cut: { sizeBytes: 4, suspect: false, quarantinedTo: undefined },
      notes: [expect.stringMatching(/the 4 bytes cut from .* were not kept/)],
    })
    expect([await readValues(log), existsSync(join(directory, 'quarantine', `${segmentName(0)}`))]).toEqual([
      Array.from({ length: 5 }, (_, offset) => numberedValue(offset)),
      false,
    ])
  })

  it('keeps a torn tail in the room of the ballast', async () => {
    const directory = await killedLog(5)
    writeFileSync(join(directory, 'ballast'), Buffer.alloc(MIB))
    appendFileSync(join(directory, segmentName(0)), 'torn')
    const fileSystem = new FaultFileSystem()
    fileSystem.fail('write', { name: /\.tmp$/, code: 'ENOSPC', shortBytes: 2 })
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    expect(readFileSync(log.recovery.cut!.quarantinedTo!, 'utf8')).toBe('torn')
    expect(log.recovery.notes).toEqual([])
    fileSystem.fail('write', { name: BALLAST, code: 'ENOSPC' })
    await expect(log.append('x')).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await log.append('x')).toMatchObject({ baseOffset: 5 })
  })

  it('cuts nothing behind which there are sound batches: it asks for room, and changes nothing', async () => {
    const directory = await killedLog(3)
    const path = join(directory, segmentName(0))
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('torn'), dataBatch(4, 2)]))
    const before = fingerprint(directory)
    const fileSystem = new FaultFileSystem()
    noRoom(fileSystem)
    await expect(openLog(directory, { ...quick, fileSystem })).rejects.toMatchObject({
      code: 'DISK_FULL',
      path,
      retriable: true,
      message: expect.stringContaining('make room and open again'),
    })
    expect(fingerprint(directory)).toEqual(before)
    fileSystem.heal()
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    expect(log.recovery.cut).toMatchObject({ suspect: true, quarantinedTo: expect.any(String) })
    expect(await readValues(log)).toHaveLength(3)
  })

  it('removes what was never renamed before it writes anything', async () => {
    const directory = await killedLog(5)
    appendFileSync(join(directory, segmentName(0)), 'torn')
    const leftovers = [`${segmentName(0)}.tmp`, 'recovery-point-offset-checkpoint.tmp']
    for (const name of leftovers) writeFileSync(join(directory, name), Buffer.alloc(5000))
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    const story = fileSystem.calls.filter(({ ended }) => ended !== true)
    const lastRemoved = story.findIndex(({ kind, name }) => kind === 'remove' && leftovers.includes(name))
    const firstMade = story.findIndex(({ mode }) => mode === 'replace' || mode === 'create')
    expect([namesOf(directory, '.tmp'), lastRemoved < firstMade, lastRemoved >= 0]).toEqual([[], true, true])
    expect(log.recovery.settledFiles).toEqual(leftovers.map((name) => join(directory, name)).sort())
  })

  it('says DISK_FULL where a failed sync has to be made good and there is no room for the copy', async () => {
    const directory = await killedLog(5)
    writeFileSync(join(directory, 'FAILED'), '{"durableOffset":2}\n')
    const fileSystem = new FaultFileSystem()
    fileSystem.fail('write', { name: /\.log\.tmp$/, code: 'ENOSPC', times: Infinity })
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(openLog(directory, { ...quick, fileSystem })).rejects.toMatchObject({ code: 'DISK_FULL' })
      expect([existsSync(join(directory, 'FAILED')), namesOf(directory, '.tmp')]).toEqual([true, []])
    }
    fileSystem.heal()
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    expect([await readValues(log), existsSync(join(directory, 'FAILED'))]).toEqual([
      Array.from({ length: 5 }, (_, offset) => numberedValue(offset)),
      false,
    ])
  })
})

/** Opens a new log, with the call of a kind failing after `skip` others; undefined when nothing failed. */
async function openNew(kind: 'open' | 'write' | 'rename' | 'makeDirectory', skip: number) {
  const directory = join(temporaryDirectory(), 'a', 'log')
  const fileSystem = new FaultFileSystem()
  const modes = ['create', 'replace'] as const
  fileSystem.fail(kind, { code: 'ENOSPC', times: Infinity, skip, modes, shortBytes: 3 })
  const log: Log | undefined = await openLog(directory, { ...quick, fileSystem }).catch((error: unknown) => {
    expect(error).toMatchObject({ name: 'SeglogError', code: 'DISK_FULL', retriable: true })
    return undefined
  })
  await log?.close().catch(() => {})
  return { directory, isOpen: log !== undefined }
}

describe('a new log on a full disk', () => {
  it.each([
    ['open', 2],
    ['write', 1],
    ['rename', 1],
    ['makeDirectory', 1],
  ] as const)('fails with DISK_FULL at every %s, and the next attempt works', async (kind, least) => {
    let failures = 0
    for (let skip = 0; ; skip++) {
      const { directory, isOpen } = await openNew(kind, skip)
      if (isOpen) break
      failures++
      if (existsSync(directory)) expect(namesOf(directory, '.tmp')).toEqual([])
      const log = await openTempLog(quick, directory)
      expect(log.recovery).toMatchObject({ cut: undefined, damage: [], unrecognisedFiles: [] })
      expect(await log.append('x')).toMatchObject({ baseOffset: 0 })
    }
    expect(failures).toBeGreaterThanOrEqual(least)
  })
})
