/*
 * What a follower sees in a directory in which another process renames files.
 *
 * Compaction puts rewritten segments in the place of others (leftovers.ts says how), and between two of its renames a
 * segment may go by no name that ends in .log. So a listing counts only if no rewrite is on its way, and, if a segment
 * that was known is gone, or nothing was known, if a second listing is the same: one alone may be half from before a
 * rename and half from after it. Where a rewrite stays on its way, because who made it was killed, it stands for the
 * segments it is to replace, as if it had been put in place.
 *
 * Whoever rolls while a directory is listed may be seen by halves, too: of two files that are made meanwhile, the later
 * alone may be listed, and what is in the other would be passed as a hole. A second listing has everything that was made
 * before the newest file of the first.
 */
import type { FileSystem } from '../fs/index.ts'
import type { LogPaths } from '../layout/index.ts'
import { segmentsAsSettled } from './leftovers.ts'
import { type LogDirectory, readLogDirectory, type SegmentFile } from './log-directory.ts'

/** Where to look, and what is known. */
export interface ListingOptions {
  readonly fileSystem: FileSystem
  readonly paths: LogPaths
  readonly batchBytesMax: number
  readonly dense: boolean
  /** Segments that were there at the last look, by their base offsets. */
  readonly known: Iterable<number>
  /** What a listing has just shown, if there was one. */
  readonly listed: LogDirectory | undefined
  /** There will be no other look at once: a rewrite that is still on its way stays so. */
  readonly isLastTry: boolean
}

/**
 * The segments of a followed log, in offset order; undefined when files are on their way, and another look at once will
 * see where they went. Errors: `LOG_CORRUPT`, the system's.
 */
export async function listFollowed(options: ListingOptions): Promise<readonly SegmentFile[] | undefined> {
  const { fileSystem, paths, isLastTry } = options
  const directory = options.listed ?? (await readLogDirectory(fileSystem, paths))
  const { segments, isMoving } = directory
  if (isMoving) return undefined
  if (hasRewrite(directory)) return isLastTry ? segmentsAsSettled(directory, options) : undefined
  const bases = new Set(segments.map(({ baseOffset }) => baseOffset))
  const known = [...options.known]
  const keepsKnown = known.length > 0 && known.every((baseOffset) => bases.has(baseOffset))
  if (keepsKnown && bases.size === known.length) return segments
  const again = await readLogDirectory(fileSystem, paths)
  if (again.isMoving || hasRewrite(again)) return undefined
  const newest = segments.at(-1)?.baseOffset ?? -1
  const complete = again.segments.filter(({ baseOffset }) => baseOffset <= newest)
  const listed = keepsKnown ? complete.filter(({ baseOffset }) => bases.has(baseOffset)) : complete
  return isSame(segments, listed) ? complete : undefined
}

/** True when a rewritten segment is on its way to its place. */
function hasRewrite({ swap }: LogDirectory): boolean {
  return swap.some(({ isLog }) => isLog)
}

function isSame(some: readonly SegmentFile[], others: readonly SegmentFile[]): boolean {
  return some.map(fileOf).join() === others.map(fileOf).join()
}

function fileOf({ baseOffset, inode }: SegmentFile): string {
  return `${baseOffset} ${inode}`
}
