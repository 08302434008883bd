import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/index.ts'
import { BALLAST_BYTES, openBallast } from '../../../src/log/ballast.ts'
import { FaultFileSystem, ManualClock } from '../../../src/testing/index.ts'
import { MemoryFileSystem } from '../../helpers/memory-file-system.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function setUp(found?: string | Buffer) {
  const path = join(temporaryDirectory(), 'ballast')
  if (found !== undefined) writeFileSync(path, found)
  const fileSystem = new FaultFileSystem()
  const clock = new ManualClock({ settleTurns: 5 })
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
  const reopen = () => openBallast({ fileSystem, path, clock, logger })
  const size = () => (existsSync(path) ? statSync(path).size : undefined)
  return { path, fileSystem, clock, warnings, size, reopen, ballast: reopen() }
}

/** A whole one. */
async function made() {
  const set = setUp()
  set.ballast.makeSoon()
  await set.clock.advance(0)
  set.fileSystem.calls.length = 0
  return set
}

describe('the ballast', () => {
  it('is made in the background, once, when it is asked for', async () => {
    const { ballast, clock, size, fileSystem } = setUp()
    await clock.advance(1000)
    expect(size()).toBeUndefined()
    ballast.makeSoon()
    ballast.makeSoon()
    expect(size()).toBeUndefined()
    await clock.advance(0)
    expect([size(), ballast.isSpent, fileSystem.count('open')]).toEqual([BALLAST_BYTES, false, 1])
    ballast.makeSoon()
    await clock.advance(1000)
    expect(fileSystem.count('open')).toBe(1)
  })

  it('is written to the last byte, with bytes that do not compress', async () => {
    const { path, fileSystem } = await made()
    const bytes = readFileSync(path)
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(BALLAST_BYTES)
    expect(gzipSync(bytes).length).toBeGreaterThan(BALLAST_BYTES * 0.99)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(fileSystem.count('syncData')).toBe(0)
  })

  it('that is there whole is kept as it is', async () => {
    const { ballast, clock, path } = setUp(Buffer.alloc(BALLAST_BYTES, 'a'))
    ballast.makeSoon()
    await clock.advance(0)
    expect(readFileSync(path).every((byte) => byte === 97)).toBe(true)
  })

  it.each([1, BALLAST_BYTES - 1, BALLAST_BYTES + 1])('of %d bytes is made anew', async (sizeBytes) => {
    const { ballast, clock, size } = setUp(Buffer.alloc(sizeBytes))
    expect(ballast.isSpent).toBe(false)
    ballast.makeSoon()
    await clock.advance(0)
    expect(size()).toBe(BALLAST_BYTES)
  })

  it('that can not be made is done without, and leaves nothing', async () => {
    for (const fault of ['open', 'write'] as const) {
      const { ballast, clock, size, warnings, fileSystem } = setUp()
      fileSystem.fail(fault, { code: 'ENOSPC', skip: fault === 'write' ? 2 : 0, shortBytes: 100 })
      ballast.makeSoon()
      await clock.advance(0)
      await ballast.close()
      expect([size(), ballast.isSpent, warnings.length]).toEqual([undefined, false, 1])
      expect(() => ballast.regain()).not.toThrow()
      expect(size()).toBeUndefined()
    }
  })

  it('is not made after a stop, and is after the next call; never after closing', async () => {
    const { ballast, clock, size } = setUp()
    ballast.makeSoon()
    ballast.stop()
    await clock.advance(0)
    expect([size(), clock.timers]).toEqual([undefined, []])
    ballast.makeSoon()
    await ballast.close()
    ballast.makeSoon()
    await clock.advance(0)
    expect(size()).toBeUndefined()
  })

  it('is not made on a file system that has no disk', async () => {
    const clock = new ManualClock()
    const fileSystem = new MemoryFileSystem()
    openBallast({ fileSystem, path: '/ballast', clock, logger: silentLogger }).makeSoon()
    expect([clock.timers, fileSystem.paths]).toEqual([[], []])
  })

  it.each([
    ['a directory', mkdirSync],
    ['a link', (path: string) => symlinkSync('/dev/null', path)],
  ])('is never %s: that is left alone', async (_, make) => {
    const { path, reopen, clock, warnings } = setUp()
    make(path)
    const ballast = reopen()
    ballast.makeSoon()
    await clock.advance(0)
    await ballast.close()
    expect([warnings.length, ballast.spend(), ballast.isSpent, statSync(path).isFile()]).toEqual([
      1,
      false,
      false,
      false,
    ])
  })
})

describe('spending the ballast', () => {
  it('empties it, once, until it is back', async () => {
    const { ballast, size, reopen } = await made()
    expect([ballast.spend(), size(), ballast.isSpent]).toEqual([true, 0, true])
    expect([ballast.spend(), ballast.isSpent]).toEqual([false, true])
    expect(reopen().isSpent).toBe(true) // the next process knows
    ballast.regain()
    expect([size(), ballast.isSpent, reopen().isSpent]).toEqual([BALLAST_BYTES, false, false])
    expect(ballast.spend()).toBe(true)
  })

  it('is nothing where there is none, or where it can not be cut', async () => {
    const none = setUp()
    expect([none.ballast.spend(), none.ballast.isSpent]).toEqual([false, false])
    const { ballast, fileSystem, size, warnings } = await made()
    fileSystem.fail('truncate', { code: 'EIO' })
    expect([ballast.spend(), ballast.isSpent, size(), warnings.length]).toEqual([
      false,
      false,
      BALLAST_BYTES,
      1,
    ])
  })

  it('is possible of what a killed process left half written, and after closing', async () => {
    const { ballast, size } = setUp(Buffer.alloc(5000))
    await ballast.close()
    expect([ballast.spend(), ballast.isSpent, size()]).toEqual([true, true, 0])
  })
})

describe('getting the ballast back', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE'])(
    'fails whole where there is no room (%s)',
    async (code) => {
      const { ballast, fileSystem, size } = await made()
      ballast.spend()
      fileSystem.fail(code === 'EMFILE' ? 'open' : 'write', { code, skip: code === 'EMFILE' ? 0 : 3 })
      expect(() => ballast.regain()).toThrow(expect.objectContaining({ code }))
      expect([size(), ballast.isSpent]).toEqual([0, true])
      ballast.regain()
      expect([size(), ballast.isSpent]).toEqual([BALLAST_BYTES, false])
    },
  )

  it('is given up where something else is in the way: the log goes on without', async () => {
    const { ballast, fileSystem, warnings } = await made()
    ballast.spend()
    fileSystem.fail('open', { code: 'EACCES' })
    expect(() => ballast.regain()).not.toThrow()
    expect([ballast.isSpent, warnings.at(-1)]).toEqual([
      false,
      'the ballast can not be made; the log goes on without it',
    ])
  })

  it('leaves the making in the background to appends, once it was spent', async () => {
    const { ballast, clock, size } = setUp('')
    ballast.makeSoon()
    await clock.advance(0)
    expect([size(), ballast.isSpent]).toEqual([0, true])
    ballast.regain()
    expect(size()).toBe(BALLAST_BYTES)
  })
})
