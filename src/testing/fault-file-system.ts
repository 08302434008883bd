import { basename } from 'node:path'
import {
  type DirectoryLock,
  type FileHandle,
  type FileSystem,
  nodeFileSystem,
  type OpenMode,
} from '../fs/index.ts'
import { type FaultError, type FaultKind, FaultPlan, type FaultRule } from './fault-plan.ts'

/** One call that was made; `name` is the file's own name, `sizeBytes` what was written or cut to. */
export interface RecordedCall {
  readonly kind: FaultKind | 'close'
  readonly name: string
  readonly mode?: OpenMode
  readonly sizeBytes?: number
  /** An asynchronous call is recorded when it begins and again when it has ended. */
  readonly ended?: true
}

interface Hold {
  readonly kind: FaultKind
  readonly name: RegExp
  readonly reach: () => void
  readonly released: Promise<void>
}

/**
 * Another file system, with every change written down and chosen calls failing or waiting.
 *
 *     const fileSystem = new FaultFileSystem()   // the machine's
 *     fileSystem.fail('write', { name: /\.log$/, code: 'ENOSPC', shortBytes: 10 })
 */
export class FaultFileSystem implements FileSystem {
  readonly kind: FileSystem['kind']
  readonly calls: RecordedCall[] = []
  readonly faults: FaultPlan
  readonly #inner: FileSystem
  #holds: Hold[] = []

  constructor(inner: FileSystem = nodeFileSystem, { faults = new FaultPlan() }: { faults?: FaultPlan } = {}) {
    this.kind = inner.kind
    this.faults = faults
    this.#inner = inner
  }

  /** Some call was made to fail. */
  get hasFailed(): boolean {
    return this.faults.firedCount > 0
  }

  /** Makes calls of a kind fail, from the next one on; see `FaultPlan`. */
  fail(kind: FaultKind | readonly FaultKind[] | 'any', rule: FaultRule): void {
    this.faults.fail(kind, rule)
  }

  /** Nothing fails from now on. */
  heal(): void {
    this.faults.heal()
  }

  /** Makes the next asynchronous call of a kind wait, after it was recorded and before it is made. */
  hold(kind: FaultKind, name = /./): { reached: Promise<void>; release: () => void } {
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    this.#holds.push({ kind, name, reach: reached.resolve, released: released.promise })
    return { reached: reached.promise, release: released.resolve }
  }

  /** How many calls of a kind were begun on files whose own name matches. */
  count(kind: FaultKind | 'close', name = /./): number {
    return this.calls.filter((call) => call.kind === kind && name.test(call.name) && call.ended !== true)
      .length
  }

  openSync(path: string, mode: OpenMode): FileHandle {
    this.#begin('open', path, { mode })
    return new FaultFile(this.#inner.openSync(path, mode), {
      begin: (kind, sizeBytes) => this.#begin(kind, path, sizeBytes === undefined ? {} : { sizeBytes }),
      run: (kind, task, sizeBytes) =>
        this.#run(kind, path, task, sizeBytes === undefined ? {} : { sizeBytes }),
      runSync: (kind, task) => this.#runSync(kind, path, task),
      closed: () => void this.calls.push({ kind: 'close', name: basename(path) }),
    })
  }

  statSync(path: string): ReturnType<FileSystem['statSync']> {
    return this.#inner.statSync(path)
  }

  list(directory: string): ReturnType<FileSystem['list']> {
    return this.#inner.list(directory)
  }

  makeDirectory(path: string): Promise<void> {
    if (this.#inner.statSync(path) !== undefined) return this.#inner.makeDirectory(path) // which makes nothing
    return this.#run('makeDirectory', path, () => this.#inner.makeDirectory(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run('rename', to, () => this.#inner.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.#run('remove', path, () => this.#inner.remove(path))
  }

  removeDirectory(path: string): Promise<void> {
    return this.#run('remove', path, () => this.#inner.removeDirectory(path))
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#run('syncDirectory', directory, () => this.#inner.syncDirectory(directory))
  }

  realPath(path: string): Promise<string> {
    return this.#inner.realPath(path)
  }

  lock(path: string): DirectoryLock {
    return this.#inner.lock(path)
  }

  isLocked(path: string): boolean {
    return this.#inner.isLocked(path)
  }

  watch(...watch: Parameters<FileSystem['watch']>): ReturnType<FileSystem['watch']> {
    return this.#inner.watch(...watch)
  }

  /** Writes the call down; throws if it is to fail, with how much of a write is to be done all the same. */
  #begin(kind: FaultKind, path: string, details: { mode?: OpenMode; sizeBytes?: number }): void {
    this.calls.push({ kind, name: basename(path), ...details })
    const fault = this.faults.check(kind, path, details.mode)
    if (fault !== undefined) throw fault
  }

  async #run<T>(
    kind: FaultKind,
    path: string,
    task: () => Promise<T>,
    details: { sizeBytes?: number } = {},
  ): Promise<T> {
    const name = basename(path)
    let failure: { error: unknown } | undefined
    try {
      this.#begin(kind, path, details)
    } catch (error) {
      failure = { error }
    }
    const hold = this.#holds.find((candidate) => candidate.kind === kind && candidate.name.test(name))
    if (hold !== undefined) {
      this.#holds = this.#holds.filter((other) => other !== hold)
      hold.reach()
      await hold.released
    }
    if (failure !== undefined) throw failure.error
    const result = await task()
    this.calls.push({ kind, name, ended: true })
    return result
  }

  #runSync(kind: FaultKind, path: string, task: () => void): void {
    const name = basename(path)
    this.#begin(kind, path, {})
    if (this.#holds.some((candidate) => candidate.kind === kind && candidate.name.test(name)))
      throw new Error(`${kind} of ${name} was to be held, and blocks the event loop`)
    task()
    this.calls.push({ kind, name, ended: true })
  }
}

interface FaultHooks {
  closed(): void
  begin(kind: FaultKind, sizeBytes?: number): void
  run<T>(kind: FaultKind, task: () => Promise<T>, sizeBytes?: number): Promise<T>
  runSync(kind: FaultKind, task: () => void): void
}

class FaultFile implements FileHandle {
  readonly path: string
  readonly #inner: FileHandle
  readonly #hooks: FaultHooks

  constructor(inner: FileHandle, hooks: FaultHooks) {
    this.path = inner.path
    this.#inner = inner
    this.#hooks = hooks
  }

  readSync(into: Uint8Array, position: number): number {
    this.#hooks.begin('read', into.length)
    return this.#inner.readSync(into, position)
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#hooks.run('read', () => this.#inner.read(into, position))
  }

  appendSync(bytes: Uint8Array, position: number): void {
    try {
      this.#hooks.begin('write', bytes.length)
    } catch (error) {
      const { shortBytes } = error as FaultError
      if (shortBytes > 0) this.#inner.appendSync(bytes.subarray(0, shortBytes), position)
      throw error
    }
    this.#inner.appendSync(bytes, position)
  }

  async extend(sizeBytes: number): Promise<void> {
    try {
      await this.#hooks.run('extend', () => this.#inner.extend(sizeBytes), sizeBytes)
    } catch (error) {
      const { shortBytes = 0 } = error as Partial<FaultError>
      if (shortBytes > 0) await this.#inner.extend(Math.min(shortBytes, sizeBytes))
      throw error
    }
  }

  overwriteSync(bytes: Uint8Array, position: number): void {
    try {
      this.#hooks.begin('overwrite', bytes.length)
    } catch (error) {
      const { shortBytes } = error as FaultError
      if (shortBytes > 0) this.#inner.overwriteSync(bytes.subarray(0, shortBytes), position)
      throw error
    }
    this.#inner.overwriteSync(bytes, position)
  }

  truncateSync(sizeBytes: number): void {
    this.#hooks.begin('truncate', sizeBytes)
    this.#inner.truncateSync(sizeBytes)
  }

  sizeSync(): number {
    return this.#inner.sizeSync()
  }

  syncData(): Promise<void> {
    return this.#hooks.run('syncData', () => this.#inner.syncData())
  }

  syncDataSync(): void {
    this.#hooks.runSync('syncData', () => this.#inner.syncDataSync())
  }

  close(): void {
    this.#inner.close()
    this.#hooks.closed()
  }
}
