import type { Database, Statement } from 'better-sqlite3'
import { isOffset, SeglogError } from '../core/index.ts'
import { isTimestamp } from './entry-columns.ts'
import { CHECKSUM_SEED, hashInteger, hashText } from './row-checksum.ts'
import { decodeSegmentRow, encodeSegmentRow, type SegmentRow, type StoredSegment } from './segment-row.ts'
import type { IndexEntry } from './types.ts'

/** A row is there but is not what was written. */
export type Damaged = 'damaged'

/** Where a walk over the segments of all logs stands. */
export interface SegmentPlace {
  readonly log: number
  readonly baseOffset: number
}

/** Far beyond what can be used up, far below what a number can't count. */
const ID_MAX = 2 ** 48

const COLUMNS =
  'log, base_offset, id, live_below, size_bytes, next_offset, max_timestamp, batch_count, record_count, checksum'

/**
 * The rows of an open database: each is checked on reading, and nothing here remembers anything but the next free ids.
 *
 * Errors: SQLite's, from every method; the caller gives the database up.
 * Cost:   written `= +?` and `<= +?` because SQLite, built with STAT4, plans a statement anew whenever a value bound to
 *         a bare `?` of such a comparison changes: three times the price of the look-up itself.
 */
export class IndexRows {
  readonly #sql: ReturnType<typeof prepareStatements>
  #nextLogId: number | undefined
  #nextSegmentId: number | undefined

  constructor(database: Database) {
    this.#sql = prepareStatements(database)
  }

  /** The log called `name`, if its row is sound. */
  readLog(name: string): { id: number; identity: string } | undefined {
    const row = this.#sql.readLog.get(name)
    if (row === undefined) return undefined
    const [id, identity, checksum] = row
    if (!isOffset(id) || typeof identity !== 'string') return undefined
    return checksum === logChecksum({ name, id, identity }) ? { id, identity } : undefined
  }

  /** Adds the log, in place of any other of that name; gives its id. */
  createLog(name: string, identity: string): number {
    this.#nextLogId ??= nextAfter(this.#sql.lastLog.get()?.[0], this.#sql.lastLogOfSegments.get()?.[0])
    const id = this.#nextLogId++
    this.#sql.writeLog.run(name, id, identity, logChecksum({ name, id, identity }))
    return id
  }

  deleteLog(name: string): void {
    this.#sql.deleteLog.run(name)
  }

  /** The ids of all logs. */
  logIds(): Set<unknown> {
    return new Set(this.#sql.logIds.all().map(([id]) => id))
  }

  readSegment(log: number, baseOffset: number): StoredSegment | Damaged | undefined {
    const row = this.#sql.readSegment.get(log, baseOffset)
    if (row === undefined) return undefined
    return soundSegment(row, { log, baseOffset }) ?? 'damaged'
  }

  /** Every sound segment of a log; damaged rows are deleted. */
  readSegments(log: number): StoredSegment[] {
    const result: StoredSegment[] = []
    for (const row of this.#sql.readSegments.all(log)) {
      const baseOffset = row[1]
      if (!isOffset(baseOffset)) continue
      const segment = soundSegment(row, { log, baseOffset })
      if (segment === undefined) this.#sql.deleteSegment.run(log, baseOffset)
      else result.push(segment)
    }
    return result
  }

  nextSegmentId(): number {
    this.#nextSegmentId ??= nextAfter(this.#sql.lastSegment.get()?.[0], this.#sql.lastOfEntries.get()?.[0])
    return this.#nextSegmentId++
  }

  writeSegment(log: number, segment: StoredSegment): void {
    this.#sql.writeSegment.run(...encodeSegmentRow(log, segment))
  }

  deleteSegment(log: number, baseOffset: number): void {
    this.#sql.deleteSegment.run(log, baseOffset)
  }

  /** The segment's greatest entry with an offset at or under `offset`. */
  floor(segment: number, offset: number): IndexEntry | Damaged | undefined {
    const row = this.#sql.floor.get(segment, offset)
    if (row === undefined) return undefined
    const entry = { offset: row[0] as number, position: row[1] as number, timestamp: row[2] as number }
    // A damaged page can hold rows out of order: that the query asked for `<=` does not make it so.
    if (!isOffset(entry.offset) || entry.offset > offset) return 'damaged'
    if (!isOffset(entry.position) || !isTimestamp(entry.timestamp)) return 'damaged'
    const checksum = entryChecksum(segment, entry.offset, entry.position, entry.timestamp)
    return checksum === row[3] ? entry : 'damaged'
  }

  writeEntry(segment: number, offset: number, position: number, timestamp: number): void {
    const checksum = entryChecksum(segment, offset, position, timestamp)
    this.#sql.writeEntry.run(segment, offset, position, timestamp, checksum)
  }

  /** Deletes up to `limit` of the segment's entries at or past `fromOffset`, the last ones first; gives their number. */
  deleteEntries(segment: number, fromOffset: number, limit: number): number {
    return this.#sql.deleteEntries.run(segment, fromOffset, limit).changes
  }

  /** The next segment id above `id` that entries have. */
  nextSegmentOfEntries(id: number): number | undefined {
    const next = this.#sql.nextSegmentOfEntries.get(id)?.[0]
    return isOffset(next) && next > id ? next : undefined
  }

  /** The next `limit` segments after `place`, of any log, as far as their keys can be read. */
  segmentsAfter(place: SegmentPlace, limit: number): (SegmentPlace & { id: number })[] {
    const rows = this.#sql.segmentsAfter.all(place.log, place.baseOffset, limit)
    return rows
      .map(([log, baseOffset, id]) => ({ log, baseOffset, id }) as SegmentPlace & { id: number })
      .filter(({ log, baseOffset, id }) => isOffset(log) && isOffset(baseOffset) && isOffset(id))
  }
}

type Row = readonly unknown[]

function prepareStatements(database: Database) {
  const query = <P extends unknown[]>(sql: string) => database.prepare(sql).raw() as Statement<P, Row>
  const command = <P extends unknown[]>(sql: string) => database.prepare(sql) as Statement<P>
  return {
    readLog: query<[string]>('SELECT id, identity, checksum FROM logs WHERE name = ?'),
    writeLog: command<[string, number, string, number]>('INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?)'),
    deleteLog: command<[string]>('DELETE FROM logs WHERE name = ?'),
    lastLog: query<[]>('SELECT max(id) FROM logs'),
    logIds: query<[]>('SELECT id FROM logs'),
    lastLogOfSegments: query<[]>('SELECT max(log) FROM segments'),
    readSegment: query<[number, number]>(
      `SELECT ${COLUMNS} FROM segments WHERE log = +? AND base_offset = +?`,
    ),
    readSegments: query<[number]>(`SELECT ${COLUMNS} FROM segments WHERE log = +?`),
    lastSegment: query<[]>('SELECT max(id) FROM segments'),
    lastOfEntries: query<[]>('SELECT max(segment) FROM entries'),
    writeSegment: command<SegmentRow>(
      `INSERT OR REPLACE INTO segments (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    deleteSegment: command<[number, number]>('DELETE FROM segments WHERE log = +? AND base_offset = +?'),
    segmentsAfter: query<[number, number, number]>(
      `SELECT log, base_offset, id FROM segments
       WHERE (log, base_offset) > (+?, +?) ORDER BY log, base_offset LIMIT +?`,
    ),
    floor: query<[number, number]>(
      `SELECT offset, position, timestamp, checksum FROM entries
       WHERE segment = +? AND offset <= +? ORDER BY offset DESC LIMIT 1`,
    ),
    writeEntry: command<[number, number, number, number, number]>(
      'INSERT OR REPLACE INTO entries (segment, offset, position, timestamp, checksum) VALUES (?, ?, ?, ?, ?)',
    ),
    deleteEntries: command<[number, number, number]>(
      'DELETE FROM entries WHERE segment = +? AND offset >= +? ORDER BY offset DESC LIMIT +?',
    ),
    nextSegmentOfEntries: query<[number]>(
      'SELECT segment FROM entries WHERE segment > +? ORDER BY segment LIMIT 1',
    ),
  }
}

function soundSegment(row: Row, key: SegmentPlace): StoredSegment | undefined {
  return row[0] === key.log && row[1] === key.baseOffset ? decodeSegmentRow(row) : undefined
}

/** The id after every one that may be in use. */
function nextAfter(...lasts: unknown[]): number {
  let last = 0
  for (const value of lasts) {
    if (value === null || value === undefined) continue // an empty table
    if (!isOffset(value) || value > ID_MAX) {
      throw new SeglogError('IO_FAILED', `${String(value)} stored where an id was expected`, { found: value })
    }
    if (value > last) last = value
  }
  return last + 1
}

function entryChecksum(segment: number, offset: number, position: number, timestamp: number): number {
  let hash = hashInteger(CHECKSUM_SEED.entry, segment)
  hash = hashInteger(hash, offset)
  hash = hashInteger(hash, position)
  return hashInteger(hash, timestamp)
}

function logChecksum(row: { name: string; id: number; identity: string }): number {
  return hashText(hashText(hashInteger(CHECKSUM_SEED.log, row.id), row.name), row.identity)
}
