/*
 * A log that is followed, and then is not there any more, or another one is. Its readers must never be given the other one's
 * records, and must not wait for ever.
 */
import { appendFileSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type FileSystem, type Log, openLog } from '../../src/index.ts'
import { nodeFileSystem } from '../../src/fs/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { dataBatch, handMadeLog, segmentName } from '../helpers/hand-made.ts'
import { appendNumbered, closedLog, numberedValue, quick } from '../helpers/log-files.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** A file system whose watches never say anything: a look comes when the clock moves. */
const deafFileSystem: FileSystem = { ...nodeFileSystem, watch: () => ({ close: () => {} }) }
const GONE = { code: 'LOG_NOT_FOUND' }

/** A follower of the log in `directory`, and what it complained of. */
async function follow(directory: string, fileSystem: FileSystem = deafFileSystem) {
  const clock = new ManualClock()
  const warn = vi.fn<(...words: unknown[]) => void>()
  const logger = { debug: () => {}, info: () => {}, warn, error: warn }
  const log = await openTempLog({ readOnly: true, clock, fileSystem, logger }, directory)
  return { log, clock, warn }
}

/** A log of `count` records, closed, in a directory of that path. */
async function makeLog(
  directory: string,
  { count, prefix }: { count: number; prefix: string },
): Promise<void> {
  const log = await openLog(directory, quick)
  for (let offset = 0; offset < count; offset++)
    await log.append({ value: `${prefix}${offset}`.padEnd(40, '.'), timestamp: 1000 + offset })
  await log.close()
}

const everyCall: [string, (log: Log) => unknown][] = [
  ['read', (log) => log.read().next()],
  ['readBatches', (log) => log.readBatches()[Symbol.asyncIterator]().next()],
  ['get', (log) => log.get(0)],
  ['getSync', async (log) => log.getSync(0)],
  ['offsetForTimestamp', (log) => log.offsetForTimestamp(1000)],
  ['segments', async (log) => log.segments()],
  ['stats', async (log) => log.stats()],
  ['plan', (log) => log.plan()],
]

async function expectGone(log: Log): Promise<void> {
  for (const [name, call] of everyCall) await expect(call(log), name).rejects.toMatchObject(GONE)
}

describe('a followed log whose directory is gone', () => {
  it.each<[string, (directory: string) => void]>([
    ['removed', (directory) => rmSync(directory, { recursive: true })],
    ['renamed', (directory) => renameSync(directory, `${directory}.away`)],
  ])('ends its readers, says so once and looks no more: %s', async (_, remove) => {
    const directory = join(temporaryDirectory(), 'log')
    await makeLog(directory, { count: 5, prefix: 'old ' })
    const { log, clock, warn } = await follow(directory, nodeFileSystem)
    const waiting = log.read({ from: 'latest', follow: true }).next()
    remove(directory)
    await expect(waiting).rejects.toMatchObject({ ...GONE, path: directory }) // the watch tells, with no clock
    await expectGone(log)
    await clock.advance(5_000)
    expect(warn).toHaveBeenCalledTimes(1)
    expect(clock.timers).toEqual([])
    await log.close()
    await expect(log.get(0)).rejects.toMatchObject({ code: 'LOG_CLOSED' })
  })

  it('is found gone by the poll where nothing tells of it', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await makeLog(directory, { count: 5, prefix: 'old ' })
    const { log, clock } = await follow(directory)
    const waiting = log.read({ from: 'latest', follow: true }).next()
    rmSync(directory, { recursive: true })
    await Promise.all([expect(waiting).rejects.toMatchObject(GONE), clock.advance(1_000)])
  })

  it('is found gone by a reader that opens a file, before any look', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await makeLog(directory, { count: 20, prefix: 'old ' })
    const { log, warn } = await follow(directory)
    rmSync(directory, { recursive: true })
    await expect(log.offsetForTimestamp(1019)).rejects.toMatchObject(GONE) // having looked at every segment
    expect(warn).toHaveBeenCalledTimes(1)
    for (const call of [async () => log.getSync(0), () => log.read().next(), () => log.get(0)])
      await expect(call()).rejects.toMatchObject(GONE)
  })

  it('stays gone when it comes back later', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await makeLog(directory, { count: 5, prefix: 'old ' })
    const { log, clock } = await follow(directory)
    renameSync(directory, `${directory}.away`)
    await clock.advance(1_000)
    await vi.waitFor(() => expect(() => log.stats()).toThrow(expect.objectContaining(GONE)))
    renameSync(`${directory}.away`, directory)
    await clock.advance(1_000)
    await expectGone(log)
  })
})

describe('a followed log whose directory is another one', () => {
  it('gives nothing of the new log, whose files have the names, the sizes and the offsets of the old ones', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await makeLog(directory, { count: 20, prefix: 'old ' })
    const { log, clock, warn } = await follow(directory)
    const follower = log.read({ from: 'latest', follow: true }).next()
    rmSync(directory, { recursive: true })
    await makeLog(directory, { count: 25, prefix: 'new ' })
    for (const call of [async () => log.getSync(0), () => log.read().next(), () => log.get(0)])
      await expect(call()).rejects.toMatchObject(GONE) // before any look
    await Promise.all([expect(follower).rejects.toMatchObject(GONE), clock.advance(1_000)])
    await expectGone(log)
    expect(warn).toHaveBeenCalledTimes(1)
    expect((await readValues((await follow(directory)).log)).at(-1)).toMatch(/^new 24/)
  })

  it('is told by its id where the directory is the same: another log took the place of all that was in it', async () => {
    const directory = await closedLog(20)
    const inode = statSync(directory).ino
    const { log, clock } = await follow(directory)
    const follower = log.read({ from: 'latest', follow: true }).next()
    const other = join(temporaryDirectory(), 'other')
    await makeLog(other, { count: 25, prefix: 'new ' })
    cpSync(other, directory, { recursive: true, force: true, filter: (path) => !path.includes('.lock') })
    expect(statSync(directory).ino).toBe(inode)
    await expect(log.get(0)).rejects.toMatchObject(GONE)
    await Promise.all([expect(follower).rejects.toMatchObject(GONE), clock.advance(1_000)])
    await expectGone(log)
  })

  it('is no longer the log that is looked at if it is replaced while it is', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await makeLog(directory, { count: 5, prefix: 'old ' })
    const other = join(temporaryDirectory(), 'other')
    await makeLog(other, { count: 30, prefix: 'new ' })
    const once: { task?: () => void } = {}
    const list: FileSystem['list'] = (path) => {
      once.task?.()
      return nodeFileSystem.list(path)
    }
    const { log, clock } = await follow(directory, { ...deafFileSystem, list })
    once.task = () => {
      delete once.task
      renameSync(directory, `${directory}.away`)
      renameSync(other, directory)
    }
    const follower = log.read({ from: 'latest', follow: true }).next()
    await Promise.all([expect(follower).rejects.toMatchObject(GONE), clock.advance(1_000)])
    expect([log.endOffset, once.task]).toEqual([5, undefined])
  })

  it('is not opened if it is put there while the old one is', async () => {
    const directory = join(temporaryDirectory(), 'log')
    await makeLog(directory, { count: 5, prefix: 'old ' })
    let tries = 0
    const list: FileSystem['list'] = async (path) => {
      const entries = await nodeFileSystem.list(path)
      if (path !== directory || tries++ > 0) return entries
      renameSync(directory, `${directory}.away`)
      await makeLog(directory, { count: 5, prefix: 'new ' })
      return entries
    }
    const fileSystem = { ...deafFileSystem, list }
    await expect(openLog(directory, { readOnly: true, fileSystem })).rejects.toMatchObject(GONE)
    expect(tries).toBeGreaterThan(0)
  })

  it('is told from the old one of Kafka’s, too', async () => {
    const directory = await handMadeLog([[dataBatch(0, 3)]])
    const { log, clock } = await follow(directory)
    const follower = log.read({ from: 'latest', follow: true }).next()
    renameSync(directory, `${directory}.away`)
    mkdirSync(directory)
    appendFileSync(join(directory, segmentName(0)), dataBatch(0, 9))
    await Promise.all([expect(follower).rejects.toMatchObject(GONE), clock.advance(1_000)])
    rmSync(`${directory}.away`, { recursive: true })
  })
})

describe('a followed log whose directory was renamed and has its name again', () => {
  it.each<[string, FileSystem]>([
    ['and a watch that tells', nodeFileSystem],
    ['and nobody looked meanwhile', deafFileSystem],
  ])('is the same log, %s', async (_, fileSystem) => {
    const writer = await openTempLog(quick, join(temporaryDirectory(), 'log'))
    await appendNumbered(writer, 5)
    const { directory } = writer
    const { log, clock, warn } = await follow(directory, fileSystem)
    const reader = log.read({ from: 5, follow: true })
    const waiting = reader.next()
    renameSync(directory, `${directory}.away`)
    expect(existsSync(directory)).toBe(false)
    renameSync(`${directory}.away`, directory)
    await clock.advance(1_000)
    await appendNumbered(writer, 20)
    await clock.advance(1_000)
    expect((await waiting).value?.value?.toString()).toBe(numberedValue(5))
    await vi.waitFor(() => expect(log.endOffset).toBe(25))
    expect(await readValues(log)).toHaveLength(25)
    expect(warn).not.toHaveBeenCalled()
  })
})
