import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

describe("the machine's file system", () => {
  it('says what an entry is, never what a link leads to, and undefined where there is none', () => {
    const directory = temporaryDirectory()
    const file = join(directory, 'file')
    writeFileSync(file, '0123')
    utimesSync(file, 1, 1.2345)
    symlinkSync(file, join(directory, 'link'))
    expect(nodeFileSystem.statSync(file)).toMatchObject({ kind: 'file', sizeBytes: 4, modifiedMs: 1234 })
    expect(nodeFileSystem.statSync(join(directory, 'link'))?.kind).toBe('symlink')
    expect(nodeFileSystem.statSync(directory)).toMatchObject({
      kind: 'directory',
      inode: statSync(directory).ino,
    })
    expect(nodeFileSystem.statSync('/dev/null')?.kind).toBe('other')
    expect(nodeFileSystem.statSync(join(directory, 'none'))).toBeUndefined()
  })

  it('lists every entry with its kind', async () => {
    const directory = temporaryDirectory()
    expect(await nodeFileSystem.list(directory)).toEqual([])
    writeFileSync(join(directory, 'file'), '')
    mkdirSync(join(directory, 'folder'))
    symlinkSync('nowhere', join(directory, 'link'))
    const entries = (await nodeFileSystem.list(directory)).sort((a, b) => (a.name < b.name ? -1 : 1))
    expect(entries).toEqual([
      { name: 'file', kind: 'file' },
      { name: 'folder', kind: 'directory' },
      { name: 'link', kind: 'symlink' },
    ])
    await expect(nodeFileSystem.list(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('makes a directory with its parents, all of them private, whatever the umask', async () => {
    const umask = process.umask(0)
    onTestFinished(() => void process.umask(umask))
    const directory = join(temporaryDirectory(), 'a', 'b', 'c')
    await nodeFileSystem.makeDirectory(directory)
    for (const made of [directory, join(directory, '..'), join(directory, '..', '..')]) {
      expect(statSync(made).mode & 0o777).toBe(0o700)
    }
    await nodeFileSystem.makeDirectory(directory)
    writeFileSync(join(directory, 'file'), '')
    await expect(nodeFileSystem.makeDirectory(join(directory, 'file'))).rejects.toMatchObject({
      code: 'EEXIST',
    })
    await expect(nodeFileSystem.makeDirectory(join(directory, 'file', 'x'))).rejects.toThrow()
  })

  it.runIf(process.platform === 'linux')(
    'fails where no directory can be made, and does not try for ever',
    async () => {
      await expect(nodeFileSystem.makeDirectory('/proc/seglog/log')).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )

  it('leaves the mode of a directory that was there', async () => {
    const directory = join(temporaryDirectory(), 'a')
    mkdirSync(directory, { mode: 0o750 })
    await nodeFileSystem.makeDirectory(directory)
    expect(statSync(directory).mode & 0o777).toBe(0o750)
  })

  it('renames over what is there, removes a file once or not at all, and never a directory', async () => {
    const directory = temporaryDirectory()
    const [from, to] = [join(directory, 'from'), join(directory, 'to')]
    writeFileSync(from, 'new')
    writeFileSync(to, 'old')
    await nodeFileSystem.rename(from, to)
    expect(nodeFileSystem.statSync(to)?.sizeBytes).toBe(3)
    await expect(nodeFileSystem.rename(from, to)).rejects.toMatchObject({ code: 'ENOENT' })
    await nodeFileSystem.remove(to)
    await nodeFileSystem.remove(to)
    await expect(nodeFileSystem.remove(directory)).rejects.toThrow()
    expect(nodeFileSystem.statSync(directory)?.kind).toBe('directory')
  })

  it('syncs a directory, and says when there is none', async () => {
    const directory = temporaryDirectory()
    await nodeFileSystem.syncDirectory(directory)
    await expect(nodeFileSystem.syncDirectory(join(directory, 'none'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })

  it('resolves every link of a path', async () => {
    const directory = temporaryDirectory()
    symlinkSync(directory, join(directory, 'link'))
    expect(await nodeFileSystem.realPath(join(directory, 'link', 'link'))).toBe(directory)
    await expect(nodeFileSystem.realPath(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('tells a watcher of changes until it is closed', async () => {
    const directory = temporaryDirectory()
    await new Promise<void>((resolve) => {
      const watcher = nodeFileSystem.watch(directory, () => {
        watcher.close()
        watcher.close()
        resolve()
      })
      writeFileSync(join(directory, 'file'), '')
    })
    expect(() => nodeFileSystem.watch(join(directory, 'none'), () => {})).toThrow('ENOENT')
  })

  it('tells a watcher whether a name changed or what is in the file, where the system does', async () => {
    const directory = temporaryDirectory()
    const [file, other] = [join(directory, 'file'), join(directory, 'other')]
    const isTold = ['linux', 'win32'].includes(process.platform)
    const tells = async (act: () => void, change: 'name' | 'contents'): Promise<void> => {
      const seen = new Set<string>()
      const watcher = nodeFileSystem.watch(directory, (...what) => void seen.add(what.join()))
      act()
      await vi.waitFor(() => expect(seen).toContain(`file,${isTold ? change : ''}`))
      watcher.close()
    }
    await tells(() => writeFileSync(file, ''), 'name')
    await tells(() => writeFileSync(file, 'x'), 'contents')
    writeFileSync(other, '')
    await tells(() => renameSync(other, file), 'name')
    await tells(() => rmSync(file), 'name')
  })
})
