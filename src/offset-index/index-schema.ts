import type { Database } from 'better-sqlite3'

/** In the file's header, bytes 68 to 71: says that the database is ours ('slog'). */
export const APPLICATION_ID = 0x736c_6f67

/** Raised with every change of the tables or of what a column means; any other version is thrown away. */
export const SCHEMA_VERSION = 1

/*
 * The text of each object as SQLite keeps it; opening compares it character by character.
 *
 * `entries` is keyed by a segment id of its own, not by log and base offset: forgetting a segment or a log deletes one
 * row, and the entries left behind are nobody's until the sweep finds them. `live_below` does the same for a truncation.
 */
const TABLES: Record<string, string> = {
  entries: `CREATE TABLE entries (
  segment INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  position INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (segment, offset)
) STRICT, WITHOUT ROWID`,
  logs: `CREATE TABLE logs (
  name TEXT NOT NULL,
  id INTEGER NOT NULL,
  identity TEXT NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (name)
) STRICT, WITHOUT ROWID`,
  segments: `CREATE TABLE segments (
  log INTEGER NOT NULL,
  base_offset INTEGER NOT NULL,
  id INTEGER NOT NULL,
  live_below INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  max_timestamp INTEGER NOT NULL,
  batch_count INTEGER NOT NULL,
  record_count INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (log, base_offset)
) STRICT, WITHOUT ROWID`,
}

/** What an existing file turned out to be. `foreign`: not provably ours, so it may matter to somebody. */
export interface SchemaFinding {
  readonly verdict: 'ours' | 'replace' | 'foreign'
  /** For the report, where the verdict is not `ours`. */
  readonly reason: string
}

/** Makes the tables in an empty database, all or nothing. */
export function createSchema(database: Database): void {
  database.transaction(() => {
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${SCHEMA_VERSION}`)
    for (const sql of Object.values(TABLES)) database.exec(sql)
  })()
}

/**
 * Compares the schema with ours to the letter; runs nothing that the database defines.
 *
 * A trigger in a database that someone put in our place would be run by our own inserts, and a view or a generated
 * column would answer our queries: whatever differs by a character is not opened. Errors: SQLite's.
 */
export function inspectSchema(database: Database): SchemaFinding {
  const objects = database
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name')
    .raw()
    .all()
  if (objects.length === 0) return { verdict: 'replace', reason: 'empty' }
  if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    return { verdict: 'foreign', reason: 'foreign schema' }
  }
  const version = database.pragma('user_version', { simple: true }) as number
  if (version !== SCHEMA_VERSION) {
    return { verdict: 'replace', reason: `schema version ${version}, ${SCHEMA_VERSION} is read` }
  }
  const expected = Object.entries(TABLES).map(([name, sql]) => ['table', name, name, sql])
  if (JSON.stringify(objects) !== JSON.stringify(expected)) {
    return { verdict: 'replace', reason: 'changed schema' }
  }
  return { verdict: 'ours', reason: '' }
}
