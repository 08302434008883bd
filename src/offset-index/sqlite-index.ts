import { dirname, resolve } from 'node:path'
import type { Database } from 'better-sqlite3'
import { type Clock, type Timer, yieldToEventLoop } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { IndexRows } from './index-rows.ts'
import { openSubstituteIndex } from './memory-index.ts'
import { codeOf, messageOf, openDatabase } from './open-database.ts'
import { OrphanSweep } from './orphan-sweep.ts'
import type { SegmentIndex } from './segment-index.ts'
import { type LogHost, SqliteLog } from './sqlite-log.ts'
import { type StaleFiles, staleFiles } from './stale-files.ts'
import type { IndexDatabase, IndexState, LogIndex } from './types.ts'

/** Rows of one transaction: about 2 ms of the event loop. */
const TRANSACTION_ROWS = 1000
/** Entries that wait before the delay is cut short. */
const WAITING_ENTRIES_MAX = 4096
const FLUSH_DELAY_MS = 50
/** Sweeping has no hurry: it leaves the loop most of the time, and a process that ends soon never starts it. */
const SWEEP_PAUSE_MS = 10
const SWEEP_START_MS = 1000

/** Where the index is, and what it may use. */
export interface SqliteIndexOptions {
  /** The machine's: SQLite opens the files by itself. */
  readonly fileSystem: FileSystem
  readonly path: string
  /** Where a database goes that is found in place of ours; made if need be. */
  readonly quarantineDirectory: string
  readonly clock: Clock
  readonly logger?: (message: string) => void
  /** Longest that an entry waits to be stored; 50 by default. */
  readonly flushDelayMs?: number
}

/**
 * Opens the index at `path`, making it or putting a new one in place of what is not ours to the letter; where that can't
 * be done the index lives in memory. The caller holds the lock of the directory. Throws nothing; `report` says all.
 */
export async function openSqliteIndex(options: SqliteIndexOptions): Promise<IndexDatabase> {
  const place = { ...options, path: resolve(options.path) } // an absolute path is never taken for a URI
  const warn = (message: string): void => options.logger?.(`index: ${message}`)
  const files = staleFiles(place, warn)
  const { database, report } = await openDatabase(place)
  for (const line of report) if (line !== 'created') warn(`${place.path}: ${line}`)
  if (database === undefined) return openSubstituteIndex({ report, files })
  return new SqliteIndex(database, { ...place, report, files, warn })
}

interface Surroundings extends SqliteIndexOptions {
  readonly report: readonly string[]
  readonly files: StaleFiles
  readonly warn: (message: string) => void
}

class SqliteIndex implements IndexDatabase, LogHost {
  readonly report: readonly string[]
  readonly warn: (message: string) => void
  readonly #around: Surroundings
  readonly #database: Database
  readonly #transact: (change: () => void) => void
  readonly #logs = new Map<string, SqliteLog>()
  /** Segments with something to store, the one that waits longest first. */
  readonly #waiting = new Set<SegmentIndex>()
  readonly #sweep = new OrphanSweep()
  rows: IndexRows | undefined
  #state: IndexState = 'ready'
  #waitingEntries = 0
  #flushTimer: Timer | undefined
  #sweepTimer: Timer | undefined
  #flushing: Promise<void> | undefined
  /** How often rows were made to go; and up to which time no power failure can bring them back. */
  #forgottenCount = 0
  #forgottenDurably = 0
  #directorySynced = false
  #closing: Promise<void> | undefined

  constructor(database: Database, around: Surroundings) {
    this.report = around.report
    this.warn = around.warn
    this.#around = around
    this.#database = database
    this.#transact = database.transaction((change: () => void) => change()).immediate
    this.rows = new IndexRows(database)
    this.#scheduleSweep(SWEEP_START_MS)
  }

  get state(): IndexState {
    return this.#state
  }

  log(name: string, identity: string): LogIndex {
    const existing = this.#logs.get(name)
    if (existing !== undefined && existing.identity === identity) {
      if (this.#closing === undefined) existing.reopen()
      return existing
    }
    if (existing !== undefined) this.removeLog(name)
    const log = new SqliteLog(this, { name, identity, id: this.#adoptLog(name, identity) })
    if (this.#closing === undefined) this.#logs.set(name, log)
    else log.end()
    return log
  }

  removeLog(name: string): void {
    const open = this.#logs.get(name)
    open?.end()
    this.#logs.delete(name)
    if (this.#closing !== undefined) return
    let id = open?.id ?? 0
    this.forget((rows) => {
      if (id === 0) id = rows.readLog(name)?.id ?? 0
      rows.deleteLog(name)
    })
    if (id !== 0) this.orphanLog(id)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async settle(): Promise<void> {
    while (this.#flushing !== undefined || this.#hasWork) await this.#flush()
    await this.#around.files.settled()
  }

  enqueue(segment: SegmentIndex): void {
    if (this.rows === undefined) return
    this.#waiting.add(segment)
    this.#waitingEntries++
    if (this.#flushing !== undefined) return
    if (this.#waitingEntries >= WAITING_ENTRIES_MAX) void this.#flush()
    else this.#scheduleFlush()
  }

  dequeue(segment: SegmentIndex): void {
    this.#waiting.delete(segment)
  }

  forget(change: (rows: IndexRows) => void): void {
    const { rows } = this
    if (rows === undefined) {
      if (this.#state === 'failed') this.#around.files.remove()
      return
    }
    try {
      this.#forgottenCount++ // also if it fails: then the next process must not find them either
      this.#transact(() => change(rows))
      this.#scheduleFlush()
    } catch (error) {
      this.fail(error)
    }
  }

  orphanSegment(id: number): void {
    this.#sweep.forgetSegment(id)
    this.#scheduleSweep(SWEEP_PAUSE_MS)
  }

  orphanLog(id: number): void {
    this.#sweep.forgetLog(id)
    this.#scheduleSweep(SWEEP_PAUSE_MS)
  }

  fail(error: unknown): void {
    if (this.rows === undefined) return
    this.rows = undefined
    this.#state = 'failed'
    this.#waiting.clear()
    this.#cancelTimers()
    this.#closeDatabase()
    if (this.#mayReturn || !isPassing(error)) this.#around.files.remove()
    this.warn(
      `${this.#around.path} can't be used any longer, the log goes on without it: ${messageOf(error)}`,
    )
  }

  get #hasWork(): boolean {
    return this.rows !== undefined && (this.#waiting.size > 0 || this.#mayReturn)
  }

  /** True while a power failure can bring back rows that were made to go. */
  get #mayReturn(): boolean {
    return this.#forgottenCount > this.#forgottenDurably
  }

  /** The id of the log's row if it is there and of this identity; a row of another one goes at once. */
  #adoptLog(name: string, identity: string): number {
    const { rows } = this
    if (rows === undefined) return 0
    try {
      const row = rows.readLog(name)
      if (row?.identity === identity) return row.id
      if (row !== undefined) this.removeLog(name)
    } catch (error) {
      this.fail(error)
    }
    return 0
  }

  #scheduleFlush(): void {
    if (this.#flushTimer !== undefined || this.#flushing !== undefined) return
    const delayMs = this.#around.flushDelayMs ?? FLUSH_DELAY_MS
    this.#flushTimer = this.#around.clock.schedule(delayMs, () => void this.#flush())
  }

  /** Stores all that waits; calls that come meanwhile share the run. */
  #flush(): Promise<void> {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    this.#flushing ??= this.#storeAll().finally(() => {
      this.#flushing = undefined
      if (this.#hasWork) this.#scheduleFlush() // it came in the very moment in which the run ended
    })
    return this.#flushing
  }

  async #storeAll(): Promise<void> {
    for (;;) {
      await yieldToEventLoop()
      if (this.rows === undefined) return
      if (this.#waiting.size > 0) this.#storeSome(this.rows)
      else if (this.#mayReturn) await this.#syncForgotten()
      else return
    }
  }

  /** One transaction. Memory is changed as the rows are: should the commit fail, no row is believed any more. */
  #storeSome(rows: IndexRows): void {
    try {
      this.#transact(() => {
        let left = TRANSACTION_ROWS
        for (const segment of this.#waiting) {
          left -= 1 + segment.store(rows, left)
          if (segment.isStored) this.#waiting.delete(segment)
          if (left <= 0) break
        }
      })
      this.#waitingEntries = 0
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * Makes what was forgotten durable. With `synchronous = NORMAL` SQLite syncs its log at a checkpoint only; the same
   * fdatasync made here, off the event loop, has the effect that a FULL commit would have on it.
   */
  async #syncForgotten(): Promise<void> {
    const { fileSystem, path } = this.#around
    const count = this.#forgottenCount
    try {
      const wal = fileSystem.openSync(`${path}-wal`, 'append')
      try {
        await wal.syncData()
      } finally {
        wal.close()
      }
      if (!this.#directorySynced) await fileSystem.syncDirectory(dirname(path))
      this.#directorySynced = true
      this.#forgottenDurably = count
    } catch (error) {
      this.fail(error)
    }
  }

  #scheduleSweep(delayMs: number): void {
    if (this.#sweepTimer !== undefined || this.rows === undefined) return
    this.#sweepTimer = this.#around.clock.schedule(delayMs, () => {
      this.#sweepTimer = undefined
      const { rows } = this
      if (rows === undefined) return
      try {
        this.#transact(() => this.#sweep.step(rows, TRANSACTION_ROWS))
      } catch (error) {
        this.fail(error)
      }
      if (this.#sweep.hasWork) this.#scheduleSweep(SWEEP_PAUSE_MS)
    })
  }

  async #close(): Promise<void> {
    for (const log of this.#logs.values()) await log.close()
    await this.settle()
    this.#cancelTimers()
    if (this.rows !== undefined) this.#closeDatabase()
    this.rows = undefined
    await this.#around.files.settled()
  }

  #closeDatabase(): void {
    try {
      this.#database.close()
    } catch (error) {
      this.warn(`${this.#around.path} did not close: ${messageOf(error)}`)
    }
  }

  #cancelTimers(): void {
    this.#flushTimer?.cancel()
    this.#sweepTimer?.cancel()
    this.#flushTimer = undefined
    this.#sweepTimer = undefined
  }
}

/** True when the error says nothing of the rows there are: the next process may well use them. */
function isPassing(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED|FULL|READONLY|CANTOPEN|NOMEM)/.test(codeOf(error))
}
