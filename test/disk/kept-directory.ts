import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { seed } from '../helpers/seed.ts'

const MEMORY_BYTES_MIN = 512 * 1024 * 1024

/** In memory, where there is room: a write there is done page by page, and a kill finds it at one of many places. */
export function memoryDirectory(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > MEMORY_BYTES_MIN ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** A new empty directory that goes away when the running test ends well, and stays, with its place told, when it fails. */
export function keptDirectory(parent = tmpdir()): string {
  const directory = mkdtempSync(join(realpathSync(parent), 'seglog-'))
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail') console.error(`kept: ${directory}\n${howToReplay(task.file.name)}`)
    else rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** Keeps a copy of a directory that is about to go, and tells where; for what lies on a file system of its own. */
export function keepCopy(directory: string, file: string): void {
  if (!existsSync(directory)) return
  const copy = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-'))
  cpSync(directory, join(copy, basename(directory)), { recursive: true, preserveTimestamps: true })
  console.error(`kept: ${copy}\n${howToReplay(file)}`)
}

/** The seed gives the same records, levels and delays again; the moment inside a call stays the machine's choice. */
function howToReplay(file: string): string {
  return `replay: SEED=${seed} npx vitest run --config vitest.disk.config.ts ${file}`
}
