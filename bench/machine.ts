import { execFileSync } from 'node:child_process'
import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Where figures come from: without it they mean nothing. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGB: number
  readonly system: string
  readonly node: string
  readonly fileSystem: string
  /** Of this repository; undefined outside one. */
  readonly commit: string | undefined
}

/** The numbers by which Linux names file systems (statfs(2)). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
  0x794c7630: 'overlayfs',
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0x6969: 'nfs',
}

/** Describes the machine, and the disk that `directory` is on. */
export function describeMachine(directory: string): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(directory),
    commit: commitOf(fileURLToPath(new URL('.', import.meta.url))),
  }
}

/** True when what is written there never reaches a disk. */
export function isInMemory({ fileSystem }: Machine): boolean {
  return /^(?:tmpfs|ramfs)\b/.test(fileSystem)
}

/** The type of the file system and what it is mounted from, as far as the system says. */
function fileSystemOf(directory: string): string {
  const { type: magic } = statfsSync(directory)
  const name = FILE_SYSTEMS[magic] ?? `type 0x${magic.toString(16)}`
  const mount = mountOf(directory)
  return mount === undefined ? name : `${mount.type} on ${mount.device}`
}

function mountOf(directory: string): { type: string; device: string } | undefined {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(
        ([, point]) => point !== undefined && `${directory}/`.startsWith(point === '/' ? '/' : `${point}/`),
      )
    const [device, , fileSystem] = mounts.reduce((longest, mount) =>
      mount[1]!.length >= longest[1]!.length ? mount : longest,
    )
    return device === undefined || fileSystem === undefined ? undefined : { type: fileSystem, device }
  } catch {
    return undefined // not Linux, or nothing found: the number has to do
  }
}

function commitOf(directory: string): string | undefined {
  const git = (...words: string[]): string =>
    execFileSync('git', words, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const isChanged = git('--no-optional-locks', 'status', '--porcelain', '--', '../src', '.') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`
  } catch {
    return undefined // an unpacked archive has no history
  }
}
