import { describe, expect, it } from 'vitest'
import { nodeFileSystem, syncBytes, syncNames } from '../../../src/fs/index.ts'
import { CrashFileSystem, FaultPlan } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

describe('a sync that a promise rests on', () => {
  it('is one of the system, where that goes well', async () => {
    const directory = temporaryDirectory()
    const file = nodeFileSystem.openSync(`${directory}/file`, 'create')
    await syncBytes(file)
    await syncNames(nodeFileSystem, directory)
    file.close()
  })

  it('is final where it fails, whatever the reason: LOG_POISONED, with place and cause', async () => {
    const faults = new FaultPlan()
    const fileSystem = new CrashFileSystem({ faults })
    await fileSystem.makeDirectory('/log')
    const file = fileSystem.openSync('/log/file', 'create')
    faults.fail('syncData', { code: 'ENOSPC' })
    await expect(syncBytes(file)).rejects.toMatchObject({
      code: 'LOG_POISONED',
      poisons: true,
      path: '/log/file',
      cause: { code: 'ENOSPC' },
    })
    for (const code of ['EMFILE', 'ENFILE']) {
      faults.fail('syncDirectory', { code }) // it was not opened, so nothing was lost
      await expect(syncNames(fileSystem, '/log')).rejects.toMatchObject({ code, path: '/log' })
    }
    faults.fail('syncDirectory', { code: 'EIO' })
    await expect(syncNames(fileSystem, '/log')).rejects.toMatchObject({
      code: 'LOG_POISONED',
      path: '/log',
      cause: { code: 'EIO' },
    })
  })
})
