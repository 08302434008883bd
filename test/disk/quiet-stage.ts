import type { FileHandle, FileSystem, Log, LogOptions } from '../../src/index.ts'
import { Stage } from '../crash/workloads.ts'

/** Turns of the event loop without a call under way after which nothing is going on behind anybody's back. */
const QUIET_TURNS = 5

/** Counts the calls of a file system that are under way. */
class CallCounter {
  #underWay = 0

  /** The same file system, counted. */
  watch(inner: FileSystem): FileSystem {
    return {
      kind: inner.kind,
      openSync: (path, mode) => this.#watchFile(inner.openSync(path, mode)),
      statSync: (path) => inner.statSync(path),
      list: (path) => this.#count(inner.list(path)),
      makeDirectory: (path) => this.#count(inner.makeDirectory(path)),
      rename: (from, to) => this.#count(inner.rename(from, to)),
      removeDirectory: (path) => this.#count(inner.removeDirectory(path)),
      remove: (path) => this.#count(inner.remove(path)),
      syncDirectory: (path) => this.#count(inner.syncDirectory(path)),
      realPath: (path) => inner.realPath(path),
      lock: (path) => inner.lock(path),
      isLocked: (path) => inner.isLocked(path),
      watch: (path, changed) => inner.watch(path, changed),
    }
  }

  /** Waits until nothing is under way, and nothing follows from what was. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      if (this.#underWay > 0) turns = -1
    }
  }

  async #count<T>(call: Promise<T>): Promise<T> {
    this.#underWay++
    try {
      return await call
    } finally {
      this.#underWay--
    }
  }

  #watchFile(file: FileHandle): FileHandle {
    return {
      path: file.path,
      readSync: (into, position) => file.readSync(into, position),
      read: (into, position) => this.#count(file.read(into, position)),
      appendSync: (bytes, position) => file.appendSync(bytes, position),
      extend: (sizeBytes) => file.extend(sizeBytes),
      overwriteSync: (bytes, position) => file.overwriteSync(bytes, position),
      truncateSync: (sizeBytes) => file.truncateSync(sizeBytes),
      sizeSync: () => file.sizeSync(),
      syncData: () => this.#count(file.syncData()),
      syncDataSync: () => file.syncDataSync(),
      close: () => file.close(),
    }
  }
}

/**
 * A run that lets everything come to rest after each call: how long a sync takes, on a real disk or a simulated one, then
 * decides nothing about what follows.
 */
export class QuietStage extends Stage {
  readonly #calls = new CallCounter()
  readonly #inner: FileSystem | undefined

  /** On `fileSystem`, or else on a simulated disk of its own. */
  constructor(options: ConstructorParameters<typeof Stage>[0], fileSystem?: FileSystem) {
    super(options)
    this.#inner = fileSystem
  }

  override async open(options: LogOptions = {}): Promise<Log> {
    const fileSystem = this.#calls.watch(this.#inner ?? this.fileSystem)
    const log = await super.open({ ...options, fileSystem })
    await this.#calls.quiet()
    return log
  }

  override async try(call: () => Promise<unknown>): Promise<void> {
    await super.try(call)
    await this.#calls.quiet()
  }
}
