/*
 * What seglog is measured beside: libraries that a Node program would pick instead, each behind the same few calls. An
 * adapter uses the settings that are fastest for what the level promises, and says in words where its library promises
 * something else. What a library does synchronously stays so: nobody is made to wait for a promise that only we made.
 */

/** What an append has reached when it is done: `os`, the write has returned and survives the process; `disk`, a sync has. */
export type Level = 'os' | 'disk'

/** Done, or the promise of it. */
export type Done = Promise<unknown> | undefined

/** A record with all that a record can have; the value is what JSON makes of it. */
export interface KeyedRecord {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly value: unknown
}

/** An open log, or what does for one. */
export interface RivalLog {
  /** Appends the values as one unit, and is done when the level is reached. */
  appendBatch(values: readonly Uint8Array[]): Done
  /** Appends one value; callers need not wait for one before they append the next. */
  append(value: Uint8Array): Promise<unknown>
  /** As `appendBatch`. Records with keys are kept in a log of their own. */
  appendKeyed(records: readonly KeyedRecord[]): Done
  /** Shows every value in order; each is valid until the next is shown. */
  scan(visit: (value: Uint8Array) => void): Done
  scanKeyed(visit: (record: KeyedRecord) => void): Done
  /** The value with that number, from 0; valid until the next call. Not there where the library has no numbers. */
  read?(offset: number): Uint8Array | Promise<Uint8Array>
  close(): Promise<void>
}

/** How a library keeps to a level; nothing is said of one that does just what the level promises. */
export interface LevelNote {
  /** Why it is left out where this level is measured. */
  readonly cannot?: string
  readonly promisesLess?: string
  readonly promisesMore?: string
}

/** A library and its adapter. */
export interface Rival {
  readonly name: string
  /** What has to be installed; undefined for a part of Node. */
  readonly packageName: string | undefined
  /** How it is used here, for the report. */
  readonly settings: string
  /** What it promises less than seglog does at any level; undefined for nothing. */
  readonly promisesLess?: string
  readonly levels: Readonly<Record<Level, LevelNote>>
  /** True when calls that are made one record a call are gathered by the library itself. */
  readonly isGathering: boolean
  /** Why it can't read a record by its number; undefined when it can. */
  readonly cannotRead?: string
  /** It holds and is asked for a tenth of the records where reading all of them would take minutes. */
  readonly isSlowToRead?: true
  /**
   * Opens what is in the directory, or makes it there. With `isGrouped`, records that are appended one a call are gathered
   * by the adapter: see `GroupCommit`.
   */
  open(directory: string, options: OpenOptions): Promise<RivalLog>
}

/** How to open a rival's log. */
export interface OpenOptions {
  readonly level: Level
  readonly isGrouped?: boolean
}

/** Everything an adapter promises less than seglog at a level, in one sentence; undefined for nothing. */
export function lessThanSeglog(rival: Rival, level: Level): string | undefined {
  const notes = [rival.promisesLess, rival.levels[level].promisesLess].filter((note) => note !== undefined)
  return notes.length === 0 ? undefined : notes.join('; ')
}
