import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { type Inspected, type InspectOptions, inspectSegment } from '../../../src/inspect/index.ts'
import { encodeBatch } from '../../../src/record/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** Writes a file with these contents into a new directory; gives its path. */
export function writeFile(name: string, ...contents: Uint8Array[]): string {
  const path = join(temporaryDirectory(), name)
  writeFileSync(path, Buffer.concat(contents))
  return path
}

/** A sound batch of `count` records from `baseOffset` on. */
export function batchOf(baseOffset: number, count = 1): Buffer {
  const records = Array.from({ length: count }, (_, slot) => ({
    timestamp: 1000 + baseOffset + slot,
    key: `key-${baseOffset + slot}`,
    value: `value-${baseOffset + slot}`,
  }))
  return encodeBatch(records, { baseOffset })
}

/** A copy of `bytes` with one bit flipped. */
export function flipped(bytes: Buffer, position: number, bit = 0): Buffer {
  const copy = Buffer.from(bytes)
  copy[position]! ^= 1 << bit
  return copy
}

/** Everything that a pass over a file with these contents comes upon. */
export async function inspect(contents: Uint8Array, options: InspectOptions = {}): Promise<Inspected[]> {
  return collect(inspectSegment(nodeFileSystem, writeFile('00000000000000000000.log', contents), options))
}

/** Everything that a generator gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** The findings in short: a batch by its offsets, anything else by its extent. */
export function summarize(found: readonly Inspected[]): string[] {
  return found.map((item) => {
    if (item.kind !== 'batch') {
      return `${item.kind === 'tail' ? item.content : item.kind} ${item.position}+${item.sizeBytes}`
    }
    const { baseOffset, lastOffset } = item.batch
    const marks = `${item.isValid ? '' : ' invalid'}${item.problem === undefined ? '' : ' problem'}`
    return `batch ${baseOffset}-${lastOffset} at ${item.position}${marks}`
  })
}
