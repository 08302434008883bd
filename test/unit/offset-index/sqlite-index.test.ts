import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import type { LogIndex } from '../../../src/offset-index/index.ts'
import { describeIndex } from './conformance.ts'
import { factsOf, makeEntries } from './model.ts'
import { Place, rowCounts } from './sqlite-harness.ts'

const BASE = 1000
const END = 2 ** 52

const places = new WeakMap<object, Place>()
describeIndex({
  name: 'the SQLite index',
  open: async () => {
    const place = new Place()
    const database = await place.open()
    places.set(database, place)
    return database
  },
  reopen: async (database) => {
    await database.close()
    const place = places.get(database)!
    const again = await place.open()
    places.set(again, place)
    return again
  },
})

function fill(log: LogIndex, base: number, count: number): void {
  for (const entry of makeEntries(base, count)) log.addEntry(base, entry)
  log.putFacts(factsOf(base, count))
}

/** How often others had their turn before `work` was done. */
async function turnsWhile(work: () => Promise<void>): Promise<number> {
  let turns = 0
  let done = false
  const count = (): void => {
    turns++
    if (!done) setImmediate(count)
  }
  setImmediate(count)
  await work()
  done = true
  return turns
}

describe('what the SQLite index stores', () => {
  it('is there when it is opened again', async () => {
    const place = new Place()
    const first = await place.open()
    expect(first.report).toEqual(['created'])
    fill(first.log('orders-0', 'a'), BASE, 3000)
    await first.close()
    const second = await place.open()
    expect(second.report).toEqual([])
    const log = second.log('orders-0', 'a')
    expect(log.state).toBe('ready')
    const entries = makeEntries(BASE, 3000)
    for (const entry of entries.filter((_, slot) => slot % 97 === 0)) {
      expect(log.floorByOffset(BASE, entry.offset + 40)).toEqual(entry)
      expect(log.lastBeforeTimestamp(BASE, entry.timestamp)).toEqual(
        entries.findLast((each) => each.timestamp < entry.timestamp),
      )
    }
    expect(log.allFacts()).toEqual(new Map([[BASE, factsOf(BASE, 3000)]]))
    expect(place.messages).toEqual([])
  })

  it('is there after the process was killed, up to the last delay', async () => {
    const place = new Place()
    const log = (await place.open()).log('orders-0', 'a')
    fill(log, BASE, 10)
    await place.clock.advance(50)
    log.addEntry(BASE, { offset: 9000, position: 90_000, timestamp: END })
    const next = (await place.afterKill().open()).log('orders-0', 'a')
    expect(next.floorByOffset(BASE, END)).toEqual(makeEntries(BASE, 10).at(-1))
    expect(next.facts(BASE)).toEqual(factsOf(BASE, 10))
  })

  it('waits for the delay, then for nothing', async () => {
    const place = new Place()
    const database = await place.open({ flushDelayMs: 200 })
    fill(database.log('orders-0', 'a'), BASE, 10)
    await place.clock.advance(199)
    expect(rowCounts(place.afterKill()).entries).toBe(0)
    await place.clock.advance(1)
    expect(rowCounts(place.afterKill()).entries).toBe(10)
    expect(place.clock.timers.every((timer) => !timer.keepAlive)).toBe(true)
  })

  it('does not wait for the delay when much has gathered', async () => {
    const place = new Place()
    const log = (await place.open()).log('orders-0', 'a')
    fill(log, BASE, 5000)
    await place.clock.advance(0)
    expect(rowCounts(place.afterKill()).entries).toBe(5000)
  })

  it.each([1, 20])(
    'leaves the event loop to others between transactions, for %i segments',
    async (segments) => {
      const place = new Place()
      const log = (await place.open()).log('orders-0', 'a')
      for (let number = 0; number < segments; number++) fill(log, number * 1_000_000, 10_000 / segments)
      expect(await turnsWhile(() => log.settle())).toBeGreaterThanOrEqual(10)
    },
  )

  it('is found whether it is still in memory or long stored', async () => {
    const place = new Place()
    const log = (await place.open()).log('orders-0', 'a')
    const entries = makeEntries(BASE, 30_000)
    for (const [slot, entry] of entries.entries()) {
      log.addEntry(BASE, entry)
      if (slot % 6000 === 0) await log.settle()
    }
    await log.settle()
    for (let slot = 0; slot < entries.length; slot += 331) {
      const entry = entries[slot]!
      expect(log.floorByOffset(BASE, entry.offset)).toEqual(entry)
      expect(log.floorByOffset(BASE, entry.offset - 1)).toEqual(entries[slot - 1])
      expect(log.lastBeforeTimestamp(BASE, entry.timestamp)).toEqual(
        entries.findLast((each) => each.timestamp < entry.timestamp),
      )
    }
  })

  it('is replaced from the first new entry on when a segment is indexed again', async () => {
    const place = new Place()
    const first = await place.open()
    fill(first.log('orders-0', 'a'), BASE, 100)
    await first.close()
    const log = (await place.open()).log('orders-0', 'a')
    const entries = makeEntries(BASE, 100)
    const anew = { ...entries[60]!, offset: entries[60]!.offset - 1 }
    log.addEntry(BASE, anew)
    log.seal(BASE)
    await log.settle()
    expect(log.floorByOffset(BASE, END)).toEqual(anew)
    expect(log.floorByOffset(BASE, anew.offset - 1)).toEqual(entries[59])
  })

  it.each([
    ['position', { offset: 50_000, position: 4123 * 50, timestamp: END }],
    ['timestamp', { offset: 50_000, position: END, timestamp: 1_700_000_000_000 }],
  ])('is dropped when a new entry contradicts its %s', async (_, entry) => {
    const place = new Place()
    const first = await place.open()
    fill(first.log('orders-0', 'a'), BASE, 100)
    await first.close()
    const log = (await place.open()).log('orders-0', 'a')
    log.addEntry(BASE, entry)
    expect(log.floorByOffset(BASE, END)).toEqual(entry)
    expect(log.floorByOffset(BASE, 49_999)).toBeUndefined()
    expect(log.facts(BASE)).toBeUndefined()
    expect(place.messages).toHaveLength(1)
    log.seal(BASE)
    await log.settle()
    expect(log.floorByOffset(BASE, END)).toEqual(entry)
  })

  it('of many logs stays apart', async () => {
    const place = new Place()
    const first = await place.open()
    const names = Array.from({ length: 300 }, (_, number) => `topic-${number}`)
    for (const [number, name] of names.entries()) fill(first.log(name, name), number, 1 + (number % 7))
    await first.close()
    const second = await place.open()
    for (const [number, name] of names.entries()) {
      const log = second.log(name, name)
      expect(log.floorByOffset(number, END)).toEqual(makeEntries(number, 1 + (number % 7)).at(-1))
      expect([...log.allFacts().keys()]).toEqual([number])
    }
  })
})

describe('what the SQLite index was told to forget', () => {
  it('stays forgotten when the process is killed at once', async () => {
    const place = new Place()
    const database = await place.open()
    const log = database.log('orders-0', 'a')
    for (const base of [0, BASE, 500_000]) fill(log, base, 5000)
    fill(database.log('orders-1', 'a'), 0, 10)
    fill(database.log('orders-2', 'a'), 0, 10)
    await log.settle()
    const entries = makeEntries(BASE, 5000)
    log.truncate(BASE, entries[100]!.position) // more rows than one transaction deletes
    log.drop(0)
    database.log('orders-1', 'a').clear()
    database.removeLog('orders-2')

    const next = await place.afterKill().open()
    const found = next.log('orders-0', 'a')
    expect(found.floorByOffset(BASE, END)).toEqual(entries[99])
    expect(found.lastBeforeTimestamp(BASE, END)).toEqual(entries[99])
    expect(found.floorByOffset(0, END)).toBeUndefined()
    expect([...found.allFacts().keys()]).toEqual([500_000])
    expect(next.log('orders-1', 'a').allFacts().size).toBe(0)
    expect(next.log('orders-2', 'a').allFacts().size).toBe(0)
  })

  it('stays forgotten while rows are still being deleted, and what is written there is found', async () => {
    const place = new Place()
    const log = (await place.open()).log('orders-0', 'a')
    fill(log, BASE, 5000)
    await log.settle()
    log.seal(BASE)
    const entries = makeEntries(BASE, 5000)
    const anew = { ...entries[101]!, timestamp: entries[99]!.timestamp }
    log.truncate(BASE, entries[100]!.position)
    log.addEntry(BASE, anew)
    for (let turn = 0; turn < 8; turn++) {
      await place.clock.advance(0)
      expect(log.floorByOffset(BASE, END)).toEqual(anew)
      expect(log.floorByOffset(BASE, anew.offset - 1)).toEqual(entries[99])
      const next = (await place.afterKill().open()).log('orders-0', 'a')
      expect(next.floorByOffset(BASE, anew.offset - 1)).toEqual(entries[99])
      expect([entries[99], anew]).toContainEqual(next.floorByOffset(BASE, END))
      void log.settle()
    }
    await log.settle()
    expect(rowCounts(place.afterKill()).entries).toBe(101)
  })

  it('does not come back under the number of a log that is new', async () => {
    const place = new Place()
    const first = await place.open()
    fill(first.log('orders-0', 'a'), BASE, 10)
    await first.log('orders-0', 'a').settle()
    first.removeLog('orders-0')
    await first.close()
    const second = await place.open()
    second.log('orders-1', 'a').putFacts(factsOf(0, 7))
    await second.close()
    const facts = (await place.open()).log('orders-1', 'a').allFacts()
    expect([...facts.keys()]).toEqual([0])
  })

  it.each([
    ['its first look-up', (log: LogIndex) => void log.floorByOffset(BASE, END)],
    ['reading all facts', (log: LogIndex) => void log.allFacts()],
  ])('is deleted by the next process, too, after %s', async (_, look) => {
    const place = new Place()
    const log = (await place.open()).log('orders-0', 'a')
    fill(log, BASE, 5000)
    await log.settle()
    log.truncate(BASE, makeEntries(BASE, 5000)[100]!.position)
    const later = place.afterKill()
    const next = (await later.open()).log('orders-0', 'a')
    look(next)
    await later.clock.advance(900) // less than what makes the sweep begin
    expect(rowCounts(later.afterKill()).entries).toBe(100)
  })

  it('does not come back under the number of a segment that is new', async () => {
    const place = new Place()
    const log = (await place.open()).log('orders-0', 'a')
    fill(log, 0, 100)
    await log.settle()
    log.drop(0)
    const later = place.afterKill()
    const next = await later.open()
    next.log('orders-0', 'a').addEntry(7, { offset: 80_000, position: 5, timestamp: 5 })
    await next.close()
    const found = (await later.open()).log('orders-0', 'a')
    expect(found.floorByOffset(7, END)?.timestamp).toBe(5)
    expect(found.floorByOffset(7, 79_999)).toBeUndefined()
  })

  it('is replaced for good by what came instead', async () => {
    const place = new Place()
    const first = await place.open()
    const log = first.log('orders-0', 'a')
    fill(log, BASE, 50)
    await log.settle()
    const entries = makeEntries(BASE, 50)
    const anew = { ...entries[10]!, timestamp: entries[9]!.timestamp }
    log.truncate(BASE, anew.position)
    log.addEntry(BASE, anew)
    await first.close()
    const found = (await place.open()).log('orders-0', 'a')
    expect(found.floorByOffset(BASE, END)).toEqual(anew)
  })

  it('can not come back after a power failure once it has settled', async () => {
    const place = new Place()
    const synced: string[] = []
    const fileSystem = {
      ...nodeFileSystem,
      openSync: (...args: Parameters<typeof nodeFileSystem.openSync>) => {
        const file = nodeFileSystem.openSync(...args)
        const syncData = file.syncData.bind(file)
        file.syncData = () => {
          synced.push(file.path)
          return syncData()
        }
        return file
      },
      syncDirectory: async (path: string) => {
        synced.push(path)
        await nodeFileSystem.syncDirectory(path)
      },
    }
    const log = (await place.open({ fileSystem })).log('orders-0', 'a')
    fill(log, BASE, 10)
    await log.settle()
    expect(synced).toEqual([])
    log.truncate(BASE, 5000)
    await log.settle()
    expect(synced).toEqual([`${place.path}-wal`, place.directory])
    log.truncate(BASE, 4123 * 50) // past the end of what is left: nothing changes, nothing is synced
    await log.settle()
    expect(synced).toHaveLength(2)
    log.drop(BASE)
    await log.settle()
    expect(synced.slice(2)).toEqual([`${place.path}-wal`])
  })

  it('goes in transactions that leave the event loop to others', async () => {
    const place = new Place()
    const fileSystem = {
      ...nodeFileSystem,
      openSync: (...args: Parameters<typeof nodeFileSystem.openSync>) =>
        Object.assign(nodeFileSystem.openSync(...args), { syncData: () => Promise.resolve() }),
      syncDirectory: () => Promise.resolve(), // waiting for the disk would be turns, too
    }
    const log = (await place.open({ fileSystem })).log('orders-0', 'a')
    for (const base of [0, BASE]) fill(log, base, 5000)
    await log.settle()
    for (const base of [0, BASE]) log.truncate(base, 4123 * 100)
    expect(await turnsWhile(() => log.settle())).toBeGreaterThanOrEqual(9)
    expect(rowCounts(place.afterKill()).entries).toBe(2 * 99)
  })

  it('leaves no rows behind', async () => {
    const place = new Place()
    const database = await place.open()
    const log = database.log('orders-0', 'a')
    for (const base of [0, BASE]) fill(log, base, 2500)
    fill(database.log('orders-1', 'a'), 0, 10)
    await place.clock.advance(2000)
    expect(place.clock.timers).toEqual([]) // what earlier processes left is no question any more
    log.drop(0)
    database.removeLog('orders-1')
    await place.clock.advance(2000)
    expect(rowCounts(place.afterKill())).toEqual({ logs: 1, segments: 1, entries: 2500 })
    log.clear()
    await place.clock.advance(2000)
    expect(rowCounts(place.afterKill())).toEqual({ logs: 0, segments: 0, entries: 0 })
  })

  it('leaves no rows behind even if the process that forgot them is gone', async () => {
    const place = new Place()
    const database = await place.open()
    const log = database.log('orders-0', 'a')
    for (const base of [0, BASE, 500_000]) fill(log, base, 500)
    fill(database.log('orders-1', 'a'), 0, 10)
    await log.settle()
    log.drop(0)
    database.removeLog('orders-1')
    await database.close()
    expect(rowCounts(place)).toEqual({ logs: 1, segments: 3, entries: 1510 })

    const next = await place.open()
    fill(next.log('orders-0', 'a'), 900_000, 20) // a newcomer the sweep must leave alone
    fill(next.log('orders-9', 'a'), 0, 20)
    await place.clock.advance(1005)
    fill(next.log('orders-0', 'a'), 700_000, 20) // comes when the sweep has passed its place
    await next.log('orders-0', 'a').settle()
    await place.clock.advance(5000)
    expect(place.clock.timers).toEqual([])
    await next.close()
    expect(rowCounts(place)).toEqual({ logs: 2, segments: 5, entries: 1060 })
    const found = (await place.open()).log('orders-0', 'a')
    for (const [base, count] of [
      [BASE, 500],
      [500_000, 500],
      [700_000, 20],
    ] as const) {
      expect(found.floorByOffset(base, END)).toEqual(makeEntries(base, count).at(-1))
    }
  })

  it('goes with the identity of the log', async () => {
    const place = new Place()
    const first = await place.open()
    fill(first.log('orders-0', 'generation 1'), BASE, 100)
    await first.close()
    const second = await place.open()
    const log = second.log('orders-0', 'generation 2')
    expect(log.floorByOffset(BASE, END)).toBeUndefined()
    expect(log.allFacts().size).toBe(0)
    await second.close()
    const third = (await place.open()).log('orders-0', 'generation 1')
    expect(third.floorByOffset(BASE, END)).toBeUndefined()
  })
})
