import { join } from 'node:path'
import { GroupCommit } from './group-commit.ts'
import { loadLibrary } from './library.ts'
import type { Done, KeyedRecord, Level, OpenOptions, Rival, RivalLog } from './rival.ts'

/** What both libraries have alike. */
interface Database {
  exec(text: string): unknown
  prepare(text: string): Statement
  close(): void
}

interface Statement {
  run(...values: readonly unknown[]): unknown
  get(...values: readonly unknown[]): unknown
  iterate(): Iterable<unknown>
}

const BEGIN = 'BEGIN IMMEDIATE'
/** Rows that one statement inserts: each call into the library costs as much as several rows. */
const ROWS = 50
const COMMITTED = Promise.resolve()

const settings =
  'WAL, pages of 16 KiB, a WAL of 1,000 pages, memory map and cache large enough for everything; INTEGER PRIMARY KEY; ' +
  `a batch is one transaction of prepared inserts of ${ROWS} rows; os: synchronous NORMAL; disk: FULL, and what is appended ` +
  'while a commit is due goes into it; reads in one read transaction'

const shared = {
  settings,
  promisesLess: 'checksums in the WAL only, and none after a checkpoint',
  levels: { os: {}, disk: {} },
  isGathering: false,
}

/** SQLite by better-sqlite3. */
export const betterSqlite: Rival = {
  ...shared,
  name: 'better-sqlite3',
  packageName: 'better-sqlite3',
  async open(directory, options) {
    const BetterSqlite = loadLibrary<new (path: string) => Database>('better-sqlite3')
    return new SqliteLog(new BetterSqlite(join(directory, 'data.db')), options)
  },
}

/** SQLite by Node itself. */
export const nodeSqlite: Rival = {
  ...shared,
  name: 'node:sqlite',
  packageName: undefined,
  async open(directory, options) {
    const { DatabaseSync } = await import('node:sqlite')
    return new SqliteLog(new DatabaseSync(join(directory, 'data.db')) as Database, options)
  },
}

class SqliteLog implements RivalLog {
  readonly #database: Database
  readonly #begin: Statement
  readonly #commit: Statement
  readonly #insert: Statement
  readonly #insertMany: Statement
  readonly #insertKeyed: Statement
  readonly #insertManyKeyed: Statement
  readonly #select: Statement
  readonly #group: GroupCommit | undefined
  #isReading = false

  constructor(database: Database, { level, isGrouped = false }: OpenOptions) {
    this.#database = database
    database.exec(setupFor(level))
    this.#begin = database.prepare(BEGIN)
    this.#commit = database.prepare('COMMIT')
    this.#insert = database.prepare('INSERT INTO records (value) VALUES (?)')
    this.#insertMany = database.prepare(`INSERT INTO records (value) VALUES ${rowsOf('(?)')}`)
    const insertKeyed = 'INSERT INTO keyed ("key", headers, value) VALUES'
    this.#insertKeyed = database.prepare(`${insertKeyed} (?, ?, ?)`)
    this.#insertManyKeyed = database.prepare(`${insertKeyed} ${rowsOf('(?, ?, ?)')}`)
    this.#select = database.prepare('SELECT value FROM records WHERE number = ?')
    this.#group = isGrouped ? new GroupCommit((values) => this.appendBatch(values)) : undefined
  }

  appendBatch(values: readonly Uint8Array[]): Done {
    this.#transact(() => {
      let slot = 0
      for (; slot + ROWS <= values.length; slot += ROWS)
        this.#insertMany.run(...values.slice(slot, slot + ROWS))
      for (; slot < values.length; slot++) this.#insert.run(values[slot])
    })
    return undefined
  }

  append(value: Uint8Array): Promise<unknown> {
    if (this.#group !== undefined) return this.#group.append(value)
    this.#endReading()
    this.#insert.run(value)
    return COMMITTED
  }

  appendKeyed(records: readonly KeyedRecord[]): Done {
    this.#transact(() => {
      let slot = 0
      for (; slot + ROWS <= records.length; slot += ROWS)
        this.#insertManyKeyed.run(...records.slice(slot, slot + ROWS).flatMap(columnsOf))
      for (; slot < records.length; slot++) this.#insertKeyed.run(...columnsOf(records[slot]!))
    })
    return undefined
  }

  scan(visit: (value: Uint8Array) => void): Done {
    const rows = this.#database.prepare('SELECT value FROM records ORDER BY number').iterate()
    for (const row of rows) visit((row as { value: Uint8Array }).value)
    return undefined
  }

  scanKeyed(visit: (record: KeyedRecord) => void): Done {
    const rows = this.#database.prepare('SELECT "key", headers, value FROM keyed ORDER BY number').iterate()
    for (const row of rows) {
      const { key, headers, value } = row as { key: string; headers: string; value: string }
      visit({ key, headers: JSON.parse(headers) as KeyedRecord['headers'], value: JSON.parse(value) })
    }
    return undefined
  }

  read(offset: number): Uint8Array {
    if (!this.#isReading) {
      this.#database.exec('BEGIN')
      this.#isReading = true
    }
    return (this.#select.get(offset + 1) as { value: Uint8Array }).value
  }

  async close(): Promise<void> {
    this.#endReading()
    this.#database.close()
  }

  #transact(work: () => void): void {
    this.#endReading()
    this.#begin.run()
    work()
    this.#commit.run()
  }

  /** A read transaction sees what was there when it began, so an append ends it. */
  #endReading(): void {
    if (!this.#isReading) return
    this.#database.exec('COMMIT')
    this.#isReading = false
  }
}

function rowsOf(row: string): string {
  return Array.from({ length: ROWS }, () => row).join(', ')
}

function columnsOf({ key, headers, value }: KeyedRecord): string[] {
  return [key, JSON.stringify(headers), JSON.stringify(value)]
}

function setupFor(level: Level): string {
  return `
    PRAGMA page_size = 16384;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${level === 'os' ? 'NORMAL' : 'FULL'};
    PRAGMA cache_size = -262144;
    PRAGMA mmap_size = 1073741824;
    CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS keyed (
      number INTEGER PRIMARY KEY, "key" TEXT NOT NULL, headers TEXT NOT NULL, value TEXT NOT NULL
    );
  `
}
