/*
 * The demo begins with an empty directory each time. It empties only a directory that it made itself, which a marker
 * file says, and in it only files whose names a log gives; whoever else has the log open keeps it, by the lock.
 */
import { join } from 'node:path'
import { nodeFileSystem } from '../../fs/index.ts'
import { classifyEntry, FILE_NAMES } from '../../layout/index.ts'
import { DemoFailure } from './failure.ts'

const MARKER = '.made-by-the-demo'
const MARKER_TEXT = 'The demo (npm start) made this directory and empties it when it runs again.\n'

/**
 * Makes `directory`, or empties it if an earlier demo made it.
 *
 * Errors: `LOG_LOCKED` while another process has the log open; a DemoFailure for a directory that somebody else made.
 */
export async function prepareDirectory(directory: string): Promise<void> {
  await nodeFileSystem.makeDirectory(directory)
  const isOurs = nodeFileSystem.statSync(join(directory, MARKER)) !== undefined
  if (!isOurs && (await nodeFileSystem.list(directory)).length > 0) {
    throw new DemoFailure(
      3,
      `${directory} was not made by this demo, which would empty it: move it away, or name another place with npm start -- DIRECTORY`,
    )
  }
  if (!isOurs) writeMarker(join(directory, MARKER)) // before the lock, whose file alone would not say whose it is
  const lock = nodeFileSystem.lock(join(directory, FILE_NAMES.lock))
  try {
    await removeFiles(directory)
  } finally {
    lock.release()
  }
}

/** Refuses a place where a store is: its directories bear names of topics, and its lock is one for all of them. */
export function refuseStore(directory: string): void {
  if (nodeFileSystem.statSync(join(directory, FILE_NAMES.metaProperties)) === undefined) return
  throw new DemoFailure(
    3,
    `${directory} is a store of topics: name another place with npm start -- DIRECTORY`,
  )
}

/** Directories stay, as the file system handed to logs removes none; an empty `quarantine` is as good as no one. */
async function removeFiles(directory: string): Promise<void> {
  for (const { name, kind } of await nodeFileSystem.list(directory)) {
    const path = join(directory, name)
    if (kind === 'directory' && name === FILE_NAMES.quarantine) {
      for (const file of await nodeFileSystem.list(path)) await nodeFileSystem.remove(join(path, file.name))
    } else if (kind !== 'directory' && isRemovable(name)) await nodeFileSystem.remove(path)
  }
}

function isRemovable(name: string): boolean {
  const isLock = name === FILE_NAMES.lock || name === FILE_NAMES.lockOwner // held while this runs
  return !isLock && classifyEntry(name).kind !== 'unknown'
}

function writeMarker(path: string): void {
  const file = nodeFileSystem.openSync(path, 'replace')
  try {
    file.appendSync(Buffer.from(MARKER_TEXT), 0)
  } finally {
    file.close()
  }
}
