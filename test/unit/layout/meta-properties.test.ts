import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import {
  formatMetaProperties,
  metaPropertiesError,
  parseMetaProperties,
  readMetaProperties,
} from '../../../src/layout/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const DIRECTORY_ID = '0_W-qGwt7gpV_TsW3so2Pg'
const kafkas =
  '#\n#Fri Nov 27 02:58:22 UTC 2026\nnode.id=1\ndirectory.id=0_W-qGwt7gpV_TsW3so2Pg\nversion=1\ncluster.id=c2VnbG9n\n'
const meta = {
  version: 1,
  clusterId: 'c2VnbG9n',
  nodeId: 1,
  directoryId: DIRECTORY_ID,
  isOurs: false,
} as const
const versionZero = {
  version: 0,
  clusterId: undefined,
  nodeId: undefined,
  directoryId: undefined,
  isOurs: false,
} as const

describe('meta.properties', () => {
  it('as Kafka writes it is read, in any order, with comments and keys that nobody knows', () => {
    expect(parseMetaProperties(kafkas)).toEqual({ value: meta })
    expect(parseMetaProperties(`${kafkas}rack=7\n`)).toEqual({ value: meta })
  })

  it('is written as the same thing, a line a key', () => {
    const text = formatMetaProperties(meta)
    expect(text).toBe(`version=1\ncluster.id=c2VnbG9n\nnode.id=1\ndirectory.id=${DIRECTORY_ID}\n`)
    expect(parseMetaProperties(text)).toEqual({ value: meta })
  })

  it('of version 0 has the id of a broker, and every id may be missing', () => {
    const old = { version: 0, clusterId: 'x', nodeId: 7, directoryId: undefined, isOurs: false } as const
    expect(formatMetaProperties(old)).toBe('version=0\ncluster.id=x\nbroker.id=7\n')
    expect(parseMetaProperties(formatMetaProperties(old))).toEqual({ value: old })
    expect(parseMetaProperties('version=0\n')).toEqual({ value: versionZero })
    expect(parseMetaProperties('cluster.id=x\nnode.id=1\n')).toEqual({
      value: { ...versionZero, clusterId: 'x' },
    })
  })

  it('has numbers as Java reads them', () => {
    expect(parseMetaProperties('version=01 \ncluster.id=x\nnode.id=+1\n').value).toMatchObject({
      version: 1,
      nodeId: 1,
    })
    expect(parseMetaProperties('version=1\ncluster.id=x\nnode.id=2147483647\n').value?.nodeId).toBe(
      2 ** 31 - 1,
    )
  })

  it.each([
    ['', 'neither a version nor an id'],
    ['\0'.repeat(40), 'neither a version nor an id'],
    ['# nothing but a comment\n', 'neither a version nor an id'],
    ['a=1\nversion=\\u00zz\n', 'no .properties file: malformed'],
    ['version=one\ncluster.id=x\nnode.id=1\n', 'has version "one", 0 or 1 was expected'],
    ['version=-1\n', 'has version "-1"'],
    ['version=\n', 'has version ""'],
    ['version=1\nnode.id=1\n', 'has no cluster.id'],
    ['version=1\ncluster.id=\nnode.id=1\n', 'has no cluster.id'],
    ['version=1\ncluster.id=x\n', 'has no node.id'],
    ['version=1\ncluster.id=x\nbroker.id=1\n', 'has no node.id'],
    ['version=1\ncluster.id=x\nnode.id=-1\n', 'has node.id "-1", a number from 0'],
    ['version=1\ncluster.id=x\nnode.id=2147483648\n', 'has node.id "2147483648"'],
    ['version=0\nbroker.id=1.5\n', 'has broker.id "1.5"'],
    ['version=1\ncluster.id=x\nnode.id=1\ndirectory.id=zz\n', 'has directory.id "zz"'],
    ['version=1\ncluster.id=x\nnode.id=1\ndirectory.id=\n', 'has directory.id ""'],
  ])('that is %j is told what is wrong with it', (text, problem) => {
    const parsed = parseMetaProperties(text)
    expect(parsed.problem).toContain(problem)
    expect(parsed).not.toHaveProperty('unknownVersion')
  })

  it('of a version that is not known says which, whatever else it says', () => {
    for (const rest of ['', 'cluster.id=x\nnode.id=1\n', 'node.id=one\ndirectory.id=zz\n']) {
      const parsed = parseMetaProperties(`version=2\n${rest}`)
      expect(parsed).toEqual({
        problem: expect.stringContaining('has version 2, of which nothing'),
        unknownVersion: 2,
      })
    }
  })
})

const fileWith = (text: string): string => {
  const path = join(temporaryDirectory(), 'meta.properties')
  writeFileSync(path, text)
  return path
}
const read = (path: string) => readMetaProperties(nodeFileSystem, path)

describe('the file meta.properties', () => {
  it('is read; where there is none there is nothing', () => {
    const path = fileWith(kafkas)
    expect(read(path)).toEqual({ value: meta })
    rmSync(path)
    expect(read(path)).toBeUndefined()
  })

  it('is never read into memory when it is far too large, nor when it is no file', () => {
    const path = fileWith(kafkas)
    truncateSync(path, 2 ** 40)
    expect(read(path)?.problem).toContain('at most 65536 were expected')
    for (const make of [
      () => mkdirSync(path),
      () => symlinkSync('/etc/hostname', path),
      () => execFileSync('mkfifo', [path]),
    ]) {
      rmSync(path, { recursive: true })
      make()
      expect(read(path)?.problem).toContain('a regular file was expected')
    }
  })

  it('that can not be believed is damage; of a newer version it is no damage', () => {
    const damaged = fileWith('version=1\n')
    expect(metaPropertiesError(damaged, read(damaged) as never)).toMatchObject({
      code: 'LOG_CORRUPT',
      path: damaged,
      message: `${damaged} has no cluster.id`,
    })
    const newer = fileWith('version=9\n')
    expect(metaPropertiesError(newer, read(newer) as never)).toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      path: newer,
      found: 9,
      expected: [0, 1],
    })
  })
})
