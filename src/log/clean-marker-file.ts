import { SeglogError } from '../core/index.ts'
import { type FileSystem, removeFile, replaceFile } from '../fs/index.ts'
import {
  type CleanLogState,
  formatCleanMarker,
  isLogDirectoryName,
  type LogPaths,
  partitionDirectoryName,
  readCleanMarker,
} from '../layout/index.ts'

/** The clean marker of a root directory, as one log that lives there uses it; the others' entries are kept. */
export class CleanMarkerFile {
  readonly #fileSystem: FileSystem
  readonly #paths: LogPaths
  readonly #logs: Map<string, CleanLogState>
  /** The marker that was found spoke for every log of the root. */
  readonly #wasClean: boolean
  #isThere: boolean

  /** Reads the marker. Errors: `LOG_CORRUPT` when something that is no file stands in its place; the system's. */
  constructor(fileSystem: FileSystem, paths: LogPaths) {
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

  /** How this log ended, if it was closed in order. */
  get own(): CleanLogState | undefined {
    return this.#logs.get(partitionDirectoryName(this.#paths))
  }

  /** Removes the marker durably, before the first write. */
  async remove(): Promise<void> {
    if (!this.#isThere) return
    await removeFile(this.#fileSystem, this.#paths.cleanMarker)
    this.#isThere = false
  }

  /**
   * Writes the marker durably, after everything else; not where it would vouch for another log of the root: Kafka takes
   * the file alone as a sign that all of them were closed in order, and skips their recovery.
   */
  async write(state: CleanLogState): Promise<void> {
    if (this.#isThere) return // nothing was written since it was read
    this.#logs.set(partitionDirectoryName(state), state)
    if (!(await this.#speaksForAll())) return
    await replaceFile(this.#fileSystem, this.#paths.cleanMarker, formatCleanMarker([...this.#logs.values()]))
    this.#isThere = true
  }

  async #speaksForAll(): Promise<boolean> {
    const { root, directory } = this.#paths
    if (this.#wasClean || root === directory) return true
    const entries = await this.#fileSystem.list(root)
    // A link may lead to a directory: Kafka follows it.
    return entries.every(
      ({ name, kind }) => kind === 'file' || !isLogDirectoryName(name) || this.#logs.has(name),
    )
  }
}
