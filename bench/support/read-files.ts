import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Tally } from './tally.ts'

const CHUNK_BYTES = 1024 * 1024

/**
 * The bare baseline of scanning: reads files from their start to their end in 1 MiB chunks and looks at nothing but the
 * first and last byte of each; counts bytes.
 */
export function readFiles(
  paths: readonly string[],
  { reusesMemory }: { readonly reusesMemory: boolean },
): Tally {
  const reused = reusesMemory ? Buffer.allocUnsafeSlow(CHUNK_BYTES) : undefined
  let tally: Tally = { count: 0, hash: 0 }
  for (const path of paths) tally = readFile(path, reused, tally)
  return tally
}

function readFile(path: string, reused: Buffer | undefined, before: Tally): Tally {
  const descriptor = openSync(path, 'r')
  const { size } = fstatSync(descriptor)
  let { hash } = before
  for (let position = 0; position < size; ) {
    const chunk = reused ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
    const count = readSync(descriptor, chunk, 0, chunk.length, position)
    if (count === 0) throw new Error(`${path} ends at ${position}, before its ${size} bytes`)
    hash = (Math.imul(hash, 31) + chunk[0]! + chunk[count - 1]!) | 0
    position += count
  }
  closeSync(descriptor)
  return { count: before.count + size, hash }
}
