/*
 * Zeros at the end of a file that others write to at the same time, by threads.
 *
 * The descriptor is one of its own, with O_APPEND: the system looks up the end and writes there under one lock of the file,
 * so that zeros lie behind whatever has been written by then, and never on top of it. Between two pieces another write may
 * reach past the end; the next piece lies behind that.
 */
import { close, constants, fstat, open, write } from 'node:fs'
import { promisify } from 'node:util'

const { O_APPEND, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants
const FLAGS = O_WRONLY | O_APPEND | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0)

const openFile = promisify(open)
const statFile = promisify(fstat)
const closeFile = promisify(close)

/** A piece is written under the lock of the file, which a write of records waits for: some ten microseconds. */
const PIECE_BYTES = 128 * 1024
const ZEROS = Buffer.alloc(PIECE_BYTES)

/** Which file is meant: another one may have its name by now. */
export interface FileIdentity {
  readonly dev: number
  readonly ino: number
}

/** Appends zeros to the file at `path`. Errors: ESTALE when it is another one; the system's, part of it written then. */
export async function appendZeros(path: string, same: FileIdentity, sizeBytes: number): Promise<void> {
  const descriptor = await openFile(path, FLAGS)
  try {
    const { dev, ino } = await statFile(descriptor)
    if (dev !== same.dev || ino !== same.ino)
      throw Object.assign(new Error(`${path} is another file than it was`), { code: 'ESTALE', path })
    for (let written = 0; written < sizeBytes; ) {
      const count = await writeOnce(descriptor, ZEROS.subarray(0, Math.min(PIECE_BYTES, sizeBytes - written)))
      if (count === 0) throw Object.assign(new Error(`${path} took no more bytes`), { code: 'EIO', path })
      written += count
    }
  } finally {
    await closeFile(descriptor).catch(() => {}) // what it could say, the syncs of the file's own descriptor say
  }
}

function writeOnce(descriptor: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, 0, bytes.length, null, (error, count) =>
      error === null ? resolve(count) : reject(error),
    )
  })
}
