import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import type { IndexDatabase, LogIndex } from '../../../src/offset-index/index.ts'
import { SEGMENT_ENTRIES_MAX } from '../../../src/offset-index/memory-index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { factsOf, makeEntries } from './model.ts'
import { Place } from './sqlite-harness.ts'

const BASE = 1000
const END = 2 ** 52

interface Held {
  readonly place: Place
  readonly database: IndexDatabase
  readonly log: LogIndex
  release(): void
}

/** An index with ten entries stored, and a stranger who holds its write lock. */
async function heldIndex(): Promise<Held> {
  const place = new Place()
  const database = await place.open()
  const log = database.log('orders-0', 'a')
  for (const entry of makeEntries(BASE, 10)) log.addEntry(BASE, entry)
  log.putFacts(factsOf(BASE, 10))
  await log.settle()
  const other = place.connect()
  other.exec('BEGIN IMMEDIATE')
  return { place, database, log, release: () => void other.exec('ROLLBACK') }
}

describe("an index whose write lock is another's", () => {
  it('gives up within a moment, says so once, and throws nothing', async () => {
    const { place, database, log } = await heldIndex()
    const entries = makeEntries(BASE, 30)
    for (const entry of entries.slice(10, 20)) log.addEntry(BASE, entry)
    expect(log.state).toBe('ready')
    const startMs = performance.now()
    await log.settle()
    expect(performance.now() - startMs).toBeLessThan(1000)
    expect(log.state).toBe('failed')
    for (const entry of entries.slice(20)) log.addEntry(BASE, entry)
    log.putFacts(factsOf(5000, 1))
    log.seal(BASE)
    await place.clock.advance(10_000)
    await log.settle()
    expect(place.messages).toHaveLength(1)
    expect(place.messages[0]).toMatch(/the log goes on without it: .*(SQLITE_BUSY|locked)/)
    expect(log.facts(5000)).toEqual(factsOf(5000, 1))
    expect(place.clock.timers).toEqual([])
    await database.close()
  })

  it('answers from memory only, and takes in what comes', async () => {
    const { log, database } = await heldIndex()
    await log.close()
    const again = database.log('orders-0', 'a') // what is stored is not in memory any more
    again.addEntry(BASE, makeEntries(BASE, 11)[10]!)
    await again.settle()
    expect(again.state).toBe('failed')
    expect(again.floorByOffset(BASE, END)).toEqual(makeEntries(BASE, 11)[10])
    expect(again.floorByOffset(BASE, BASE + 41)).toBeUndefined()
    expect(again.lastBeforeTimestamp(BASE, 1_700_000_000_001)).toBeUndefined()
    const other = database.log('orders-1', 'a')
    for (const entry of makeEntries(0, SEGMENT_ENTRIES_MAX + 10)) other.addEntry(0, entry)
    expect(other.floorByOffset(0, 82)?.offset).toBe(41) // every other entry has gone
    expect(other.lastBeforeTimestamp(0, END)).toBeDefined()
  })

  it('has in memory what came to a segment after it was sealed', async () => {
    const place = new Place()
    const log = (await place.open()).log('orders-0', 'a')
    log.seal(BASE)
    const entries = makeEntries(BASE, 10)
    for (const entry of entries.slice(0, 5)) log.addEntry(BASE, entry)
    await log.settle()
    log.seal(BASE)
    for (const entry of entries.slice(5)) log.addEntry(BASE, entry)
    await log.settle()
    place.connect().exec('BEGIN IMMEDIATE')
    log.putFacts(factsOf(BASE, 1))
    await log.settle()
    expect(log.state).toBe('failed')
    expect(log.floorByOffset(BASE, END)).toEqual(entries[9])
    expect(log.floorByOffset(BASE, entries[5]!.offset)).toEqual(entries[5])
    expect(log.floorByOffset(BASE, entries[4]!.offset)).toBeUndefined()
  })

  it('leaves what is stored to the next process', async () => {
    const { place, database, log, release } = await heldIndex()
    log.addEntry(BASE, { offset: 90_000, position: 900_000, timestamp: END })
    await database.close()
    release()
    const next = (await place.open()).log('orders-0', 'a')
    expect(next.floorByOffset(BASE, END)).toEqual(makeEntries(BASE, 10).at(-1))
    expect(next.facts(BASE)).toEqual(factsOf(BASE, 10))
  })

  it.each([
    ['a truncation', (log: LogIndex) => log.truncate(BASE, 5000)],
    ['dropping a segment', (log: LogIndex) => log.drop(BASE)],
    ['clearing the log', (log: LogIndex) => log.clear()],
  ])('leaves nothing to the next process after %s', async (_, forget) => {
    for (const fails of ['then', 'before']) {
      const { place, database, log } = await heldIndex()
      if (fails === 'before') {
        log.addEntry(BASE, { offset: 90_000, position: 900_000, timestamp: END })
        await log.settle()
        expect(log.state).toBe('failed')
        expect(existsSync(place.path)).toBe(true)
      }
      forget(log)
      expect(log.state).toBe('failed')
      expect(log.floorByOffset(BASE, BASE + 41 * 9)?.position ?? 0).toBeLessThan(5000)
      await log.settle()
      expect(existsSync(place.path)).toBe(false)
      expect(place.messages).toHaveLength(1)
      await database.close()
    }
  })

  it('leaves nothing of a log that was removed or is another now', async () => {
    for (const end of [
      (database: IndexDatabase) => database.removeLog('orders-0'),
      (database: IndexDatabase) => void database.log('orders-0', 'b'),
    ]) {
      const { place, database } = await heldIndex()
      end(database)
      expect(database.log('orders-0', 'b').state).toBe('failed')
      await database.close()
      expect(existsSync(place.path)).toBe(false)
    }
  })
})

describe('an index on a disk that fails', () => {
  it('gives up when what it forgot can not be made durable', async () => {
    const place = new Place()
    const fileSystem = {
      ...nodeFileSystem,
      openSync: (path: string, mode: 'append') => {
        const file = nodeFileSystem.openSync(path, mode)
        file.syncData = () => Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
        return file
      },
    }
    const database = await place.open({ fileSystem })
    const log = database.log('orders-0', 'a')
    for (const entry of makeEntries(BASE, 10)) log.addEntry(BASE, entry)
    await log.settle()
    log.truncate(BASE, 5000)
    await log.settle()
    expect(log.state).toBe('failed')
    expect(place.messages).toHaveLength(1)
    expect(existsSync(place.path)).toBe(false)
    await database.close()
  })

  it.skipIf(process.platform === 'win32')('goes on in memory once the disk is full', () => {
    const helper = fileURLToPath(new URL('full-disk.ts', import.meta.url))
    const directory = temporaryDirectory()
    const output = execFileSync(
      '/bin/sh',
      ['-c', 'ulimit -f 200; exec "$0" "$@"', process.execPath, helper, directory],
      { encoding: 'utf8' },
    )
    expect(JSON.parse(output)).toMatchObject({ state: 'failed', last: 41 * 20_000, threw: false })
    expect(JSON.parse(output).messages).toHaveLength(1)
  })
})
