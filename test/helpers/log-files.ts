import { createHash } from 'node:crypto'
import { cpSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { namesOf } from './temp-log.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Of an open log: closing a copy of its lock would drop the lock, and what follows is of this run alone. */
const OF_THIS_RUN = ['.lock', 'lock-owner.json']

/** A copy of a log's directory, of an open one too: what a killed process leaves behind. */
export function copyOf(directory: string): string {
  const copy = temporaryDirectory()
  cpSync(directory, copy, { recursive: true, preserveTimestamps: true, filter: isCopied })
  return copy
}

/** A checkpoint may be in the middle of being replaced: the old one is a state as good as the new one. */
function isCopied(path: string): boolean {
  return !OF_THIS_RUN.includes(basename(path)) && !path.endsWith('.tmp')
}

/**
 * Every file below `directory` with a hash of its bytes. Not the index, which is rebuilt at will, not the ballast, which
 * is made at leisure, and not what every opening writes anew: who holds the lock, and how far followers may read.
 */
export function fingerprint(directory: string): Record<string, string> {
  const found: Record<string, string> = {}
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()
  for (const name of names) {
    if (name.startsWith('index.db') || [...OF_THIS_RUN, 'watermark', 'ballast'].includes(basename(name)))
      continue
    const path = join(directory, name)
    const stat = lstatSync(path)
    found[relative(directory, path)] = stat.isFile()
      ? createHash('sha1').update(readFileSync(path)).digest('hex')
      : 'no file'
  }
  return found
}

/** The paths of the segments in `directory`, in order. */
export function segmentPaths(directory: string): string[] {
  return namesOf(directory, '.log').map((name) => join(directory, name))
}

/** Small segments, no scheduler, no sync at each append, and an index in memory: for logs that are opened many times. */
export const quick: LogOptions = {
  config: { 'internal.segment.bytes': 1024, 'index.interval.bytes': 256 },
  durability: 'os',
  cleanup: false,
  index: 'memory',
}

/** Appends `count` records, each a batch of its own, whose values name their offsets. */
export async function appendNumbered(log: Log, count: number, valueBytes = 40): Promise<void> {
  for (let done = 0; done < count; done++) {
    await log.append({
      value: `r${log.endOffset}`.padEnd(valueBytes, '.'),
      timestamp: 1000 + log.endOffset,
    })
  }
}

/** What `appendNumbered` gave the record at `offset`. */
export function numberedValue(offset: number, valueBytes = 40): string {
  return `r${offset}`.padEnd(valueBytes, '.')
}

/** A closed log of `count` numbered records. */
export async function closedLog(count: number, options: LogOptions = quick): Promise<string> {
  const directory = temporaryDirectory()
  const log = await openLog(directory, options)
  await appendNumbered(log, count)
  await log.close()
  return directory
}

/** What a process that was killed leaves of a log of `count` numbered records. */
export async function killedLog(count: number, options: LogOptions = quick): Promise<string> {
  const directory = temporaryDirectory()
  const log = await openLog(directory, options)
  onTestFinished(() => log.close())
  await appendNumbered(log, count)
  return copyOf(directory)
}
