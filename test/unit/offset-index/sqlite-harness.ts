import { copyFileSync, existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import {
  type IndexDatabase,
  openSqliteIndex,
  type SqliteIndexOptions,
} from '../../../src/offset-index/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

export const SIBLINGS = ['', '-wal', '-shm', '-journal']

/** A directory for one index, a clock that stands still, and what the index said. */
export class Place {
  readonly directory = temporaryDirectory()
  readonly path = join(this.directory, 'index.db')
  readonly quarantine = join(this.directory, 'quarantine')
  readonly clock = new ManualClock({ settleTurns: 4 })
  readonly messages: string[] = []

  async open(options: Partial<SqliteIndexOptions> = {}): Promise<IndexDatabase> {
    const database = await openSqliteIndex({
      fileSystem: nodeFileSystem,
      path: this.path,
      quarantineDirectory: this.quarantine,
      clock: this.clock,
      logger: (message) => this.messages.push(message),
      ...options,
    })
    onTestFinished(() => database.close())
    return database
  }

  /** Another connection to the file, as somebody's command line would have; ours must be closed for it to be safe. */
  connect(): Database.Database {
    const connection = new Database(this.path, { timeout: 0 })
    onTestFinished(() => void connection.close())
    return connection
  }

  /** Runs `work` on a connection of its own. */
  alter<T>(work: (connection: Database.Database) => T): T {
    const connection = this.connect()
    try {
      return work(connection)
    } finally {
      connection.close()
    }
  }

  /** What a process finds that comes after this one was killed now: the files as they are, elsewhere. */
  afterKill(): Place {
    const place = new Place()
    for (const suffix of ['', '-wal']) {
      if (existsSync(this.path + suffix)) copyFileSync(this.path + suffix, place.path + suffix)
    }
    return place
  }

  /** Names in the directory and their modes. */
  files(): Record<string, number> {
    return Object.fromEntries(
      readdirSync(this.directory).map((name) => [name, statSync(join(this.directory, name)).mode & 0o777]),
    )
  }

  quarantined(): string[] {
    return existsSync(this.quarantine) ? readdirSync(this.quarantine).sort() : []
  }
}

/** How many rows each table has. */
export function rowCounts(place: Place): { logs: number; segments: number; entries: number } {
  return place.alter((connection) => {
    const count = (table: string): number =>
      connection.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
    return { logs: count('logs'), segments: count('segments'), entries: count('entries') }
  })
}
