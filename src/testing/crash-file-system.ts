/*
 * A file system in memory that remembers every change, so that a crash can be had after each of them.
 *
 * Calls that change something, or make a change durable, are operations; a run is the list of them. `crashPoints` gives
 * the state after each, from which a kill leaves the cache and a power loss what was synced, with the rest kept, lost,
 * torn or reordered. `stopAfter` stops the process itself: every call after that many operations fails.
 */
import { dirname } from 'node:path'
import { SeglogError, yieldToEventLoop } from '../core/index.ts'
import type {
  DirectoryEntry,
  DirectoryLock,
  FileHandle,
  FileStat,
  FileSystem,
  OpenMode,
} from '../fs/index.ts'
import { CrashFileHandle, type CrashFileHooks, simulatedFailure as failure } from './crash-file-handle.ts'
import { CrashPoint } from './crash-point.ts'
import type { DiskOperation } from './disk-operation.ts'
import { type FaultError, type FaultKind, FaultPlan } from './fault-plan.ts'
import { SeededRandom } from './seeded-random.ts'
import { type CachedFile, type Fate, SimulatedDisk } from './simulated-disk.ts'

/** How a simulated file system behaves. */
export interface CrashFileSystemOptions {
  /** Chance decides how long syncs take and what a failed one leaves; the same seed and calls give the same run. */
  readonly seed?: number
  /** Which calls fail. */
  readonly faults?: FaultPlan
  /** Times of changes, in ms since the Unix epoch: the test's clock, say. */
  readonly now?: () => number
  /** Syncs take from 1 to so many turns of the event loop, so that what is asked meanwhile gathers. */
  readonly syncTurnsMax?: number
  readonly disk?: SimulatedDisk
}

const SYNC_TURNS_MAX = 2
/** Neither the epoch nor now: a time that looks like one. */
const SOME_TIME_MS = Date.UTC(2024, 0, 1)

/** What a sync does to the disk, at each of its phases. */
type SyncOperation = (phase: 'begin' | 'end' | 'failed', sync: number, keepsSize: boolean) => DiskOperation

/**
 * Files in memory that can be lost as a crash loses them; hand it to `openLog` as `fileSystem`.
 *
 *     const fileSystem = new CrashFileSystem({ seed: 42 })
 *     await yourProgram(fileSystem)
 *     for (const point of fileSystem.crashPoints()) {
 *       const left = point.powerLoss({ bytes: 'torn', names: 'some' })
 *       await yourCheck(left, point.step)   // opens what is left, and compares
 *     }
 */
export class CrashFileSystem implements FileSystem {
  readonly kind = 'simulated'
  readonly faults: FaultPlan
  readonly seed: number
  readonly #base: SimulatedDisk
  readonly #disk: SimulatedDisk
  readonly #operations: DiskOperation[] = []
  readonly #random: SeededRandom
  readonly #now: () => number
  readonly #syncTurnsMax: number
  readonly #locks = new Set<string>()
  #syncs = 0
  #stepsMax = Infinity
  readonly #openFiles = new Map<number, string>()
  #opened = 0

  constructor(options: CrashFileSystemOptions = {}) {
    const { seed = 1, disk = new SimulatedDisk(), faults = new FaultPlan() } = options
    this.seed = seed
    this.faults = faults
    this.#random = new SeededRandom(seed)
    this.#now = options.now ?? (() => SOME_TIME_MS)
    this.#syncTurnsMax = options.syncTurnsMax ?? SYNC_TURNS_MAX
    this.#base = disk.copy()
    this.#disk = disk
  }

  /** How many operations there have been. */
  get step(): number {
    return this.#operations.length
  }

  /** What has been asked, in order. */
  get operations(): readonly DiskOperation[] {
    return this.#operations
  }

  /** The paths of handles that have not been closed and of locks that are held: none once everybody has let go. */
  get held(): readonly string[] {
    return [...this.#openFiles.values(), ...this.#locks]
  }

  /** From the `steps`-th operation on every call fails, as if the process had been killed there. */
  stopAfter(steps: number): void {
    this.#stepsMax = steps
  }

  /** The states after each operation, the one before the first included, in order. */
  *crashPoints({ from = 0 }: { from?: number } = {}): IterableIterator<CrashPoint<CrashFileSystem>> {
    const disk = this.#base.copy()
    let reached = 0
    for (let step = 0; step <= this.#operations.length; step++) {
      reached = step
      if (step > 0) disk.apply(this.#operations[step - 1]!)
      if (step >= from) {
        const operation = this.#operations[step - 1]
        yield this.#point({
          step,
          operation,
          next: this.#operations[step],
          disk,
          isPassed: () => reached > step,
        })
      }
    }
  }

  /** What a power loss now would leave. */
  powerLoss(fate: Fate = { bytes: 'lost', names: 'lost' }): CrashFileSystem {
    return this.#nowPoint().powerLoss(fate)
  }

  /** What a kill now would leave: everything, with nothing locked, and a power loss still to be feared. */
  kill(): CrashFileSystem {
    return this.#nowPoint().kill()
  }

  /** The paths of all files, in order. */
  get paths(): string[] {
    return this.#disk.paths
  }

  /** The bytes of a file, as programs see them. Errors: ENOENT. */
  bytesOf(path: string): Buffer {
    return Buffer.from(this.#findFile(path).file.bytes.view)
  }

  /** Makes a file, or replaces one, durably and without a step; undefined removes it. */
  put(path: string, bytes: Uint8Array | undefined): void {
    const direct = (operation: DiskOperation): void => {
      this.#disk.apply(operation)
      this.#operations.push(operation)
    }
    const sync = this.#syncs++
    const atMs = this.#now()
    if (this.#disk.find(path) !== undefined) direct({ kind: 'remove', path })
    if (bytes !== undefined) {
      const inode = this.#disk.nextEntry
      direct({ kind: 'create', path, inode, atMs })
      direct({ kind: 'write', path, inode, position: 0, bytes: Buffer.from(bytes), atMs })
      for (const phase of ['begin', 'end'] as const) direct({ kind: 'syncData', path, inode, phase, sync })
    }
    for (const phase of ['begin', 'end'] as const)
      direct({ kind: 'syncDirectory', path: dirname(path), phase, sync })
  }

  openSync(path: string, mode: OpenMode): FileHandle {
    this.#begin('open', path, mode)
    const found = this.#disk.find(path)
    if (found !== undefined && 'directory' in found) throw failure('EISDIR', path)
    if (found !== undefined && (mode === 'create' || mode === 'create-fill')) throw failure('EEXIST', path)
    let inode = found?.entry
    if (inode === undefined) {
      if (mode === 'read' || mode === 'append' || mode === 'fill') throw failure('ENOENT', path)
      if (this.#disk.list(dirname(path)) === undefined) throw failure('ENOENT', path)
      inode = this.#disk.nextEntry
      this.#do({ kind: 'create', path, inode, atMs: this.#now() })
    } else if (mode === 'replace' && this.#disk.fileOf(inode).bytes.length > 0)
      this.#do({ kind: 'truncate', path, inode, sizeBytes: 0, atMs: this.#now() })
    return this.#newHandle(path, inode, { isFilled: mode === 'fill' || mode === 'create-fill' })
  }

  statSync(path: string): FileStat | undefined {
    this.#checkRunning(path)
    const found = this.#disk.find(path)
    if (found === undefined) return undefined
    if ('directory' in found)
      return { kind: 'directory', sizeBytes: 0, modifiedMs: 0, device: 1, inode: found.entry }
    const { bytes, modifiedMs } = found.file
    return { kind: 'file', sizeBytes: bytes.length, modifiedMs, device: 1, inode: found.entry }
  }

  async list(directory: string): Promise<DirectoryEntry[]> {
    this.#checkRunning(directory)
    const names = this.#disk.list(directory)
    if (names === undefined) throw failure('ENOENT', directory)
    return names.map(({ name, isDirectory }) => ({ name, kind: isDirectory ? 'directory' : 'file' }))
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.#disk.list(path) !== undefined) return this.#checkRunning(path)
    this.#begin('makeDirectory', path)
    if (this.#disk.find(path) !== undefined) throw failure('EEXIST', path)
    const parent = dirname(path)
    await this.makeDirectory(parent)
    const isOurs = this.#disk.list(path) === undefined
    if (isOurs) this.#do({ kind: 'makeDirectory', path })
    try {
      await this.syncDirectory(parent)
    } catch (error) {
      if (isOurs && this.#disk.list(path)?.length === 0) this.#do({ kind: 'remove', path })
      throw error
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#begin('rename', to)
    const moved = this.#disk.find(from)
    if (moved === undefined) throw failure('ENOENT', from)
    if ('directory' in moved && (this.#disk.list(to) ?? []).length > 0) throw failure('ENOTEMPTY', to)
    this.#do({ kind: 'rename', path: from, to })
  }

  async remove(path: string): Promise<void> {
    this.#begin('remove', path)
    if (this.#disk.find(path) === undefined) return
    this.#do({ kind: 'remove', path })
  }

  async removeDirectory(path: string): Promise<void> {
    this.#begin('remove', path)
    if (this.#disk.find(path) === undefined) return
    const names = this.#disk.list(path)
    if (names === undefined) throw failure('ENOTDIR', path)
    if (names.length > 0) throw failure('ENOTEMPTY', path)
    this.#do({ kind: 'remove', path })
  }

  async syncDirectory(path: string): Promise<void> {
    if (this.#disk.list(path) === undefined) throw failure('ENOENT', path)
    await this.#sync('syncDirectory', path, (phase, sync) => ({ kind: 'syncDirectory', path, phase, sync }))
  }

  async realPath(path: string): Promise<string> {
    return path
  }

  lock(path: string): DirectoryLock {
    this.#checkRunning(path)
    if (this.#locks.has(path))
      throw new SeglogError('LOG_LOCKED', `${dirname(path)} is open for writing`, { path })
    this.#locks.add(path)
    return { release: () => void this.#locks.delete(path), isOurs: () => this.#locks.has(path) }
  }

  isLocked(path: string): boolean {
    return this.#locks.has(path)
  }

  watch(): { close(): void } {
    return { close: () => {} } // whoever watches also polls
  }

  #point(at: {
    step: number
    operation: DiskOperation | undefined
    next?: DiskOperation | undefined
    disk: SimulatedDisk
    isPassed?: () => boolean
  }): CrashPoint<CrashFileSystem> {
    const now = this.#now
    return new CrashPoint({ ...at, seed: this.seed, open: (left) => new CrashFileSystem({ ...left, now }) })
  }

  #nowPoint(): CrashPoint<CrashFileSystem> {
    return this.#point({ step: this.step, operation: this.#operations.at(-1), disk: this.#disk })
  }

  #newHandle(path: string, inode: number, filled: { isFilled: boolean }): FileHandle {
    const opened = this.#opened++
    this.#openFiles.set(opened, path)
    const syncOf: SyncOperation = (phase, sync, keepsSize) => ({
      kind: 'syncData',
      path,
      inode,
      phase,
      sync,
      keepsSize,
    })
    const hooks: CrashFileHooks = {
      file: () => this.#disk.fileOf(inode),
      check: (kind) => this.#begin(kind, path),
      fault: (kind) => this.#fault(kind, path),
      write: (position, bytes) =>
        this.#do({ kind: 'write', path, inode, position, bytes: Buffer.from(bytes), atMs: this.#now() }),
      truncate: (sizeBytes) => this.#do({ kind: 'truncate', path, inode, sizeBytes, atMs: this.#now() }),
      sync: () => this.#sync('syncData', path, syncOf),
      syncNow: () => this.#syncNow(path, syncOf),
      delay: async () => {
        for (let turns = this.#random.below(this.#syncTurnsMax + 1); turns > 0; turns--)
          await yieldToEventLoop()
      },
      close: () => void this.#openFiles.delete(opened),
    }
    return new CrashFileHandle(path, hooks, filled)
  }

  /** A sync takes a while; a failing one loses what it was to save, and says so only at its end. */
  async #sync(kind: 'syncData' | 'syncDirectory', path: string, operation: SyncOperation): Promise<void> {
    const { turns, end } = this.#beginSync(kind, path, operation)
    for (let turn = 0; turn < turns; turn++) await yieldToEventLoop()
    end()
  }

  /** The same while everybody waits: others see neither its beginning nor its end, a crash sees both. */
  #syncNow(path: string, operation: SyncOperation): void {
    this.#beginSync('syncData', path, operation).end()
  }

  #beginSync(
    kind: 'syncData' | 'syncDirectory',
    path: string,
    operation: SyncOperation,
  ): { turns: number; end: () => void } {
    let fault: Error | undefined = this.#fault(kind, path)
    const sync = this.#syncs++
    const keepsSize = this.#random.below(2) === 0
    const turns = 1 + this.#random.below(this.#syncTurnsMax)
    const begun = operation('begin', sync, keepsSize)
    this.#do(begun)
    const end = (): void => {
      if (this.#disk.isFailing(begun)) fault ??= failure('EIO', path)
      this.#do(operation(fault === undefined ? 'end' : 'failed', sync, keepsSize))
      if (fault !== undefined) throw fault
    }
    return { turns, end }
  }

  #fault(kind: FaultKind, path: string, mode?: OpenMode): FaultError | undefined {
    this.#checkRunning(path)
    return this.faults.check(kind, path, mode)
  }

  #begin(kind: FaultKind, path: string, mode?: OpenMode): void {
    const fault = this.#fault(kind, path, mode)
    if (fault !== undefined) throw fault
  }

  #do(operation: DiskOperation): void {
    this.#checkRunning(operation.path)
    this.#disk.apply(operation)
    this.#operations.push(operation)
  }

  #checkRunning(path: string): void {
    if (this.#operations.length >= this.#stepsMax) throw failure('ESTOPPED', path)
  }

  #findFile(path: string): { file: CachedFile; entry: number } {
    const found = this.#disk.find(path)
    if (found === undefined || 'directory' in found) throw failure('ENOENT', path)
    return found
  }
}
