import { CleanedLog, FollowedLog, type Log } from './cleanup/index.ts'
import {
  checkDirectory,
  checkLogOptions,
  labelLogger,
  type LogOptions,
  openFollower,
  openPartition,
} from './log/index.ts'

/**
 * Opens one partition, with a cleanup scheduler of its own; makes it if there is none.
 *
 * Errors: TypeError, RangeError; LOG_LOCKED at once if another process, worker or handle has it open for writing;
 *         LOG_CORRUPT for damage that must not be cut; LOG_NOT_FOUND with `create: false` or `readOnly: true`;
 *         CONFIG_INVALID with every problem listed; the system's.
 * Cost:   after a clean close independent of the size of the data; else what was written since the last sync is read.
 */
export async function openLog(directory: string, options?: LogOptions): Promise<Log> {
  const given = checkLogOptions(options)
  const path = checkDirectory(directory)
  const checked = { ...given, logger: labelLogger(given.logger, { directory: path }) }
  if (checked.readOnly) return new FollowedLog(await openFollower(path, checked), checked)
  return new CleanedLog(await openPartition(path, checked), checked)
}
