import { basename } from 'node:path'
import type { FileHandle } from '../fs/index.ts'
import type { FaultError, FaultKind } from './fault-plan.ts'
import type { CachedFile } from './simulated-disk.ts'

/** What a handle asks of the file system that gave it out. */
export interface CrashFileHooks {
  file(): CachedFile
  check(kind: FaultKind): void
  fault(kind: FaultKind): FaultError | undefined
  write(position: number, bytes: Uint8Array): void
  truncate(sizeBytes: number): void
  sync(): Promise<void>
  syncNow(): void
  /** Waits for as long as an extension takes to begin. */
  delay(): Promise<void>
  close(): void
}

/** An open file of a simulated disk. */
export class CrashFileHandle implements FileHandle {
  readonly path: string
  readonly #hooks: CrashFileHooks
  readonly #isFilled: boolean
  #isClosed = false

  constructor(path: string, hooks: CrashFileHooks, { isFilled }: { isFilled: boolean }) {
    this.path = path
    this.#hooks = hooks
    this.#isFilled = isFilled
  }

  readSync(into: Uint8Array, position: number): number {
    this.#hooks.check('read')
    const piece = this.#bytes().subarray(position, position + into.length)
    into.set(piece)
    return piece.length
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return this.readSync(into, position)
  }

  appendSync(bytes: Uint8Array, position: number): void {
    const all = this.#bytes()
    const isAtEnd = position === all.length
    // Stricter than a real disk, which can't tell: nothing but zeros is ever written over.
    const isInZeros =
      position < all.length && all.subarray(position, position + bytes.length).every((byte) => byte === 0)
    if (!isAtEnd && !(this.#isFilled && isInZeros)) throw simulatedFailure('ESTALE', this.path)
    this.#write('write', bytes, position)
  }

  async extend(sizeBytes: number): Promise<void> {
    if (!this.#isFilled) throw simulatedFailure('EINVAL', this.path)
    const fault = this.#hooks.fault('extend')
    await this.#hooks.delay()
    const done = fault === undefined ? sizeBytes : Math.min(sizeBytes, fault.shortBytes)
    if (done > 0) this.#hooks.write(this.#hooks.file().bytes.length, new Uint8Array(done))
    await this.#hooks.delay()
    if (fault !== undefined) throw fault
  }

  overwriteSync(bytes: Uint8Array, position: number): void {
    this.#write('overwrite', bytes, position)
  }

  truncateSync(sizeBytes: number): void {
    if (sizeBytes > this.#bytes().length) throw simulatedFailure('EINVAL', this.path)
    this.#hooks.check('truncate')
    this.#hooks.truncate(sizeBytes)
  }

  sizeSync(): number {
    return this.#bytes().length
  }

  async syncData(): Promise<void> {
    this.#bytes()
    await this.#hooks.sync()
  }

  syncDataSync(): void {
    this.#bytes()
    this.#hooks.syncNow()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#hooks.close()
  }

  #write(kind: 'write' | 'overwrite', bytes: Uint8Array, position: number): void {
    const fault = this.#hooks.fault(kind)
    const done = fault === undefined ? bytes : bytes.subarray(0, fault.shortBytes)
    if (done.length > 0) this.#hooks.write(position, done)
    if (fault !== undefined) throw fault
  }

  #bytes(): Buffer {
    if (this.#isClosed) throw simulatedFailure('EBADF', this.path)
    return this.#hooks.file().bytes.view
  }
}

/** An error as the system gives it. */
export function simulatedFailure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${basename(path)} (simulated)`), { code, path })
}
