/*
 * A file system of its own in a file, mounted through a loop device, whose power can be cut.
 *
 * The directory is called `seglog-image-<pid>-…`: what a run that was killed left mounted is found by that name, and
 * by its process being gone. Unmounting a file system gives its loop device back, too.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toolEnvironment } from './requirements.ts'

const PREFIX = 'seglog-image-'
const MIB = 1024 * 1024
const UNMOUNT_POLL_MS = 10
const UNMOUNT_POLLS_MAX = 50

/** What an image holds: a way to make it, and its size. */
export const IMAGE_KINDS = {
  'ext4, 4 KiB blocks': {
    sizeBytes: 64 * MIB,
    make: ['mkfs.ext4', '-q', '-F', '-b', '4096'],
    mountOptions: 'loop',
  },
  'ext4, 1 KiB blocks': {
    sizeBytes: 64 * MIB,
    make: ['mkfs.ext4', '-q', '-F', '-b', '1024'],
    mountOptions: 'loop',
  },
  xfs: { sizeBytes: 300 * MIB, make: ['mkfs.xfs', '-q', '-f'], mountOptions: 'loop,nouuid' },
} as const

export type ImageKind = keyof typeof IMAGE_KINDS

/** The tools that all of it takes. */
export const IMAGE_TOOLS = ['mkfs.ext4', 'mkfs.xfs', 'xfs_io']

/** An image and its mount; `dispose` it whatever happens. */
export class MountedImage {
  readonly mountPoint: string
  readonly #home: string
  readonly #mountOptions: string
  #image: string
  #cutter: ChildProcess | undefined

  constructor(kind: ImageKind) {
    const { sizeBytes, make, mountOptions } = IMAGE_KINDS[kind]
    this.#mountOptions = mountOptions
    this.#home = mkdtempSync(join(realpathSync(tmpdir()), `${PREFIX}${process.pid}-`))
    this.#image = join(this.#home, 'image')
    this.mountPoint = join(this.#home, 'mount')
    mkdirSync(this.mountPoint)
    const file = openSync(this.#image, 'wx')
    ftruncateSync(file, sizeBytes) // sparse
    closeSync(file)
    run(make[0], [...make.slice(1), this.#image])
    this.mount()
  }

  mount(): void {
    run('mount', ['-o', this.#mountOptions, this.#image, this.mountPoint])
  }

  /** Gets ready to cut the power, so that it takes no longer than a system call when the moment has come. */
  arm(): void {
    this.#cutter = spawn('xfs_io', ['-x', this.mountPoint], {
      env: toolEnvironment,
      stdio: ['pipe', 'ignore', 'inherit'],
    })
  }

  /**
   * Stops the file system at once: what it had not yet written it never writes, and every call fails with EIO. Gives
   * back the moment before, in ns of the monotonic clock: what a sync returned before it did so in time. Of one that is
   * under way just then ext4 may say that it succeeded, and it did not; with no power it would have said nothing.
   */
  async cutPower(): Promise<number> {
    const cutter = this.#cutter!
    const exited = once(cutter, 'exit')
    const before = Number(process.hrtime.bigint())
    cutter.stdin!.end('shutdown\nquit\n')
    await exited
    return before
  }

  /**
   * Unmounts what has been stopped, really: afterwards nothing is known of the files but what is in the image. A process
   * that copied the mounts of all others meanwhile, as unshare(1) does, still holds the file system as it is, and mounted
   * again it would be the stopped one: then the image, to which nothing is written any more, goes on as a copy.
   */
  unmount(): void {
    run('umount', [this.mountPoint])
    for (let count = 0; isInUse(this.#image); count++) {
      if (count === UNMOUNT_POLLS_MAX) return this.#goOnAsCopy()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNMOUNT_POLL_MS)
    }
  }

  #goOnAsCopy(): void {
    const copy = `${this.#image}+`
    run('cp', ['--sparse=always', this.#image, copy])
    rmSync(this.#image)
    this.#image = copy
  }

  /** Also with files of it open, as a test that failed leaves them: it goes for good when they are closed. */
  dispose(): void {
    this.#cutter?.kill('SIGKILL')
    cleanUp(this.#home)
  }
}

/** Removes what runs have left that were killed before they could. */
export function sweepImages(): void {
  for (const name of readdirSync(tmpdir())) {
    const match = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)
    if (match !== null && !isAlive(Number(match[1]))) cleanUp(join(realpathSync(tmpdir()), name))
  }
}

function cleanUp(home: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  const left = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${home}/`))
  for (const path of left) run('umount', ['-l', path])
  rmSync(home, { recursive: true, force: true })
}

/** True while a loop device shows the image, which it does as long as it is mounted anywhere. */
function isInUse(image: string): boolean {
  return readdirSync('/sys/block').some((device) => {
    try {
      return readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').trimEnd() === image
    } catch {
      return false // no loop device, or one that shows nothing
    }
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code !== 'ESRCH'
  }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { env: toolEnvironment, stdio: ['ignore', 'ignore', 'pipe'] })
}
