import type { SeglogError } from '../core/index.ts'
import type { FileHandle, FileStat, FileSystem } from '../fs/index.ts'
import type { LogPaths } from '../layout/index.ts'
import { logGone } from './failures.ts'
import type { RootFiles } from './root-files.ts'

/**
 * Where a followed log lies, and whether that is the log which was opened: a topic that was deleted and made again has the
 * name of the old one, and sometimes the inode, but never its id.
 */
export class FollowedPlace {
  readonly #fileSystem: FileSystem
  readonly #paths: LogPaths
  readonly #rootFiles: RootFiles
  readonly #opened: FileStat | undefined
  /** The id of the log; undefined for one that is not of our making, which says nothing of the kind. */
  #id: string | undefined

  constructor(fileSystem: FileSystem, paths: LogPaths, rootFiles: RootFiles) {
    this.#fileSystem = fileSystem
    this.#paths = paths
    this.#rootFiles = rootFiles
    this.#opened = fileSystem.statSync(paths.directory)
  }

  /** Takes it that the log which lies here has this id. */
  is(id: string | undefined): void {
    this.#id = id
  }

  /** LOG_NOT_FOUND once the directory is gone, or is that of another log; what can't be told is no reason to believe so. */
  problem(): SeglogError | undefined {
    const { directory, topicProperties } = this.#paths
    try {
      const now = this.#fileSystem.statSync(directory)
      const isSame = now?.inode === this.#opened?.inode && now?.device === this.#opened?.device
      if (!isSame || now === undefined) return logGone(directory)
      const id = this.#id === undefined ? undefined : this.#rootFiles.logId(topicProperties)
      return id === undefined || id === this.#id ? undefined : logGone(directory)
    } catch {
      return undefined
    }
  }

  /** Opens a segment to read it: one of the log that was opened, whatever lies here now. Errors: LOG_NOT_FOUND, the system's. */
  open(path: string): FileHandle {
    let handle: FileHandle
    try {
      handle = this.#fileSystem.openSync(path, 'read')
    } catch (error) {
      throw this.problem() ?? error
    }
    const problem = this.problem()
    if (problem === undefined) return handle
    handle.close()
    throw problem
  }
}
