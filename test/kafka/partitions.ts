import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every file that DumpLogSegments knows: segments, and what Kafka keeps beside them. */
const DUMPED = /\.(?:log|index|timeindex|txnindex|snapshot|checkpoint)$/

/** The names of the partitions' directories in a data directory. */
export function partitionNames(dataDirectory: string): string[] {
  return readdirSync(dataDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

/** The files in a directory that can be dumped, by their names. */
export function dumpableFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => DUMPED.test(name))
    .sort()
}

/** Everything below a directory and the directory itself: names, kinds, sizes, times of change, a hash of each file. */
export function exactState(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    ['', ...names].map((name) => {
      const path = join(directory, name)
      const stat = lstatSync(path, { bigint: true })
      const hash = stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''
      return [name, `${stat.mode} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${hash}`]
    }),
  )
}
