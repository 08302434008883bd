import { type FileSystem, syncNames } from '../fs/index.ts'
import type { LogPaths } from '../layout/index.ts'
import type { StateFile } from './log-directory.ts'
import type { LogParts } from './log-parts.ts'

/** Which segments, by their base offsets. */
interface SidecarRange {
  readonly from?: number
  readonly before?: number
}

/**
 * Removes, durably, the index files and snapshots that Kafka keeps beside segments from offset `from` on, below `before`:
 * it would trust what it finds there, and builds anew what it doesn't.
 */
export async function removeSidecars(parts: LogParts, range: SidecarRange): Promise<void> {
  const gone = await removeSidecarFiles(parts.fileSystem, parts.paths, { ...range, sidecars: parts.sidecars })
  parts.sidecars = parts.sidecars.filter((sidecar) => !gone.includes(sidecar))
}

/** The same while a log is being opened; gives back those that went. */
export async function removeSidecarFiles(
  fileSystem: FileSystem,
  paths: Pick<LogPaths, 'directory'>,
  { sidecars, from = 0, before = Infinity }: SidecarRange & { sidecars: readonly StateFile[] },
): Promise<readonly StateFile[]> {
  const going = sidecars.filter(({ baseOffset }) => baseOffset >= from && baseOffset < before)
  for (const { path } of going) await fileSystem.remove(path)
  if (going.length > 0) await syncNames(fileSystem, paths.directory)
  return going
}
