import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { standingOf } from './git.ts'

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
  /** Of Node's parts and of the packages that took part, by name. */
  readonly versions: Readonly<Record<string, string>>
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

/** What the engine runs on. */
const ENGINE_PACKAGES = ['better-sqlite3', '@node-rs/crc32', 'crc-32', 'tinybench']

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const RIVALS = fileURLToPath(new URL('rivals', import.meta.url))

/** Describes the machine, the disk that `directory` is on, and the packages; `versions` adds what is no package. */
export function describeMachine(
  directory: string,
  { versions = {} }: { versions?: Readonly<Record<string, string>> } = {},
): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(directory),
    commit: commitOf(ROOT),
    versions: {
      sqlite: process.versions['sqlite'] ?? 'none',
      ...packageVersions(ROOT, ENGINE_PACKAGES),
      ...packageVersions(RIVALS, dependenciesOf(RIVALS)),
      ...versions,
    },
  }
}

/** The versions of those of `names` that are installed in `directory`. */
export function packageVersions(directory: string, names: readonly string[]): Record<string, string> {
  const pairs = names.flatMap((name) => {
    const { version } = readManifest(join(directory, 'node_modules', name))
    return typeof version === 'string' ? [[name, version] as const] : []
  })
  return Object.fromEntries(pairs)
}

/** The names of the packages that the package in `directory` wants; none where there is no package. */
export function dependenciesOf(directory: string): string[] {
  return Object.keys(readManifest(directory).dependencies ?? {}).sort()
}

function readManifest(directory: string): { version?: unknown; dependencies?: object } {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version?: unknown }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return {}
    throw error
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
  const standing = standingOf(directory)
  return standing && `${standing.commit}${standing.isChanged ? ' with changes' : ''}`
}
