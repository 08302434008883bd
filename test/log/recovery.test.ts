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
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { BATCH } from '../../src/record/index.ts'
import { FaultFileSystem, ManualClock, SeededRandom } from '../../src/testing/index.ts'
import { someOf } from '../helpers/damaged-log.ts'
import { damageFile, flipped, segmentName } from '../helpers/hand-made.ts'
import {
  appendNumbered,
  closedLog,
  copyOf,
  fingerprint,
  killedLog,
  numberedValue,
  quick,
  segmentPaths,
} from '../helpers/log-files.ts'
import { MemoryFileSystem } from '../helpers/memory-file-system.ts'
import { seed } from '../helpers/seed.ts'
import { expectIndependentReaderAgrees, openTempLog, readValues } from '../helpers/temp-log.ts'

const MARKER = '.kafka_cleanshutdown'
const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'

const values = (count: number): string[] =>
  Array.from({ length: count }, (_, offset) => numberedValue(offset))

const lastSegment = (directory: string): string => segmentPaths(directory).at(-1)!

/** Where each batch of a file starts, and where the last one ends. */
function batchPositions(bytes: Buffer): number[] {
  const positions = [0]
  while (positions.at(-1)! < bytes.length)
    positions.push(positions.at(-1)! + bytes.readInt32BE(positions.at(-1)! + BATCH.batchLength) + 12)
  return positions
}

/** Opens what was left of `count` records, and checks that it goes on where it should. */
async function expectGoesOn(log: Log, count: number): Promise<void> {
  expect(log.endOffset).toBe(count)
  expect(log.durableOffset).toBe(count)
  expect(await readValues(log)).toEqual(values(count))
  await appendNumbered(log, 2)
  await log.flush()
  expect(await readValues(log)).toEqual(values(count + 2))
  await expectIndependentReaderAgrees(log)
}

describe('a log that was closed in order', () => {
  it('opens without looking at its batches', async () => {
    const log = await openTempLog(quick, await closedLog(30))
    expect(log.recovery).toMatchObject({ clean: true, scannedBytes: 0, scannedBatches: 0, cut: undefined })
    expect(log.recovery.recoveryPoint).toBe(30)
    await expectGoesOn(log, 30)
  })

  it('opens so even when it is empty', async () => {
    const log = await openTempLog(quick, await closedLog(0))
    expect(log.recovery).toMatchObject({ clean: true, scannedBytes: 0 })
    await expectGoesOn(log, 0)
  })

  it('keeps its marker until the first write, and loses it durably before that', async () => {
    const directory = await closedLog(3)
    const marker = join(directory, MARKER)
    const before = statSync(marker).ino
    await (await openLog(directory, quick)).close()
    expect(statSync(marker).ino).toBe(before)
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    await appendNumbered(log, 1)
    expect(existsSync(marker)).toBe(false)
    const calls = fileSystem.calls.filter(({ kind, name }) => name === MARKER || /^syncDir|^write/.test(kind))
    const removed = calls.findIndex(({ kind }) => kind === 'remove')
    expect(calls.slice(removed).map(({ kind, ended }) => `${kind}${ended ? ' ended' : ''}`)).toEqual([
      'remove',
      'remove ended',
      'syncDirectory',
      'syncDirectory ended',
      'write',
    ])
  })

  it.each<[string, (marker: string, directory: string) => void]>([
    ['is missing', (marker) => rmSync(marker)],
    ['is empty', (marker) => truncateSync(marker, 0)],
    ['is garbage', (marker) => writeFileSync(marker, 'clean')],
    ["is Kafka's", (marker) => writeFileSync(marker, '{"version":0,"brokerEpoch":1}')],
    ['is of another length', (marker) => appendFileSync(marker, '}')],
    ['is of another log', (_, directory) => damageFile(join(directory, 'topic.properties'), anotherId)],
    ['does not know of bytes at the end', (_, directory) => appendFileSync(lastSegment(directory), 'x')],
  ])('is scanned when its marker %s', async (_, spoil) => {
    const directory = await closedLog(30)
    spoil(join(directory, MARKER), directory)
    const log = await openTempLog(quick, directory)
    expect(log.recovery).toMatchObject({ clean: false, scannedBatches: 3 })
    expect(existsSync(join(directory, MARKER))).toBe(false)
    await expectGoesOn(log, 30)
    await log.close()
    expect((await openTempLog(quick, directory)).recovery.clean).toBe(true)
  })

  it('is scanned when the last batch is not the one that the marker names', async () => {
    const directory = await closedLog(30)
    damageFile(lastSegment(directory), (bytes) => flipped(bytes, batchPositions(bytes).at(-2)! + BATCH.crc))
    await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'LOG_CORRUPT', offset: 29 })
  })
})

const anotherId = (bytes: Buffer): Buffer =>
  Buffer.from(
    bytes
      .toString()
      .replace(/log\.id=./, (start) => start.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))),
  )

describe('a log that was not closed', () => {
  it('is scanned from where its last segment starts, and synced before anyone is served', async () => {
    const directory = await killedLog(30)
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    expect(log.recovery).toMatchObject({ clean: false, recoveryPoint: 27, scannedBatches: 3, cut: undefined })
    expect(log.recovery.scannedBytes).toBe(statSync(lastSegment(directory)).size)
    expect(fileSystem.count('syncData', /\.log$/)).toBe(1)
    expect(fileSystem.count('syncDirectory')).toBe(1)
    await expectGoesOn(log, 30)
  })

  it('is not opened if that sync fails, and is free for the next attempt', async () => {
    const directory = await killedLog(30)
    const fileSystem = new FaultFileSystem()
    fileSystem.fail('syncData', { name: /\.log$/, code: 'EIO' })
    await expect(openLog(directory, { ...quick, fileSystem })).rejects.toMatchObject({
      code: 'IO_FAILED',
      cause: { code: 'EIO' },
    })
    const before = statSync(lastSegment(directory)).ino
    expect(existsSync(join(directory, 'FAILED'))).toBe(true)
    await expectGoesOn(await openTempLog(quick, directory), 30)
    expect(statSync(lastSegment(directory)).ino).not.toBe(before) // the cache is not believed after a failed sync
  })

  it('is not opened if it can not be read: an error of the disk is no end of the log', async () => {
    const directory = await killedLog(30)
    appendFileSync(lastSegment(directory), 'torn')
    const before = fingerprint(directory)
    const fileSystem = new FaultFileSystem()
    for (let skip = 0; ; skip++) {
      fileSystem.fail('read', { name: /\.log$/, code: 'EIO', skip })
      const opening = await openLog(directory, { ...quick, fileSystem }).catch((error: unknown) => error)
      fileSystem.heal()
      if (!(opening instanceof Error)) {
        await (opening as Log).close()
        break // it needed no more reads than that
      }
      expect(opening).toMatchObject({ code: 'EIO' })
      expect(fingerprint(directory)).toMatchObject(before) // besides, a copy for quarantine may have begun
      expect(skip).toBeLessThan(20)
    }
    await expectGoesOn(await openTempLog(quick, directory), 30)
  })

  it('is scanned from the stored recovery point on, where the index knows the place', async () => {
    const clock = new ManualClock()
    const config = { 'internal.segment.bytes': 64 * 1024, 'index.interval.bytes': 256 }
    const options: LogOptions = { config, clock, durability: 'os', cleanup: false }
    const writer = await openTempLog(options)
    await appendNumbered(writer, 100)
    await writer.flush()
    await clock.advance(6_000)
    const stored = join(writer.directory, RECOVERY_POINTS)
    await vi.waitFor(() => expect(readFileSync(stored, 'utf8')).toBe('0\n1\nlog 0 100\n'))
    await appendNumbered(writer, 20)
    await clock.advance(1_000)
    const log = await openTempLog(options, copyOf(writer.directory))
    expect(log.recovery.recoveryPoint).toBe(100)
    expect(log.recovery.scannedBatches).toBeLessThan(30)
    expect(log.recovery.scannedBatches).toBeGreaterThanOrEqual(20)
    await expectGoesOn(log, 120)
    expect(await log.offsetForTimestamp(1005)).toEqual({ offset: 5, timestamp: 1005 })
  })

  it('is opened a second time without any change to its files', async () => {
    const directory = await killedLog(30)
    appendFileSync(lastSegment(directory), 'torn')
    await (await openLog(directory, quick)).close()
    const once = fingerprint(directory)
    await (await openLog(directory, quick)).close()
    expect(fingerprint(directory)).toEqual(once)
    expect(Object.keys(once).filter((name) => name.startsWith('quarantine/'))).toHaveLength(1)
  })
})

describe('a torn tail', () => {
  it('of any length is put in quarantine, cut and reported, and the log goes on', async () => {
    const directory = await killedLog(30)
    const whole = readFileSync(lastSegment(directory))
    const [end, last] = batchPositions(whole).toReversed() as [number, number]
    for (const more of someOf(end - last - 1, 4)) {
      const sizeBytes = last + 1 + more
      const copy = copyOf(directory)
      const path = lastSegment(copy)
      truncateSync(path, sizeBytes)
      const log = await openLog(copy, quick)
      const { cut } = log.recovery
      const kept = join(copy, 'quarantine', `${segmentName(27)}.${last}`)
      const torn = { path, position: last, sizeBytes: sizeBytes - last, suspect: false }
      const isUnused = sizeBytes - last < 8 // an offset is that many bytes, and begins with zeros
      if (isUnused) expect(cut).toMatchObject({ ...torn, kind: 'zeros', quarantinedTo: undefined })
      else {
        expect(cut).toMatchObject({ ...torn, kind: 'TAIL_TORN', quarantinedTo: kept })
        expect(readFileSync(kept)).toEqual(whole.subarray(last, sizeBytes))
      }
      expect(readFileSync(path)).toEqual(whole.subarray(0, last))
      expect(log.endOffset).toBe(29)
      await appendNumbered(log, 1)
      await log.close()
      expect(readFileSync(path).readInt32BE(BATCH.baseOffset + 4 + last)).toBe(29)
    }
  })

  it('that is missing whole batches leaves a shorter log', async () => {
    const directory = await killedLog(30)
    truncateSync(lastSegment(directory), batchPositions(readFileSync(lastSegment(directory)))[1]!)
    const log = await openTempLog(quick, directory)
    expect(log.recovery.cut).toBeUndefined()
    await expectGoesOn(log, 28)
  })

  it.each<[string, Buffer, string]>([
    ['old text', Buffer.from('{"level":30,"msg":"this is another file\'s text"}\n'.repeat(5)), 'TAIL_TORN'],
    ['random bytes', Buffer.from(new SeededRandom(seed).bytes(300)), 'TAIL_TORN'],
    ['zeros and then garbage', Buffer.concat([Buffer.alloc(200), Buffer.from('x')]), 'TAIL_TORN'],
    ['a zero', Buffer.alloc(1), 'zeros'],
    ['sixteen zeros', Buffer.alloc(16), 'zeros'],
    ['sixty-one zeros', Buffer.alloc(61), 'zeros'],
    ['a mebibyte of zeros', Buffer.alloc(1024 * 1024), 'zeros'],
  ])('of %s is cut', async (_, tail, kind) => {
    const directory = await killedLog(30)
    const path = lastSegment(directory)
    const position = statSync(path).size
    appendFileSync(path, tail)
    const log = await openTempLog(quick, directory)
    expect(log.recovery.cut).toMatchObject({ position, sizeBytes: tail.length, kind, suspect: false })
    const { quarantinedTo } = log.recovery.cut!
    if (kind === 'zeros') expect(quarantinedTo).toBeUndefined()
    else expect(readFileSync(quarantinedTo!)).toEqual(tail)
    expect(existsSync(join(directory, 'quarantine'))).toBe(kind !== 'zeros')
    await expectGoesOn(log, 30)
  })

  it('with sound batches behind it is suspect, and all of it is kept', async () => {
    const directory = await killedLog(30)
    const path = lastSegment(directory)
    damageFile(path, (bytes) => flipped(bytes, batchPositions(bytes)[1]! + 70))
    const whole = readFileSync(path)
    const position = batchPositions(whole)[1]!
    const log = await openTempLog(quick, directory)
    expect(log.recovery.cut).toMatchObject({ position, sizeBytes: whole.length - position, suspect: true })
    expect(readFileSync(log.recovery.cut!.quarantinedTo!)).toEqual(whole.subarray(position))
    await expectGoesOn(log, 28)
  })

  it('takes nothing with it that another cut at the same place has put in quarantine', async () => {
    const directory = await killedLog(30)
    const path = lastSegment(directory)
    const kept: string[] = []
    for (const tail of ['one', 'two', 'one']) {
      appendFileSync(path, tail)
      rmSync(join(directory, MARKER), { force: true })
      const log = await openLog(directory, quick)
      kept.push(log.recovery.cut!.quarantinedTo!)
      await log.close()
    }
    expect(kept.map((name) => readFileSync(name, 'utf8'))).toEqual(['one', 'two', 'one'])
    expect(kept[2]).toBe(kept[0])
    expect(new Set(kept).size).toBe(2)
  })
})

const spoil = async (edit: (bytes: Buffer) => Buffer): Promise<string> => {
  const directory = await closedLog(30)
  rmSync(join(directory, MARKER))
  damageFile(lastSegment(directory), edit)
  return directory
}

describe('below the recovery point', () => {
  it.each<[string, (bytes: Buffer) => Buffer, number, number | undefined]>([
    ['a batch that fails its checksum', (bytes) => flipped(bytes, batchPositions(bytes)[1]! + 70), 1, 29],
    ['a last batch that fails its checksum', (bytes) => flipped(bytes, bytes.length - 1), 2, undefined],
    ['a last batch at another offset', (bytes) => flipped(bytes, batchPositions(bytes)[2]!, 0), 2, undefined],
    ['a file cut in a batch', (bytes) => bytes.subarray(0, bytes.length - 1), 2, undefined],
    ['a file cut between batches', (bytes) => bytes.subarray(0, batchPositions(bytes)[1]), 1, undefined],
    ['a batch of zeros', (bytes) => Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(224)]), 0, undefined],
    ['an empty file', () => Buffer.alloc(0), 0, undefined],
  ])('%s is damage: nothing is cut, and the error says where', async (_, edit, batch, nextGood) => {
    const directory = await spoil(edit)
    const before = fingerprint(directory)
    const path = lastSegment(directory)
    const position = batch * 108
    const offset = 27 + batch
    const error = { code: 'LOG_CORRUPT', path, position, offset, found: nextGood }
    await expect(openLog(directory, quick)).rejects.toMatchObject(error)
    await expect(openLog(directory, { ...quick, readOnly: true })).rejects.toMatchObject(error)
    expect(fingerprint(directory)).toEqual(before)
  })

  it('what is sound around it can still be read', async () => {
    const directory = await spoil((bytes) => flipped(bytes, batchPositions(bytes)[1]! + 70))
    const before = fingerprint(directory)
    const log = await openTempLog({ ...quick, onCorruption: 'readonly' }, directory)
    expect(log.state).toBe('readonly')
    expect(log.recovery.damage).toMatchObject([{ kind: 'damaged', firstLostOffset: 28, nextGoodOffset: 29 }])
    const told: unknown[] = []
    const read = await readValues(log, {
      onDamage: ({ offset, nextOffset }) => told.push([offset, nextOffset]),
    })
    expect(read).toEqual(values(30).filter((_, offset) => offset !== 28))
    expect(told).toEqual([[28, 29]])
    await expect(readValues(log)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 28 })
    await expect(log.get(28)).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    expect((await log.get(29))?.value?.toString()).toBe(numberedValue(29))
    for (const change of [
      log.append('x'),
      log.roll(),
      log.truncateTo(3),
      log.deleteRecordsBefore(3),
      log.clean(),
    ])
      await expect(change).rejects.toMatchObject({ code: 'LOG_READONLY' })
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })

  it('an unreadable checkpoint is reported, and proves nothing', async () => {
    const directory = await spoil((bytes) => bytes.subarray(0, bytes.length - 1))
    writeFileSync(join(directory, RECOVERY_POINTS), '0\n1\nlog 0 30')
    const log = await openTempLog(quick, directory)
    expect(log.recovery.notes).toEqual([expect.stringContaining(`${RECOVERY_POINTS} ends inside a line`)])
    expect(log.recovery.cut).toMatchObject({ kind: 'TAIL_TORN' })
    await expectGoesOn(log, 29)
    await log.close()
    expect(readFileSync(join(directory, RECOVERY_POINTS), 'utf8')).toBe('0\n1\nlog 0 31\n')
  })

  it('lies what lies below the start offset, too: the log is synced before that moves', async () => {
    const directory = await spoil((bytes) => flipped(bytes, batchPositions(bytes)[1]! + 70))
    rmSync(join(directory, RECOVERY_POINTS))
    writeFileSync(join(directory, 'log-start-offset-checkpoint'), '0\n1\nlog 0 30\n')
    const before = fingerprint(directory)
    await expect(openLog(directory, quick)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      offset: 28,
      found: 29,
    })
    expect(fingerprint(directory)).toEqual(before)
  })

  it('a start offset past the end is damage too: records were there before it moved', async () => {
    const directory = await spoil((bytes) => bytes)
    rmSync(join(directory, RECOVERY_POINTS))
    writeFileSync(join(directory, 'log-start-offset-checkpoint'), '0\n1\nlog 0 31\n')
    const before = fingerprint(directory)
    await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'LOG_CORRUPT', offset: 30 })
    expect(fingerprint(directory)).toEqual(before)
  })

  it('a start offset past the end is damage even after a close in order', async () => {
    const directory = await closedLog(30)
    writeFileSync(join(directory, 'log-start-offset-checkpoint'), '0\n1\nlog 0 31\n')
    const before = fingerprint(directory)
    for (const readOnly of [false, true]) {
      const opening = openLog(directory, { ...quick, readOnly })
      await expect(opening).rejects.toMatchObject({ code: 'LOG_CORRUPT', offset: 30 })
    }
    expect(fingerprint(directory)).toEqual(before)
  })
})

const emptyLast = async (edit = (bytes: Buffer): Buffer => bytes): Promise<string> => {
  const directory = await killedLog(27)
  rmSync(join(directory, 'index.db'), { force: true })
  damageFile(lastSegment(directory), edit)
  writeFileSync(join(directory, segmentName(27)), '')
  return directory
}

describe('a roll that was not finished', () => {
  it('leaves an empty last segment, which is written on', async () => {
    const directory = await emptyLast()
    const log = await openTempLog(quick, directory)
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 9, 18, 27])
    await expectGoesOn(log, 27)
    expect(segmentPaths(directory)).toHaveLength(4)
  })

  it('leaves no segment that starts inside the one before it', async () => {
    const directory = await killedLog(27)
    writeFileSync(join(directory, segmentName(20)), '')
    appendFileSync(join(directory, segmentName(18)), 'torn')
    const before = fingerprint(directory)
    const error = { code: 'LOG_CORRUPT', path: join(directory, segmentName(18)), offset: 20 }
    await expect(openLog(directory, quick)).rejects.toMatchObject(error)
    expect(fingerprint(directory)).toEqual(before)
  })

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is torn', (bytes) => bytes.subarray(0, bytes.length - 5)],
    ['is short of a batch', (bytes) => bytes.subarray(0, bytes.length - 108)],
    ['has garbage behind it', (bytes) => Buffer.concat([bytes, Buffer.from('garbage')])],
  ])('proves that the segment before it was whole: if that %s, something was lost', async (_, edit) => {
    const directory = await emptyLast(edit)
    const before = fingerprint(directory)
    const opening = openLog(directory, quick)
    if (edit(Buffer.alloc(300)).length > 300) expect((await opening).recovery.cut).toBeDefined()
    else {
      await expect(opening).rejects.toMatchObject({ code: 'LOG_CORRUPT', found: 27 })
      expect(fingerprint(directory)).toEqual(before)
    }
    await (await opening.catch(() => undefined))?.close()
  })
})

describe('after a failed sync', () => {
  it('the segment is saved in a new file, and the marker of the failure goes', async () => {
    const directory = await killedLog(30)
    writeFileSync(join(directory, 'FAILED'), '{"durableOffset":27}\n')
    const path = lastSegment(directory)
    const before = statSync(path).ino
    const whole = readFileSync(path)
    const log = await openTempLog(quick, directory)
    expect(statSync(path).ino).not.toBe(before)
    expect(readFileSync(path)).toEqual(whole)
    expect(existsSync(join(directory, 'FAILED'))).toBe(false)
    await expectGoesOn(log, 30)
  })

  it('a torn tail is put in quarantine and left out of the new file; the old one is not touched', async () => {
    const directory = await killedLog(30)
    writeFileSync(join(directory, 'FAILED'), '')
    appendFileSync(lastSegment(directory), 'torn')
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    expect(log.recovery.cut).toMatchObject({ sizeBytes: 4, kind: 'TAIL_TORN' })
    expect(fileSystem.count('truncate')).toBe(0)
    expect(fileSystem.count('syncData', /^\d{20}\.log$/)).toBe(0)
    expect(fileSystem.count('syncData', /^\d{20}\.log\.tmp$/)).toBe(1)
    await expectGoesOn(log, 30)
  })

  it('even a clean marker is not believed', async () => {
    const directory = await closedLog(30)
    writeFileSync(join(directory, 'FAILED'), '')
    expect((await openTempLog(quick, directory)).recovery.clean).toBe(false)
    expect(existsSync(join(directory, 'FAILED'))).toBe(false)
  })
})

const DIRECTORY = '/log'
const inMemory = (fileSystem: MemoryFileSystem): LogOptions => {
  const { index: _, ...rest } = quick
  return { ...rest, fileSystem, random: new SeededRandom(seed) }
}

/** A killed log with the files in `more` put beside its own. */
async function leftBehind(
  more: (files: { last: string; bytesOf: (path: string) => Buffer }) => Record<string, Buffer>,
): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem()
  await appendNumbered(await openLog(DIRECTORY, inMemory(fileSystem)), 30)
  const left = fileSystem.copy()
  const last = left.paths.findLast((path) => path.endsWith('.log'))!
  for (const [path, bytes] of Object.entries(more({ last, bytesOf: (each) => left.bytesOf(each) })))
    left.put(path.startsWith('/') ? path : `${DIRECTORY}/${path}`, bytes)
  return left
}

const filesOf = (fileSystem: MemoryFileSystem): Record<string, string> =>
  Object.fromEntries(
    fileSystem.paths
      .filter((path) => !path.endsWith('watermark'))
      .map((path) => [path, fileSystem.bytesOf(path).toString('hex')]),
  )

describe('recovery that is killed', () => {
  it.each<[string, Parameters<typeof leftBehind>[0]]>([
    ['with nothing to do', () => ({})],
    [
      'with a torn tail',
      ({ last, bytesOf }) => ({ [last]: Buffer.concat([bytesOf(last), Buffer.from('torn')]) }),
    ],
    [
      'with a zero tail',
      ({ last, bytesOf }) => ({ [last]: Buffer.concat([bytesOf(last), Buffer.alloc(99)]) }),
    ],
    [
      'after a failed sync',
      ({ last, bytesOf }) => ({
        [last]: Buffer.concat([bytesOf(last), Buffer.from('torn')]),
        FAILED: Buffer.alloc(0),
      }),
    ],
    [
      'with files of every kind half done',
      ({ bytesOf }) => ({
        [`${segmentName(0)}.deleted`]: Buffer.from('old'),
        [`${segmentName(9)}.cleaned`]: Buffer.from('half'),
        [`${segmentName(18)}.swap`]: bytesOf(`${DIRECTORY}/${segmentName(18)}`),
        [`${segmentName(27)}.tmp`]: Buffer.from('copy'),
        'topic.properties.tmp': Buffer.from('x'),
      }),
    ],
    [
      'with a rewrite to put in place',
      ({ bytesOf }) => ({
        [`${segmentName(0)}.swap`]: Buffer.concat(
          [0, 9].map((base) => bytesOf(`${DIRECTORY}/${segmentName(base)}`)),
        ),
        [`${segmentName(9)}.index`]: Buffer.alloc(8),
      }),
    ],
  ])('at any step %s, ends the same when it runs again', async (_, more) => {
    const left = await leftBehind(more)
    const straight = left.copy()
    await (await openLog(DIRECTORY, inMemory(straight))).close()
    const expected = filesOf(straight)
    const steps = straight.steps
    expect(steps).toBeGreaterThan(3)
    for (let step = 0; step < steps; step++) {
      const work = left.copy()
      work.dieAfter(step)
      await openLog(DIRECTORY, inMemory(work)).then(
        (log) => log.close().catch(() => {}),
        () => {},
      )
      const later = work.copy()
      const log = await openLog(DIRECTORY, inMemory(later))
      expect(await readValues(log)).toEqual(values(30))
      await log.close()
      expect(filesOf(later)).toEqual(expected)
    }
  })
})
