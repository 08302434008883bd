import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isSeglogError, SeglogError } from '../../../src/core/index.ts'
import { type DirectoryLock, nodeFileSystem } from '../../../src/fs/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const holder = new URL('../../helpers/lock-holder.ts', import.meta.url)

/** Another process at `verb`; resolves with it and with the first thing it reported. */
async function child(verb: string, path: string): Promise<{ process: ChildProcess; said: unknown }> {
  const started = spawn(process.execPath, ['--expose-gc', fileURLToPath(holder), verb, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void started.kill('SIGKILL'))
  const [line] = (await once(createInterface(started.stdout), 'line')) as [string]
  return { process: started, said: JSON.parse(line) }
}

async function worker(verb: string, path: string): Promise<{ worker: Worker; said: unknown }> {
  const started = new Worker(holder, { workerData: [verb, path] })
  onTestFinished(async () => void (await started.terminate()))
  const [said] = (await once(started, 'message')) as [unknown]
  return { worker: started, said }
}

async function kill(process: ChildProcess): Promise<void> {
  const exited = once(process, 'exit')
  process.kill('SIGKILL')
  await exited
}

function lockPath(): string {
  return join(temporaryDirectory(), '.lock')
}

/** Another file of the same name, which can't get the inode of the one that is still open. */
function replaceFile(path: string): void {
  rmSync(path)
  writeFileSync(path, '')
}

function take(path: string): DirectoryLock {
  const lock = nodeFileSystem.lock(path)
  onTestFinished(() => lock.release())
  return lock
}

/** Who holds the locks of this process, where the system can be asked. */
const seenByKernel = process.platform === 'linux' ? process.pid : undefined

function refusal(path: string): SeglogError {
  try {
    nodeFileSystem.lock(path).release()
  } catch (error) {
    if (isSeglogError(error)) return error
    throw error
  }
  return expect.fail('the lock was free')
}

describe('a lock', () => {
  it('is a file of 0 bytes that only its owner reads, whatever the umask, and stays when released', () => {
    const path = lockPath()
    const umask = process.umask(0)
    onTestFinished(() => void process.umask(umask))
    take(path).release()
    expect(lstatSync(path)).toMatchObject({ size: 0, mode: 0o100600 })
  })

  it('names its owner in a file beside it, for as long as it is held', () => {
    const path = lockPath()
    const lock = take(path)
    const ownerPath = join(path, '..', 'lock-owner.json')
    expect(JSON.parse(readFileSync(ownerPath, 'utf8'))).toMatchObject({ pid: process.pid })
    expect(statSync(ownerPath).mode & 0o777).toBe(0o600)
    lock.release()
    expect(nodeFileSystem.statSync(ownerPath)).toBeUndefined()
  })

  it('is refused to a second handle of this process', () => {
    const path = lockPath()
    take(path)
    expect(refusal(path)).toMatchObject({ code: 'LOG_LOCKED', found: process.pid, retriable: true, path })
    expect(refusal(path).message).toContain(`by process ${process.pid} on `)
  })

  it('is refused under any other name of its directory', () => {
    const path = lockPath()
    const link = join(temporaryDirectory(), 'link')
    symlinkSync(join(path, '..'), link)
    take(path)
    expect(refusal(join(link, '.lock')).code).toBe('LOG_LOCKED')
  })

  it('is refused to another thread of this process, and survives the attempt', async () => {
    const path = lockPath()
    take(path)
    expect((await worker('take', path)).said).toMatchObject({ code: 'LOG_LOCKED', found: process.pid })
    expect((await child('take', path)).said).toMatchObject({ code: 'LOG_LOCKED' })
  })

  it('of another thread is refused to this one, and is free when that thread is terminated', async () => {
    const path = lockPath()
    const other = await worker('take', path)
    expect(other.said).toBe('taken')
    expect(refusal(path)).toMatchObject({ code: 'LOG_LOCKED', found: process.pid })
    expect(nodeFileSystem.isLocked(path)).toBe(true)
    await other.worker.terminate()
    take(path)
  })

  it('is refused to another process, at once and with the pid of its owner', async () => {
    const path = lockPath()
    take(path)
    expect((await child('take', path)).said).toMatchObject({ code: 'LOG_LOCKED', found: process.pid })
  })

  it('of another process is refused here at once, and is free as soon as that one is killed', async () => {
    const path = lockPath()
    const other = await child('take', path)
    expect(other.said).toBe('taken')
    const startMs = performance.now()
    expect(refusal(path)).toMatchObject({ code: 'LOG_LOCKED', found: other.process.pid })
    expect(performance.now() - startMs).toBeLessThan(2000) // 25 ms on a machine with nothing else to do
    await kill(other.process)
    take(path)
    expect(refusal(path).found).toBe(process.pid) // not what the dead owner left
  })

  it('stays with a process that is stopped', async () => {
    const path = lockPath()
    const other = await child('take', path)
    other.process.kill('SIGSTOP')
    expect(refusal(path)).toMatchObject({ code: 'LOG_LOCKED', found: other.process.pid })
  })

  it('is not released by the garbage collector', async () => {
    const path = lockPath()
    const other = await child('forget', path)
    expect(other.said).toBe('taken')
    expect(refusal(path).code).toBe('LOG_LOCKED')
  })

  it('can be taken again after release, and releasing twice does not release the next one', () => {
    const path = lockPath()
    const first = take(path)
    first.release()
    take(path)
    first.release()
    expect(refusal(path).code).toBe('LOG_LOCKED')
  })

  it('goes with its directory when that is renamed', () => {
    const path = lockPath()
    mkdirSync(join(path, '..', 'a'))
    take(join(path, '..', 'a', '.lock'))
    renameSync(join(path, '..', 'a'), join(path, '..', 'b'))
    expect(refusal(join(path, '..', 'b', '.lock')).code).toBe('LOG_LOCKED')
  })

  it('fails with the error of the system where there is no directory', () => {
    expect(() => nodeFileSystem.lock('/nonexistent/directory/.lock')).toThrow('ENOENT')
  })

  it('fails where there can be no file, saying so', () => {
    expect(refusal('/proc/self/.lock')).toMatchObject({ code: 'IO_FAILED', path: '/proc/self/.lock' })
  })

  it.runIf(process.getuid?.() !== 0)('fails where nothing may be written', () => {
    const path = lockPath()
    chmodSync(join(path, '..'), 0o500)
    expect(() => nodeFileSystem.lock(path)).toThrow()
  })
})

describe('a lock that is held', () => {
  it('is ours until it is released', () => {
    const path = lockPath()
    const lock = take(path)
    expect(lock.isOurs()).toBe(true)
    lock.release()
    expect(lock.isOurs()).toBe(false)
    const next = take(path)
    expect([lock.isOurs(), next.isOurs()]).toEqual([false, true])
  })

  it.each<[string, (path: string) => void]>([
    ['its file is removed', (path) => rmSync(path)],
    ['its file is replaced', replaceFile],
    ['its directory is renamed', (path) => renameSync(dirname(path), `${dirname(path)}.away`)],
    [
      'another owner writes its name',
      (path) => writeFileSync(join(dirname(path), 'lock-owner.json'), '{"pid":1}'),
    ],
  ])('is not ours any more once %s', (_, change) => {
    const path = lockPath()
    const lock = take(path)
    change(path)
    expect(lock.isOurs()).toBe(false)
  })

  it('is ours without the file that names its owner', () => {
    const path = lockPath()
    const lock = take(path)
    rmSync(join(dirname(path), 'lock-owner.json'))
    expect(lock.isOurs()).toBe(true)
  })
})

describe('a lock file', () => {
  it('that is not empty, a link, a directory or a FIFO is refused, and left as it is', () => {
    const directory = temporaryDirectory()
    const victim = join(directory, 'victim')
    writeFileSync(victim, '')
    chmodSync(victim, 0o644)
    const make: Record<string, (path: string) => void> = {
      full: (path) => writeFileSync(path, 'not empty'),
      link: (path) => symlinkSync(victim, path),
      folder: (path) => mkdirSync(path),
      fifo: (path) => void execFileSync('mkfifo', [path]),
    }
    for (const [name, makeIt] of Object.entries(make)) {
      mkdirSync(join(directory, name))
      const path = join(directory, name, '.lock')
      makeIt(path)
      const before = lstatSync(path)
      expect(refusal(path)).toMatchObject({ code: 'LOG_CORRUPT', path })
      expect(nodeFileSystem.isLocked(path)).toBe(false)
      expect(lstatSync(path)).toMatchObject({ size: before.size, mode: before.mode })
    }
    expect(statSync(victim).mode & 0o777).toBe(0o644)
  })
})

describe('the file that names the owner', () => {
  it('is never written through a link', () => {
    const path = lockPath()
    const victim = join(temporaryDirectory(), 'victim')
    writeFileSync(victim, 'precious')
    symlinkSync(victim, join(path, '..', 'lock-owner.json'))
    take(path)
    expect(readFileSync(victim, 'utf8')).toBe('precious')
  })

  it('is a courtesy: where it can not be made, the lock holds without it', () => {
    const path = lockPath()
    const ownerPath = join(path, '..', 'lock-owner.json')
    mkdirSync(join(ownerPath, 'in-the-way'), { recursive: true })
    const lock = take(path)
    expect(refusal(path)).toMatchObject({ code: 'LOG_LOCKED', found: seenByKernel })
    expect(refusal(path).message).toContain('left no name')
    lock.release()
    take(path)
  })

  it('can say nothing that breaks the message or the process', () => {
    const path = lockPath()
    const ownerPath = join(path, '..', 'lock-owner.json')
    take(path)
    const replace = (contents: string) => {
      rmSync(ownerPath, { force: true })
      writeFileSync(ownerPath, contents)
    }
    for (const odd of [
      '',
      'null',
      '[]',
      '{',
      '{"pid":"7"}',
      '{"pid":1.5}',
      '{"host":"a"}',
      '['.repeat(5000),
    ]) {
      replace(odd)
      expect(refusal(path)).toMatchObject({ code: 'LOG_LOCKED', found: seenByKernel })
    }
    replace(`{"pid":${process.pid},"host":"a\\u001b[31m\\u202e","since":{"a":1}}`)
    expect(refusal(path).message).toMatch(/by process \d+ on a\?\[31m\? since \[object\?Object\];/)
    replace('')
    truncateSync(ownerPath, 2 ** 40) // sparse: reading it all would not end
    expect(refusal(path).found).toBe(seenByKernel)
    rmSync(ownerPath)
    execFileSync('mkfifo', [ownerPath])
    expect(refusal(path).found).toBe(seenByKernel)
  })
})

describe('isLocked', () => {
  it('is false where there is no lock file, and makes none', () => {
    const path = lockPath()
    expect(nodeFileSystem.isLocked(path)).toBe(false)
    expect(nodeFileSystem.statSync(path)).toBeUndefined()
  })

  it('is true where it may not be looked at', () => {
    const path = lockPath()
    take(path).release()
    chmodSync(join(path, '..'), 0o755)
    chmodSync(path, 0)
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid?.(65_534) // root may look at everything
    try {
      expect(nodeFileSystem.isLocked(path)).toBe(true)
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
    chmodSync(path, 0o600)
    expect(nodeFileSystem.isLocked(path)).toBe(false)
  })

  it('is true while the lock is held, here or elsewhere, and false after', async () => {
    const path = lockPath()
    const lock = take(path)
    expect(nodeFileSystem.isLocked(path)).toBe(true)
    expect((await child('look', path)).said).toBe(true)
    lock.release()
    expect(nodeFileSystem.isLocked(path)).toBe(false)
    expect((await child('look', path)).said).toBe(false)
    const other = await child('take', path)
    expect(nodeFileSystem.isLocked(path)).toBe(true)
    await kill(other.process)
    expect(nodeFileSystem.isLocked(path)).toBe(false)
  })

  it('takes nothing from who holds the lock, whoever looks', async () => {
    const path = lockPath()
    take(path)
    for (let time = 0; time < 3; time++) expect(nodeFileSystem.isLocked(path)).toBe(true)
    expect((await worker('look', path)).said).toBe(true)
    expect((await child('look', path)).said).toBe(true)
    expect((await child('take', path)).said).toMatchObject({ code: 'LOG_LOCKED' })
  })

  it('makes nobody who wants the lock fail', async () => {
    const path = lockPath()
    take(path).release()
    const other = await child('stare', path)
    expect(other.said).toBe('staring')
    for (let time = 0; time < 50; time++) nodeFileSystem.lock(path).release()
  })
})
