import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  writeSync,
} from 'node:fs'
import { assert } from '../core/index.ts'
import { appendZeros, type FileIdentity } from './append-zeros.ts'
import { isSizeBetween } from './end-probe.ts'
import { ExpectedSize } from './expected-size.ts'
import type { FileHandle, OpenMode } from './file-system.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC } = constants
const HARDENED = (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0) // no links; a FIFO can't hang the open

/*
 * O_APPEND is the second fence behind the position checks: Node writes at the current position, silently, when it is
 * given a NaN, a fraction or a BigInt, and with O_APPEND that can't reach history. A file that is filled ahead is written
 * at positions and has to do without; its fences are those checks and the sizes that it can have.
 */
const FLAGS: Record<OpenMode, number> = {
  read: O_RDONLY | HARDENED,
  append: O_RDWR | O_APPEND | HARDENED,
  create: O_RDWR | O_APPEND | O_CREAT | O_EXCL | HARDENED,
  replace: O_RDWR | O_APPEND | O_CREAT | O_TRUNC | HARDENED,
  overwrite: O_RDWR | O_CREAT | HARDENED,
  fill: O_RDWR | HARDENED,
  'create-fill': O_RDWR | O_CREAT | O_EXCL | HARDENED,
}

const FILE_MODE = 0o600

/** Opens a regular file of the machine; the handle closes its descriptor only when no call is under way on it. */
export function openNodeFile(path: string, mode: OpenMode): FileHandle {
  const descriptor = openSync(path, FLAGS[mode], FILE_MODE)
  const stat = fstatSync(descriptor)
  if (!stat.isFile()) {
    closeSync(descriptor)
    throw Object.assign(new Error(`${path} is not a regular file`), { code: 'EINVAL', path })
  }
  const isFilled = mode === 'fill' || mode === 'create-fill'
  return new NodeFile({ path, descriptor, mode, filled: isFilled ? stat : undefined })
}

class NodeFile implements FileHandle {
  readonly path: string
  readonly #descriptor: number
  readonly #mode: OpenMode
  /** Of a file that is filled ahead: which one it is, and the sizes that it can have. */
  readonly #filled: { readonly identity: FileIdentity; readonly size: ExpectedSize } | undefined
  #callsUnderWay = 0
  #closing = false

  constructor(opened: {
    path: string
    descriptor: number
    mode: OpenMode
    filled: (FileIdentity & { size: number }) | undefined
  }) {
    const { path, descriptor, mode, filled } = opened
    this.path = path
    this.#descriptor = descriptor
    this.#mode = mode
    this.#filled = filled && { identity: filled, size: new ExpectedSize(filled.size) }
  }

  readSync(into: Uint8Array, position: number): number {
    this.#check(position)
    let count = 0
    while (count < into.length) {
      const got = readSync(this.#descriptor, into, count, into.length - count, position + count)
      if (got === 0) break
      count += got
    }
    return count
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#check(position)
    this.#callsUnderWay++ // once for the whole read: a close between two of its steps must wait for the rest
    try {
      let count = 0
      while (count < into.length) {
        const got = await this.#readOnce(into, count, position)
        if (got === 0) break
        count += got
      }
      return count
    } finally {
      this.#callEnded()
    }
  }

  appendSync(bytes: Uint8Array, position: number): void {
    this.#check(position)
    if (this.#mode === 'overwrite') assert(false, `append to ${this.path}, which is open to overwrite`)
    const expected = this.#filled?.size
    const least = Math.max(expected?.least ?? position, position)
    const isAsLeft = isSizeBetween(this.#descriptor, least, expected?.most ?? position)
    if (!isAsLeft) throw this.#changedElsewhere(this.sizeSync(), position)
    expected?.writing(position + bytes.length)
    this.#writeAll(bytes, position)
    expected?.written(position + bytes.length)
  }

  async extend(sizeBytes: number): Promise<void> {
    this.#check(sizeBytes)
    assert(this.#filled !== undefined, `extension of ${this.path}, which is open to ${this.#mode}`)
    const { identity, size } = this.#filled
    const found = this.sizeSync()
    if (!size.allows(found)) throw this.#changedElsewhere(found) // or it would be looked for among more sizes from now on
    this.#callsUnderWay++
    size.extending(sizeBytes)
    try {
      await appendZeros(this.path, identity, sizeBytes)
    } finally {
      size.extended(sizeBytes, fstatSync(this.#descriptor).size)
      this.#callEnded()
    }
  }

  overwriteSync(bytes: Uint8Array, position: number): void {
    this.#check(position)
    if (this.#mode !== 'overwrite') assert(false, `overwrite of ${this.path}, which is open to ${this.#mode}`) // O_APPEND ignores positions
    this.#writeAll(bytes, position)
  }

  truncateSync(sizeBytes: number): void {
    this.#check(sizeBytes)
    const size = this.sizeSync()
    assert(sizeBytes <= size, `truncate of ${this.path} to ${sizeBytes} would grow it`)
    if (this.#filled?.size.allows(size) === false) throw this.#changedElsewhere(size) // not our bytes to cut
    ftruncateSync(this.#descriptor, sizeBytes)
    this.#filled?.size.cutTo(sizeBytes)
  }

  sizeSync(): number {
    this.#checkOpen()
    return fstatSync(this.#descriptor).size
  }

  async syncData(): Promise<void> {
    this.#checkOpen()
    this.#callsUnderWay++
    try {
      await new Promise<void>((resolve, reject) => {
        fdatasync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)))
      })
    } finally {
      this.#callEnded()
    }
  }

  syncDataSync(): void {
    this.#checkOpen()
    fdatasyncSync(this.#descriptor)
  }

  close(): void {
    if (this.#closing) return
    this.#closing = true
    if (this.#callsUnderWay === 0) closeQuietly(this.#descriptor)
  }

  #readOnce(into: Uint8Array, count: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, into, count, into.length - count, position + count, (error, got) =>
        error === null ? resolve(got) : reject(error),
      )
    })
  }

  /** The one place that writes: a count that falls short is followed by another write, never by a guess. */
  #writeAll(bytes: Uint8Array, position: number): void {
    let written = 0
    while (written < bytes.length) {
      const count = writeSync(this.#descriptor, bytes, written, bytes.length - written, position + written)
      if (count === 0)
        throw Object.assign(new Error(`${this.path} took no more bytes`), { code: 'EIO', path: this.path })
      written += count
    }
  }

  #changedElsewhere(size: number, position?: number): Error {
    const end = position === undefined ? '' : `, and an end at ${position} was expected`
    return Object.assign(new Error(`${this.path} has ${size} bytes${end}: someone else changed it`), {
      code: 'ESTALE',
    })
  }

  #check(position: number): void {
    if (!Number.isSafeInteger(position) || position < 0) assert(false, `position ${position} in ${this.path}`)
    this.#checkOpen()
  }

  /** Says what is wrong only where something is: to put the words together costs more than a read does. */
  #checkOpen(): void {
    if (this.#closing) assert(false, `${this.path} is closed`)
  }

  #callEnded(): void {
    this.#callsUnderWay--
    if (this.#closing && this.#callsUnderWay === 0) closeQuietly(this.#descriptor)
  }
}

/** What a close could say has been said by a sync, or was promised to nobody; Linux frees the descriptor all the same. */
function closeQuietly(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // see above
  }
}
