/*
 * What an earlier process left half done, brought to an end.
 *
 *   x.swap       a rewrite that is complete, unless a .cleaned starts at or below it; takes its place before the
 *                segments are looked at, in steps
 *     1. originals that it covers → .deleted, their sidecars gone, directory synced   crash: again from 1
 *     2. .swap → .log, directory synced                                               the commit point
 *   x.deleted    was on its way out: goes once the log has been found sound, for until then it may be the last copy
 *   x.tmp        was never renamed: goes then, too, and before anything is written that needs room on the disk
 *   x.cleaned    a rewrite that never became valid: goes then, and after every .swap that it makes invalid
 * All .swap files stand or fall together. If one can't be read whole they go, as long as every original is there; if an
 * original is gone, nothing is touched and opening fails.
 */
import { SeglogError } from '../core/index.ts'
import { type FileSystem, syncNames } from '../fs/index.ts'
import { DELETED_SUFFIX, type LogPaths } from '../layout/index.ts'
import { scanBatches } from '../segment/index.ts'
import { removeSidecarFiles } from './kafka-sidecars.ts'
import { type LogDirectory, type SegmentFile, type StateFile, statSegment } from './log-directory.ts'

/** What opening does about leftovers, by their names alone; nothing is done yet. */
export interface LeftoverPlan {
  /** Rewrites that are not valid, and what belongs to no segment of ours: gone before anything else is. */
  readonly invalid: readonly string[]
  /** Rewritten segments to put in place, in offset order. */
  readonly swap: readonly StateFile[]
  /** To be removed once the log has been found sound. */
  readonly remove: readonly string[]
}

/** Decides about leftovers by their names alone. */
export function planLeftovers(directory: LogDirectory): LeftoverPlan {
  const cleanedMin = Math.min(Infinity, ...directory.cleaned.map(({ baseOffset }) => baseOffset))
  const isValid = ({ baseOffset, isLog }: StateFile): boolean => isLog && baseOffset < cleanedMin
  return {
    invalid: pathsOf(directory.swap.filter((file) => !isValid(file))),
    swap: directory.swap.filter(isValid).sort((a, b) => a.baseOffset - b.baseOffset),
    remove: [...pathsOf(directory.deleted), ...pathsOf(directory.cleaned), ...directory.temporary],
  }
}

function pathsOf(files: readonly StateFile[]): string[] {
  return files.map(({ path }) => path).sort()
}

/** What settling did, and what is left to remove. */
export interface SettledLeftovers {
  /** The segments are not those that the directory showed. */
  readonly hasChanged: boolean
  /** Put in place or removed. */
  readonly settledFiles: readonly string[]
  /** For `removeLeftovers`, once the log has been found sound. */
  readonly remove: readonly string[]
}

/** Puts rewritten segments in place, or drops them. Errors: `LOG_CORRUPT`, nothing changed then; the system's. */
export async function settleLeftovers(
  plan: LeftoverPlan,
  work: InspectWork & { readonly paths: LogPaths },
): Promise<SettledLeftovers> {
  const { fileSystem, paths, directory } = work
  const swaps = await inspectSwaps(plan.swap, work)
  const isSound = swaps.every(({ end }) => end !== undefined)
  if (!isSound) {
    for (const { file } of swaps) await checkOriginalIsThere(file, work)
  }
  const dropped = isSound ? plan.invalid : [...plan.invalid, ...plan.swap.map(({ path }) => path)]
  for (const path of dropped) await fileSystem.remove(path)
  if (dropped.length > 0) await syncNames(fileSystem, paths.directory)
  const replaced: string[] = []
  if (isSound) {
    for (const swap of swaps)
      replaced.push(...(await replaceOriginals(swap, { fileSystem, paths, directory })))
  }
  return {
    hasChanged: swaps.length > 0,
    settledFiles: [...new Set([...dropped, ...swaps.map(({ file }) => file.path)])].sort(),
    remove: [...replaced, ...plan.remove],
  }
}

/**
 * The segments of a directory that is not to be changed, as `settleLeftovers` would leave them: where a rewrite is valid,
 * it stands for those that it covers. Undefined when one has been renamed meanwhile. Errors: `LOG_CORRUPT`; the system's.
 */
export async function segmentsAsSettled(
  directory: LogDirectory,
  work: Omit<InspectWork, 'directory'>,
): Promise<readonly SegmentFile[] | undefined> {
  const swaps = await inspectSwaps(planLeftovers(directory).swap, { ...work, directory })
  if (!swaps.every(({ end }) => end !== undefined)) {
    for (const { file } of swaps) await checkOriginalIsThere(file, { ...work, directory })
    return directory.segments
  }
  const covered = new Set(swaps.flatMap((swap) => swap.covered))
  const rewritten: SegmentFile[] = []
  for (const { file } of swaps) {
    const segment = statSegment(work.fileSystem, file.path, file.baseOffset)
    if (segment === undefined) return undefined
    rewritten.push(segment)
  }
  return [...directory.segments.filter((segment) => !covered.has(segment)), ...rewritten].sort(
    (a, b) => a.baseOffset - b.baseOffset,
  )
}

/** Removes what is of no use to a log that has been found sound. */
export async function removeLeftovers(
  fileSystem: FileSystem,
  paths: LogPaths,
  leftovers: readonly string[],
): Promise<void> {
  for (const path of leftovers) await fileSystem.remove(path)
  if (leftovers.length > 0) await syncNames(fileSystem, paths.directory)
}

interface Swap {
  readonly file: StateFile
  readonly covered: readonly SegmentFile[]
  /** No original at or past it is covered; undefined when the file can't be believed. */
  readonly end: number | undefined
}

interface InspectWork {
  readonly fileSystem: FileSystem
  readonly directory: LogDirectory
  readonly batchBytesMax: number
  /** No offset is missing, so that a rewrite holds every one that it covers. */
  readonly dense: boolean
}

/**
 * A rewrite is whole, starts no earlier than its name says, ends before the next one and leaves the last segment alone.
 * One by compaction may be empty, and covers what lies before the next one that was made with it, too.
 */
async function inspectSwaps(files: readonly StateFile[], work: InspectWork): Promise<Swap[]> {
  const { dense, directory } = work
  const { segments } = directory
  const swaps: Swap[] = []
  for (const [slot, file] of files.entries()) {
    const { problem, nextOffset, sizeBytes } = await readEnd(file, { ...work, depth: 'checksums' })
    const following = files[slot + 1]?.baseOffset
    const end = dense ? nextOffset : (following ?? Math.max(nextOffset, file.baseOffset + 1))
    const covered = segments.filter(({ baseOffset }) => baseOffset >= file.baseOffset && baseOffset < end)
    const isSound =
      !problem &&
      (sizeBytes > 0 || !dense) &&
      nextOffset <= (following ?? Infinity) &&
      (covered.length === 0 || covered.at(-1) !== segments.at(-1)) // the active segment is never rewritten
    swaps.push({ file, covered, end: isSound ? end : undefined })
  }
  return swaps
}

async function checkOriginalIsThere(file: StateFile, work: InspectWork): Promise<void> {
  const { baseOffset, path } = file
  const floor = work.directory.segments.findLast((segment) => segment.baseOffset <= baseOffset)
  if (floor?.baseOffset === baseOffset) return
  if (floor !== undefined && (await readEnd(floor, { ...work, depth: 'headers' })).nextOffset > baseOffset)
    return
  throw new SeglogError(
    'LOG_CORRUPT',
    `${path} or another rewritten segment is damaged, and the segment it replaces is gone. Nothing was changed`,
    { path, offset: baseOffset },
  )
}

/** Steps 1 and 2; gives back what the originals are called now. */
async function replaceOriginals(
  { file, covered, end = file.baseOffset }: Swap,
  { fileSystem, paths, directory }: { fileSystem: FileSystem; paths: LogPaths; directory: LogDirectory },
): Promise<string[]> {
  const { sidecars } = directory
  await removeSidecarFiles(fileSystem, paths, { sidecars, from: file.baseOffset, before: end })
  for (const { path } of covered) await fileSystem.rename(path, path + DELETED_SUFFIX)
  await syncNames(fileSystem, paths.directory)
  await fileSystem.rename(file.path, paths.segment(file.baseOffset))
  await syncNames(fileSystem, paths.directory)
  return covered.map(({ path }) => path + DELETED_SUFFIX)
}

async function readEnd(
  { path, baseOffset }: { path: string; baseOffset: number },
  { fileSystem, batchBytesMax, depth }: InspectWork & { depth: 'headers' | 'checksums' },
): Promise<{ nextOffset: number; sizeBytes: number; problem: boolean }> {
  const handle = fileSystem.openSync(path, 'read')
  try {
    const sizeBytes = handle.sizeSync()
    const range = { from: 0, end: sizeBytes, expectedOffset: baseOffset, dense: false, batchBytesMax, depth }
    const { nextOffset, problem } = await scanBatches(handle, range, () => {})
    return { nextOffset, sizeBytes, problem: problem !== undefined }
  } finally {
    handle.close()
  }
}
