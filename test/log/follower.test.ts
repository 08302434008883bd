import { appendFileSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type FileSystem, type Log, type LogOptions, openLog, type ReadOptions } from '../../src/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'
import { CrashFileSystem, FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { LogChild } from '../helpers/child-process.ts'
import { dataBatch, handMadeLog, segmentName, valueAt } from '../helpers/hand-made.ts'
import { appendNumbered, closedLog, killedLog, numberedValue, quick } from '../helpers/log-files.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'

/** Follows with a clock that never moves: only what the system tells of changes can wake it. */
const following: LogOptions = { readOnly: true, clock: new ManualClock() }

/** Only what lies before the start offset goes, and goes at once. */
const deletingAtOnce: LogOptions['config'] = {
  ...quick.config,
  'retention.ms': -1,
  'file.delete.delay.ms': 0,
}

/** A file system whose watches never say anything, and what makes them. */
function deafFileSystem(): FileSystem {
  return { ...nodeFileSystem, watch: () => ({ close: () => {} }) }
}

const values = (from: number, until: number): string[] =>
  Array.from({ length: until - from }, (_, slot) => numberedValue(from + slot))

/** Collects what a reader gives until it has `count` records. */
async function collect(log: Log, count: number, options: ReadOptions = {}): Promise<string[]> {
  const found: string[] = []
  if (count === 0) return found
  for await (const { value } of log.read({ follow: true, ...options })) {
    found.push(value!.toString())
    if (found.length === count) break
  }
  return found
}

/** The files below `directory` that this process has open. */
function openFiles(directory: string): string[] {
  const paths = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)]
    } catch {
      return [] // closed meanwhile
    }
  })
  return paths.filter((path) => path.startsWith(directory))
}

const reaches = (log: Log, endOffset: number): Promise<unknown> =>
  vi.waitFor(() => expect(log.endOffset).toBe(endOffset), { timeout: 10_000, interval: 5 })

/** As often as it takes: a poll begins anew only when the look before it has ended. */
const reachesByPolls = (log: Log, clock: ManualClock, endOffset: number): Promise<unknown> =>
  vi.waitFor(
    async () => {
      await clock.advance(1_000)
      expect(log.endOffset).toBe(endOffset)
    },
    { timeout: 10_000, interval: 5 },
  )

describe('following a writer in another process', () => {
  it('gives every record once and in order, live, through rolls and restarts, with no clock', async () => {
    const directory = await closedLog(5)
    const writer = new LogChild('serve', directory, quick)
    await writer.next()
    const log = await openTempLog(following, directory)
    const reading = collect(log, 60)
    await writer.tell('append', 20)
    await writer.tell('roll')
    await writer.tell('append', 10)
    await writer.tell('close')
    const second = new LogChild('serve', directory, quick)
    await second.next()
    await second.tell('append', 25)
    expect(await reading).toEqual(values(0, 60))
    expect(log).toMatchObject({ state: 'readonly', startOffset: 0, endOffset: 60, readableEndOffset: 60 })
  })

  it('reads to the last whole batch once the writer was killed, and goes on with the next one', async () => {
    const directory = await closedLog(5)
    const writer = new LogChild('serve', directory, quick)
    await writer.next()
    const clock = new ManualClock()
    const log = await openTempLog({ readOnly: true, clock }, directory)
    await writer.tell('append', 3)
    await reaches(log, 8)
    appendFileSync(
      join(directory, segmentName(0)),
      Buffer.concat([dataBatch(8, 2), dataBatch(10, 1).subarray(0, 50)]),
    )
    await clock.advance(1_000)
    expect(log.endOffset).toBe(8) // what the writer did not speak of is not read while it lives
    await writer.kill()
    await clock.advance(1_000)
    await reaches(log, 10)
    expect((await log.get(9))?.value?.toString()).toBe(valueAt(9))
    const second = new LogChild('serve', directory, quick)
    expect(await second.next()).toMatchObject({ opened: 10, recovery: { cut: { sizeBytes: 50 } } })
    await second.tell('append', 2)
    expect(await collect(log, 4, { from: 8 })).toEqual([valueAt(8), valueAt(9), ...values(10, 12)])
  })

  it('keeps its process alive while it waits, and lets it end at the abort', async () => {
    const directory = await closedLog(3)
    const child = new LogChild('wait', directory, { readOnly: true })
    expect(await child.next()).toMatchObject({ opened: 3 })
    expect(await child.next()).toBe('still here')
    child.process.stdin!.write('\n')
    expect(await child.next()).toEqual({ ended: 'AbortError' })
    expect(await child.next()).toBeUndefined()
  })
})

describe('the watermark', () => {
  it('holds back what was written and not acknowledged', async () => {
    const fileSystem = new FaultFileSystem()
    const writer = await openTempLog({ ...quick, fileSystem })
    await appendNumbered(writer, 3)
    const log = await openTempLog(following, writer.directory)
    const { reached, release } = fileSystem.hold('syncData', /\.log$/)
    const appended = writer.append({ value: numberedValue(3), timestamp: 1003 }, { durability: 'disk' })
    await reached
    expect(readFileSync(join(writer.directory, segmentName(0))).length).toBe(4 * 108)
    const late = await openTempLog(following, writer.directory)
    for (const each of [log, late]) {
      expect(each.endOffset).toBe(3)
      expect(await readValues(each)).toEqual(values(0, 3))
      expect(await each.get(3)).toBeUndefined()
    }
    release()
    await appended
    expect(await collect(log, 4)).toEqual(values(0, 4))
    await reaches(late, 4)
  })

  it.each<[string, (path: string) => void]>([
    ['missing', (path) => rmSync(path)],
    ['garbage', (path) => writeFileSync(path, 'x'.repeat(64))],
    ['too short', (path) => writeFileSync(path, readFileSync(path).subarray(0, 60))],
  ])('that is %s while a writer lives keeps followers where they are', async (_, spoil) => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 3)
    const clock = new ManualClock()
    const log = await openTempLog({ readOnly: true, clock }, writer.directory)
    spoil(join(writer.directory, 'watermark'))
    appendFileSync(join(writer.directory, segmentName(0)), dataBatch(3, 1))
    const late = await openTempLog(following, writer.directory)
    await clock.advance(3_000)
    expect([log.endOffset, late.endOffset]).toEqual([3, 0])
  })

  it('that a new writer has not renewed yet takes nothing back of what was read before it came', async () => {
    const directory = await killedLog(3)
    appendFileSync(join(directory, segmentName(0)), dataBatch(3, 2)) // written, and never acknowledged
    const clock = new ManualClock()
    const log = await openTempLog({ readOnly: true, clock }, directory)
    const reader = log.read({ follow: true })
    for (let offset = 0; offset < 5; offset++) expect((await reader.next()).value).toMatchObject({ offset })
    const lock = nodeFileSystem.lock(join(directory, '.lock'))
    await clock.advance(2_000)
    expect(log.endOffset).toBe(5)
    lock.release()
    const writer = await openTempLog(quick, directory)
    await appendNumbered(writer, 1)
    expect((await reader.next()).value).toMatchObject({ offset: 5 })
  })

  it('counts as soon as a writer is there, even if it comes while the end is looked for', async () => {
    const directory = await closedLog(3)
    const clock = new ManualClock()
    const once: { task?: () => void } = {}
    const fileSystem: FileSystem = {
      ...deafFileSystem(),
      list(path) {
        once.task?.()
        return nodeFileSystem.list(path)
      },
    }
    const log = await openTempLog({ readOnly: true, clock, fileSystem }, directory)
    const release = vi.fn<() => void>()
    once.task = () => {
      delete once.task
      const lock = nodeFileSystem.lock(join(directory, '.lock'))
      release.mockImplementation(() => lock.release())
      appendFileSync(join(directory, segmentName(0)), dataBatch(3, 2))
    }
    await clock.advance(1_000)
    expect(log.endOffset).toBe(3)
    release()
    await reachesByPolls(log, clock, 5)
  })

  it('of a writer that is gone is not believed: the file may be shorter, or longer', async () => {
    const shorter = await killedLog(12)
    const path = join(shorter, segmentName(9))
    writeFileSync(path, readFileSync(path).subarray(0, 200))
    rmSync(join(shorter, 'recovery-point-offset-checkpoint'), { force: true })
    const log = await openTempLog(following, shorter)
    expect(log.endOffset).toBe(10)
    expect(await readValues(log)).toEqual(values(0, 10))
    const longer = await killedLog(12)
    appendFileSync(join(longer, segmentName(9)), dataBatch(12, 4))
    expect((await openTempLog(following, longer)).endOffset).toBe(16)
  })
})

describe('following', () => {
  it('sees the start move, and segments go, and reads none of it any more', async () => {
    const writer = await openTempLog({ ...quick, config: deletingAtOnce })
    await appendNumbered(writer, 30)
    const log = await openTempLog(following, writer.directory)
    expect(log.segments()).toHaveLength(4)
    await writer.deleteRecordsBefore(20)
    await vi.waitFor(() => expect(log.startOffset).toBe(20))
    await expect(log.get(19)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    await expect(readValues(log, { from: 0 })).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    expect(await readValues(log)).toEqual(values(20, 30))
    await writer.clean()
    await vi.waitFor(() => expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([18, 27]))
    expect(await readValues(log)).toEqual(values(20, 30))
  })

  it('never skips in silence for a reader that segments are taken from', async () => {
    const writer = await openTempLog({ ...quick, config: deletingAtOnce })
    await appendNumbered(writer, 60)
    const log = await openTempLog(following, writer.directory)
    for (const taken of [1, 9, 15]) {
      const slow = log.read({ maxBytes: 1 })
      const first = log.startOffset
      for (let count = 0; count < taken; count++) await slow.next()
      await writer.deleteRecordsBefore(first + 20)
      await writer.clean()
      await vi.waitFor(() => expect(log.startOffset).toBe(first + 20))
      let expected = first + taken
      const rest = (async () => {
        for await (const { offset } of slow) expect(offset).toBe(expected++)
      })()
      const error = await rest.then(
        () => undefined,
        (failure: { code: string }) => failure.code,
      )
      if (error === undefined) expect(expected).toBe(60)
      else expect(error).toBe('OFFSET_OUT_OF_RANGE')
    }
  })

  it('tells readers of a truncation below them, and reads on in what is written anew', async () => {
    const writer = await openTempLog(quick)
    await writer.append(values(0, 6).map((value, slot) => ({ value, timestamp: 1000 + slot })))
    await appendNumbered(writer, 20)
    const log = await openTempLog(following, writer.directory)
    const iterator = log.read({ from: 26, follow: true })
    const waiting = iterator.next()
    expect((await log.get(5))?.value?.toString()).toBe(numberedValue(5))
    await writer.truncateTo(4) // inside the first batch: the segment is another file afterwards
    await expect(waiting).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    await reaches(log, 4)
    expect(await readValues(log)).toEqual(values(0, 4))
    await writer.append([{ value: 'new', timestamp: 1004 }])
    await reaches(log, 5)
    expect(await readValues(log)).toEqual([...values(0, 4), 'new'])
    expect((await log.get(4))?.value?.toString()).toBe('new')
    expect(log.segments().map(({ baseOffset, nextOffset }) => [baseOffset, nextOffset])).toEqual([[0, 5]])
  })

  it('notices a truncation by a writer that came and went unseen', async () => {
    const directory = await closedLog(12)
    const clock = new ManualClock()
    const log = await openTempLog({ readOnly: true, clock, fileSystem: deafFileSystem() }, directory)
    const iterator = log.read({ from: 8, follow: true })
    expect((await iterator.next()).value).toMatchObject({ offset: 8 })
    const writer = await openLog(directory, quick)
    await writer.truncateTo(2)
    for (let offset = 2; offset < 14; offset++)
      await writer.append({ value: `new ${offset}`, timestamp: 1000 + offset })
    await writer.close()
    await clock.advance(1_000)
    await reaches(log, 14)
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    expect((await readValues(log)).slice(0, 4)).toEqual([...values(0, 2), 'new 2', 'new 3'])
  })

  it('looks once a second where nothing tells of changes', async () => {
    const writer = await openTempLog(quick)
    const clock = new ManualClock()
    const refusing: FileSystem = {
      ...nodeFileSystem,
      watch() {
        throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' })
      },
    }
    const deaf = await openTempLog({ readOnly: true, clock, fileSystem: deafFileSystem() }, writer.directory)
    const refused = await openTempLog({ readOnly: true, clock, fileSystem: refusing }, writer.directory)
    await appendNumbered(writer, 12)
    expect([deaf.endOffset, refused.endOffset]).toEqual([0, 0])
    await clock.advance(999)
    expect([deaf.endOffset, refused.endOffset]).toEqual([0, 0])
    await clock.advance(1)
    await reaches(deaf, 12)
    await reaches(refused, 12)
  })

  it('keeps a timer that holds the process only while a reader waits', async () => {
    const writer = await openTempLog(quick)
    const clock = new ManualClock()
    const log = await openTempLog({ readOnly: true, clock }, writer.directory)
    const held = (): boolean[] => clock.timers.map(({ keepAlive }) => keepAlive)
    expect(held()).toEqual([false])
    const abort = new AbortController()
    const waiting = log.read({ follow: true, signal: abort.signal }).next()
    await vi.waitFor(() => expect(held()).toEqual([true]))
    await clock.advance(1_000)
    await vi.waitFor(() => expect(held()).toEqual([true]))
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await clock.advance(1_000)
    await vi.waitFor(() => expect(held()).toEqual([false]))
    await log.close()
    expect(held()).toEqual([])
  })

  it('finds records by time in the segment that is being written, too', async () => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 12)
    const log = await openTempLog(following, writer.directory)
    for (const offset of [0, 8, 9, 11])
      expect(await log.offsetForTimestamp(1000 + offset)).toEqual({ offset, timestamp: 1000 + offset })
    expect(await log.offsetForTimestamp(1012)).toBeUndefined()
    await appendNumbered(writer, 1)
    await reaches(log, 13)
    expect(await log.offsetForTimestamp(1012)).toEqual({ offset: 12, timestamp: 1012 })
  })

  it('opens no more files the longer it lasts, and lets deleted ones go', async () => {
    const writer = await openTempLog({ ...quick, config: deletingAtOnce })
    const log = await openTempLog(following, writer.directory)
    const inLog = (): string[] => openFiles(writer.directory)
    const counts: number[] = []
    for (let round = 0; round < 6; round++) {
      await appendNumbered(writer, 40)
      await reaches(log, (round + 1) * 40)
      expect(await readValues(log, { from: round * 40 })).toHaveLength(40)
      await writer.deleteRecordsBefore(round * 40 + 35)
      await writer.clean()
      await vi.waitFor(() => expect(log.segments()[0]!.baseOffset).toBeGreaterThan(round * 40 + 20))
      await vi.waitFor(() => expect(inLog().filter((path) => path.includes('deleted'))).toEqual([]))
      counts.push(inLog().length)
    }
    expect(Math.max(...counts.slice(1))).toBeLessThanOrEqual(counts[0]! + 2)
  })

  it('of a log without a writer opens without looking at batches, if it was closed in order', async () => {
    const directory = await closedLog(30)
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...following, fileSystem }, directory)
    expect(log).toMatchObject({ startOffset: 0, endOffset: 30, durableOffset: 30 })
    const last = fileSystem.calls.filter(({ kind, name }) => kind === 'read' && name === segmentName(27))
    expect(last).toHaveLength(1) // the header that the marker speaks of
    expect(await readValues(log)).toEqual(values(0, 30))
    expect(await log.offsetForTimestamp(1028)).toEqual({ offset: 28, timestamp: 1028 })
  })

  it('ends readers that wait when it is closed', async () => {
    const log = await openTempLog(following, await closedLog(3))
    const waiting = log.read({ from: 3, follow: true }).next()
    await log.close()
    await expect(waiting).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    expect(log.state).toBe('closed')
    await log.close()
  })

  it('goes on after looks that fail', async () => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 3)
    const clock = new ManualClock()
    const fileSystem = new FaultFileSystem(deafFileSystem())
    const log = await openTempLog({ readOnly: true, clock, fileSystem }, writer.directory)
    fileSystem.fail('open', { code: 'EMFILE', times: 3 })
    await appendNumbered(writer, 3)
    await reachesByPolls(log, clock, 6)
    fileSystem.fail('open', { name: /\.log$/, code: 'EIO' })
    await expect(openLog(writer.directory, { readOnly: true, fileSystem })).rejects.toMatchObject({
      code: 'EIO',
    })
  })

  it('leaves no file open when opening fails, wherever it does', async () => {
    const fileSystem = new CrashFileSystem()
    const writer = await openLog('/log', { ...quick, fileSystem })
    await appendNumbered(writer, 3)
    const held = fileSystem.held.length
    for (let skip = 0, isOver = false; !isOver; skip++) {
      fileSystem.faults.fail(['open', 'read'], { code: 'EIO', skip })
      const before = fileSystem.faults.firedCount
      await openLog('/log', { ...following, fileSystem }).then(
        (log) => log.close(),
        () => {},
      )
      isOver = fileSystem.faults.firedCount === before
      fileSystem.faults.heal()
      expect([skip, fileSystem.held.length]).toEqual([skip, held])
    }
    await writer.close()
  })
})

describe('following a log that Kafka writes', () => {
  it('reads up to the last whole batch, through rolls and whatever the lock says', async () => {
    const directory = await handMadeLog([[dataBatch(0, 3)]])
    const clock = new ManualClock()
    const log = await openTempLog({ readOnly: true, clock }, directory)
    const lock = nodeFileSystem.lock(join(directory, '.lock'))
    appendFileSync(
      join(directory, segmentName(0)),
      Buffer.concat([dataBatch(5, 2), dataBatch(7, 1).subarray(0, 50)]),
    )
    await reaches(log, 7)
    appendFileSync(join(directory, segmentName(0)), dataBatch(7, 1).subarray(50))
    await reaches(log, 8)
    writeFileSync(join(directory, segmentName(10)), dataBatch(10, 2))
    await reaches(log, 12)
    expect(await readValues(log)).toEqual([0, 1, 2, 5, 6, 7, 10, 11].map((offset) => valueAt(offset)))
    lock.release()
  })
})
