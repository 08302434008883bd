import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type FileHandle, nodeFileSystem, type OpenMode } from '../../../src/fs/index.ts'
import { seed } from '../../helpers/seed.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const modes: OpenMode[] = ['read', 'append', 'create', 'replace', 'overwrite', 'fill', 'create-fill']
const wrongPositions = [
  Number.NaN,
  -1,
  1.5,
  2 ** 53,
  Number.POSITIVE_INFINITY,
  4n,
  '4',
  null,
  undefined,
] as number[]
const helper = fileURLToPath(new URL('../../helpers/lock-holder.ts', import.meta.url))

function filePath(contents?: string): string {
  const path = join(temporaryDirectory(), 'file')
  if (contents !== undefined) writeFileSync(path, contents)
  return path
}

function open(path: string, mode: OpenMode): FileHandle {
  const file = nodeFileSystem.openSync(path, mode)
  onTestFinished(() => file.close())
  return file
}

/** How many descriptors of this process lead to `path`; only on Linux. */
function descriptorCount(path: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    const link = `/proc/self/fd/${descriptor}`
    return existsSync(link) && readlinkSync(link) === path
  }).length
}

function codeOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return (error as { code?: unknown }).code ?? (error as Error).message
  }
  return 'no error'
}

describe('opening a file', () => {
  it('finds, makes or empties it as the mode says', () => {
    const missing = () => filePath()
    expect(codeOf(() => open(missing(), 'read'))).toBe('ENOENT')
    expect(codeOf(() => open(missing(), 'append'))).toBe('ENOENT')
    expect(codeOf(() => open(missing(), 'fill'))).toBe('ENOENT')
    expect(codeOf(() => open(filePath('old'), 'create-fill'))).toBe('EEXIST')
    expect(open(filePath('old'), 'fill').sizeSync()).toBe(3)
    for (const mode of ['create', 'replace', 'overwrite', 'create-fill'] as const)
      expect(open(missing(), mode).sizeSync()).toBe(0)
    expect(codeOf(() => open(filePath('old'), 'create'))).toBe('EEXIST')
    expect(open(filePath('old'), 'append').sizeSync()).toBe(3)
    expect(open(filePath('old'), 'overwrite').sizeSync()).toBe(3)
    expect(open(filePath('old'), 'replace').sizeSync()).toBe(0)
  })

  it('makes files that only their owner may read and write, whatever the umask', () => {
    for (const umask of [0, 0o077]) {
      const before = process.umask(umask)
      onTestFinished(() => void process.umask(before))
      for (const mode of ['create', 'replace', 'overwrite', 'create-fill'] as const) {
        const path = filePath()
        open(path, mode)
        expect(statSync(path).mode & 0o777).toBe(0o600)
      }
    }
  })

  it('refuses a symbolic link in every mode, and touches nothing behind it', () => {
    const target = filePath('precious')
    const link = join(temporaryDirectory(), 'link')
    symlinkSync(target, link)
    const dangling = join(temporaryDirectory(), 'dangling')
    symlinkSync(join(dangling, '..', 'nowhere'), dangling)
    for (const mode of modes) {
      const code = mode === 'create' || mode === 'create-fill' ? 'EEXIST' : 'ELOOP'
      expect(codeOf(() => open(link, mode))).toMatch(code)
      expect(codeOf(() => open(dangling, mode))).toMatch(code)
    }
    expect(readFileSync(target, 'utf8')).toBe('precious')
    expect(existsSync(join(dangling, '..', 'nowhere'))).toBe(false)
  })

  it('refuses a FIFO without waiting for its other end', () => {
    const path = filePath()
    execFileSync('mkfifo', [path])
    for (const mode of ['read', 'append', 'replace', 'overwrite', 'fill'] as const) {
      expect(codeOf(() => open(path, mode))).toBe('EINVAL')
    }
  })

  it('refuses a directory, a device and a socket', async () => {
    const directory = temporaryDirectory()
    expect(codeOf(() => open(directory, 'read'))).toBe('EINVAL')
    expect(codeOf(() => open(directory, 'append'))).toBe('EISDIR')
    expect(codeOf(() => open('/dev/zero', 'read'))).toBe('EINVAL')
    expect(codeOf(() => open('/dev/null', 'overwrite'))).toBe('EINVAL')
    const server = createServer().listen(join(directory, 'socket'))
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    expect(codeOf(() => open(join(directory, 'socket'), 'read'))).toMatch(/ENXIO|EOPNOTSUPP/)
  })

  it.runIf(process.platform === 'linux')('keeps no descriptor of what it refused', () => {
    const path = filePath()
    execFileSync('mkfifo', [path])
    expect(codeOf(() => open(path, 'read'))).toBe('EINVAL')
    expect(descriptorCount(path)).toBe(0)
  })

  it.runIf(process.platform === 'linux')('sets O_APPEND wherever history could be overwritten', () => {
    const path = filePath('')
    const flagsOf = (mode: OpenMode) => {
      const file = nodeFileSystem.openSync(path, mode)
      const descriptor = readdirSync('/proc/self/fd').find(
        (entry) => existsSync(`/proc/self/fd/${entry}`) && readlinkSync(`/proc/self/fd/${entry}`) === path,
      )
      const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')
      file.close()
      return Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '', 8)
    }
    for (const mode of ['append', 'replace'] as const) expect(flagsOf(mode) & 0o2000).toBe(0o2000)
    expect(flagsOf('overwrite') & 0o2000).toBe(0)
  })
})

describe('a position that is no whole number from 0 up', () => {
  it.each(wrongPositions)(
    'is an assertion error when it is %s, and nothing is written or cut',
    async (position) => {
      const path = filePath('history')
      const file = open(path, 'append')
      const inPlace = open(path, 'overwrite')
      const filled = open(path, 'fill')
      const into = Buffer.alloc(4)
      expect(() => file.appendSync(Buffer.from('new'), position)).toThrow('seglog bug')
      expect(() => inPlace.overwriteSync(Buffer.from('new'), position)).toThrow('seglog bug')
      expect(() => filled.appendSync(Buffer.from('new'), position)).toThrow('seglog bug')
      await expect(filled.extend(position)).rejects.toThrow('seglog bug')
      expect(() => file.truncateSync(position)).toThrow('seglog bug')
      expect(() => file.readSync(into, position)).toThrow('seglog bug')
      await expect(file.read(into, position)).rejects.toThrow('seglog bug')
      expect(readFileSync(path, 'utf8')).toBe('history')
    },
  )
})

describe('reading', () => {
  it('fills the buffer, and falls short only at the end of the file', async () => {
    const file = open(filePath('0123456789'), 'read')
    for (const [position, length, expected] of [
      [0, 10, '0123456789'],
      [3, 4, '3456'],
      [8, 4, '89'],
      [10, 4, ''],
      [1_000_000, 4, ''],
      [Number.MAX_SAFE_INTEGER, 0, ''],
      [0, 0, ''],
    ] as const) {
      const into = Buffer.alloc(length, '.')
      expect(file.readSync(into, position)).toBe(expected.length)
      expect(into.toString()).toBe(expected.padEnd(length, '.'))
      into.fill('.')
      expect(await file.read(into, position)).toBe(expected.length)
      expect(into.toString()).toBe(expected.padEnd(length, '.'))
    }
  })
})

describe('appending', () => {
  it('fails with the error of the system on a file opened to read', () => {
    const path = filePath('history')
    expect(codeOf(() => open(path, 'read').appendSync(Buffer.from('x'), 7))).toBe('EBADF')
    expect(readFileSync(path, 'utf8')).toBe('history')
  })

  it('puts each piece behind the last', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (pieces) => {
        const path = filePath()
        const file = open(path, 'create')
        let position = 0
        for (const piece of pieces) {
          file.appendSync(piece, position)
          position += piece.length
        }
        expect(file.sizeSync()).toBe(position)
        expect(readFileSync(path)).toEqual(Buffer.concat(pieces))
        file.close()
      }),
      { seed, numRuns: 30 },
    )
  })

  it.each([
    ['longer', (path: string) => appendFileSync(path, 'x')],
    ['shorter', (path: string) => truncateSync(path, 3)],
  ])('notices that someone else made the file %s, and writes nothing', (_, change) => {
    const path = filePath('history')
    const file = open(path, 'append')
    change(path)
    const before = readFileSync(path, 'utf8')
    expect(codeOf(() => file.appendSync(Buffer.from('new'), 7))).toBe('ESTALE')
    expect(readFileSync(path, 'utf8')).toBe(before)
    file.appendSync(Buffer.from('new'), before.length)
    expect(readFileSync(path, 'utf8')).toBe(`${before}new`)
  })

  it('is not for a file opened to overwrite, nor the other way round', () => {
    const path = filePath('history')
    expect(() => open(path, 'overwrite').appendSync(Buffer.from('x'), 7)).toThrow('seglog bug')
    for (const mode of ['read', 'append'] as const) {
      expect(() => open(path, mode).overwriteSync(Buffer.from('x'), 0)).toThrow('seglog bug') // it would land at the end
    }
    expect(readFileSync(path, 'utf8')).toBe('history')
  })

  it.runIf(process.platform === 'linux')(
    'takes a short write for what it is: the rest follows or fails',
    () => {
      const path = filePath()
      const command = `ulimit -f 2 && exec "${process.execPath}" "${helper}" fill "${path}"` // 2 blocks of 512 bytes
      const said = JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' })) as {
        sizeBytes: number
      }
      expect(said).toMatchObject({ code: 'EFBIG', cutTo: 0 })
      expect(said.sizeBytes).toBeGreaterThan(0) // so the first write was short, not refused
      expect(said.sizeBytes).toBeLessThan(4096)
    },
  )
})

describe('overwriting', () => {
  it('writes in place and past the end', () => {
    const path = filePath('0123456789')
    const file = open(path, 'overwrite')
    file.overwriteSync(Buffer.from('abc'), 2)
    file.overwriteSync(Buffer.from('xyz'), 9)
    expect(readFileSync(path, 'utf8')).toBe('01abc5678xyz')
  })
})

describe('truncating', () => {
  it('cuts the file, also to what it is, and never grows it', () => {
    const path = filePath('0123456789')
    const file = open(path, 'append')
    file.truncateSync(10)
    file.truncateSync(4)
    expect(readFileSync(path, 'utf8')).toBe('0123')
    expect(() => file.truncateSync(5)).toThrow('would grow')
    expect(readFileSync(path, 'utf8')).toBe('0123')
    file.appendSync(Buffer.from('new'), 4)
    expect(readFileSync(path, 'utf8')).toBe('0123new')
    file.truncateSync(0)
    expect(file.sizeSync()).toBe(0)
  })

  it('fails on a file opened to read', () => {
    expect(codeOf(() => open(filePath('0123'), 'read').truncateSync(1))).toMatch(/EINVAL|EBADF/)
  })
})

describe('closing', () => {
  it('waits for reads and syncs under way, and they end well', async () => {
    const path = filePath('x'.repeat(100_000))
    const file = open(path, 'append')
    const into = [Buffer.alloc(100_000), Buffer.alloc(200_000)] as const // the second reads on until the end of the file
    const calls = [file.read(into[0], 0), file.read(into[1], 0), file.syncData()]
    file.close()
    expect(await Promise.all(calls)).toEqual([100_000, 100_000, undefined])
    expect(into[0].every((byte) => byte === 0x78)).toBe(true)
  })

  it.runIf(process.platform === 'linux')('gives the descriptor back once, after the last call', async () => {
    const path = filePath('x'.repeat(1000))
    const file = open(path, 'append')
    expect(descriptorCount(path)).toBe(1)
    const call = file.read(Buffer.alloc(2000), 0)
    file.close()
    file.close()
    expect(descriptorCount(path)).toBe(1)
    await call
    expect(descriptorCount(path)).toBe(0)
    const next = open(path, 'read') // gets the number that was given back
    file.close()
    expect(next.readSync(Buffer.alloc(4), 0)).toBe(4)
  })

  it('ends every other call', async () => {
    const path = filePath('history')
    const file = open(path, 'append')
    const inPlace = open(path, 'overwrite')
    file.close()
    file.close()
    inPlace.close()
    const into = Buffer.alloc(1)
    expect(() => file.readSync(into, 0)).toThrow('is closed')
    expect(() => file.appendSync(into, 7)).toThrow('is closed')
    expect(() => inPlace.overwriteSync(into, 0)).toThrow('is closed')
    expect(() => file.truncateSync(0)).toThrow('is closed')
    expect(() => file.sizeSync()).toThrow('is closed')
    await expect(file.read(into, 0)).rejects.toThrow('is closed')
    await expect(file.syncData()).rejects.toThrow('is closed')
    expect(readFileSync(path, 'utf8')).toBe('history')
  })
})

describe('a file with a second name or without rights', () => {
  it('opens through a hard link: the caller looks at the count of names if it cares', () => {
    const path = filePath('0123')
    linkSync(path, `${path}-2`)
    expect(open(`${path}-2`, 'read').sizeSync()).toBe(4)
  })

  it.runIf(process.getuid?.() !== 0)('is refused by the system without rights', () => {
    const path = filePath('0123')
    chmodSync(path, 0)
    expect(codeOf(() => open(path, 'read'))).toBe('EACCES')
    mkdirSync(`${path}-directory`, { mode: 0o500 })
    expect(codeOf(() => open(join(`${path}-directory`, 'file'), 'create'))).toBe('EACCES')
  })
})
