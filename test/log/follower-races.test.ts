/*
 * What a writer takes back between two looks of a follower. A follower here never looks of its own accord: its watches
 * say nothing and its clock stands still, so that only reading itself can find out.
 */
import { copyFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type FileHandle, type FileSystem, type Log, type LogOptions, openLog } from '../../src/index.ts'
import type { FollowedLog } from '../../src/cleanup/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { type Deferred, deferred } from '../helpers/deferred.ts'
import { segmentName } from '../helpers/hand-made.ts'
import { appendNumbered, numberedValue, quick } from '../helpers/log-files.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'

const deletingAtOnce: LogOptions = {
  ...quick,
  config: { ...quick.config, 'retention.ms': -1, 'file.delete.delay.ms': 0 },
}

/** A file system whose watches never say anything. */
const deafFileSystem: FileSystem = { ...nodeFileSystem, watch: () => ({ close: () => {} }) }

/** The same, with reads that can be made to wait when they have been made, and before they are told. */
class SlowFileSystem {
  readonly #gates: { reached: Deferred<void>; released: Deferred<void> }[] = []
  readonly fileSystem: FileSystem = {
    ...deafFileSystem,
    openSync: (path, mode) => {
      const handle = nodeFileSystem.openSync(path, mode)
      return path.endsWith('.log') ? this.#slowed(handle) : handle
    },
  }

  /** Makes the next read wait. */
  hold(): { reached: Promise<void>; release: () => void } {
    const gate = { reached: deferred(), released: deferred() }
    this.#gates.push(gate)
    return { reached: gate.reached.promise, release: gate.released.resolve }
  }

  #slowed(handle: FileHandle): FileHandle {
    const read = async (into: Uint8Array, position: number): Promise<number> => {
      const count = await handle.read(into, position)
      const gate = this.#gates.shift()
      gate?.reached.resolve()
      await gate?.released.promise
      return count
    }
    return {
      path: handle.path,
      readSync: (into, position) => handle.readSync(into, position),
      read,
      appendSync: (bytes, position) => handle.appendSync(bytes, position),
      extend: (sizeBytes) => handle.extend(sizeBytes),
      overwriteSync: (bytes, position) => handle.overwriteSync(bytes, position),
      truncateSync: (sizeBytes) => handle.truncateSync(sizeBytes),
      sizeSync: () => handle.sizeSync(),
      syncData: () => handle.syncData(),
      syncDataSync: () => handle.syncDataSync(),
      close: () => handle.close(),
    }
  }
}

const values = (from: number, until: number): string[] =>
  Array.from({ length: until - from }, (_, slot) => numberedValue(from + slot))

/** A follower that looks when its clock is moved on. */
async function openDeaf(
  directory: string,
  fileSystem: FileSystem = deafFileSystem,
): Promise<{ log: Log; clock: ManualClock; complaints: () => unknown[] }> {
  const clock = new ManualClock()
  const said = vi.fn<(...words: unknown[]) => void>()
  const logger = { debug: () => {}, info: () => {}, warn: said, error: said }
  const log = await openTempLog({ readOnly: true, clock, fileSystem, logger }, directory)
  return { log, clock, complaints: () => said.mock.calls }
}

/** Has the follower look until it knows of `endOffset`. */
const looksUntil = (log: Log, clock: ManualClock, endOffset: number): Promise<unknown> =>
  vi.waitFor(
    async () => {
      await clock.advance(1_000)
      expect(log.endOffset).toBe(endOffset)
    },
    { timeout: 10_000, interval: 5 },
  )

/** Has the follower look once, and no look is under way afterwards. */
async function looksOnce(log: Log, clock: ManualClock, endOffset: number): Promise<void> {
  await clock.advance(1_000)
  await vi.waitFor(() => expect(log.endOffset).toBe(endOffset))
}

const appendAtOnce = (log: Log, from: number, until: number): Promise<unknown> =>
  log.append(values(from, until).map((value, slot) => ({ value, timestamp: 1000 + from + slot })))

/** A follower of a log whose first two segments have gone since it looked. */
async function withDeletedHead(): Promise<Awaited<ReturnType<typeof openDeaf>>> {
  const writer = await openTempLog(deletingAtOnce)
  await appendNumbered(writer, 30)
  const deaf = await openDeaf(writer.directory)
  await writer.deleteRecordsBefore(20)
  await writer.clean()
  await vi.waitFor(() =>
    expect(readdirSync(writer.directory).filter((name) => name.includes('.log'))).toEqual([
      segmentName(18),
      segmentName(27),
    ]),
  )
  return deaf
}

describe('a segment that was deleted since the last look', () => {
  it.each<[string, (log: Log) => Promise<unknown>]>([
    ['read', (log) => log.read({ from: 0 })[Symbol.asyncIterator]().next()],
    ['readBatches', (log) => log.readBatches({ from: 9 })[Symbol.asyncIterator]().next()],
    ['get', (log) => log.get(0)],
    ['getSync', async (log) => log.getSync(0)],
  ])('is below the start for %s, and no failure of the disk', async (_, read) => {
    const { log, complaints } = await withDeletedHead()
    expect(log.startOffset).toBe(0)
    await expect(read(log)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    expect(complaints()).toEqual([])
  })

  it('is passed over by a search for a time, and nobody hears of it', async () => {
    const { log, complaints } = await withDeletedHead()
    expect(await log.offsetForTimestamp(1000)).toEqual({ offset: 20, timestamp: 1020 })
    expect(complaints()).toEqual([])
  })
})

describe('a truncation since the last look', () => {
  it('ends a reader that would go on in what was written in its place', async () => {
    const large = { ...quick, config: { ...quick.config, 'internal.segment.bytes': 1 << 20 } }
    const writer = await openTempLog(large)
    await appendNumbered(writer, 12, 5_000)
    const { log } = await openDeaf(writer.directory)
    for (const kind of ['read', 'readBatches'] as const) {
      const reader = log[kind]({ maxBytes: 1 })[Symbol.asyncIterator]()
      for (let count = 0; count < 6; count++) await reader.next()
      await writer.truncateTo(4)
      for (let count = 0; count < 8; count++) await writer.append(kind.padEnd(5_000, '.'))
      await expect(reader.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    }
  })

  it('hides what has been written in its place and not acknowledged', async () => {
    const fileSystem = new FaultFileSystem()
    const writer = await openTempLog({ ...quick, fileSystem })
    await appendNumbered(writer, 6)
    const followers: Log[] = []
    for (let count = 0; count < 4; count++) followers.push((await openDeaf(writer.directory)).log)
    await writer.truncateTo(4)
    const { reached, release } = fileSystem.hold('syncData', /\.log$/)
    const appended = writer.append(['not', 'yet'], { durability: 'disk' })
    await reached
    const [first, second, third, fourth] = followers as [Log, Log, Log, Log]
    expect([first.endOffset, second.endOffset]).toEqual([6, 6])
    expect(await first.get(5)).toBeUndefined()
    expect(() => second.getSync(5)).toThrow(expect.objectContaining({ code: 'LOG_TRUNCATED' }))
    expect(second.getSync(3)?.value?.toString()).toBe(numberedValue(3))
    expect(await third.read({ from: 4 })[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
    expect(await fourth.readBatches({ from: 4 })[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
    release()
    await appended
  })

  it('makes what is known of the times in its segment worth nothing', async () => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 30)
    const { log, clock } = await openDeaf(writer.directory)
    expect(await log.offsetForTimestamp(1029)).toMatchObject({ offset: 29 })
    await writer.truncateTo(12)
    for (let offset = 12; offset < 32; offset++)
      await writer.append({ value: `new ${offset}`, timestamp: 5000 + offset })
    await looksUntil(log, clock, 32)
    expect(await log.offsetForTimestamp(4000)).toEqual({ offset: 12, timestamp: 5012 })
  })
})

describe('a truncation under way', () => {
  it('leaves what it keeps of a batch readable, where it cuts one in two', async () => {
    const fileSystem = new FaultFileSystem()
    const writer = await openTempLog({ ...quick, fileSystem })
    await appendAtOnce(writer, 0, 6)
    const { log, clock } = await openDeaf(writer.directory)
    const { reached, release } = fileSystem.hold('rename', /\.log$/)
    const truncated = writer.truncateTo(4)
    await reached
    await looksUntil(log, clock, 4)
    expect((await log.get(3))?.value?.toString()).toBe(numberedValue(3))
    expect(log.getSync(0)?.value?.toString()).toBe(numberedValue(0))
    expect(await log.get(4)).toBeUndefined()
    release()
    await truncated
    await appendNumbered(writer, 1)
    await looksUntil(log, clock, 5)
    expect(await readValues(log)).toEqual(values(0, 5))
  })

  it('ends readers above it, and none above an earlier one', async () => {
    const fileSystem = new FaultFileSystem()
    const writer = await openTempLog({ ...quick, fileSystem })
    await appendNumbered(writer, 12)
    const { log, clock } = await openDeaf(writer.directory)
    await writer.truncateTo(5)
    await appendNumbered(writer, 15)
    await looksUntil(log, clock, 20)
    const below = log.read({ from: 5, follow: true })[Symbol.asyncIterator]()
    for (let offset = 5; offset < 10; offset++) expect((await below.next()).value).toMatchObject({ offset })
    const above = log.read({ from: 16, follow: true })[Symbol.asyncIterator]()
    await above.next()
    const { reached, release } = fileSystem.hold('rename', /\.deleted$/)
    const truncated = writer.truncateTo(15)
    await reached
    await looksUntil(log, clock, 15)
    release()
    await truncated
    await appendNumbered(writer, 5)
    await looksUntil(log, clock, 20)
    for (let offset = 10; offset < 20; offset++) expect((await below.next()).value).toMatchObject({ offset })
    await expect(above.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
  })

  it('that its writer never ends leaves the rest of the batch for those who have read up to where it was to be cut', async () => {
    const writer = await openTempLog(quick)
    await appendAtOnce(writer, 0, 6)
    const { log } = await openDeaf(writer.directory)
    const { view: state } = log as FollowedLog
    for (const options of [{}, { maxBytes: 1 }]) {
      state.cut(4) // as a look sees it that comes between the two halves
      const reader = log.read({ follow: true, ...options })
      for (let offset = 0; offset < 4; offset++) expect((await reader.next()).value).toMatchObject({ offset })
      const waiting = reader.next()
      await vi.waitFor(() => expect(state.changed.waiterCount).toBe(1))
      state.setReadableEnd(6) // as one that finds the writer killed, and the batch whole
      expect((await waiting).value).toMatchObject({ offset: 4 })
      expect((await reader.next()).value).toMatchObject({ offset: 5 })
      await reader.return?.()
    }
  })

  it('is no damage to a reader that has the old file in hand when the new one takes its place', async () => {
    const fileSystem = new FaultFileSystem()
    const writer = await openTempLog({ ...quick, fileSystem })
    await appendAtOnce(writer, 0, 6)
    const slow = new SlowFileSystem()
    const { log, clock } = await openDeaf(writer.directory, slow.fileSystem)
    const renaming = fileSystem.hold('rename', /\.log$/)
    const truncated = writer.truncateTo(4)
    await renaming.reached
    await looksOnce(log, clock, 4) // or a look that is under way takes what is held for the reader
    const reading = slow.hold()
    const next = log.read()[Symbol.asyncIterator]().next()
    await reading.reached
    const again = slow.hold() // the batch reaches past the end, so it is read once more
    reading.release()
    await again.reached
    const named = fileSystem.hold('syncDirectory')
    renaming.release()
    await named.reached
    const listed = log.segments()[0]!.sizeBytes
    await vi.waitFor(async () => {
      await clock.advance(1_000)
      expect(log.segments()[0]!.sizeBytes).toBeLessThan(listed)
    })
    again.release()
    expect((await next).value).toMatchObject({ offset: 0 })
    named.release()
    await truncated
  })

  it('is looked at anew when a file is replaced between listing and opening it', async () => {
    const fileSystem = new FaultFileSystem()
    const writer = await openTempLog({ ...quick, fileSystem })
    await appendAtOnce(writer, 0, 6)
    const path = join(writer.directory, segmentName(0))
    const once: { task?: () => void } = {}
    const { log, clock } = await openDeaf(writer.directory, {
      ...deafFileSystem,
      openSync(opened, mode) {
        if (opened === path) once.task?.()
        return nodeFileSystem.openSync(opened, mode)
      },
    })
    expect(await readValues(log)).toEqual(values(0, 6))
    const { reached, release } = fileSystem.hold('rename', /\.log$/)
    const truncated = writer.truncateTo(4)
    await reached
    once.task = () => {
      delete once.task
      const copy = readdirSync(writer.directory).find((name) => name.endsWith('.log.tmp'))!
      copyFileSync(join(writer.directory, copy), `${path}.x`)
      renameSync(`${path}.x`, path)
    }
    await looksOnce(log, clock, 4) // the next look would put it right
    expect(once.task).toBeUndefined()
    expect(await readValues(log)).toEqual(values(0, 4))
    release()
    await truncated
  })
})

describe('a file that is gone when a look opens it', () => {
  it('has the look begin anew, without a word', async () => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 12)
    const fileSystem = new FaultFileSystem(deafFileSystem)
    const { log, clock, complaints } = await openDeaf(writer.directory, fileSystem)
    await appendNumbered(writer, 3)
    fileSystem.fail('open', { name: /\.log$/, code: 'ENOENT', times: 3 })
    await looksUntil(log, clock, 15)
    expect(complaints()).toEqual([])
  })

  it('has opening look once more, but not for ever', async () => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 12)
    const fileSystem = new FaultFileSystem(deafFileSystem)
    fileSystem.fail('open', { name: /\.log$/, code: 'ENOENT', times: 3 })
    const { log } = await openDeaf(writer.directory, fileSystem)
    expect(log.endOffset).toBe(12)
    fileSystem.fail('open', { name: /\.log$/, code: 'ENOENT', times: Infinity })
    await expect(openLog(writer.directory, { readOnly: true, fileSystem })).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})

describe('closing', () => {
  it('waits for what is being read ahead, which keeps a file open', async () => {
    const large = { ...quick, config: { ...quick.config, 'internal.segment.bytes': 1 << 20 } }
    const writer = await openTempLog(large)
    await appendNumbered(writer, 12, 5_000)
    const slow = new SlowFileSystem()
    const { log } = await openDeaf(writer.directory, slow.fileSystem)
    const reader = log.read({ maxBytes: 1 })[Symbol.asyncIterator]()
    const { reached, release } = slow.hold()
    const next = reader.next()
    await reached
    let isClosed = false
    const closed = log.close().finally(() => {
      isClosed = true
    })
    await vi.waitFor(() => expect(log.state).toBe('closed'))
    for (let turns = 0; turns < 10; turns++) await new Promise<void>((resolve) => void setImmediate(resolve))
    expect(isClosed).toBe(false)
    release()
    await closed
    await expect(next).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })
})
