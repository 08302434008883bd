import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type FileHandle,
  type FileSystem,
  nodeFileSystem,
  readSmallFile,
  removeFile,
  replaceFile,
} from '../../../src/fs/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** The machine's file system, noting every step that changes something and failing at the step numbered `failAt`. */
function stepping(failAt = Number.POSITIVE_INFINITY): { fileSystem: FileSystem; steps: string[] } {
  const steps: string[] = []
  const step = (name: string) => {
    if (steps.push(name) === failAt) throw Object.assign(new Error(`failed at ${name}`), { code: 'EIO' })
  }
  const wrap = (file: FileHandle): FileHandle => ({
    path: file.path,
    readSync: (into, position) => file.readSync(into, position),
    read: (into, position) => file.read(into, position),
    appendSync(bytes, position) {
      step('append')
      file.appendSync(bytes, position)
    },
    extend: (sizeBytes) => file.extend(sizeBytes),
    overwriteSync: (bytes, position) => file.overwriteSync(bytes, position),
    truncateSync: (sizeBytes) => file.truncateSync(sizeBytes),
    sizeSync: () => file.sizeSync(),
    syncDataSync: () => file.syncDataSync(),
    async syncData() {
      step('sync file')
      await file.syncData()
    },
    close() {
      steps.push('close')
      file.close()
    },
  })
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    openSync(path, mode) {
      step(`open to ${mode}`)
      return wrap(nodeFileSystem.openSync(path, mode))
    },
    async rename(from, to) {
      step('rename')
      await nodeFileSystem.rename(from, to)
    },
    async remove(path) {
      step('remove')
      await nodeFileSystem.remove(path)
    },
    async syncDirectory(directory) {
      step('sync directory')
      await nodeFileSystem.syncDirectory(directory)
    },
  }
  return { fileSystem, steps }
}

function filePath(contents?: string): string {
  const path = join(temporaryDirectory(), 'file')
  if (contents !== undefined) writeFileSync(path, contents)
  return path
}

describe('replaceFile', () => {
  it('writes aside, syncs, renames and syncs the directory, in that order', async () => {
    const { fileSystem, steps } = stepping()
    await replaceFile(fileSystem, filePath('old'), 'new')
    expect(steps).toEqual(['open to replace', 'append', 'sync file', 'close', 'rename', 'sync directory'])
  })

  it('replaces text and bytes, leaves nothing aside, and keeps the file private', async () => {
    for (const contents of ['new', '', Buffer.from([0, 255])]) {
      const path = filePath('old and longer')
      await replaceFile(nodeFileSystem, path, contents)
      expect(readFileSync(path)).toEqual(Buffer.from(contents as string))
      expect(readdirSync(join(path, '..'))).toEqual(['file'])
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
  })

  it('makes a file that was not there, and uses up what a crash left aside', async () => {
    const path = filePath()
    writeFileSync(`${path}.tmp`, 'left by a crash, and longer')
    await replaceFile(nodeFileSystem, path, 'new')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(join(path, '..'))).toEqual(['file'])
  })

  it('leaves the old file or the new one, whichever step fails', async () => {
    const found = new Map<string, string>()
    for (let failAt = 1; failAt <= 6; failAt++) {
      const path = filePath('old')
      const { fileSystem, steps } = stepping(failAt)
      const replaced = replaceFile(fileSystem, path, 'new')
      if (failAt === 4)
        await replaced // closing can't fail here
      else if (failAt === 3 || failAt === 6)
        await expect(replaced).rejects.toMatchObject({ code: 'LOG_POISONED', cause: { code: 'EIO' } })
      else await expect(replaced).rejects.toMatchObject({ code: 'EIO' })
      found.set(steps[failAt - 1] ?? '', readFileSync(path, 'utf8'))
      expect(steps.includes('append') === steps.includes('close')).toBe(true)
    }
    expect(Object.fromEntries(found)).toEqual({
      'open to replace': 'old',
      append: 'old',
      'sync file': 'old',
      close: 'new',
      rename: 'old',
      'sync directory': 'new',
    })
  })

  it('never writes through a link left where it writes aside', async () => {
    const path = filePath('old')
    const victim = filePath('precious')
    symlinkSync(victim, `${path}.tmp`)
    await expect(replaceFile(nodeFileSystem, path, 'new')).rejects.toMatchObject({ code: 'ELOOP' })
    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(readFileSync(path, 'utf8')).toBe('old')
  })
})

describe('removeFile', () => {
  it('removes and makes that durable, also where somebody got no further than removing', async () => {
    const path = filePath('old')
    const { fileSystem, steps } = stepping()
    await removeFile(fileSystem, path)
    expect(steps).toEqual(['remove', 'sync directory'])
    await removeFile(fileSystem, path)
    expect(steps.slice(2)).toEqual(['remove', 'sync directory'])
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('fails when the directory can not be synced', async () => {
    const { fileSystem } = stepping(2)
    await expect(removeFile(fileSystem, filePath('old'))).rejects.toThrow('failed at sync directory')
  })
})

describe('readSmallFile', () => {
  it('reads all of a file up to the bound, and finds undefined where there is none', () => {
    expect(readSmallFile(nodeFileSystem, filePath(), 10)).toBeUndefined()
    expect(readSmallFile(nodeFileSystem, filePath(''), 0)).toEqual(Buffer.alloc(0))
    expect(readSmallFile(nodeFileSystem, filePath('0123456789'), 10)?.toString()).toBe('0123456789')
  })

  it('refuses one byte too many, and a file no memory could hold', () => {
    const path = filePath('0123456789')
    expect(() => readSmallFile(nodeFileSystem, path, 9)).toThrow(
      expect.objectContaining({ code: 'LOG_CORRUPT', path, found: 10, expected: 9 }),
    )
    truncateSync(path, 2 ** 40)
    expect(() => readSmallFile(nodeFileSystem, path, 2 ** 20)).toThrow('at most 1048576')
  })

  it('refuses what is no regular file', () => {
    const directory = temporaryDirectory()
    const [link, folder, fifo] = ['link', 'folder', 'fifo'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]
    symlinkSync(filePath('x'), link)
    mkdirSync(folder)
    execFileSync('mkfifo', [fifo])
    for (const path of [link, folder, fifo]) {
      expect(() => readSmallFile(nodeFileSystem, path, 10)).toThrow(
        expect.objectContaining({ code: 'LOG_CORRUPT', path }),
      )
    }
  })

  it('reads what was there when a file shrinks meanwhile', () => {
    const path = filePath('0123456789')
    const shrinking: FileSystem = {
      ...nodeFileSystem,
      openSync(opened, mode) {
        truncateSync(opened, 4)
        return nodeFileSystem.openSync(opened, mode)
      },
    }
    expect(readSmallFile(shrinking, path, 10)?.toString()).toBe('0123')
  })
})
