import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { IndexEntry, LogIndex, SegmentFacts } from '../../../src/offset-index/index.ts'
import { SeededRandom } from '../../../src/testing/index.ts'
import { Tally } from '../../helpers/damaged-log.ts'
import { isExhaustive } from '../../helpers/exhaustive.ts'
import { seed } from '../../helpers/seed.ts'
import { factsOf, makeEntries } from './model.ts'
import { Place, rowCounts, SIBLINGS } from './sqlite-harness.ts'

const END = 2 ** 52
/** How a page of a table without row ids begins that holds rows only. */
const INDEX_LEAF = 0x0a
const NAMES = ['orders-0', 'orders-1']
const SEGMENTS = new Map([
  [0, 400],
  [100_000, 3],
  [200_000, 900],
])

/** Entries that differ from log to log, so that one log's can't pass for the other's. */
const ENTRIES = new Map(
  NAMES.flatMap((name, number) =>
    [...SEGMENTS].map(([base, count]) => [
      `${name} ${base}`,
      makeEntries(base, count).map((entry) => ({ ...entry, timestamp: entry.timestamp + number * 5 })),
    ]),
  ),
)

function entriesOf(name: string, base: number): IndexEntry[] {
  return ENTRIES.get(`${name} ${base}`)!
}

function factsFor(name: string, base: number): SegmentFacts {
  return factsOf(base, 1000 + NAMES.indexOf(name))
}

async function filledPlace(): Promise<Place> {
  const place = new Place()
  const database = await place.open()
  for (const name of NAMES) {
    const log = database.log(name, `identity of ${name}`)
    for (const base of SEGMENTS.keys()) {
      for (const entry of entriesOf(name, base)) log.addEntry(base, entry)
      log.putFacts(factsFor(name, base))
    }
  }
  await database.close()
  return place
}

/** Expects nothing that was not written: each answer is missing, true, or true of an earlier place. */
function expectNoLies(log: LogIndex, name: string): number {
  let found = 0
  for (const [base, count] of SEGMENTS) {
    const entries = entriesOf(name, base)
    const probe = (entry: IndexEntry | undefined, holds: (entry: IndexEntry) => boolean): void => {
      if (entry === undefined) return
      found++
      expect(entry).toEqual(entries[(entry.offset - base) / 41 - 1])
      expect(holds(entry)).toBe(true)
    }
    const stride = Math.ceil(count / 12)
    for (let slot = 0; slot < count; slot += stride) {
      const { offset, timestamp } = entries[slot]!
      probe(log.floorByOffset(base, offset + 3), (entry) => entry.offset <= offset + 3)
      probe(log.lastBeforeTimestamp(base, timestamp), (entry) => entry.timestamp < timestamp)
    }
    const facts = log.facts(base)
    if (facts !== undefined) expect(facts).toEqual(factsFor(name, base))
  }
  for (const [base, facts] of log.allFacts()) expect(facts).toEqual(factsFor(name, base))
  return found
}

async function examine(place: Place): Promise<number> {
  const database = await place.open()
  let found = 0
  for (const name of NAMES) found += expectNoLies(database.log(name, `identity of ${name}`), name)
  await place.clock.advance(1500) // the sweep goes over the damage, too
  for (const name of NAMES) found += expectNoLies(database.log(name, `identity of ${name}`), name)
  await database.close()
  return found
}

/** Puts the rows of a page in any order, by the table of their places at its head. */
function shuffleRows(page: Buffer, random: SeededRandom): void {
  const count = page.readUInt16BE(3)
  for (let left = count; left > 1; left--) {
    const [one, other] = [8 + (left - 1) * 2, 8 + random.below(left) * 2]
    const place = page.readUInt16BE(one)
    page.writeUInt16BE(page.readUInt16BE(other), one)
    page.writeUInt16BE(place, other)
  }
}

const trialCount = (some: number, all: number): number => (isExhaustive ? all : some)

describe('a damaged index', () => {
  it('never says what is not true, whichever bits are flipped', { timeout: 300_000 }, async () => {
    const place = await filledPlace()
    const sound = readFileSync(place.path)
    const whole = await examine(place)
    const random = new SeededRandom(seed)
    const tally = new Tally('flipped bits of an index')
    for (let trial = 0; trial < trialCount(60, 1500); trial++) {
      const damaged = Buffer.from(sound)
      const flips = trial % 3 === 0 ? 1 + random.below(20) : 1
      for (let flip = 0; flip < flips; flip++) {
        damaged[random.below(damaged.length)]! ^= 1 << random.below(8)
      }
      for (const suffix of SIBLINGS) rmSync(place.path + suffix, { force: true })
      rmSync(place.quarantine, { recursive: true, force: true })
      writeFileSync(place.path, damaged, { mode: 0o600 })
      tally.add((await examine(place)) === whole ? 'all found' : 'less found')
    }
    tally.print()
    expect(tally.outcomes).toContain('all found') // or the trials would show nothing but that all is thrown away
  })

  it('never says what is not true when pages are swapped, repeated or blank', {
    timeout: 300_000,
  }, async () => {
    const place = await filledPlace()
    const sound = readFileSync(place.path)
    const random = new SeededRandom(seed)
    const pageCount = sound.length / 4096
    for (let trial = 0; trial < trialCount(20, 300); trial++) {
      const damaged = Buffer.from(sound)
      const [from, to] = [1 + random.below(pageCount - 1), 1 + random.below(pageCount - 1)]
      const page = sound.subarray(from * 4096, (from + 1) * 4096)
      if (trial % 3 === 0) sound.copy(damaged, from * 4096, to * 4096, (to + 1) * 4096)
      if (trial % 3 !== 2) page.copy(damaged, to * 4096)
      else damaged.fill(0, to * 4096, (to + 1) * 4096)
      for (const suffix of SIBLINGS) rmSync(place.path + suffix, { force: true })
      writeFileSync(place.path, damaged, { mode: 0o600 })
      await examine(place)
    }
  })

  it('never says what is not true when rows are out of order', { timeout: 300_000 }, async () => {
    const place = await filledPlace()
    const sound = readFileSync(place.path)
    const random = new SeededRandom(seed)
    for (let trial = 0; trial < trialCount(10, 100); trial++) {
      const damaged = Buffer.from(sound)
      for (let page = 4096; page < damaged.length; page += 4096) {
        if (damaged[page] === INDEX_LEAF) shuffleRows(damaged.subarray(page), random)
      }
      for (const suffix of SIBLINGS) rmSync(place.path + suffix, { force: true })
      writeFileSync(place.path, damaged)
      await examine(place)
      expect(place.clock.timers).toEqual([])
    }
  })

  it('loses the segments of which a row is bad, and no others', async () => {
    const place = await filledPlace()
    place.alter((connection) =>
      connection.exec('UPDATE segments SET size_bytes = 8 WHERE log = 1 AND base_offset = 0'),
    )
    const database = await place.open()
    const log = database.log(NAMES[0]!, `identity of ${NAMES[0]}`)
    expect([...log.allFacts().keys()]).toEqual([100_000, 200_000])
    expect(log.floorByOffset(0, END)).toBeUndefined()
    await place.clock.advance(2000)
    await database.close()
    expect(rowCounts(place)).toEqual({ logs: 2, segments: 5, entries: 2 * 1303 - 400 })
  })

  it.each([
    'UPDATE entries SET timestamp = timestamp + 1024 WHERE offset % 3 = 0',
    'UPDATE entries SET position = position + 1',
    'UPDATE entries SET offset = offset + 1',
    'UPDATE entries SET checksum = checksum + 1',
    'UPDATE entries SET segment = segment + 100',
    'UPDATE OR REPLACE entries SET segment = segment + 1',
    'UPDATE entries SET position = 9223372036854775807',
    'UPDATE segments SET id = id + 1',
    'UPDATE segments SET id = 1',
    'UPDATE segments SET next_offset = next_offset + 2',
    'UPDATE segments SET max_timestamp = max_timestamp - 1',
    'UPDATE segments SET live_below = 1',
    'UPDATE segments SET size_bytes = -1',
    'UPDATE OR REPLACE segments SET base_offset = base_offset + 100000',
    'UPDATE OR REPLACE segments SET log = 1',
    'UPDATE OR REPLACE segments SET log = log + 1',
    'UPDATE logs SET id = 3 - id',
    "UPDATE logs SET identity = 'identity of orders-1'",
    "UPDATE logs SET name = 'orders-2' WHERE name = 'orders-0'; UPDATE logs SET name = 'orders-0' WHERE name = 'orders-1'",
  ])('is not believed after: %s', async (sql) => {
    const place = await filledPlace()
    place.alter((connection) => connection.exec(sql))
    await examine(place)
  })

  it('drops the rows of the segment that a bad row is in, says so, and takes new ones', async () => {
    const place = await filledPlace()
    place.alter((connection) =>
      connection.exec('UPDATE entries SET timestamp = timestamp + 1 WHERE segment = 3 AND offset = 200041'),
    )
    const database = await place.open()
    const log = database.log(NAMES[0]!, `identity of ${NAMES[0]}`)
    expect(log.floorByOffset(200_000, 200_082)).toEqual(entriesOf(NAMES[0]!, 200_000)[1])
    expect(log.floorByOffset(200_000, 200_041)).toBeUndefined()
    expect(log.facts(200_000)).toBeUndefined()
    expect(log.floorByOffset(200_000, END)).toBeUndefined()
    expect(log.floorByOffset(0, END)).toEqual(entriesOf(NAMES[0]!, 0).at(-1))
    expect(place.messages).toHaveLength(1)
    for (const entry of entriesOf(NAMES[0]!, 200_000)) log.addEntry(200_000, entry)
    log.seal(200_000)
    await database.close()
    await place.clock.advance(0)
    expect(await examine(place)).toBeGreaterThan(0)
    const again = (await place.open()).log(NAMES[0]!, `identity of ${NAMES[0]}`)
    expect(again.floorByOffset(200_000, 200_041)).toEqual(entriesOf(NAMES[0]!, 200_000)[0])
  })

  it('stores again what memory has of a segment whose rows are bad', async () => {
    const place = await filledPlace()
    const database = await place.open()
    const log = database.log(NAMES[0]!, `identity of ${NAMES[0]}`)
    const later = { offset: 290_000, position: 9_000_000, timestamp: END }
    log.addEntry(200_000, later)
    await log.settle()
    place.alter((connection) =>
      connection.exec('UPDATE entries SET timestamp = timestamp + 1 WHERE segment = 3 AND offset < 290000'),
    )
    expect(log.floorByOffset(200_000, 200_041)).toBeUndefined()
    expect(log.floorByOffset(200_000, END)).toEqual(later)
    await database.close()
    const again = (await place.open()).log(NAMES[0]!, `identity of ${NAMES[0]}`)
    expect(again.floorByOffset(200_000, END)).toEqual(later)
    expect(again.floorByOffset(200_000, 289_999)).toBeUndefined()
  })

  it('fails quietly when a page turns out bad at run time, and is gone the next time', async () => {
    const place = await filledPlace()
    const bytes = readFileSync(place.path)
    bytes.fill(0xff, 4096 * 4)
    writeFileSync(place.path, bytes)
    const database = await place.open()
    expect(database.report).toEqual([])
    const log = database.log(NAMES[0]!, `identity of ${NAMES[0]}`)
    for (const base of SEGMENTS.keys()) log.floorByOffset(base, END)
    expect(log.state).toBe('failed')
    expect(log.lastBeforeTimestamp(0, END)).toBeUndefined()
    log.addEntry(0, { offset: 50_000, position: 5_000_000, timestamp: END })
    expect(log.floorByOffset(0, END)?.offset).toBe(50_000)
    expect(place.messages).toHaveLength(1)
    expect(place.messages[0]).toMatch(/the log goes on without it: SQLITE_CORRUPT/)
    await database.close()
    expect(existsSync(place.path)).toBe(false)
    expect((await place.open()).report).toEqual(['created'])
  })
})
