import { SeglogError, yieldToEventLoop } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { classifyEntry, type LogPaths } from '../layout/index.ts'

/** A look at each of so many files takes 2 or 3 ms; then others have a turn. */
const ENTRIES_A_TURN = 512

/** A segment file as the directory shows it. */
export interface SegmentFile {
  readonly baseOffset: number
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Which file it is, whatever it is called: a segment that was replaced has another. */
  readonly inode: number
}

/** A file in transit, by its path and the offset in its name. */
export interface StateFile {
  readonly baseOffset: number
  readonly path: string
  readonly isLog: boolean
}

/** Everything in a log's directory, sorted into what it is. */
export interface LogDirectory {
  /** In offset order. */
  readonly segments: readonly SegmentFile[]
  readonly deleted: readonly StateFile[]
  readonly cleaned: readonly StateFile[]
  readonly swap: readonly StateFile[]
  readonly temporary: readonly string[]
  /** Index files and snapshots that Kafka wrote, and links where it would write them. */
  readonly sidecars: readonly StateFile[]
  /** Names that mean nothing here, or that belong to no file; they are left alone. */
  readonly unrecognised: readonly string[]
  /** A segment was listed and then not there any more: renamed or removed meanwhile, and what it is now is not listed. */
  readonly isMoving: boolean
}

/**
 * Reads a log's directory.
 * Errors: `LOG_CORRUPT` for a segment's name on something that is no regular file: a link, a directory, a FIFO.
 */
export async function readLogDirectory(fileSystem: FileSystem, paths: LogPaths): Promise<LogDirectory> {
  const segments: SegmentFile[] = []
  const states = {
    deleted: [] as StateFile[],
    cleaned: [] as StateFile[],
    swap: [] as StateFile[],
    sidecar: [] as StateFile[],
  }
  const temporary: string[] = []
  const unrecognised: string[] = []
  let isMoving = false
  for (const [slot, { name, kind }] of (await fileSystem.list(paths.directory)).entries()) {
    if (slot % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await yieldToEventLoop()
    const entry = classifyEntry(name)
    const path = paths.entry(name)
    // Kafka follows a link where it keeps an index, and would trust what is there: the link goes like a file.
    const isFile = kind === 'file' || (kind === 'symlink' && entry.kind === 'sidecar')
    if (!isFile && entry.kind !== 'segment' && entry.kind !== 'own') {
      unrecognised.push(name)
      continue
    }
    switch (entry.kind) {
      case 'segment': {
        const segment = statSegment(fileSystem, path, entry.baseOffset)
        if (segment === undefined) isMoving = true
        else segments.push(segment)
        break
      }
      case 'deleted':
      case 'cleaned':
      case 'swap':
      case 'sidecar':
        states[entry.kind].push({
          baseOffset: entry.baseOffset,
          path,
          isLog: entry.kind !== 'sidecar' && entry.of === 'log',
        })
        break
      case 'temporary':
        temporary.push(path)
        break
      case 'unknown':
        unrecognised.push(name)
        break
      case 'own':
        break
    }
  }
  segments.sort((a, b) => a.baseOffset - b.baseOffset)
  const sidecars = states.sidecar
  return { segments, ...states, sidecars, temporary, unrecognised: unrecognised.sort(), isMoving }
}

/** True for a directory, or a link to one; false for nothing. Errors: `LOG_NOT_FOUND` for anything else. */
export async function isDirectory(fileSystem: FileSystem, directory: string): Promise<boolean> {
  if (fileSystem.statSync(directory) === undefined) return false
  const path = await fileSystem.realPath(directory)
  const kind = fileSystem.statSync(path)?.kind
  if (kind === 'directory') return true
  const message = `${path} is a ${kind}, a directory was expected`
  throw new SeglogError('LOG_NOT_FOUND', message, { path, found: kind })
}

/** Looks at one segment file; undefined when it went away meanwhile. Errors: `LOG_CORRUPT` when it is no regular file. */
export function statSegment(
  fileSystem: FileSystem,
  path: string,
  baseOffset: number,
): SegmentFile | undefined {
  const stat = fileSystem.statSync(path)
  if (stat === undefined) return undefined
  if (stat.kind !== 'file') {
    throw new SeglogError('LOG_CORRUPT', `${path} is a ${stat.kind}, a regular file was expected`, {
      path,
      found: stat.kind,
      expected: 'file',
      offset: baseOffset,
    })
  }
  const { sizeBytes, modifiedMs, inode } = stat
  return { baseOffset, path, sizeBytes, modifiedMs, inode }
}
