/*
 * The index is disposable: whatever is in its place, the log gives the right answers, and has a good index again
 * afterwards.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { SeededRandom } from '../../src/testing/index.ts'
import { damageFile } from '../helpers/hand-made.ts'
import {
  appendNumbered,
  closedLog,
  copyOf,
  numberedValue,
  quick,
  segmentPaths,
} from '../helpers/log-files.ts'
import { seed } from '../helpers/seed.ts'
import { openTempLog, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const options: LogOptions = {
  ...quick,
  index: 'sqlite',
  config: { 'internal.segment.bytes': 4096, 'index.interval.bytes': 200 },
}
const COUNT = 120

const indexOf = (directory: string): string => join(directory, 'index.db')
const random = new SeededRandom(seed)

/** Every way to look something up, for every record. */
async function expectRightAnswers(log: Log, count = COUNT): Promise<void> {
  expect(log.endOffset).toBe(count)
  for (let offset = 0; offset < count; offset++) {
    const expected = { offset, value: Buffer.from(numberedValue(offset)) }
    expect(log.getSync(offset)).toMatchObject(expected)
    if (offset % 9 === 0) {
      expect(await log.offsetForTimestamp(1000 + offset)).toEqual({ offset, timestamp: 1000 + offset })
      expect((await log.read({ from: offset, until: offset + 1 }).next()).value).toMatchObject(expected)
    }
  }
  expect(await log.offsetForTimestamp(0)).toEqual({ offset: 0, timestamp: 1000 })
  expect(await log.offsetForTimestamp(1000 + count)).toBeUndefined()
  expect(await readValues(log)).toHaveLength(count)
}

/** How many places the index knows. */
function entryCount(directory: string): number {
  const database = new Database(indexOf(directory), { readonly: true })
  try {
    return (database.prepare('SELECT count(*) AS count FROM entries').get() as { count: number }).count
  } finally {
    database.close()
  }
}

function edit(directory: string, sql: string): void {
  const database = new Database(indexOf(directory))
  database.exec(sql)
  database.close()
}

/** One log for all tests, each of which works on a copy. */
const sound = mkdtempSync(join(tmpdir(), 'seglog-index-'))

beforeAll(async () => {
  const log = await openLog(sound, options)
  await appendNumbered(log, COUNT)
  await log.close()
})

afterAll(() => rmSync(sound, { recursive: true }))

describe.each<[string, (directory: string) => void]>([
  ['deleted', (directory) => rmSync(indexOf(directory))],
  ['empty', (directory) => truncateSync(indexOf(directory), 0)],
  ['cut in its header', (directory) => truncateSync(indexOf(directory), 50)],
  ['cut after its first page', (directory) => truncateSync(indexOf(directory), 4096)],
  ['garbage', (directory) => writeFileSync(indexOf(directory), random.bytes(20_000))],
  ['old text', (directory) => writeFileSync(indexOf(directory), 'index\n'.repeat(2000))],
  [
    'garbage behind its header',
    (directory) => damageFile(indexOf(directory), (bytes) => bytes.fill(0xa5, 4096)),
  ],
  ['zeros behind its header', (directory) => damageFile(indexOf(directory), (bytes) => bytes.fill(0, 100))],
  [
    'foreign',
    (directory) => {
      rmSync(indexOf(directory))
      edit(directory, 'CREATE TABLE entries (a, b); INSERT INTO entries VALUES (1, 2)')
    },
  ],
  [
    'ours with a trigger',
    (directory) =>
      edit(directory, 'CREATE TRIGGER evil AFTER INSERT ON entries BEGIN DELETE FROM entries; END'),
  ],
  ['ours with a view', (directory) => edit(directory, 'CREATE VIEW more AS SELECT * FROM entries')],
  ['ours with another version', (directory) => edit(directory, 'PRAGMA user_version = 99')],
  [
    'ours, all its places moved',
    (directory) => edit(directory, 'UPDATE entries SET position = position + 1'),
  ],
  ['ours, all its places exchanged', (directory) => edit(directory, 'UPDATE entries SET position = 0')],
  [
    'ours, all its times later',
    (directory) => edit(directory, 'UPDATE entries SET timestamp = timestamp + 1000000'),
  ],
  [
    'ours, all its segments changed',
    (directory) => edit(directory, 'UPDATE segments SET next_offset = next_offset + 1'),
  ],
  [
    'a directory',
    (directory) => {
      rmSync(indexOf(directory))
      mkdirSync(indexOf(directory))
    },
  ],
  [
    'a link to the index of another log',
    (directory) => {
      rmSync(indexOf(directory))
      symlinkSync(indexOf(sound), indexOf(directory))
    },
  ],
  [
    'beside a log of changes that is not its own',
    (directory) => writeFileSync(`${indexOf(directory)}-wal`, random.bytes(5000)),
  ],
])('an index that is %s', (_, spoil) => {
  it('gives no wrong answer, and is a good one again afterwards', async () => {
    const directory = copyOf(sound)
    spoil(directory)
    const log = await openLog(directory, options)
    expect(log.recovery).toMatchObject({ clean: true, damage: [] })
    await expectRightAnswers(log)
    await appendNumbered(log, 10)
    await log.close()
    const again = await openLog(directory, options)
    expect(again.recovery.notes.filter((note) => note !== 'created')).toEqual([]) // one that broke in use is made anew
    await expectRightAnswers(again, COUNT + 10)
    await again.close()
    expect(entryCount(directory)).toBeGreaterThan(20)
  })
})

describe('an index', () => {
  it('of an earlier state of the log is brought up to date', async () => {
    const directory = copyOf(sound)
    const stale = join(temporaryDirectory(), 'stale')
    copyFileSync(indexOf(directory), stale)
    const log = await openLog(directory, options)
    await appendNumbered(log, 100)
    await log.close()
    copyFileSync(stale, indexOf(directory))
    const again = await openTempLog(options, directory)
    await expectRightAnswers(again, COUNT + 100)
  })

  it('that is ahead of the log, which lost its tail, is not believed', async () => {
    const directory = copyOf(sound)
    for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint'])
      rmSync(join(directory, name))
    const last = segmentPaths(directory).at(-1)!
    const sizeBytes = readFileSync(last).length
    truncateSync(last, sizeBytes - 2 * 108)
    const log = await openLog(directory, options)
    await expectRightAnswers(log, COUNT - 2)
    await appendNumbered(log, 1)
    await log.append({
      value: numberedValue(COUNT - 1),
      timestamp: 1000 + COUNT - 1,
      headers: { longer: 'x' },
    })
    await appendNumbered(log, 5)
    await expectRightAnswers(log, COUNT + 5)
    await log.close()
    await expectRightAnswers(await openTempLog(options, directory), COUNT + 5)
  })

  it('of another log with segments of the same names is not believed', async () => {
    const directory = copyOf(sound)
    const other = await closedLog(COUNT, {
      ...options,
      config: { ...options.config, 'index.interval.bytes': 0 },
    })
    for (const name of readdirSync(directory)) if (name.startsWith('index.db')) rmSync(join(directory, name))
    copyFileSync(indexOf(other), indexOf(directory))
    await expectRightAnswers(await openTempLog(options, directory))
  })

  it('that vanishes under an open log costs nothing but itself', async () => {
    const log = await openTempLog(options, copyOf(sound))
    for (const name of readdirSync(log.directory))
      if (name.startsWith('index.db')) rmSync(join(log.directory, name))
    await appendNumbered(log, 100)
    await expectRightAnswers(log, COUNT + 100)
    await log.close()
    await expectRightAnswers(await openTempLog(options, log.directory), COUNT + 100)
  })

  it('with any byte of it changed gives no wrong answer', async () => {
    const bytes = readFileSync(indexOf(sound))
    for (let trial = 0; trial < 24; trial++) {
      const directory = copyOf(sound)
      const position = trial < 10 ? trial * 10 : random.below(bytes.length)
      damageFile(indexOf(directory), (copy) => {
        copy[position]! ^= 1 << random.below(8)
        return copy
      })
      const log = await openLog(directory, options)
      for (let offset = random.below(9); offset < COUNT; offset += 9) {
        expect(log.getSync(offset)).toMatchObject({ offset, value: Buffer.from(numberedValue(offset)) })
        expect(await log.offsetForTimestamp(1000 + offset)).toEqual({ offset, timestamp: 1000 + offset })
      }
      await log.close()
      rmSync(directory, { recursive: true })
    }
  })

  it('is not made in memory only: it is there, for the owner alone, once the log is closed', () => {
    expect(existsSync(indexOf(sound))).toBe(true)
    expect(entryCount(sound)).toBeGreaterThan(20)
  })
})
