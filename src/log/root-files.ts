/*
 * What the small files of a root directory say, and of the logs in it, for all logs that are followed there: each is parsed once, and again when it
 * has changed, where a thousand followers would else parse the same thousand lines each.
 *
 * Each call asks the system first. A file is the one that was parsed if its inode, size and time of change are the same; where
 * that time is so young that the clock of the file system may not tell two changes apart, its text has to be the same.
 */
import { type Clock, TwoGenerationCache } from '../core/index.ts'
import type { FileStat, FileSystem } from '../fs/index.ts'
import {
  CHECKPOINT_BYTES_MAX,
  type CheckpointOffsets,
  type CleanMarker,
  type Parsed,
  parseCheckpoint,
  parseCleanMarker,
  readSmallText,
} from '../layout/index.ts'
import { parseIdentity } from './log-identity.ts'

/** A file as it was parsed last. */
interface ParsedFile {
  readonly text: string
  readonly value: unknown
  readonly stat: FileStat
  /** The file had been left alone for so long that a later change shows in its stat. */
  readonly isSettled: boolean
}

/** More than the coarsest clock of a file system: FAT counts in steps of 2 s. */
const SETTLED_MS = 3_000

/** Text that is kept, over all files; a store has three, of 16 MiB at most. */
const TEXT_BYTES_MAX = 64 * 1024 * 1024

/** Checkpoints, clean markers and the ids of logs, shared by followers; nothing is believed that the file doesn't say now. */
export class RootFiles {
  readonly #fileSystem: FileSystem
  readonly #clock: Pick<Clock, 'now'>
  readonly #files = new TwoGenerationCache<string, ParsedFile>({
    weightMax: TEXT_BYTES_MAX,
    weigh: ({ text }) => text.length,
  })

  constructor(fileSystem: FileSystem, clock: Pick<Clock, 'now'>) {
    this.#fileSystem = fileSystem
    this.#clock = clock
  }

  /** The offsets of a checkpoint; undefined when it is missing, or not to be believed. Errors: the system's. */
  checkpoint(path: string): CheckpointOffsets | undefined {
    return this.#read(path, parseCheckpoint)
  }

  /** A clean marker; undefined when there is none, or none to believe. Errors: the system's. */
  cleanMarker(path: string): CleanMarker | undefined {
    return this.#read<CleanMarker | undefined>(path, (text) => ({ value: parseCleanMarker(text) }))
  }

  /** The id in a log's `topic.properties`; undefined when that is missing, or not to be believed. Errors: the system's. */
  logId(path: string): string | undefined {
    return this.#read<string | undefined>(path, (text) => ({ value: parseIdentity(text)?.id }))
  }

  #read<T>(path: string, parse: (text: string) => Parsed<T>): T | undefined {
    const known = this.#files.get(path)
    const stat = this.#fileSystem.statSync(path)
    if (stat === undefined) {
      this.#files.delete(path)
      return undefined
    }
    if (known?.isSettled === true && isSame(known.stat, stat)) return known.value as T | undefined
    const isSettled = this.#clock.now() - stat.modifiedMs > SETTLED_MS
    const parsed = readSmallText<T | undefined>(this.#fileSystem, path, {
      bytesMax: CHECKPOINT_BYTES_MAX,
      parse: (text) => {
        const value = known?.text === text ? (known.value as T | undefined) : parse(text).value
        this.#files.set(path, { text, value, stat, isSettled })
        return { value }
      },
    })
    return parsed?.value
  }
}

function isSame(a: FileStat, b: FileStat): boolean {
  return (
    a.kind === b.kind &&
    a.sizeBytes === b.sizeBytes &&
    a.modifiedMs === b.modifiedMs &&
    a.device === b.device &&
    a.inode === b.inode
  )
}
