import type { Size } from '../scenario.ts'
import { asyncAppendOnlyLog } from './async-append-only-log.ts'
import { classicLevel } from './classic-level.ts'
import { eventStorage } from './event-storage.ts'
import { flumelogOffset } from './flumelog-offset.ts'
import { hypercore } from './hypercore.ts'
import { lmdb } from './lmdb.ts'
import type { Rival } from './rival.ts'
import { betterSqlite, nodeSqlite } from './sqlite.ts'

/** Every library that seglog is measured beside, in the order of the results. */
export const RIVALS: readonly Rival[] = [
  lmdb,
  betterSqlite,
  nodeSqlite,
  classicLevel,
  eventStorage,
  asyncAppendOnlyLog,
  flumelogOffset,
  hypercore,
]

/** A goal beside the best library is only judged when these were in the run: the best-known one of each kind. */
export const NEEDED_TO_JUDGE: readonly string[] = [lmdb, betterSqlite, classicLevel].map(({ name }) => name)

/**
 * The only libraries of a run that has no time for all, unless words name others; undefined for all of them. A smoke run
 * has one to show that all scenarios take libraries, and what needs no more than the root's packages.
 */
export const LIBRARIES_OF_SIZE: Readonly<Record<Size, readonly string[] | undefined>> = {
  full: undefined,
  quick: NEEDED_TO_JUDGE,
  smoke: [betterSqlite.name],
}

/** Apache Kafka, which runs in a process of its own and has a benchmark of its own. */
export const KAFKA = 'kafka'

/** The names by which a word on the command line selects a library. */
export const LIBRARY_NAMES: readonly string[] = [...RIVALS.map(({ name }) => name), KAFKA]
