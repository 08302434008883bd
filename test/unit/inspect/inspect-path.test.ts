import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { classifyFile, findFiles } from '../../../src/inspect/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function makeFiles(directory: string, ...names: string[]): void {
  for (const name of names) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), '')
  }
}

const SEGMENTS = ['00000000000000000000.log', '00000000000000000010.log', '00000000000000000200.log']

describe('classifyFile', () => {
  it.each([
    ['00000000000000000012.log', 'log', 12],
    ['00000000000000000012.index', 'index', 12],
    ['00000000000000000012.timeindex', 'timeindex', 12],
    ['00000000000000000012.txnindex', 'txnindex', 12],
    ['00000000000000000012.snapshot', 'snapshot', 12],
    ['00000000000000000012-0000000001.checkpoint', 'checkpoint', undefined],
    ['bootstrap.checkpoint', 'checkpoint', undefined],
    ['copy.log', 'log', undefined],
    ['99999999999999999999.log', 'log', undefined],
    ['00000000000000000012.log.deleted', 'log', 12],
    ['00000000000000000012.timeindex.swap', 'timeindex', 12],
    ['00000000000000000012.log.4711', 'log', 12],
    ['leader-epoch-checkpoint', 'unknown', undefined],
    ['index.db', 'unknown', undefined],
    ['12', 'unknown', undefined],
    ['log', 'unknown', undefined],
    ['', 'unknown', undefined],
  ] as const)('takes %j for %s', (name, kind, baseOffset) => {
    expect(classifyFile(join('some', 'where', name))).toMatchObject(
      name === '' ? { kind } : { kind, baseOffset },
    )
  })

  it('finds the segment of an index file beside it', () => {
    expect(classifyFile('a/00000000000000000012.timeindex').segmentPath).toBe('a/00000000000000000012.log')
    expect(classifyFile('a/00000000000000000012.index.deleted').segmentPath).toBe(
      'a/00000000000000000012.log',
    )
  })
})

describe('findFiles', () => {
  it('gives a file as it was named, whatever it is', async () => {
    const directory = temporaryDirectory()
    makeFiles(directory, 'notes.txt')
    const path = join(directory, 'notes.txt')
    expect(await findFiles(nodeFileSystem, path)).toMatchObject([{ path, realPath: path, kind: 'unknown' }])
  })

  it('gives the segments of a log in offset order, each with where the next one starts', async () => {
    const directory = temporaryDirectory()
    makeFiles(directory, ...SEGMENTS.toReversed(), '00000000000000000000.index', '5.log', 'index.db')
    const found = await findFiles(nodeFileSystem, directory)
    expect(found.map(({ path, offsetEnd }) => [basename(path), offsetEnd])).toEqual([
      [SEGMENTS[0], 10],
      [SEGMENTS[1], 200],
      [SEGMENTS[2], undefined],
    ])
  })

  it('gives the logs of a store by topic, then by partition as a number', async () => {
    const directory = temporaryDirectory()
    const logs = ['b-10', 'b-2', 'a-0', 'no-number', 'empty-0']
    makeFiles(directory, 'meta.properties', ...logs.slice(0, 4).map((log) => join(log, SEGMENTS[0]!)))
    mkdirSync(join(directory, 'empty-0'))
    const found = await findFiles(nodeFileSystem, directory)
    expect(found.map(({ path }) => relative(directory, path))).toEqual(
      ['a-0', 'b-2', 'b-10'].map((log) => join(log, SEGMENTS[0]!)),
    )
  })

  it('follows a link that was named, and none that is found', async () => {
    const directory = temporaryDirectory()
    makeFiles(directory, SEGMENTS[0]!)
    symlinkSync(join(directory, SEGMENTS[0]!), join(directory, SEGMENTS[1]!))
    const named = await findFiles(nodeFileSystem, join(directory, SEGMENTS[1]!))
    expect(named).toMatchObject([{ baseOffset: 10, realPath: join(directory, SEGMENTS[0]!) }])
    expect(await findFiles(nodeFileSystem, directory)).toHaveLength(1)
  })

  it('fails where there is nothing, or no segment', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'orders-0'))
    await expect(findFiles(nodeFileSystem, directory)).rejects.toMatchObject({ code: 'LOG_NOT_FOUND' })
    await expect(findFiles(nodeFileSystem, join(directory, 'none'))).rejects.toMatchObject({
      code: 'LOG_NOT_FOUND',
    })
    makeFiles(directory, 'file')
    await expect(findFiles(nodeFileSystem, join(directory, 'file', 'under'))).rejects.toMatchObject({
      code: 'ENOTDIR',
    })
  })
})
