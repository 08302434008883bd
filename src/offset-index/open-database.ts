import { basename, dirname } from 'node:path'
import Database from 'better-sqlite3'
import type { FileKind, FileSystem } from '../fs/index.ts'
import { createSchema, inspectSchema, type SchemaFinding } from './index-schema.ts'
import { quarantineDatabase } from './quarantined-database.ts'
import { SIBLING_SUFFIXES } from './stale-files.ts'

/** Longest that another connection's lock holds up the event loop; it happens once, then the index gives up. */
const BUSY_TIMEOUT_MS = 20

const CACHE_KIB = 2048

/**
 * A checkpoint copies pages into the database and syncs twice, all on the event loop. At 1,000 pages of 4 KiB that is
 * 10 to 20 ms on a busy SSD, once in about 65,000 entries, which is 256 MiB of log: four times as many pages stall the
 * loop for 40 ms, and a quarter as many stall it as long for the syncs alone.
 */
const CHECKPOINT_PAGES = 1000

const KIND_NAMES: Record<FileKind, string> = {
  file: 'a file',
  directory: 'a directory',
  symlink: 'a symbolic link',
  other: 'a pipe, socket or device',
}

const WAL_BYTES_KEPT = 8 * 1024 * 1024

/** Where the index is, and where strangers found in its place go. */
export interface DatabasePlace {
  readonly fileSystem: FileSystem
  readonly path: string
  readonly quarantineDirectory: string
}

/** An open database of ours, or none; and what had to be done to get there. */
export interface OpenedDatabase {
  readonly database: Database.Database | undefined
  readonly report: readonly string[]
}

/** Opens the database at `path`, making or replacing it where needed; throws nothing. */
export async function openDatabase(place: DatabasePlace): Promise<OpenedDatabase> {
  const report: string[] = []
  try {
    const finding = await inspectPlace(place)
    if (finding.verdict === 'open') return { database: finding.database, report }
    if (finding.verdict === 'locked') {
      return { database: undefined, report: [`memory: ${finding.reason}`] }
    }
    report.push(...(await clearPlace(place, finding)))
    const database = createDatabase(place)
    if (finding.verdict === 'missing') report.push('created')
    return { database, report }
  } catch (error) {
    return { database: undefined, report: [...report, `memory: ${messageOf(error)}`] }
  }
}

type Finding =
  | { verdict: 'open'; database: Database.Database }
  | { verdict: 'missing' | 'locked' | 'replace' | 'foreign'; reason: string }

/** Looks at what is there, and opens it if it is ours to the letter. */
async function inspectPlace({ fileSystem, path }: DatabasePlace): Promise<Finding> {
  for (const suffix of ['', ...SIBLING_SUFFIXES]) {
    const stat = fileSystem.statSync(path + suffix)
    // SQLite would follow a link, and wait for a pipe.
    if (stat !== undefined && stat.kind !== 'file') {
      return { verdict: 'foreign', reason: `${KIND_NAMES[stat.kind]} in place of ${basename(path)}${suffix}` }
    }
  }
  return fileSystem.statSync(path) === undefined ? { verdict: 'missing', reason: '' } : openExisting(path)
}

function openExisting(path: string): Finding {
  let database: Database.Database | undefined
  let finding: SchemaFinding | { verdict: 'locked'; reason: string }
  try {
    database = new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS })
    harden(database)
    finding = inspectSchema(database)
    if (finding.verdict === 'ours') {
      startWal(database)
      return { verdict: 'open', database }
    }
  } catch (error) {
    const code = codeOf(error)
    // Only what SQLite says of the contents is a reason to replace the file: a lock or a full disk passes.
    const isDamage = code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')
    finding = isDamage
      ? { verdict: 'foreign', reason: 'damaged' }
      : { verdict: 'locked', reason: messageOf(error) }
  }
  database?.close()
  return { verdict: finding.verdict === 'ours' ? 'foreign' : finding.verdict, reason: finding.reason }
}

/** Leaves nothing at `path` nor beside it: a log or journal of another database would be played into a new one. */
async function clearPlace(
  { fileSystem, path, quarantineDirectory }: DatabasePlace,
  finding: { verdict: string; reason: string },
): Promise<string[]> {
  if (finding.verdict === 'foreign') {
    const done = await quarantineDatabase(fileSystem, path, quarantineDirectory)
    return [`rebuilt: ${finding.reason}`, ...done]
  }
  const report = finding.verdict === 'missing' ? [] : [`rebuilt: ${finding.reason}`]
  let removed = 0
  for (const each of [path, ...SIBLING_SUFFIXES.map((suffix) => path + suffix)]) {
    if (fileSystem.statSync(each) === undefined) continue
    await fileSystem.remove(each)
    removed++
  }
  if (removed > 0) {
    await fileSystem.syncDirectory(dirname(path))
    if (finding.verdict === 'missing') report.push('removed: files of a database that is not there')
  }
  return report
}

function createDatabase({ fileSystem, path }: DatabasePlace): Database.Database {
  // SQLite would make it readable by all; what it makes beside it gets the mode of the file itself.
  fileSystem.openSync(path, 'create').close()
  const database = new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS })
  try {
    harden(database)
    startWal(database)
    createSchema(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Before anything of the database is read: nothing that it defines may run, nothing in it is taken on trust. */
function harden(database: Database.Database): void {
  database.pragma('trusted_schema = OFF')
  database.pragma('cell_size_check = ON')
  database.pragma('mmap_size = 0') // a page that goes bad under a map kills the process; a failed read only fails
  database.pragma('temp_store = MEMORY')
  database.pragma(`cache_size = -${CACHE_KIB}`)
}

function startWal(database: Database.Database): void {
  const mode = database.pragma('journal_mode = WAL', { simple: true })
  if (mode !== 'wal')
    throw new Database.SqliteError(`journal mode ${String(mode)}, wal is needed`, 'SQLITE_CANTOPEN')
  database.pragma('synchronous = NORMAL')
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  database.pragma(`journal_size_limit = ${WAL_BYTES_KEPT}`)
  // Entries that were cut off leave no readable copy of themselves in pages that are written anyway.
  database.pragma('secure_delete = FAST')
}

/** The code of a SQLite or system error; empty when it has none. */
export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** What an error says, with its code. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const code = codeOf(error)
  return code === '' || message.includes(code) ? message : `${code}: ${message}`
}
