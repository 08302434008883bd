/*
 * Where a database goes that stood in the place of ours and may matter to somebody.
 *
 *   quarantine/index.db.3   index.db.3-wal      the third one, with what SQLite kept beside it
 *
 * Numbers only rise, so the lowest is the oldest; four are kept.
 */
import { basename, dirname, join } from 'node:path'
import type { FileSystem } from '../fs/index.ts'
import { SIBLING_SUFFIXES } from './stale-files.ts'

const COPIES_MAX = 4

interface Copy {
  readonly number: number
  readonly names: string[]
  /** Holds something that is not a file, which nothing here takes apart. */
  readonly isFixed: boolean
}

/** Moves the database at `path`, whatever it is, and what lies beside it; says what was done. Errors: the system's. */
export async function quarantineDatabase(
  fileSystem: FileSystem,
  path: string,
  directory: string,
): Promise<string[]> {
  await fileSystem.makeDirectory(directory)
  const copies = await listCopies(fileSystem, directory, basename(path))
  const name = `${basename(path)}.${(copies.at(-1)?.number ?? 0) + 1}`
  const report = await dropOldest(fileSystem, directory, copies)
  for (const suffix of ['', ...SIBLING_SUFFIXES]) {
    if (fileSystem.statSync(path + suffix) === undefined) continue
    await fileSystem.rename(path + suffix, join(directory, name + suffix))
  }
  await fileSystem.syncDirectory(directory)
  await fileSystem.syncDirectory(dirname(path))
  return [...report, `quarantined: ${name}`]
}

async function listCopies(fileSystem: FileSystem, directory: string, name: string): Promise<Copy[]> {
  const copies = new Map<number, { number: number; names: string[]; isFixed: boolean }>()
  for (const entry of await fileSystem.list(directory)) {
    const number = copyNumber(entry.name, name)
    if (number === undefined) continue
    const copy = copies.get(number) ?? { number, names: [], isFixed: false }
    copies.set(number, copy)
    copy.names.push(entry.name)
    copy.isFixed ||= entry.kind === 'directory'
  }
  return [...copies.values()].sort((a, b) => a.number - b.number)
}

/** The number of the copy that a file belongs to; undefined when it is none of ours. */
function copyNumber(fileName: string, name: string): number | undefined {
  const suffix = SIBLING_SUFFIXES.find((each) => fileName.endsWith(each)) ?? ''
  const digits = fileName.slice(name.length + 1, fileName.length - suffix.length)
  if (!/^[1-9]\d{0,8}$/.test(digits) || fileName !== `${name}.${digits}${suffix}`) return undefined
  return Number(digits)
}

/** Makes room for one more. */
async function dropOldest(fileSystem: FileSystem, directory: string, copies: Copy[]): Promise<string[]> {
  const removable = copies.filter((copy) => !copy.isFixed)
  const report: string[] = []
  for (const copy of removable.slice(0, Math.max(0, copies.length - COPIES_MAX + 1))) {
    for (const name of copy.names) await fileSystem.remove(join(directory, name))
    report.push(`dropped from quarantine: ${copy.names.find((name) => !name.includes('-')) ?? copy.names[0]}`)
  }
  return report
}
