import type { FileSystem } from '../fs/index.ts'
import { removeFile, replaceFile } from '../fs/index.ts'
import {
  type CleanLogState,
  formatCleanMarker,
  type LogPaths,
  partitionDirectoryName,
  readCleanMarker,
} from '../layout/index.ts'

/** The clean marker of a root directory, as one log that lives there uses it; the others' entries are kept. */
export class CleanMarkerFile {
  readonly #fileSystem: FileSystem
  readonly #paths: LogPaths
  readonly #logs: Map<string, CleanLogState>
  #isThere: boolean

  constructor(fileSystem: FileSystem, paths: LogPaths) {
    this.#fileSystem = fileSystem
    this.#paths = paths
    const marker = readCleanMarker(fileSystem, paths.cleanMarker)
    this.#isThere = fileSystem.statSync(paths.cleanMarker) !== undefined
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

  /** Writes the marker durably, after everything else. */
  async write(state: CleanLogState): Promise<void> {
    if (this.#isThere) return // nothing was written since it was read
    this.#logs.set(partitionDirectoryName(state), state)
    await replaceFile(this.#fileSystem, this.#paths.cleanMarker, formatCleanMarker([...this.#logs.values()]))
    this.#isThere = true
  }
}
