/*
 * Who holds a lock, for the message that a second opener gets. Two things can tell:
 *
 *   /proc/locks        the kernel's own list, on Linux: a pid, whoever it is, or nothing on some file systems
 *   lock-owner.json    what a seglog leaves beside its lock: pid, host, since. Kafka leaves nothing, and what an owner
 *                      that was killed left stays there until the next seglog takes the lock
 *
 * So the file is believed only as far as the kernel, or the list of processes, does not say otherwise.
 */
import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import fsExtra from 'fs-extra'
import { SeglogError, systemClock } from '../core/index.ts'
import { openNodeFile } from './node-file.ts'

/** Named beside the lock, for as long as it is held. */
export const OWNER_FILE = 'lock-owner.json'
const OWNER_BYTES_MAX = 4096
const KERNEL_LOCKS = '/proc/locks'

/** What an owner wrote of itself. */
export interface NamedOwner {
  readonly pid: number
  readonly host: string
  readonly since: string
}

/** What there is to go by. */
export interface LockClues {
  readonly named: NamedOwner | undefined
  /** The process that holds the lock, as the kernel says; undefined where it does not. */
  readonly holder: { readonly pid: number; readonly program: string | undefined } | undefined
  /** The process of the name has ended. */
  readonly hasEnded: boolean
}

/** The error of a lock at `path` that somebody has: it says who, as far as that can be told. */
export function lockedError(path: string): SeglogError {
  const directory = dirname(path)
  const named = readOwner(join(directory, OWNER_FILE))
  const hasEnded = named !== undefined && named.host === hostname() && !isRunning(named.pid)
  const { pid, text } = describeOwner({ named, hasEnded, holder: findHolder(path) })
  return new SeglogError(
    'LOG_LOCKED',
    `${directory} is open for writing already, ${text}; open it with readOnly: true, or close it there first`,
    { path, found: pid },
  )
}

/** True when the kernel says that another process holds the file at `path` locked. */
export function isHeldElsewhere(path: string): boolean {
  const holder = findHolder(path)
  return holder !== undefined && holder.pid !== process.pid
}

/** Decides which of the clues to believe; the text goes into a message. */
export function describeOwner({ named, holder, hasEnded }: LockClues): {
  pid: number | undefined
  text: string
} {
  if (holder !== undefined && holder.pid !== named?.pid) {
    const program = holder.program === undefined ? '' : ` (${holder.program})`
    return {
      pid: holder.pid,
      text: `by process ${holder.pid}${program}, which left no name, as a Kafka broker leaves none`,
    }
  }
  if (named === undefined)
    return { pid: undefined, text: 'its owner left no name, as a Kafka broker leaves none' }
  const { pid, host, since } = named
  if (holder === undefined && hasEnded) {
    const text = `its owner left no name, as a Kafka broker leaves none (${OWNER_FILE} is of process ${pid}, which has ended)`
    return { pid: undefined, text }
  }
  return { pid, text: `by process ${pid} on ${host} since ${since}` }
}

/** Leaves this process's name beside the lock; a courtesy: a lock without one, on a full disk say, is still a lock. Gives back what it says. */
export function writeOwner(path: string): string {
  const owner = { pid: process.pid, host: hostname(), since: new Date(systemClock.now()).toISOString() }
  const text = `${JSON.stringify(owner)}\n`
  try {
    removeOwner(path) // never through a link somebody left there
    fsExtra.writeFileSync(join(dirname(path), OWNER_FILE), text, { mode: 0o600, flag: 'wx' })
  } catch {
    removeOwner(path)
  }
  return text
}

/** Removes whatever name there is beside the lock at `path`. */
export function removeOwner(path: string): void {
  try {
    fsExtra.rmSync(join(dirname(path), OWNER_FILE), { force: true })
  } catch {
    // What stays there names a former owner; the next one to take the lock replaces it.
  }
}

/** What the file at `path` says. Errors: the system's. */
export function readOwnerText(path: string): string {
  const file = openNodeFile(path, 'read')
  try {
    const bytes = Buffer.alloc(OWNER_BYTES_MAX)
    return bytes.toString('utf8', 0, file.readSync(bytes, 0))
  } finally {
    file.close()
  }
}

/** Reads what the owner left; undefined for anything odd: the message only says less then. */
function readOwner(path: string): NamedOwner | undefined {
  try {
    const parsed = JSON.parse(readOwnerText(path)) as Record<string, unknown>
    const pid = parsed['pid']
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid)) return undefined
    return { pid, host: printable(parsed['host']), since: printable(parsed['since']) }
  } catch {
    return undefined
  }
}

/** The process that the kernel says holds the file locked; undefined where it does not say, or nobody does any more. */
function findHolder(path: string): LockClues['holder'] {
  try {
    const { dev, ino } = statSync(path)
    const pid = parseHolder(readFileSync(KERNEL_LOCKS, 'latin1'), { dev, ino })
    return pid === undefined ? undefined : { pid, program: programOf(pid) }
  } catch {
    return undefined // not Linux, or not to be looked at
  }
}

/**
 * Finds in the text of `/proc/locks` who holds a file locked for writing; one who only looks locks it for reading.
 *
 * Shape:  `1: POSIX  ADVISORY  WRITE 812 fe:00:9978353 0 EOF`, the device in hexadecimal; `->` marks one who waits.
 */
export function parseHolder(text: string, { dev, ino }: { dev: number; ino: number }): number | undefined {
  const major = ((dev >>> 8) & 0xfff) | (Math.floor(dev / 2 ** 32) & ~0xfff)
  const minor = (dev & 0xff) | (Math.floor(dev / 2 ** 12) & 0xfff00)
  const file = [major, minor].map((number) => number.toString(16).padStart(2, '0')).join(':')
  for (const line of text.split('\n')) {
    const [, kind, , access, pid, place] = line.trim().split(/\s+/)
    if (kind === 'POSIX' && access === 'WRITE' && place === `${file}:${ino}` && Number(pid) > 0)
      return Number(pid)
  }
  return undefined
}

function programOf(pid: number): string | undefined {
  try {
    return printable(readFileSync(`/proc/${pid}/comm`, 'latin1').trim())
  } catch {
    return undefined // it has ended meanwhile
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code !== 'ESRCH'
  }
}

function printable(value: unknown): string {
  return String(value)
    .slice(0, 255)
    .replace(/[^\x21-\x7e]/g, '?')
}
