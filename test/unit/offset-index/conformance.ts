import { describe, expect, it } from 'vitest'
import type { IndexEntry, LogIndex } from '../../../src/offset-index/index.ts'
import { agreesWithModel, type Subject } from './agreement.ts'
import { factsOf, makeEntries } from './model.ts'

const BASE = 1000
const LOGS = ['orders-0', 'orders-1']

/** Holds an implementation to what `LogIndex` and `IndexDatabase` say. */
export function describeIndex(subject: Subject): void {
  describe(`${subject.name} answers look-ups`, () => lookUps(subject))
  describe(`${subject.name} forgets`, () => forgetting(subject))
  describe(`${subject.name} ends`, () => ending(subject))
  it(`${subject.name} agrees with a model whatever is done to it`, () => agreesWithModel(subject))
}

async function openLog(subject: Subject): Promise<LogIndex> {
  return (await subject.open()).log('orders-0', 'a')
}

function lookUps(subject: Subject): void {
  it('with nothing where it knows nothing', async () => {
    const log = await openLog(subject)
    expect(log.floorByOffset(BASE, 5000)).toBeUndefined()
    expect(log.lastBeforeTimestamp(BASE, 5000)).toBeUndefined()
    expect(log.facts(BASE)).toBeUndefined()
    expect(log.allFacts()).toEqual(new Map())
  })

  it('with the entry itself, the one before it, or nothing', async () => {
    const log = await openLog(subject)
    const entries = [
      { offset: 1010, position: 500, timestamp: 70 },
      { offset: 1020, position: 900, timestamp: 70 },
      { offset: 1030, position: 1300, timestamp: 90 },
    ]
    for (const entry of entries) log.addEntry(BASE, entry)
    for (let round = 0; round < 2; round++) {
      expect([1009, 1010, 1019, 1020, 1030, 2 ** 53 - 1].map((at) => log.floorByOffset(BASE, at))).toEqual([
        undefined,
        entries[0],
        entries[0],
        entries[1],
        entries[2],
        entries[2],
      ])
      expect([70, 71, 90, 91].map((at) => log.lastBeforeTimestamp(BASE, at))).toEqual([
        undefined,
        entries[1],
        entries[1],
        entries[2],
      ])
      log.seal(BASE)
      await log.settle()
    }
  })

  it('from an entry that nothing came before, whose timestamp is -1', async () => {
    const log = await openLog(subject)
    const entry = { offset: 0, position: 0, timestamp: -1 }
    log.addEntry(0, entry)
    log.seal(0)
    await log.settle()
    expect(log.floorByOffset(0, 0)).toEqual(entry)
    expect(log.lastBeforeTimestamp(0, -1)).toBeUndefined()
    expect(log.lastBeforeTimestamp(0, 0)).toEqual(entry)
  })

  it('for the largest numbers there are', async () => {
    const log = await openLog(subject)
    const top = Number.MAX_SAFE_INTEGER
    const base = top - 10
    const entry = { offset: top, position: top, timestamp: top }
    const facts = { ...factsOf(base, 1), nextOffset: top, sizeBytes: top, maxTimestamp: top }
    log.addEntry(base, entry)
    log.putFacts(facts)
    log.seal(base)
    await log.settle()
    expect(log.floorByOffset(base, top)).toEqual(entry)
    expect(log.floorByOffset(base, top - 1)).toBeUndefined()
    expect(log.lastBeforeTimestamp(base, top)).toBeUndefined()
    expect(log.facts(base)).toEqual(facts)
  })

  it('for each segment and each log by itself', async () => {
    const database = await subject.open()
    const [first, second] = LOGS.map((name) => database.log(name, 'a')) as [LogIndex, LogIndex]
    first.addEntry(0, { offset: 10, position: 100, timestamp: 1 })
    first.addEntry(BASE, { offset: 1010, position: 100, timestamp: 2 })
    second.addEntry(0, { offset: 20, position: 100, timestamp: 3 })
    second.putFacts(factsOf(0, 4))
    for (let round = 0; round < 2; round++) {
      expect(first.floorByOffset(0, 5000)?.timestamp).toBe(1)
      expect(first.floorByOffset(BASE, 5000)?.timestamp).toBe(2)
      expect(second.floorByOffset(0, 5000)?.timestamp).toBe(3)
      expect(second.floorByOffset(BASE, 5000)).toBeUndefined()
      expect(first.allFacts().size).toBe(0)
      expect(second.allFacts()).toEqual(new Map([[0, factsOf(0, 4)]]))
      for (const log of [first, second]) for (const base of [0, BASE]) log.seal(base)
      await second.settle()
    }
  })

  it('with the facts put last', async () => {
    const log = await openLog(subject)
    log.putFacts(factsOf(BASE, 1))
    await log.settle()
    log.putFacts(factsOf(BASE, 2))
    log.putFacts(factsOf(0, 7))
    expect(log.facts(BASE)).toEqual(factsOf(BASE, 2))
    await log.settle()
    expect(log.allFacts()).toEqual(
      new Map([
        [0, factsOf(0, 7)],
        [BASE, factsOf(BASE, 2)],
      ]),
    )
  })

  it('without entries and facts that can not be', async () => {
    const log = await openLog(subject)
    const entry = { offset: 1010, position: 500, timestamp: 70 }
    log.addEntry(BASE, { offset: BASE - 1, position: 10, timestamp: 5 })
    log.addEntry(BASE, entry)
    const refused: IndexEntry[] = [
      entry,
      { ...entry, offset: 1011 },
      { ...entry, position: 501 },
      { offset: 1009, position: 600, timestamp: 80 },
      { offset: 1020, position: 600, timestamp: 69 },
      { offset: 2 ** 53, position: 600, timestamp: 80 },
      { offset: 1020.5, position: 600, timestamp: 80 },
      { offset: 1020, position: Number.NaN, timestamp: 80 },
      { offset: 1020, position: 600, timestamp: Number.POSITIVE_INFINITY },
      { offset: 1020, position: 600, timestamp: -2 },
    ]
    for (const each of refused) log.addEntry(BASE, each)
    for (const base of [Number.NaN, -1, 0.5, 2 ** 53]) {
      log.addEntry(base, entry)
      log.putFacts({ ...factsOf(0, 1), baseOffset: base })
      expect(log.floorByOffset(base, 5000)).toBeUndefined()
    }
    log.putFacts({ ...factsOf(BASE, 1), nextOffset: BASE - 1 })
    log.putFacts({ ...factsOf(BASE, 1), maxTimestamp: -2 })
    await log.settle()
    expect(log.floorByOffset(BASE, 2 ** 53)).toEqual(entry)
    expect(log.floorByOffset(BASE, 1009)).toBeUndefined()
    expect(log.lastBeforeTimestamp(BASE, 70)).toBeUndefined()
    expect(log.allFacts().size).toBe(0)
  })
}

function forgetting(subject: Subject): void {
  const add = (log: LogIndex, entries: readonly IndexEntry[]): void => {
    for (const entry of entries) log.addEntry(BASE, entry)
  }
  const entries = makeEntries(BASE, 50)
  const tenth = entries[10]!

  it.each([
    ['before it is stored', false],
    ['once it is stored', true],
  ])('what lies at or past a position, %s', async (_, stored) => {
    const log = await openLog(subject)
    add(log, entries)
    log.putFacts(factsOf(BASE, 3))
    if (stored) log.seal(BASE)
    if (stored) await log.settle()
    log.truncate(BASE, tenth.position + 1)
    expect(log.floorByOffset(BASE, 2 ** 52)).toEqual(tenth)
    expect(log.facts(BASE)).toBeUndefined()
    log.truncate(BASE, tenth.position)
    expect(log.floorByOffset(BASE, 2 ** 52)).toEqual(entries[9])
    expect(log.lastBeforeTimestamp(BASE, 2 ** 52)).toEqual(entries[9])
    await log.settle()
    expect(log.floorByOffset(BASE, 2 ** 52)).toEqual(entries[9])
    log.truncate(BASE, 0)
    expect(log.floorByOffset(BASE, 2 ** 52)).toBeUndefined()
    await log.settle()
    expect(log.floorByOffset(BASE, 2 ** 52)).toBeUndefined()
  })

  it.each([
    ['that is still in memory', false],
    ['that is sealed', true],
  ])('and takes in what is written in place of something %s', async (_, sealed) => {
    const log = await openLog(subject)
    add(log, entries)
    if (sealed) log.seal(BASE)
    await log.settle()
    log.truncate(BASE, tenth.position)
    const anew = { ...tenth, timestamp: entries[9]!.timestamp }
    log.addEntry(BASE, anew)
    expect(log.floorByOffset(BASE, 2 ** 52)).toEqual(anew)
    log.seal(BASE)
    await log.settle()
    expect(log.floorByOffset(BASE, 2 ** 52)).toEqual(anew)
    expect(log.floorByOffset(BASE, anew.offset - 1)).toEqual(entries[9])
  })

  it('a segment, and no other', async () => {
    const log = await openLog(subject)
    for (const base of [0, BASE]) {
      for (const entry of makeEntries(base, 5)) log.addEntry(base, entry)
      log.putFacts(factsOf(base, 5))
    }
    await log.settle()
    log.drop(BASE)
    log.drop(BASE)
    log.drop(77)
    for (let round = 0; round < 2; round++) {
      expect(log.floorByOffset(BASE, 2 ** 52)).toBeUndefined()
      expect(log.facts(BASE)).toBeUndefined()
      expect([...log.allFacts().keys()]).toEqual([0])
      expect(log.floorByOffset(0, 2 ** 52)).toEqual(makeEntries(0, 5).at(-1))
      await log.settle()
    }
  })

  it('a whole log, and no other', async () => {
    const database = await subject.open()
    const logs = LOGS.map((name) => database.log(name, 'a')) as [LogIndex, LogIndex]
    for (const log of logs) add(log, entries)
    for (const log of logs) log.putFacts(factsOf(BASE, 5))
    await logs[0].settle()
    logs[0].clear()
    for (let round = 0; round < 2; round++) {
      expect(logs[0].floorByOffset(BASE, 2 ** 52)).toBeUndefined()
      expect(logs[0].allFacts().size).toBe(0)
      expect(logs[1].floorByOffset(BASE, 2 ** 52)).toEqual(entries.at(-1))
      expect(logs[1].allFacts().size).toBe(1)
      await logs[0].settle()
    }
    add(logs[0], entries)
    expect(logs[0].floorByOffset(BASE, tenth.offset)).toEqual(tenth)
  })

  it('an earlier log of the same name', async () => {
    const database = await subject.open()
    const old = database.log('orders-0', 'a')
    add(old, entries)
    old.putFacts(factsOf(BASE, 5))
    await old.settle()
    const log = database.log('orders-0', 'b')
    for (const each of [log, old]) {
      expect(each.floorByOffset(BASE, 2 ** 52)).toBeUndefined()
      expect(each.allFacts().size).toBe(0)
    }
    database.removeLog('orders-0')
    database.removeLog('never-there')
    expect(database.log('orders-0', 'a').allFacts().size).toBe(0)
  })
}

function ending(subject: Subject): void {
  const entry = { offset: 1010, position: 500, timestamp: 70 }

  it('twice, at once and again, and is harmless afterwards', async () => {
    const database = await subject.open()
    const log = database.log('orders-0', 'a')
    log.addEntry(BASE, entry)
    await Promise.all([log.close(), log.close(), database.close(), database.close()])
    await log.close()
    await database.close()
    for (const each of [log, database.log('orders-0', 'a'), database.log('orders-1', 'a')]) {
      useUp(each)
      expect(each.floorByOffset(BASE, 5000)).toBeUndefined()
      expect(each.lastBeforeTimestamp(BASE, 5000)).toBeUndefined()
      expect(each.facts(BASE)).toBeUndefined()
      expect(each.allFacts().size).toBe(0)
      await each.settle()
      await each.close()
    }
    database.removeLog('orders-0')
  })

  it('one log without the others, which can be asked for again', async () => {
    const database = await subject.open()
    const log = database.log('orders-0', 'a')
    const other = database.log('orders-1', 'a')
    other.addEntry(BASE, entry)
    log.addEntry(BASE, entry)
    await log.close()
    expect(log.floorByOffset(BASE, 5000)).toBeUndefined()
    expect(other.floorByOffset(BASE, 5000)).toEqual(entry)
    const again = database.log('orders-0', 'a')
    again.truncate(BASE, 0)
    again.addEntry(BASE, entry)
    expect(again.floorByOffset(BASE, 5000)).toEqual(entry)
  })

  it('but not for one who asks for the log while it is being closed', async () => {
    const database = await subject.open()
    const closing = database.log('orders-0', 'a').close()
    const again = database.log('orders-0', 'a')
    again.addEntry(BASE, entry)
    await closing
    expect(again.floorByOffset(BASE, 5000)).toEqual(entry)
    await again.close()
    expect(again.floorByOffset(BASE, 5000)).toBeUndefined()
  })

  it('only once: two who ask for one log get the same index', async () => {
    const database = await subject.open()
    expect(database.log('orders-0', 'a')).toBe(database.log('orders-0', 'a'))
  })

  function useUp(log: LogIndex): void {
    log.addEntry(BASE, entry)
    log.putFacts(factsOf(BASE, 1))
    log.seal(BASE)
    log.truncate(BASE, 0)
    log.drop(BASE)
    log.clear()
  }
}
