import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isClosedForNow, OpenFileLimit, openReopening } from '../../../src/fs/index.ts'
import { FaultFileSystem } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function makeFiles(
  count: number,
  {
    max = 2,
    fileSystem = new FaultFileSystem(),
    mode = 'create',
  }: { max?: number; fileSystem?: FaultFileSystem; mode?: 'create' | 'create-fill' } = {},
) {
  const directory = temporaryDirectory()
  const limit = new OpenFileLimit(max)
  const paths = Array.from({ length: count }, (_, slot) => join(directory, `file-${slot}`))
  const files = paths.map((path) => openReopening({ fileSystem, limit }, path, mode))
  return { limit, paths, files, fileSystem }
}

describe('files that are open only while they have to be', () => {
  it('are closed, those unused for longest first, where there are more than the limit', () => {
    const { limit, files } = makeFiles(3)
    expect(files.map(isClosedForNow)).toEqual([true, false, false])
    expect(limit.openCount).toBe(2)
    files[1]!.sizeSync() // used: now the third is the one unused for longest
    files[0]!.sizeSync()
    expect(files.map(isClosedForNow)).toEqual([false, false, true])
  })

  it('take appends, reads and cuts as if they had been open all the time', async () => {
    const { paths, files } = makeFiles(5)
    for (let round = 0; round < 3; round++) {
      for (const [slot, file] of files.entries()) {
        file.appendSync(Buffer.from([65 + slot]), round)
        await file.syncData()
      }
    }
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['AAA', 'BBB', 'CCC', 'DDD', 'EEE'])
    const byte = Buffer.alloc(1)
    for (const [slot, file] of files.entries()) {
      file.truncateSync(2)
      await file.syncData()
      expect([file.sizeSync(), await file.read(byte, 1), byte[0]]).toEqual([2, 1, 65 + slot])
      expect(file.readSync(byte, 2)).toBe(0)
    }
  })

  it('are not closed while something written to them has not been synced', async () => {
    const { limit, files } = makeFiles(1)
    files[0]!.appendSync(Buffer.from('a'), 0)
    expect(files[0]!.giveUp()).toBe(false)
    await files[0]!.syncData()
    expect(files[0]!.giveUp()).toBe(true)
    limit.closed(files[0]!)
    files[0]!.truncateSync(0)
    expect(files[0]!.giveUp()).toBe(false)
  })

  it('are not taken for synced by a sync that began before the last write', async () => {
    const { files } = makeFiles(1)
    files[0]!.appendSync(Buffer.from('a'), 0)
    const syncing = files[0]!.syncData()
    files[0]!.appendSync(Buffer.from('b'), 1)
    await syncing
    expect(files[0]!.giveUp()).toBe(false)
  })

  it('are not closed while a call is under way on them', async () => {
    const { files } = makeFiles(1)
    const reading = files[0]!.read(Buffer.alloc(1), 0)
    expect(files[0]!.giveUp()).toBe(false)
    await reading
    expect(files[0]!.giveUp()).toBe(true)
  })

  it('are synced one at a time, also by who only wants room', async () => {
    const { files, fileSystem } = makeFiles(1)
    files[0]!.appendSync(Buffer.from('a'), 0)
    await Promise.all([files[0]!.settle(), files[0]!.syncData(), files[0]!.settle()])
    expect(fileSystem.count('syncData')).toBe(3)
    expect(files[0]!.giveUp()).toBe(true)
  })

  it('that are closed for now have nothing to sync, and are not opened for it', async () => {
    const { files, fileSystem } = makeFiles(1)
    files[0]!.appendSync(Buffer.from('a'), 0)
    await files[0]!.syncData()
    files[0]!.giveUp()
    const before = [fileSystem.count('open'), fileSystem.count('syncData')]
    await files[0]!.syncData()
    expect([fileSystem.count('open'), fileSystem.count('syncData')]).toEqual(before)
    expect(isClosedForNow(files[0]!)).toBe(true)
    files[0]!.close()
    await expect(files[0]!.syncData()).rejects.toMatchObject({ code: 'EBADF' })
  })

  it('that are another file by then are not written to', async () => {
    const { paths, files } = makeFiles(3)
    writeFileSync(`${paths[0]}.new`, '')
    renameSync(`${paths[0]}.new`, paths[0]!)
    expect(() => files[0]!.appendSync(Buffer.from('a'), 0)).toThrow(
      expect.objectContaining({ code: 'ESTALE' }),
    )
    expect(readFileSync(paths[0]!, 'utf8')).toBe('')
  })

  it('that are gone by then say so as opening does, and take no room', () => {
    const { limit, paths, files } = makeFiles(3)
    renameSync(paths[0]!, `${paths[0]}.gone`)
    expect(() => files[0]!.sizeSync()).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(limit.openCount).toBeLessThanOrEqual(2)
    renameSync(`${paths[0]}.gone`, paths[0]!)
    expect(files[0]!.sizeSync()).toBe(0)
  })

  it('are closed for good once', () => {
    const { limit, files } = makeFiles(2)
    for (const file of files) {
      file.close()
      file.close()
    }
    expect(limit.openCount).toBe(0)
    expect(() => files[0]!.sizeSync()).toThrow(expect.objectContaining({ code: 'EBADF' }))
  })

  it('give back others when the system has no more descriptors', () => {
    const { files, fileSystem } = makeFiles(2, { max: 10 })
    expect(files[0]!.giveUp()).toBe(true)
    fileSystem.fail('open', { code: 'EMFILE' })
    expect(files[0]!.sizeSync()).toBe(0)
    expect(isClosedForNow(files[1]!)).toBe(true)
  })
})

describe('a file that is filled ahead and open only while it has to be', () => {
  it('is not closed while zeros are on their way, nor before a sync after them; and is filled again later', async () => {
    const { paths, files, fileSystem } = makeFiles(1, { mode: 'create-fill' })
    const file = files[0]!
    const hold = fileSystem.hold('extend')
    const extending = file.extend(10)
    await hold.reached
    await file.syncData()
    expect(file.giveUp()).toBe(false)
    hold.release()
    await extending
    expect(file.giveUp()).toBe(false)
    await file.syncData()
    expect(file.giveUp()).toBe(true)
    file.appendSync(Buffer.from('abc'), 0)
    await file.extend(2)
    expect(readFileSync(paths[0]!).toString()).toBe(`abc${'\0'.repeat(9)}`)
  })

  it('that has grown or shrunk while it was closed is not written to', async () => {
    for (const change of [13, 9]) {
      const { paths, files } = makeFiles(1, { mode: 'create-fill' })
      const file = files[0]!
      await file.extend(10)
      await file.syncData()
      expect(file.giveUp()).toBe(true)
      writeFileSync(paths[0]!, Buffer.alloc(change))
      expect(() => file.appendSync(Buffer.from('abc'), 0)).toThrow(
        expect.objectContaining({ code: 'ESTALE' }),
      )
      expect(readFileSync(paths[0]!).equals(Buffer.alloc(change))).toBe(true)
    }
  })
})

describe('a sync that fails while room is made', () => {
  it('is what every later sync of that file says, and the file stays open', async () => {
    const { limit, files, fileSystem } = makeFiles(2)
    for (const file of files) file.appendSync(Buffer.from('a'), 0)
    fileSystem.fail('syncData', { code: 'EIO' })
    expect(limit.hasRoom()).toBe(false)
    await limit.openWithin(() => undefined)
    expect(files.map(isClosedForNow)).toEqual([false, true]) // the first failed, the second was settled for it
    await expect(files[0]!.syncData()).rejects.toMatchObject({ code: 'EIO' })
    await expect(files[0]!.syncData()).rejects.toMatchObject({ code: 'EIO' })
    expect(files[0]!.giveUp()).toBe(false)
  })

  it('ends the waiting for room even where every file stays in use', async () => {
    const { limit, files, fileSystem } = makeFiles(2)
    for (const file of files) file.appendSync(Buffer.from('a'), 0)
    fileSystem.fail('syncData', { code: 'EIO', times: Number.POSITIVE_INFINITY })
    await limit.openWithin(() => undefined)
    expect(limit.openCount).toBe(2)
  })
})
