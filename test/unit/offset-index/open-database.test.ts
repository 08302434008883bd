import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { removeIndexFiles } from '../../../src/offset-index/index.ts'
import { factsOf, makeEntries } from './model.ts'
import { Place, SIBLINGS } from './sqlite-harness.ts'

const BASE = 1000
const END = 2 ** 52

/** A place with a sound, closed index of 500 entries. */
async function filledPlace(): Promise<Place> {
  const place = new Place()
  const database = await place.open()
  const log = database.log('orders-0', 'a')
  for (const entry of makeEntries(BASE, 500)) log.addEntry(BASE, entry)
  log.putFacts(factsOf(BASE, 500))
  await database.close()
  return place
}

/** Opens, expects an index that works and holds nothing of before, and gives the report. */
async function expectFresh(place: Place): Promise<readonly string[]> {
  const database = await place.open()
  const log = database.log('orders-0', 'a')
  expect(log.state).toBe('ready')
  expect(log.floorByOffset(BASE, END)).toBeUndefined()
  expect(log.allFacts().size).toBe(0)
  log.addEntry(BASE, { offset: 1041, position: 100, timestamp: 5 })
  await database.close()
  const again = await place.open()
  expect(again.report).toEqual([])
  expect(again.log('orders-0', 'a').floorByOffset(BASE, END)?.timestamp).toBe(5)
  await again.close()
  return database.report
}

/** The machine's file system, with calls that fail. */
const failing = (...names: string[]) => ({
  ...nodeFileSystem,
  openSync: (path: string, mode: 'create') => {
    if (names.includes('openSync')) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    return nodeFileSystem.openSync(path, mode)
  },
  rename: async (from: string, to: string) => {
    if (names.includes('rename')) throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
    await nodeFileSystem.rename(from, to)
  },
  remove: async (path: string) => {
    if (names.includes('remove')) throw Object.assign(new Error('read-only'), { code: 'EROFS' })
    await nodeFileSystem.remove(path)
  },
})

describe('an index file that is not there', () => {
  it('is made, and nobody else may read it', async () => {
    const before = process.umask(0)
    try {
      const place = new Place()
      const log = (await place.open()).log('orders-0', 'a')
      log.addEntry(BASE, { offset: 1041, position: 100, timestamp: 5 })
      await log.settle()
      expect(place.files()).toEqual({ 'index.db': 0o600, 'index.db-wal': 0o600, 'index.db-shm': 0o600 })
    } finally {
      process.umask(before)
    }
  })

  it('is made anew when it was deleted while closed', async () => {
    const place = await filledPlace()
    rmSync(place.path)
    expect(await expectFresh(place)).toEqual(['created'])
  })

  it("is made anew without what another database's log or journal would bring", async () => {
    const other = new Place()
    const connection = other.connect()
    connection.pragma('journal_mode = WAL')
    connection.exec('CREATE TABLE orders (amount INTEGER); INSERT INTO orders VALUES (1)')
    const place = await filledPlace()
    rmSync(place.path)
    for (const suffix of ['-wal', '-journal']) {
      writeFileSync(place.path + suffix, readFileSync(`${other.path}-wal`))
    }
    expect(await expectFresh(place)).toEqual(['removed: files of a database that is not there', 'created'])
    expect(place.alter((each) => each.prepare('SELECT name FROM sqlite_schema').pluck().all())).toEqual([
      'entries',
      'logs',
      'segments',
    ])
  })
})

describe('an index file that is no database', () => {
  it.each([
    ['is garbage', (path: string) => writeFileSync(path, Buffer.alloc(9000, 'garbage!'))],
    ['is shorter than its header', (path: string) => truncateSync(path, 50)],
    ['has lost its last pages', (path: string) => truncateSync(path, 8192)],
  ])('goes when it %s, and is kept', async (_, damage) => {
    const place = await filledPlace()
    damage(place.path)
    const kept = readFileSync(place.path)
    expect(await expectFresh(place)).toEqual(['rebuilt: damaged', 'quarantined: index.db.1'])
    expect(readFileSync(join(place.quarantine, 'index.db.1'))).toEqual(kept)
  })

  it('goes when it is empty', async () => {
    const place = await filledPlace()
    truncateSync(place.path, 0)
    expect(await expectFresh(place)).toEqual(['rebuilt: empty'])
    expect(place.quarantined()).toEqual([])
  })

  it('goes when it is a directory, which is kept with what is in it', async () => {
    const place = new Place()
    mkdirSync(place.path)
    writeFileSync(join(place.path, 'letter'), 'mine')
    expect(await expectFresh(place)).toEqual([
      'rebuilt: a directory in place of index.db',
      'quarantined: index.db.1',
    ])
    expect(readFileSync(join(place.quarantine, 'index.db.1', 'letter'), 'utf8')).toBe('mine')
  })

  it('goes when it is a link, and what the link leads to is not touched', async () => {
    const target = await filledPlace()
    const before = readFileSync(target.path)
    const place = new Place()
    symlinkSync(target.path, place.path)
    expect(await expectFresh(place)).toEqual([
      'rebuilt: a symbolic link in place of index.db',
      'quarantined: index.db.1',
    ])
    expect(readlinkSync(join(place.quarantine, 'index.db.1'))).toBe(target.path)
    expect(readFileSync(target.path)).toEqual(before)
  })

  it('goes when it is a pipe, which nobody waits for', async () => {
    const place = new Place()
    execFileSync('mkfifo', [place.path])
    expect((await expectFresh(place))[0]).toBe('rebuilt: a pipe, socket or device in place of index.db')
  })

  it.each(['-wal', '-shm', '-journal'])('goes when its %s is a link', async (suffix) => {
    const place = await filledPlace()
    const target = join(place.directory, 'letter')
    writeFileSync(target, 'mine')
    symlinkSync(target, place.path + suffix)
    expect((await expectFresh(place))[0]).toBe(`rebuilt: a symbolic link in place of index.db${suffix}`)
    expect(readFileSync(target, 'utf8')).toBe('mine')
  })
})

describe('a database that is not ours to the letter', () => {
  it('is moved away with its log, and its trigger never fires', async () => {
    const place = new Place()
    const connection = place.connect()
    connection.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE entries (segment, offset, position, timestamp, checksum);
      CREATE TABLE fired (what);
      CREATE TRIGGER spy AFTER INSERT ON entries BEGIN INSERT INTO fired VALUES (new.offset); END;`)
    const copy = place.afterKill() // with a log that was never copied into the file
    expect(statSync(`${copy.path}-wal`).size).toBeGreaterThan(0)
    expect(await expectFresh(copy)).toEqual(['rebuilt: foreign schema', 'quarantined: index.db.1'])
    const kept = new Database(join(copy.quarantine, 'index.db.1'))
    expect(kept.prepare('SELECT count(*) FROM fired').pluck().get()).toBe(0)
    expect(kept.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(3)
    kept.close()
  })

  it.each([
    ['a trigger', 'CREATE TRIGGER spy AFTER INSERT ON entries BEGIN DELETE FROM segments; END'],
    ['a view', 'CREATE VIEW spy AS SELECT * FROM entries'],
    ['a table more', 'CREATE TABLE more (value)'],
    ['an index more', 'CREATE INDEX more ON entries (timestamp)'],
    ['statistics', 'ANALYZE'],
    ['a table less', 'DROP TABLE segments'],
    ['a column more', 'ALTER TABLE entries ADD COLUMN more INTEGER'],
    ['a generated column', 'ALTER TABLE entries ADD COLUMN more INTEGER AS (offset + 1)'],
    ['a column by another name', 'ALTER TABLE entries RENAME COLUMN position TO place'],
    ['a table that is not strict', 'DROP TABLE logs; CREATE TABLE logs (name, id, identity, checksum)'],
  ])('is deleted when it is ours with %s', async (_, sql) => {
    const place = await filledPlace()
    place.alter((connection) => connection.exec(sql))
    expect(await expectFresh(place)).toEqual(['rebuilt: changed schema'])
    expect(place.quarantined()).toEqual([])
  })

  it.each([0, 2, 1_000_000])('is deleted when it is ours in version %i', async (version) => {
    const place = await filledPlace()
    place.alter((connection) => connection.pragma(`user_version = ${version}`))
    expect(await expectFresh(place)).toEqual([`rebuilt: schema version ${version}, 1 is read`])
    expect(place.quarantined()).toEqual([])
  })

  it('is moved away when it only looks like ours', async () => {
    const place = await filledPlace()
    place.alter((connection) => connection.pragma('application_id = 7'))
    expect(await expectFresh(place)).toEqual(['rebuilt: foreign schema', 'quarantined: index.db.1'])
  })

  it('is deleted when there is nothing in it', async () => {
    const place = new Place()
    place.alter((connection) => connection.pragma('journal_mode = WAL'))
    expect(await expectFresh(place)).toEqual(['rebuilt: empty'])
    expect(place.quarantined()).toEqual([])
  })

  it('is kept four times, the oldest going first', async () => {
    const place = new Place()
    let report: readonly string[] = []
    mkdirSync(place.quarantine)
    writeFileSync(join(place.quarantine, '00000000000000000000.log.61'), 'not a database')
    for (let round = 1; round <= 6; round++) {
      for (const suffix of SIBLINGS) rmSync(place.path + suffix, { force: true })
      writeFileSync(place.path, `garbage ${round}`.repeat(100))
      report = await expectFresh(place)
    }
    expect(report).toEqual([
      'rebuilt: damaged',
      'dropped from quarantine: index.db.2',
      'quarantined: index.db.6',
    ])
    expect(place.quarantined()).toEqual([
      '00000000000000000000.log.61',
      'index.db.3',
      'index.db.4',
      'index.db.5',
      'index.db.6',
    ])
    expect(readFileSync(join(place.quarantine, 'index.db.6'), 'utf8').startsWith('garbage 6')).toBe(true)
  })
})

describe('an index that is not wanted any more', () => {
  it('is removed with all that SQLite keeps beside it, and once more without a word', async () => {
    const place = await filledPlace()
    for (const suffix of SIBLINGS) writeFileSync(place.path + suffix, 'left over')
    writeFileSync(`${place.path}.bak`, 'mine')
    await removeIndexFiles(nodeFileSystem, place.path)
    await removeIndexFiles(nodeFileSystem, place.path)
    expect(readdirSync(place.directory)).toEqual(['index.db.bak'])
    expect((await place.open()).report).toEqual(['created'])
  })
})

describe('an index file that can not be had', () => {
  it('leaves an index in memory when it can not be made', async () => {
    const place = new Place()
    const database = await place.open({ fileSystem: failing('openSync') })
    expect(database.report).toEqual(['memory: ENOSPC: no space left'])
    expect(place.messages).toHaveLength(1)
    const log = database.log('orders-0', 'a')
    expect(log.state).toBe('memory')
    log.addEntry(BASE, { offset: 1041, position: 100, timestamp: 5 })
    expect(log.floorByOffset(BASE, END)?.offset).toBe(1041)
    await database.close()
    expect(readdirSync(place.directory)).toEqual([])
  })

  it('leaves an index in memory when its directory is not there', async () => {
    const place = new Place()
    const database = await place.open({ path: join(place.directory, 'missing', 'index.db') })
    expect(database.report[0]).toMatch(/^memory: ENOENT/)
    expect(database.log('orders-0', 'a').state).toBe('memory')
  })

  it('leaves an index in memory when a stranger can not be moved away', async () => {
    const place = new Place()
    writeFileSync(place.path, 'garbage'.repeat(100))
    const database = await place.open({ fileSystem: failing('rename') })
    expect(database.report).toEqual(['memory: EACCES: permission denied'])
    expect(readFileSync(place.path, 'utf8')).toBe('garbage'.repeat(100))
  })

  it('leaves an index in memory while another connection holds it, and is there afterwards', async () => {
    const place = await filledPlace()
    const other = place.connect()
    other.pragma('locking_mode = EXCLUSIVE')
    other.exec('BEGIN EXCLUSIVE')
    const startMs = performance.now()
    const database = await place.open()
    expect(performance.now() - startMs).toBeLessThan(1000)
    expect(database.report).toEqual(['memory: SQLITE_BUSY: database is locked'])
    const log = database.log('orders-0', 'a')
    log.addEntry(BASE, { offset: 1041, position: 100, timestamp: 5 })
    await database.close()
    other.close()
    const next = await place.open()
    expect(next.report).toEqual([])
    expect(next.log('orders-0', 'a').floorByOffset(BASE, END)).toEqual(makeEntries(BASE, 500).at(-1))
  })

  it('goes when something it holds is dropped meanwhile', async () => {
    const place = await filledPlace()
    const other = place.connect()
    other.pragma('locking_mode = EXCLUSIVE')
    other.exec('BEGIN EXCLUSIVE')
    const log = (await place.open()).log('orders-0', 'a')
    log.truncate(BASE, 4123)
    await log.settle()
    expect(existsSync(place.path)).toBe(false)
    other.close()
    expect(await expectFresh(place)).toEqual(['created'])
  })

  it('says so when it should go and can not', async () => {
    const place = await filledPlace()
    const other = place.connect()
    other.pragma('locking_mode = EXCLUSIVE')
    other.exec('BEGIN EXCLUSIVE')
    const database = await place.open({ fileSystem: failing('remove') })
    database.log('orders-0', 'a').drop(BASE)
    await database.close()
    expect(place.messages.at(-1)).toMatch(/out of date and can't be removed, remove it by hand: .*read-only/)
  })
})
