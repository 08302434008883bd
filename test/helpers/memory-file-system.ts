import { basename, dirname } from 'node:path'
import { SeglogError } from '../../src/core/index.ts'
import type {
  DirectoryEntry,
  DirectoryLock,
  FileHandle,
  FileStat,
  FileSystem,
  OpenMode,
} from '../../src/fs/index.ts'

interface MemoryFile {
  bytes: Buffer
  readonly inode: number
  modifiedMs: number
}

/**
 * Files in memory, for tests that open a log thousands of times: it can be copied, and it can die.
 *
 * Every call that changes something, or makes a change durable, is a step. After `dieAfter(n)` steps each further one
 * fails, as for a process that was killed there; what was done before stays. It knows nothing of lost writes.
 */
export class MemoryFileSystem implements FileSystem {
  readonly kind = 'simulated'
  readonly #files = new Map<string, MemoryFile>()
  readonly #directories = new Set<string>(['/'])
  readonly #locks = new Set<string>()
  #inodes = 1
  #stepsLeft = Infinity
  /** Steps made so far. */
  steps = 0

  /** Another one with the same files; nothing is locked there, and nobody dies. */
  copy(): MemoryFileSystem {
    const copy = new MemoryFileSystem()
    for (const [path, file] of this.#files) copy.#files.set(path, { ...file, bytes: Buffer.from(file.bytes) })
    for (const path of this.#directories) copy.#directories.add(path)
    copy.#inodes = this.#inodes
    return copy
  }

  dieAfter(steps: number): void {
    this.#stepsLeft = steps
  }

  /** The paths of all files, in order. */
  get paths(): string[] {
    return [...this.#files.keys()].sort()
  }

  bytesOf(path: string): Buffer {
    return this.#find(path).bytes
  }

  /** Writes a file behind the back of whoever uses it; undefined removes it. */
  put(path: string, bytes: Buffer | undefined): void {
    if (bytes === undefined) this.#files.delete(path)
    else this.#files.set(path, this.#newFile(bytes))
  }

  openSync(path: string, mode: OpenMode): FileHandle {
    const known = this.#files.get(path)
    if (known === undefined) {
      if (mode === 'read' || mode === 'append' || mode === 'fill') throw failure('ENOENT', path)
      if (!this.#directories.has(dirname(path))) throw failure('ENOENT', path)
      this.#step(path)
      this.#files.set(path, this.#newFile(Buffer.alloc(0)))
    } else if (mode === 'create' || mode === 'create-fill') throw failure('EEXIST', path)
    else if (mode === 'replace') {
      this.#step(path)
      known.bytes = Buffer.alloc(0)
    }
    const isFilled = mode === 'fill' || mode === 'create-fill'
    return new MemoryHandle(path, this.#find(path), { isFilled, step: () => this.#step(path) })
  }

  statSync(path: string): FileStat | undefined {
    const file = this.#files.get(path)
    const shared = { device: 1, modifiedMs: file?.modifiedMs ?? 0 }
    if (file !== undefined)
      return { ...shared, kind: 'file', sizeBytes: file.bytes.length, inode: file.inode }
    return this.#directories.has(path) ? { ...shared, kind: 'directory', sizeBytes: 0, inode: 0 } : undefined
  }

  async list(directory: string): Promise<DirectoryEntry[]> {
    if (!this.#directories.has(directory)) throw failure('ENOENT', directory)
    const inside = (path: string): boolean => path !== '/' && dirname(path) === directory
    const files = [...this.#files.keys()].filter(inside)
    const directories = [...this.#directories].filter(inside)
    return [
      ...files.map((path) => ({ name: basename(path), kind: 'file' as const })),
      ...directories.map((path) => ({ name: basename(path), kind: 'directory' as const })),
    ]
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) return
    this.#step(path)
    for (let parent = path; parent !== '/'; parent = dirname(parent)) this.#directories.add(parent)
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#find(from)
    this.#step(from)
    this.#files.delete(from)
    this.#files.set(to, file)
  }

  async remove(path: string): Promise<void> {
    if (!this.#files.has(path)) return
    this.#step(path)
    this.#files.delete(path)
  }

  async removeDirectory(path: string): Promise<void> {
    if (!this.#directories.has(path)) return
    this.#step(path)
    this.#directories.delete(path)
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#step(directory)
  }

  async realPath(path: string): Promise<string> {
    return path
  }

  lock(path: string): DirectoryLock {
    if (this.#locks.has(path)) throw new SeglogError('LOG_LOCKED', 'locked', { path })
    this.#locks.add(path)
    return { release: () => void this.#locks.delete(path), isOurs: () => this.#locks.has(path) }
  }

  isLocked(path: string): boolean {
    return this.#locks.has(path)
  }

  watch(): { close(): void } {
    return { close: () => {} }
  }

  #find(path: string): MemoryFile {
    const file = this.#files.get(path)
    if (file === undefined) throw failure('ENOENT', path)
    return file
  }

  #newFile(bytes: Buffer): MemoryFile {
    return { bytes, inode: this.#inodes++, modifiedMs: 1_700_000_000_000 }
  }

  #step(path: string): void {
    if (this.#stepsLeft <= 0) throw failure('EKILLED', path)
    this.#stepsLeft--
    this.steps++
  }
}

class MemoryHandle implements FileHandle {
  readonly path: string
  readonly #file: MemoryFile
  readonly #isFilled: boolean
  readonly #step: () => void

  constructor(path: string, file: MemoryFile, how: { isFilled: boolean; step: () => void }) {
    this.path = path
    this.#file = file
    this.#isFilled = how.isFilled
    this.#step = how.step
  }

  readSync(into: Uint8Array, position: number): number {
    const piece = this.#file.bytes.subarray(position, position + into.length)
    into.set(piece)
    return piece.length
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return this.readSync(into, position)
  }

  appendSync(bytes: Uint8Array, position: number): void {
    if (this.#isFilled && position < this.#file.bytes.length) return this.overwriteSync(bytes, position)
    if (position !== this.#file.bytes.length) throw failure('ESTALE', this.path)
    this.#step()
    this.#file.bytes = Buffer.concat([this.#file.bytes, bytes])
  }

  async extend(sizeBytes: number): Promise<void> {
    this.#step()
    this.#file.bytes = Buffer.concat([this.#file.bytes, Buffer.alloc(sizeBytes)])
  }

  overwriteSync(bytes: Uint8Array, position: number): void {
    this.#step()
    const size = Math.max(this.#file.bytes.length, position + bytes.length)
    const next = Buffer.alloc(size)
    this.#file.bytes.copy(next)
    next.set(bytes, position)
    this.#file.bytes = next
  }

  truncateSync(sizeBytes: number): void {
    this.#step()
    this.#file.bytes = Buffer.from(this.#file.bytes.subarray(0, sizeBytes))
  }

  sizeSync(): number {
    return this.#file.bytes.length
  }

  async syncData(): Promise<void> {
    this.#step()
  }

  syncDataSync(): void {
    this.#step()
  }

  close(): void {}
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
