import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog } from '../../../src/index.ts'
import { CrashFileSystem, FaultFileSystem, FaultPlan } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function withFile(text = 'abc') {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, text)
  return { fileSystem: new FaultFileSystem(), path }
}

describe('a file system with faults', () => {
  it('passes everything on to another one, and writes down what changes something', async () => {
    const { fileSystem, path } = withFile()
    const file = fileSystem.openSync(path, 'append')
    file.appendSync(Buffer.from('de'), 3)
    await file.syncData()
    file.truncateSync(4)
    file.close()
    await fileSystem.rename(path, `${path}.2`)
    await fileSystem.syncDirectory(join(path, '..'))
    await fileSystem.remove(`${path}.2`)
    expect(fileSystem.calls.filter(({ ended }) => ended === undefined)).toMatchObject([
      { kind: 'open', name: 'file', mode: 'append' },
      { kind: 'write', sizeBytes: 2 },
      { kind: 'syncData' },
      { kind: 'truncate', sizeBytes: 4 },
      { kind: 'close' },
      { kind: 'rename', name: 'file.2' },
      { kind: 'syncDirectory' },
      { kind: 'remove', name: 'file.2' },
    ])
    expect([fileSystem.count('write'), fileSystem.count('rename', /^other/), fileSystem.hasFailed]).toEqual([
      1,
      0,
      false,
    ])
  })

  it('fails the calls it was told to, each time or once, and a write after some of its bytes', () => {
    const { fileSystem, path } = withFile()
    fileSystem.fail('write', { code: 'ENOSPC', shortBytes: 2 })
    const file = fileSystem.openSync(path, 'append')
    expect(() => file.appendSync(Buffer.from('defg'), 3)).toThrow('ENOSPC')
    expect(readFileSync(path, 'utf8')).toBe('abcde')
    file.appendSync(Buffer.from('f'), 5)
    expect([readFileSync(path, 'utf8'), fileSystem.hasFailed]).toEqual(['abcdef', true])
    fileSystem.fail('open', { code: 'EMFILE', times: Infinity, modes: ['read'] })
    for (let count = 0; count < 3; count++) expect(() => fileSystem.openSync(path, 'read')).toThrow('EMFILE')
    fileSystem.openSync(path, 'append').close()
    fileSystem.heal()
    fileSystem.openSync(path, 'read').close()
    file.close()
  })

  it('fails an extension after some of its zeros, and writes down how long it was to be', async () => {
    const { fileSystem, path } = withFile()
    const file = fileSystem.openSync(path, 'fill')
    fileSystem.fail('extend', { code: 'ENOSPC', shortBytes: 2 })
    await expect(file.extend(10)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(readFileSync(path, 'utf8')).toBe('abc\0\0')
    await file.extend(1)
    expect(readFileSync(path, 'utf8')).toBe('abc\0\0\0')
    expect(fileSystem.calls.filter(({ kind }) => kind === 'extend')).toMatchObject([
      { sizeBytes: 10 },
      { sizeBytes: 1 },
      { ended: true },
    ])
    file.close()
  })

  it('lets an asynchronous call wait until it is let go', async () => {
    const { fileSystem, path } = withFile()
    const hold = fileSystem.hold('rename')
    let isDone = false
    const renaming = fileSystem.rename(path, `${path}.2`).then(() => (isDone = true))
    await hold.reached
    expect([isDone, readFileSync(path, 'utf8')]).toEqual([false, 'abc'])
    hold.release()
    await renaming
    expect(readFileSync(`${path}.2`, 'utf8')).toBe('abc')
  })

  it('is of the kind of the one it stands before, and can share its plan with others', async () => {
    const faults = new FaultPlan()
    const fileSystem = new FaultFileSystem(new CrashFileSystem(), { faults })
    expect([fileSystem.kind, new FaultFileSystem().kind]).toEqual(['simulated', 'native'])
    const log = await openLog('/log', { fileSystem, cleanup: false })
    faults.fail('syncData', { code: 'EIO' })
    await expect(log.append('a')).rejects.toMatchObject({ code: 'LOG_POISONED' })
    await log.close()
  })
})
