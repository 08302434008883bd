import { basename, dirname, join } from 'node:path'
import { isOffset, SeglogError } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import {
  parsePartitionDirectoryName,
  parseSegmentFileName,
  segmentFileName,
  type TopicPartition,
} from '../layout/index.ts'

/** What a file holds, by the last part of its name; `unknown` is not looked at. */
export type InspectedFileKind =
  | 'log'
  | 'checkpoint'
  | 'index'
  | 'timeindex'
  | 'txnindex'
  | 'snapshot'
  | 'unknown'

/** A file to look at. */
export interface InspectedFile {
  /** As it was given. */
  readonly path: string
  /** With every link resolved: files are never opened through one. */
  readonly realPath: string
  readonly kind: InspectedFileKind
  /**
   * The first offset it can have, which its name begins with; undefined when there is none, or it is no offset, and for a
   * `.checkpoint`: that is named after the offset at which it ends, and its own begin at 0.
   */
  readonly baseOffset: number | undefined
  /** The segment that an index file is about. */
  readonly segmentPath: string
  /** First offset of the next segment, for the segments of a directory. */
  readonly offsetEnd: number | undefined
}

const KINDS: ReadonlySet<string> = new Set([
  'log',
  'checkpoint',
  'index',
  'timeindex',
  'txnindex',
  'snapshot',
])

/** What may follow the name of a file that is on its way in or out, or that recovery copied from a position. */
const STATE_SUFFIX = /\.(?:deleted|cleaned|swap|tmp|\d{1,10})$/

const NAME = /^(\d{1,20})?.*\.(\w+)$/s

/**
 * Gives the files that `path` stands for: a file itself, the segments of a log in offset order, or those of every log
 * of a store, in the order of their topics and partitions.
 *
 * Errors: `LOG_NOT_FOUND` when there is nothing at `path`, or a directory without a segment; the system's.
 */
export async function findFiles(fileSystem: FileSystem, path: string): Promise<InspectedFile[]> {
  const resolved = await fileSystem.realPath(path).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    throw new SeglogError('LOG_NOT_FOUND', `there is nothing at ${path}`, { path, cause: error })
  })
  const file = classifyFile(path)
  // Whatever has the name of one of Kafka's files is taken for one; opening it says that it is none.
  const isNamedAsFile = file.kind !== 'unknown' && file.baseOffset !== undefined
  if (fileSystem.statSync(resolved)?.kind !== 'directory' || isNamedAsFile) {
    return [{ ...file, realPath: resolved }]
  }
  const segments = await findSegments(fileSystem, path)
  if (segments.length > 0) return segments
  const logs = await findPartitions(fileSystem, path)
  const files: InspectedFile[] = []
  for (const log of logs) files.push(...(await findSegments(fileSystem, log)))
  if (files.length > 0) return files
  throw new SeglogError('LOG_NOT_FOUND', `there is no segment in ${path}, and none in a directory in it`, {
    path,
  })
}

/** Says what the file at `path` is, by its name alone. */
export function classifyFile(path: string): InspectedFile {
  const name = basename(path).replace(STATE_SUFFIX, '')
  const [, digits, suffix = ''] = NAME.exec(name) ?? []
  const kind = KINDS.has(suffix) ? (suffix as InspectedFileKind) : 'unknown'
  const number = digits === undefined || kind === 'checkpoint' ? undefined : Number(digits)
  const segmentName = `${name.slice(0, Math.max(0, name.lastIndexOf('.')))}.log`
  return {
    path,
    realPath: path,
    kind,
    baseOffset: isOffset(number) ? number : undefined,
    segmentPath: join(dirname(path), segmentName),
    offsetEnd: undefined,
  }
}

async function findSegments(fileSystem: FileSystem, directory: string): Promise<InspectedFile[]> {
  const entries = await fileSystem.list(directory)
  const offsets = entries
    .filter(({ kind }) => kind === 'file')
    .map(({ name }) => parseSegmentFileName(name))
    .filter((offset) => offset !== undefined)
    .sort((a, b) => a - b)
  return offsets.map((baseOffset, slot) => ({
    ...classifyFile(join(directory, segmentFileName(baseOffset))),
    offsetEnd: offsets[slot + 1],
  }))
}

async function findPartitions(fileSystem: FileSystem, directory: string): Promise<string[]> {
  const found: (TopicPartition & { name: string })[] = []
  for (const { name, kind } of await fileSystem.list(directory)) {
    const log = kind === 'directory' ? parsePartitionDirectoryName(name) : undefined
    if (log !== undefined) found.push({ ...log, name })
  }
  found.sort((a, b) => compareText(a.topic, b.topic) || a.partition - b.partition)
  return found.map(({ name }) => join(directory, name))
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
