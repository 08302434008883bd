import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type FileHandle,
  isClosedForNow,
  OpenFileLimit,
  openReopening,
  reopen,
} from '../../../src/fs/index.ts'
import { FaultFileSystem } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function makeFiles(count: number, max: number) {
  const fileSystem = new FaultFileSystem()
  const directory = temporaryDirectory()
  const limit = new OpenFileLimit(max)
  const paths = Array.from({ length: count }, (_, slot) => join(directory, `file-${slot}`))
  const files = paths.map((path) => openReopening({ fileSystem, limit }, path, 'create'))
  return { fileSystem, directory, limit, files, paths }
}

const openOnes = (files: readonly FileHandle[]) => files.filter((file) => !isClosedForNow(file)).length

describe('opening a file within the limit', () => {
  it('is done at once where there is room', () => {
    const { limit, files } = makeFiles(3, 2)
    expect(limit.openWithin(() => 'done')).toBe('done')
    expect(openOnes(files)).toBe(1) // the one unused for longest was closed for it
  })

  it('waits until the file that was not used for longest is synced, and closes no other', async () => {
    const { limit, files, paths } = makeFiles(2, 2)
    for (const file of files) file.appendSync(Buffer.from('a'), 0)
    await limit.openWithin(() => undefined)
    expect(files.map(isClosedForNow)).toEqual([true, false])
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['a', 'a'])
  })

  it('never has more open than the limit, however many wait together, each with something to sync', async () => {
    const { limit, files, paths } = makeFiles(40, 4)
    let most = 0
    const write = async (file: FileHandle): Promise<void> => {
      const opening = isClosedForNow(file) ? limit.openWithin<undefined>(() => void reopen(file)) : undefined
      if (opening !== undefined) await opening
      file.appendSync(Buffer.from('a'), 0)
      most = Math.max(most, openOnes(files), limit.openCount)
    }
    await Promise.all(files.map(write))
    expect(most).toBe(4)
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(paths.map(() => 'a'))
  })

  it('goes over the limit for files that can not be closed, and comes back below it', async () => {
    const { limit, files, fileSystem, directory } = makeFiles(2, 2)
    for (const file of files) file.appendSync(Buffer.from('a'), 0)
    fileSystem.fail('syncData', { code: 'EIO', times: 2 })
    const open = (): FileHandle => openReopening({ fileSystem, limit }, join(directory, 'more'), 'create')
    const third = await limit.openWithin<FileHandle>(open)
    expect([limit.openCount, limit.hasRoom()]).toEqual([3, false])
    for (const file of files) file.close()
    expect(limit.hasRoom()).toBe(true)
    third.close()
  })

  it('says what opening says, and the next in turn goes on', async () => {
    const { limit, files } = makeFiles(2, 2)
    for (const file of files) file.appendSync(Buffer.from('a'), 0)
    const failing = limit.openWithin<undefined>(() => {
      throw new RangeError('no')
    })
    const next = limit.openWithin(() => 'open')
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('open')
  })

  it('has no room while more are open than the limit, though one of them can be closed', async () => {
    const { limit, files, fileSystem, directory } = makeFiles(2, 2)
    for (const file of files) file.appendSync(Buffer.from('a'), 0)
    const more = ['c', 'd'].map((name) =>
      openReopening({ fileSystem, limit }, join(directory, name), 'overwrite'),
    )
    expect(limit.openCount).toBe(3)
    expect(limit.hasRoom()).toBe(false) // closing the last one makes two, which are as many as may be
    await limit.openWithin(() => undefined)
    expect(openOnes([...files, ...more])).toBeLessThan(2)
  })
})
