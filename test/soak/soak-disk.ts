import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the log may take: small enough to be full every few seconds. */
const DISK_BYTES = 8 * 1024 * 1024
/** What somebody who looks after the disk could free when even cleaning has no room. */
const RESERVE_BYTES = 256 * 1024
const IN_NAMESPACE = 'SEGLOG_SOAK_IN_NAMESPACE'
/** As root, a namespace of mounts is enough; anyone else has to be root in a namespace of users first. */
const NAMESPACES = [['-m'], ['-Urm']]

/** Where the log of the soak lies. */
export interface SoakDisk {
  readonly logDirectory: string
  readonly spaceBytes: number
  /** It is a file system of its own, that really gets full. */
  readonly isSmall: boolean
  /** Gives back the room that was kept for when there is none. */
  freeReserve(): void
  /** Keeps some room again, if there is enough. */
  keepReserve(): void
  /** Makes the disk so large that it is not full any more. */
  enlarge(): void
  remove(): void
}

/**
 * Starts the program anew where it may mount, so that a mount goes with the last process that sees it, and gives back
 * its exit code; undefined when this is that place already, or there is none.
 */
export async function runWhereMountsArePrivate(): Promise<number | undefined> {
  if (process.env[IN_NAMESPACE] !== undefined) return undefined
  const flags = NAMESPACES.find((each) => spawnSync('unshare', [...each, 'true']).status === 0)
  if (flags === undefined) return undefined
  const child = spawn('unshare', [...flags, process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [IN_NAMESPACE]: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** A small disk where one can be mounted, else a directory. */
export function openSoakDisk(): SoakDisk {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-soak-'))
  const options = `size=${DISK_BYTES},mode=0700`
  const isSmall = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'seglog-soak', root]).status === 0
  const logDirectory = join(root, 'log')
  mkdirSync(logDirectory)
  const reserve = join(root, 'reserve')
  const freeReserve = (): void => rmSync(reserve, { force: true })
  return {
    logDirectory,
    spaceBytes: DISK_BYTES,
    isSmall,
    freeReserve,
    keepReserve() {
      try {
        writeFileSync(reserve, Buffer.alloc(RESERVE_BYTES, 1))
      } catch {
        freeReserve() // the log has more use for it
      }
    },
    enlarge() {
      if (isSmall) spawnSync('mount', ['-o', `remount,size=${2 * DISK_BYTES}`, root])
    },
    remove() {
      if (isSmall) spawnSync('umount', ['-l', root])
      else rmSync(root, { recursive: true, force: true })
      if (isSmall) rmdirSync(root)
    },
  }
}
