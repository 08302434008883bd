/*
 * What an earlier process left half done, brought to an end.
 *
 *   x.deleted          was on its way out: goes
 *   x.tmp              was never renamed: goes
 *   x.cleaned          a rewrite that never became valid: goes
 *   x.swap             a rewrite that is complete, unless a .cleaned starts at or below it: takes its place, in steps
 *     1. originals that it covers → .deleted, directory synced      crash: the .swap is still there; again from 1
 *     2. .swap → .log, directory synced                             the commit point
 * A .swap that can't be read whole goes if its original is there; if not, nothing is touched and opening fails.
 */
import { SeglogError } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import { DELETED_SUFFIX, type LogPaths } from '../layout/index.ts'
import { scanBatches } from '../segment/index.ts'
import type { LogDirectory, SegmentFile, StateFile } from './log-directory.ts'

/** What opening does about leftovers; nothing is done yet. */
export interface LeftoverPlan {
  readonly remove: readonly string[]
  /** Rewritten segments to put in place. */
  readonly swap: readonly StateFile[]
}

/** Decides about leftovers by their names alone. */
export function planLeftovers(directory: LogDirectory): LeftoverPlan {
  const cleanedMin = Math.min(Infinity, ...directory.cleaned.map(({ baseOffset }) => baseOffset))
  const stale = directory.swap.filter((file) => file.baseOffset >= cleanedMin || !file.isLog)
  const swap = directory.swap.filter((file) => file.baseOffset < cleanedMin && file.isLog)
  const remove = [...directory.deleted, ...directory.cleaned, ...stale].map(({ path }) => path)
  return { remove: [...remove, ...directory.temporary].sort(), swap }
}

/** Carries a plan out; true when the directory has to be read again. */
export async function settleLeftovers(
  fileSystem: FileSystem,
  paths: LogPaths,
  plan: LeftoverPlan,
  directory: LogDirectory,
  batchBytesMax: number,
): Promise<boolean> {
  for (const path of plan.remove) await fileSystem.remove(path)
  for (const file of plan.swap) await finishSwap(fileSystem, paths, file, directory.segments, batchBytesMax)
  if (plan.remove.length > 0) await fileSystem.syncDirectory(paths.directory)
  return plan.swap.length > 0
}

async function finishSwap(
  fileSystem: FileSystem,
  paths: LogPaths,
  file: StateFile,
  segments: readonly SegmentFile[],
  batchBytesMax: number,
): Promise<void> {
  const nextOffset = await soundEnd(fileSystem, file, batchBytesMax)
  const covered = segments.filter(
    (segment) =>
      segment.baseOffset >= file.baseOffset &&
      segment.baseOffset < Math.max(nextOffset ?? 0, file.baseOffset + 1),
  )
  if (nextOffset === undefined) {
    if (covered.some((segment) => segment.baseOffset === file.baseOffset)) return fileSystem.remove(file.path)
    throw new SeglogError('LOG_CORRUPT', `${file.path} is damaged and the segment it replaces is gone`, {
      path: file.path,
      offset: file.baseOffset,
    })
  }
  for (const segment of covered) await fileSystem.rename(segment.path, segment.path + DELETED_SUFFIX)
  await fileSystem.syncDirectory(paths.directory)
  await fileSystem.rename(file.path, paths.segment(file.baseOffset))
  await fileSystem.syncDirectory(paths.directory)
  for (const segment of covered) await fileSystem.remove(segment.path + DELETED_SUFFIX)
}

/** The offset after the last one of a rewritten segment; undefined when it has any damage. */
async function soundEnd(
  fileSystem: FileSystem,
  file: StateFile,
  batchBytesMax: number,
): Promise<number | undefined> {
  const handle = fileSystem.openSync(file.path, 'read')
  try {
    const range = {
      from: 0,
      end: handle.sizeSync(),
      expectedOffset: file.baseOffset,
      dense: false,
      batchBytesMax,
    }
    const result = await scanBatches(handle, { ...range, depth: 'checksums' }, () => {})
    return result.problem === undefined ? result.nextOffset : undefined
  } finally {
    handle.close()
  }
}
