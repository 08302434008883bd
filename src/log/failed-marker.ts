/*
 * `FAILED`: says that a sync of this log has failed, so that the next opening trusts nothing the cache shows it. The
 * opening that meets it copies what is sound to a new file, and removes it last (tail-scan.ts).
 */
import type { Clock, PinoLike } from '../core/index.ts'
import type { FileSystem } from '../fs/index.ts'
import type { LogPaths } from '../layout/index.ts'

/** Writes the marker as well as it still can, on a disk that has just failed; never rejects. */
export async function writeFailedMarker(
  { fileSystem, paths, clock, logger }: FailedMarkerPlace,
  { durableOffset, reason }: { durableOffset: number; reason: string },
): Promise<void> {
  try {
    const marker = { durableOffset, at: new Date(clock.now()).toISOString(), reason }
    const file = fileSystem.openSync(paths.failed, 'replace')
    try {
      file.appendSync(Buffer.from(`${JSON.stringify(marker)}\n`), 0)
      await file.syncData()
    } finally {
      file.close()
    }
    await fileSystem.syncDirectory(paths.directory)
  } catch (error) {
    logger.error({ error }, 'the FAILED marker could not be written')
  }
}

interface FailedMarkerPlace {
  readonly fileSystem: FileSystem
  readonly paths: LogPaths
  readonly clock: Clock
  readonly logger: PinoLike
}
