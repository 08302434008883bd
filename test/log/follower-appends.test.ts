/*
 * What a follower does about an append, and about what only looks like one. It is told of changes by hand, of one file at a
 * time, and its clock stands still: so what it sees, it has seen because of what it was told.
 */
import { appendFileSync, copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { DirectoryChange, FileSystem, Log, LogOptions } from '../../src/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'
import { FaultFileSystem, ManualClock } from '../../src/testing/index.ts'
import { dataBatch, handMadeLog, segmentName, valueAt } from '../helpers/hand-made.ts'
import { appendNumbered, numberedValue, quick } from '../helpers/log-files.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'

const WATERMARK = 'watermark'
/** All in one segment. */
const long: LogOptions = { ...quick, config: { ...quick.config, 'internal.segment.bytes': 1 << 20 } }

const values = (from: number, until: number): string[] =>
  Array.from({ length: until - from }, (_, slot) => numberedValue(from + slot))

/** A follower that hears of nothing but what `tell` says, and what it asks the file system for. */
async function openTold(directory: string, inner: FileSystem = nodeFileSystem) {
  let changed: Parameters<FileSystem['watch']>[1] | undefined
  const list = vi.fn<FileSystem['list']>((path) => nodeFileSystem.list(path))
  const isLocked = vi.fn<FileSystem['isLocked']>((path) => nodeFileSystem.isLocked(path))
  const statSync = vi.fn<FileSystem['statSync']>((path) => nodeFileSystem.statSync(path))
  const watch: FileSystem['watch'] = (_, heard) => {
    changed = heard
    return { close: () => {} }
  }
  const clock = new ManualClock()
  const openSync: FileSystem['openSync'] = (path, mode) => inner.openSync(path, mode)
  const fileSystem: FileSystem = { ...nodeFileSystem, openSync, list, isLocked, statSync, watch }
  const log = await openTempLog({ readOnly: true, clock, fileSystem }, directory)
  const calls = { list, isLocked, statSync }
  const forget = (): void => Object.values(calls).forEach((call) => void call.mockClear())
  forget()
  const tell = (name: string | undefined, change?: DirectoryChange): void => changed!(name, change)
  return { log, clock, tell, forget, ...calls }
}

const reaches = (log: Log, endOffset: number): Promise<unknown> =>
  vi.waitFor(() => expect(log.endOffset).toBe(endOffset), { interval: 5 })

/** Until nothing that was begun is under way any more. */
async function settles(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

describe('an append of a writer of ours', () => {
  it('is seen by its watermark, and neither is the directory listed nor the lock asked for', async () => {
    const writer = await openTempLog(long)
    await appendNumbered(writer, 3)
    const { log, tell, list, isLocked } = await openTold(writer.directory)
    for (let end = 4; end < 20; end++) {
      await appendNumbered(writer, 1)
      tell(segmentName(0), 'contents')
      tell(WATERMARK, 'contents')
      await reaches(log, end)
    }
    expect(await readValues(log)).toEqual(values(0, 19))
    expect(await log.offsetForTimestamp(1018)).toEqual({ offset: 18, timestamp: 1018 })
    expect(log.segments()).toMatchObject([{ nextOffset: 19, sizeBytes: 19 * 108, maxTimestamp: 1018 }])
    await settles()
    expect([list, isLocked].map((call) => call.mock.calls)).toEqual([[], []])
  })

  it('is seen however much has gathered, and in a file that is filled ahead', async () => {
    for (const preallocate of [false, true]) {
      const config = { ...quick.config, 'internal.segment.bytes': 1 << 22, preallocate }
      const writer = await openTempLog({ ...quick, config })
      await appendNumbered(writer, 3)
      const { log, tell, list } = await openTold(writer.directory)
      await appendNumbered(writer, 300, 1_000)
      tell(WATERMARK, 'contents')
      await reaches(log, 303)
      expect(await readValues(log)).toHaveLength(303)
      expect(list).not.toHaveBeenCalled()
    }
  })

  it('is not looked for while only its segment has changed, which says less than the watermark will', async () => {
    const writer = await openTempLog(long)
    await appendNumbered(writer, 3)
    const { log, tell, statSync, list } = await openTold(writer.directory)
    await appendNumbered(writer, 1)
    tell(segmentName(0), 'contents')
    await settles()
    expect([log.endOffset, statSync.mock.calls, list.mock.calls]).toEqual([3, [], []])
  })

  it.each<[string, string | undefined, DirectoryChange | undefined]>([
    ['where nothing says how its segment has changed', segmentName(0), undefined],
    ['where its segment is another file', segmentName(0), 'name'],
    ['where a segment has changed that is not known', segmentName(9), 'contents'],
    ['where another file has changed', 'leader-epoch-checkpoint', 'contents'],
    ['where nothing says what has changed', undefined, 'contents'],
  ])('is looked for in the whole directory %s', async (_, name, change) => {
    const writer = await openTempLog(long)
    await appendNumbered(writer, 3)
    const { log, tell, list } = await openTold(writer.directory)
    await appendNumbered(writer, 1)
    tell(name, change)
    await reaches(log, 4)
    expect(list).toHaveBeenCalled()
  })

  it('is seen once a second where nobody has told of it', async () => {
    const writer = await openTempLog(long)
    const { log, clock, list } = await openTold(writer.directory)
    await appendNumbered(writer, 2)
    await clock.advance(1_000)
    await reaches(log, 2)
    expect(list).toHaveBeenCalledTimes(1)
  })
})

describe('what a watermark says besides', () => {
  it('has the directory listed: that segments were rolled', async () => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 3)
    const { log, tell } = await openTold(writer.directory)
    await appendNumbered(writer, 30)
    tell(WATERMARK, 'contents')
    await reaches(log, 33)
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 9, 18, 27])
    expect(await readValues(log)).toEqual(values(0, 33))
  })

  it('has the directory listed: that the start has moved', async () => {
    const config = { ...quick.config, 'retention.ms': -1, 'file.delete.delay.ms': 0 }
    const writer = await openTempLog({ ...quick, config })
    await appendNumbered(writer, 30)
    const { log, tell } = await openTold(writer.directory)
    await writer.deleteRecordsBefore(20)
    await writer.clean()
    tell(WATERMARK, 'contents')
    await vi.waitFor(() => expect(log.startOffset).toBe(20))
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([18, 27])
  })

  it.each<[string, (writer: Log) => Promise<unknown>]>([
    ['between two batches', (writer) => appendNumbered(writer, 6)],
    ['inside a batch', (writer) => writer.append(values(0, 6).map((value) => ({ value, timestamp: 1000 })))],
  ])('has the directory listed: that the log was cut %s, and is as long again', async (_, fill) => {
    const writer = await openTempLog(long)
    await fill(writer)
    const { log, tell } = await openTold(writer.directory)
    const reader = log.read({ from: 5, follow: true })
    await reader.next()
    await writer.truncateTo(4)
    for (const offset of [4, 5])
      await writer.append({ value: `new ${offset}`.padEnd(40, '.'), timestamp: 1000 + offset })
    tell(WATERMARK, 'contents')
    await expect(reader.next()).rejects.toMatchObject({ code: 'LOG_TRUNCATED' })
    expect((await log.get(5))?.value?.toString()).toMatch(/^new 5/)
    expect((await log.get(3))?.value?.toString()).toBe(numberedValue(3))
  })

  it('counts for nothing if the log is cut while it is looked at', async () => {
    const writer = await openTempLog(long)
    await appendNumbered(writer, 3)
    const fileSystem = new FaultFileSystem()
    const { log, tell, list } = await openTold(writer.directory, fileSystem)
    await appendNumbered(writer, 100, 1_000)
    const { reached, release } = fileSystem.hold('read', /\.log$/) // of what is too much to be read at once
    tell(WATERMARK, 'contents')
    await reached
    await writer.truncateTo(20)
    await appendNumbered(writer, 83, 1_000)
    release()
    await reaches(log, 103)
    expect(list).toHaveBeenCalled()
  })

  it('has the directory listed where the last segment is another file than it was', async () => {
    const writer = await openTempLog(long)
    await appendNumbered(writer, 3)
    const { log, tell, list } = await openTold(writer.directory)
    await appendNumbered(writer, 3)
    const path = join(writer.directory, segmentName(0))
    copyFileSync(path, `${path}.x`)
    renameSync(`${path}.x`, path)
    tell(WATERMARK, 'contents')
    await reaches(log, 6)
    expect(list).toHaveBeenCalled()
    expect(await readValues(log)).toEqual(values(0, 6))
  })

  it('is not all that a reader goes by which misses a file: then the directory is listed', async () => {
    const writer = await openTempLog({ ...quick, fileSystem: new FaultFileSystem() })
    await appendNumbered(writer, 12)
    const { log, list } = await openTold(writer.directory)
    rmSync(join(writer.directory, segmentName(0)))
    await expect(log.get(0)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    expect(list).toHaveBeenCalled()
  })

  it('has the directory listed: that another writer has opened the log', async () => {
    const writer = await openTempLog(quick)
    await appendNumbered(writer, 3)
    const { log, tell, list } = await openTold(writer.directory)
    await writer.close()
    const second = await openTempLog(quick, writer.directory)
    await appendNumbered(second, 2)
    tell(WATERMARK, 'contents')
    await reaches(log, 5)
    expect(list).toHaveBeenCalled()
  })

  it('is held against the file: damage below it is left to readers, who meet it', async () => {
    const fileSystem = new FaultFileSystem()
    const writer = await openTempLog({ ...long, fileSystem })
    await appendNumbered(writer, 3)
    const { log, tell } = await openTold(writer.directory)
    await appendNumbered(writer, 3)
    const path = join(writer.directory, segmentName(0))
    const bytes = readFileSync(path)
    bytes[4 * 108 + 16] = 9 // the version of the format, in a batch that nobody has looked at
    writeFileSync(path, bytes)
    tell(WATERMARK, 'contents')
    await reaches(log, 6)
    expect((await log.get(3))?.value?.toString()).toBe(numberedValue(3))
    await expect(log.get(4)).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
  })
})

describe('a log that no writer of ours has open', () => {
  it('is looked at when a segment of it has changed, from the look on that found the writer gone', async () => {
    const writer = await openTempLog(long)
    await appendNumbered(writer, 3)
    const { log, clock, tell, list } = await openTold(writer.directory)
    await writer.close()
    await clock.advance(1_000)
    await vi.waitFor(() => expect(list).toHaveBeenCalled())
    await settles()
    appendFileSync(join(writer.directory, segmentName(0)), dataBatch(3, 2))
    tell(segmentName(0), 'contents')
    await reaches(log, 5)
    expect((await log.get(4))?.value?.toString()).toBe(valueAt(4))
  })

  it('is looked at when a segment of it has changed, if Kafka writes it', async () => {
    const directory = await handMadeLog([[dataBatch(0, 3)]])
    const { log, tell } = await openTold(directory)
    appendFileSync(join(directory, segmentName(0)), dataBatch(3, 2))
    tell(segmentName(0), 'contents')
    await reaches(log, 5)
  })
})
