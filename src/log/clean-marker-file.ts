import { SeglogError } from '../core/index.ts'
import { type FileSystem, removeFile, replaceFile } from '../fs/index.ts'
import {
  type CleanLogState,
  formatCleanMarker,
  isLogDirectoryName,
  partitionDirectoryName,
  readCleanMarker,
  type RootPaths,
  type TopicPartition,
} from '../layout/index.ts'

/** The clean marker as one log of a root directory uses it. */
export interface LogMarker {
  /** How this log ended, if it was closed in order. */
  readonly own: CleanLogState | undefined
  /** Removes the marker durably, before the first write to this log. */
  remove(): Promise<void>
  /** The log has ended in order, and nothing of it is written after this. */
  closed(state: CleanLogState): Promise<void>
}

/** The clean marker of a root directory: it says of every log there how it ended, or it isn't there. */
export class CleanMarkerFile {
  readonly #fileSystem: FileSystem
  readonly #paths: RootPaths
  readonly #logs: Map<string, CleanLogState>
  /** Logs that have been written to and have not ended in order, so far. */
  readonly #unsettled = new Set<string>()
  /** Names of directories that are on their way out. */
  readonly #gone = new Set<string>()
  /** The marker that was found spoke for every log of the root. */
  readonly #wasClean: boolean
  #isThere: boolean
  #removing: Promise<void> | undefined

  /** Reads the marker. Errors: `LOG_CORRUPT` when something that is no file stands in its place; the system's. */
  constructor(fileSystem: FileSystem, paths: RootPaths) {
    this.#fileSystem = fileSystem
    this.#paths = paths
    const stat = fileSystem.statSync(paths.cleanMarker)
    if (stat !== undefined && stat.kind !== 'file') {
      const message = `${paths.cleanMarker} is a ${stat.kind}, a regular file was expected`
      throw new SeglogError('LOG_CORRUPT', message, { path: paths.cleanMarker, found: stat.kind })
    }
    const marker = readCleanMarker(fileSystem, paths.cleanMarker)
    this.#isThere = stat !== undefined
    this.#wasClean = marker !== undefined
    this.#logs = new Map(marker === undefined || marker.kafkaOnly ? [] : marker.logs)
  }

  /** The marker as one log uses it; with `writes: 'at-close'` it is written as soon as that log has ended. */
  of(log: TopicPartition, { writes }: { writes: 'at-close' | 'by-store' }): LogMarker {
    const name = partitionDirectoryName(log)
    const own = this.#logs.get(name)
    return {
      own,
      remove: () => this.#remove(name),
      closed: async (state) => {
        this.#logs.set(name, state)
        this.#unsettled.delete(name)
        if (writes === 'at-close') await this.write()
      },
    }
  }

  /**
   * Writes the marker durably, after everything else; not where it would vouch for another log of the root: Kafka takes
   * the file alone as a sign that all of them were closed in order, and skips their recovery.
   */
  async write(): Promise<void> {
    if (this.#isThere) return // nothing was written since it was read
    if (!(await this.#speaksForAll())) return
    await replaceFile(this.#fileSystem, this.#paths.cleanMarker, formatCleanMarker([...this.#logs.values()]))
    this.#isThere = true
  }

  /** Forgets how a log ended, because it is no more. */
  forget(log: TopicPartition): void {
    const name = partitionDirectoryName(log)
    this.#logs.delete(name)
    this.#unsettled.delete(name)
  }

  /** Takes note of a directory that is on its way out: nobody asks any more how its log ended. */
  leaving(directoryName: string): void {
    this.#gone.add(directoryName)
  }

  async #remove(name: string): Promise<void> {
    this.#unsettled.add(name)
    this.#logs.delete(name)
    if (!this.#isThere) return
    this.#removing ??= this.#removeFile().finally(() => (this.#removing = undefined))
    await this.#removing
  }

  async #removeFile(): Promise<void> {
    await removeFile(this.#fileSystem, this.#paths.cleanMarker)
    this.#isThere = false
  }

  async #speaksForAll(): Promise<boolean> {
    if (this.#unsettled.size > 0) return false
    if (this.#wasClean || this.#paths.isLogItself) return true
    const entries = await this.#fileSystem.list(this.#paths.root)
    // A link may lead to a directory: Kafka follows it.
    return entries.every(
      ({ name, kind }) =>
        kind === 'file' || !isLogDirectoryName(name) || this.#logs.has(name) || this.#gone.has(name),
    )
  }
}
