import { spawnSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { describeOwner, lockedError, parseHolder } from '../../../src/fs/lock-owner.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const named = { pid: 4711, host: 'here', since: '2026-01-01T00:00:00.000Z' }
const java = { pid: 815, program: 'java' }
const noName = /^its owner left no name, as a Kafka broker leaves none$/

describe('who holds a lock', () => {
  it('is who left a name there, when nothing speaks against it', () => {
    const text = 'by process 4711 on here since 2026-01-01T00:00:00.000Z'
    expect(describeOwner({ named, holder: undefined, hasEnded: false })).toEqual({ pid: 4711, text })
    expect(describeOwner({ named, holder: { ...java, pid: 4711 }, hasEnded: false })).toEqual({
      pid: 4711,
      text,
    })
    // A pid means nothing in the list of processes of another container, and the lock is held.
    expect(describeOwner({ named, holder: { ...java, pid: 4711 }, hasEnded: true }).pid).toBe(4711)
  })

  it('is whom the kernel names, whatever name there is', () => {
    for (const left of [named, undefined]) {
      const { pid, text } = describeOwner({ named: left, holder: java, hasEnded: false })
      expect(pid).toBe(815)
      expect(text).toBe('by process 815 (java), which left no name, as a Kafka broker leaves none')
    }
    const unknown = { pid: 815, program: undefined }
    expect(describeOwner({ named, holder: unknown, hasEnded: false }).text).toMatch(
      /^by process 815, which left/,
    )
  })

  it('is nobody who has ended', () => {
    const { pid, text } = describeOwner({ named, holder: undefined, hasEnded: true })
    expect(pid).toBeUndefined()
    expect(text).toMatch(/^its owner left no name.*\(lock-owner\.json is of process 4711, which has ended\)$/)
  })

  it('is unknown where there is nothing to go by', () => {
    const { pid, text } = describeOwner({ named: undefined, holder: undefined, hasEnded: false })
    expect(pid).toBeUndefined()
    expect(text).toMatch(noName)
  })
})

describe('the list of locks that the kernel keeps', () => {
  const text = [
    '1: POSIX  ADVISORY  READ 10 fe:00:9978353 1073741826 1073742335',
    '2: FLOCK  ADVISORY  WRITE 11 fe:00:9978353 0 EOF',
    '2: -> POSIX  ADVISORY  WRITE 12 fe:00:9978353 0 EOF',
    '3: POSIX  ADVISORY  WRITE 13 fe:01:9978353 0 EOF',
    '4: POSIX  ADVISORY  WRITE 14 fe:00:9978354 0 EOF',
    '5: POSIX  ADVISORY  WRITE 15 fe:00:9978353 0 EOF',
    '6: POSIX  ADVISORY  WRITE -1 00:2f:5 0 EOF',
    '7: POSIX  ADVISORY  WRITE 16 103:fff01:5 0 EOF',
    '',
  ].join('\n')

  it('names who holds a file for writing, not who waits, looks, or holds another file', () => {
    expect(parseHolder(text, { dev: 0xfe00, ino: 9978353 })).toBe(15)
    expect(parseHolder(text, { dev: 0xfe01, ino: 9978353 })).toBe(13)
    expect(parseHolder(text, { dev: 0xfe02, ino: 9978353 })).toBeUndefined()
  })

  it('says nothing of processes that can not be seen from here, and may be anything', () => {
    expect(parseHolder(text, { dev: 0x2f, ino: 5 })).toBeUndefined()
    for (const odd of ['', '\n\n', 'POSIX', '1: POSIX ADVISORY WRITE x fe:00:1 0 EOF'])
      expect(parseHolder(odd, { dev: 0xfe00, ino: 1 })).toBeUndefined()
  })

  it('tells the two halves of a large device number apart', () => {
    const dev = 0xfff00 * 2 ** 12 + 0x103 * 2 ** 8 + 0x01 // as the C library puts 0x103 and 0xfff01 together
    expect(parseHolder(text, { dev, ino: 5 })).toBe(16)
  })
})

/** A pid that was a process's of this machine until a moment ago. */
const endedPid = () => spawnSync('true').pid

const refusedBeside = (owner: object) => {
  const path = join(temporaryDirectory(), '.lock')
  writeFileSync(path, '')
  writeFileSync(join(dirname(path), 'lock-owner.json'), JSON.stringify(owner))
  return lockedError(path)
}

describe('the refusal of a lock', () => {
  it('does not name a process that has ended, only says that its name is there', () => {
    const pid = endedPid()
    const error = refusedBeside({ pid, host: hostname(), since: 'x' })
    expect(error).toMatchObject({ code: 'LOG_LOCKED', found: undefined })
    expect(error.message).toContain(`lock-owner.json is of process ${pid}, which has ended`)
  })

  it('names a process of another machine, which can not be looked for', () => {
    expect(refusedBeside({ pid: endedPid(), host: 'elsewhere', since: 'x' }).message).toMatch(
      /by process \d+ on elsewhere since x/,
    )
  })

  it.runIf(process.platform === 'linux')('names who holds it, not whom an old file names', () => {
    const path = join(temporaryDirectory(), '.lock')
    const lock = nodeFileSystem.lock(path)
    onTestFinished(() => lock.release())
    writeFileSync(
      join(dirname(path), 'lock-owner.json'),
      JSON.stringify({ pid: process.ppid, host: hostname(), since: 'x' }), // alive, and not the one
    )
    expect(lockedError(path)).toMatchObject({ found: process.pid })
    expect(statSync(path).size).toBe(0)
  })
})
