import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { logPaths } from '../../../src/layout/index.ts'
import { isDirectory, type LogDirectory, readLogDirectory } from '../../../src/log/log-directory.ts'
import { segmentName } from '../../helpers/hand-made.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const read = (directory: string): Promise<LogDirectory> =>
  readLogDirectory(nodeFileSystem, logPaths(directory, { root: directory, topic: 'log', partition: 0 }))

function directoryOf(files: Record<string, string>): string {
  const directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const kinds = (files: LogDirectory['deleted']): [number, boolean][] =>
  files.map(({ baseOffset, isLog }): [number, boolean] => [baseOffset, isLog]).sort()

describe("a log's directory", () => {
  it('gives segments in the order of their offsets, with what the system says of them', async () => {
    const names = [segmentName(100), segmentName(20), segmentName(3)]
    const directory = directoryOf(Object.fromEntries(names.map((name) => [name, name])))
    const { segments } = await read(directory)
    expect(segments.map(({ baseOffset }) => baseOffset)).toEqual([3, 20, 100])
    const stat = nodeFileSystem.statSync(join(directory, segmentName(20)))!
    const { sizeBytes, modifiedMs, inode } = stat
    expect(segments[1]).toEqual({
      baseOffset: 20,
      path: join(directory, segmentName(20)),
      sizeBytes,
      modifiedMs,
      inode,
    })
  })

  it('lets others have a turn every 512 files, however many there are', async () => {
    const entries = Array.from({ length: 2000 }, (_, slot) => ({
      name: segmentName(slot),
      kind: 'file' as const,
    }))
    const stat = nodeFileSystem.statSync(join(directoryOf({ a: '' }), 'a'))!
    let looks = 0
    const looksATurn: number[] = []
    const fileSystem = Object.assign(Object.create(nodeFileSystem) as typeof nodeFileSystem, {
      list: () => Promise.resolve(entries),
      statSync: () => {
        looks++
        return stat
      },
    })
    const count = (): void => {
      looksATurn.push(looks)
      looks = 0
      if (looksATurn.length < 20) setImmediate(count)
    }
    setImmediate(count)
    const { segments } = await readLogDirectory(
      fileSystem,
      logPaths('/many', { root: '/many', topic: 'log', partition: 0 }),
    )
    expect(segments).toHaveLength(2000)
    expect(looksATurn.length).toBeGreaterThanOrEqual(3)
    expect(Math.max(...looksATurn, looks)).toBeLessThanOrEqual(512)
  })

  it('sorts every other file into what it is', async () => {
    const base = segmentName(7).replace('.log', '')
    const directory = directoryOf({
      [`${base}.log.deleted`]: '',
      [`${base}.index.deleted`]: '',
      [`${base}.log.cleaned`]: '',
      [`${base}.log.swap`]: '',
      [`${base}.timeindex.swap`]: '',
      [`${base}.log.tmp`]: '',
      'topic.properties.tmp': '',
      [`${base}.index`]: '',
      [`${base}.snapshot`]: '',
      'topic.properties': '',
      watermark: '',
      'index.db': '',
      'notes.txt': '',
      '7.log': '',
    })
    const found = await read(directory)
    expect(found.segments).toEqual([])
    expect(kinds(found.deleted)).toEqual([
      [7, false],
      [7, true],
    ])
    expect(kinds(found.cleaned)).toEqual([[7, true]])
    expect(kinds(found.swap)).toEqual([
      [7, false],
      [7, true],
    ])
    expect(kinds(found.sidecars)).toEqual([
      [7, false],
      [7, false],
    ])
    expect([...found.temporary].sort()).toEqual(
      [join(directory, `${base}.log.tmp`), join(directory, 'topic.properties.tmp')].sort(),
    )
    expect(found.unrecognised).toEqual(['7.log', 'notes.txt'])
  })

  it('takes nothing for a leftover that is no file', async () => {
    const directory = directoryOf({})
    mkdirSync(join(directory, `${segmentName(0)}.deleted`))
    symlinkSync('/etc/passwd', join(directory, `${segmentName(0)}.swap`))
    mkdirSync(join(directory, 'topic.properties.tmp'))
    const found = await read(directory)
    expect([found.deleted, found.swap, found.temporary]).toEqual([[], [], []])
    expect(found.unrecognised).toHaveLength(3)
  })

  it('refuses a segment that is no file', async () => {
    const directory = directoryOf({})
    mkdirSync(join(directory, segmentName(4)))
    await expect(read(directory)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      offset: 4,
      found: 'directory',
    })
  })

  it('passes over a segment that goes away between the listing and the look at it', async () => {
    const directory = directoryOf({ [segmentName(0)]: '', [segmentName(5)]: '' })
    const fileSystem = {
      ...nodeFileSystem,
      statSync: (path: string) => (path.endsWith(segmentName(0)) ? undefined : nodeFileSystem.statSync(path)),
    }
    const found = await readLogDirectory(
      fileSystem,
      logPaths(directory, { root: directory, topic: 'log', partition: 0 }),
    )
    expect(found.segments.map(({ baseOffset }) => baseOffset)).toEqual([5])
  })
})

describe('a path', () => {
  it('is a directory, also through a link, or nothing, or refused', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'file'), '')
    symlinkSync('.', join(directory, 'link'))
    expect(await isDirectory(nodeFileSystem, directory)).toBe(true)
    expect(await isDirectory(nodeFileSystem, join(directory, 'link'))).toBe(true)
    expect(await isDirectory(nodeFileSystem, join(directory, 'none'))).toBe(false)
    await expect(isDirectory(nodeFileSystem, join(directory, 'file'))).rejects.toMatchObject({
      code: 'LOG_NOT_FOUND',
      found: 'file',
    })
  })
})
