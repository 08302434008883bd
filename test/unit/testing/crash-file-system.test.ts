import { describe, expect, it } from 'vitest'
import { CrashFileSystem, describeOperation, FaultPlan } from '../../../src/testing/index.ts'

const LOST = { bytes: 'lost', names: 'lost' } as const
const KEPT = { bytes: 'kept', names: 'kept' } as const

/** A directory with one file, both durable. */
async function withFile(text = 'abc', options: ConstructorParameters<typeof CrashFileSystem>[0] = {}) {
  const fileSystem = new CrashFileSystem(options)
  await fileSystem.makeDirectory('/d')
  const file = fileSystem.openSync('/d/f', 'create')
  file.appendSync(Buffer.from(text), 0)
  await file.syncData()
  await fileSystem.syncDirectory('/d')
  return { fileSystem, file }
}

const textOf = (fileSystem: CrashFileSystem, path = '/d/f'): string => fileSystem.bytesOf(path).toString()

describe('a file system that can crash', () => {
  it('does what a file system does', async () => {
    const { fileSystem, file } = await withFile()
    const into = Buffer.alloc(10)
    expect([file.readSync(into, 1), into.toString('utf8', 0, 2), await file.read(into, 3)]).toEqual([
      2,
      'bc',
      0,
    ])
    expect(fileSystem.statSync('/d/f')).toMatchObject({ kind: 'file', sizeBytes: 3 })
    expect(fileSystem.statSync('/d')).toMatchObject({ kind: 'directory' })
    expect(fileSystem.statSync('/d/none')).toBeUndefined()
    await fileSystem.rename('/d/f', '/d/g')
    expect(await fileSystem.list('/d')).toEqual([{ name: 'g', kind: 'file' }])
    expect(await fileSystem.list('/')).toEqual([{ name: 'd', kind: 'directory' }])
    file.truncateSync(1) // by its handle, whatever it is called now
    expect(textOf(fileSystem, '/d/g')).toBe('a')
    const over = fileSystem.openSync('/d/g', 'overwrite')
    over.overwriteSync(Buffer.from('xyz'), 0)
    expect([over.sizeSync(), textOf(fileSystem, '/d/g')]).toEqual([3, 'xyz'])
    fileSystem.openSync('/d/g', 'replace').close()
    expect(textOf(fileSystem, '/d/g')).toBe('')
    await fileSystem.remove('/d/g')
    await fileSystem.remove('/d/g')
    expect(fileSystem.paths).toEqual([])
    over.close()
    over.close()
    file.close()
    expect(fileSystem.held).toEqual([])
  })

  it.each([
    ['ENOENT', (fileSystem: CrashFileSystem) => fileSystem.openSync('/d/none', 'read')],
    ['ENOENT', (fileSystem: CrashFileSystem) => fileSystem.openSync('/none/f', 'create')],
    ['ENOENT', (fileSystem: CrashFileSystem) => fileSystem.rename('/d/none', '/d/x')],
    ['ENOENT', (fileSystem: CrashFileSystem) => fileSystem.list('/none')],
    ['ENOENT', (fileSystem: CrashFileSystem) => fileSystem.syncDirectory('/none')],
    ['EEXIST', (fileSystem: CrashFileSystem) => fileSystem.openSync('/d/f', 'create')],
    ['EEXIST', (fileSystem: CrashFileSystem) => fileSystem.makeDirectory('/d/f')],
    ['EISDIR', (fileSystem: CrashFileSystem) => fileSystem.openSync('/d', 'read')],
    [
      'ESTALE',
      (fileSystem: CrashFileSystem) => fileSystem.openSync('/d/f', 'append').appendSync(Buffer.from('x'), 2),
    ],
    ['EINVAL', (fileSystem: CrashFileSystem) => fileSystem.openSync('/d/f', 'append').truncateSync(9)],
  ])("refuses with the system's word: %s", async (code, call) => {
    const { fileSystem } = await withFile()
    const made = (async () => call(fileSystem))()
    await expect(made).rejects.toMatchObject({ code })
  })

  it('gives a lock to one at a time, and none survives a crash', async () => {
    const { fileSystem } = await withFile()
    const lock = fileSystem.lock('/d/.lock')
    expect(() => fileSystem.lock('/d/.lock')).toThrow('open for writing')
    expect(fileSystem.isLocked('/d/.lock')).toBe(true)
    expect(fileSystem.kill().isLocked('/d/.lock')).toBe(false)
    lock.release()
    fileSystem.lock('/d/.lock')
  })

  it('plants files durably, and takes them away', async () => {
    const { fileSystem } = await withFile()
    fileSystem.put('/d/g', Buffer.from('planted'))
    fileSystem.put('/d/f', undefined)
    expect(fileSystem.powerLoss(LOST).paths).toEqual(['/d/g'])
    fileSystem.put('/d/g', Buffer.from('anew'))
    expect(textOf(fileSystem.powerLoss(LOST), '/d/g')).toBe('anew')
  })
})

describe('a power loss', () => {
  it('takes bytes that were not synced, and names whose directory was not', async () => {
    const { fileSystem, file } = await withFile()
    file.appendSync(Buffer.from('de'), 3)
    fileSystem.openSync('/d/g', 'create').close()
    expect([textOf(fileSystem.powerLoss(LOST)), fileSystem.powerLoss(LOST).paths]).toEqual(['abc', ['/d/f']])
    expect(fileSystem.powerLoss({ bytes: 'lost', names: 'kept' }).paths).toEqual(['/d/f', '/d/g'])
    expect(textOf(fileSystem.powerLoss(KEPT))).toBe('abcde')
    expect(fileSystem.powerLoss().paths).toEqual(['/d/f'])
  })

  it('takes a file whose bytes were synced and whose name was not', async () => {
    const fileSystem = new CrashFileSystem()
    await fileSystem.makeDirectory('/d')
    const file = fileSystem.openSync('/d/f', 'create')
    file.appendSync(Buffer.from('abc'), 0)
    await file.syncData()
    expect(fileSystem.powerLoss(LOST).paths).toEqual([])
  })

  it('undoes a rename that was not synced; one between directories may leave both names or none', async () => {
    const { fileSystem } = await withFile()
    await fileSystem.makeDirectory('/e')
    await fileSystem.rename('/d/f', '/e/f')
    expect(fileSystem.powerLoss(LOST).paths).toEqual(['/d/f'])
    await fileSystem.syncDirectory('/e')
    expect(fileSystem.powerLoss(LOST).paths).toEqual(['/d/f', '/e/f'])
  })

  it('leaves a disk on which everything is durable', async () => {
    const { fileSystem, file } = await withFile()
    file.appendSync(Buffer.from('de'), 3)
    const after = fileSystem.powerLoss(KEPT)
    expect(textOf(after.powerLoss(LOST))).toBe('abcde')
  })

  it('after a kill still takes what the killed process had not synced', async () => {
    const { fileSystem, file } = await withFile()
    file.appendSync(Buffer.from('de'), 3)
    const killed = fileSystem.kill()
    expect([textOf(killed), textOf(killed.powerLoss(LOST))]).toEqual(['abcde', 'abc'])
    await killed.openSync('/d/f', 'append').syncData()
    expect(textOf(killed.powerLoss(LOST))).toBe('abcde')
  })

  it('after a failed sync takes what the sync was to save, though later syncs go well', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { fileSystem, file } = await withFile('abc', { seed })
      file.appendSync(Buffer.from('de'), 3)
      fileSystem.faults.fail('syncData', { code: 'EIO' })
      await expect(file.syncData()).rejects.toMatchObject({ code: 'EIO' })
      await file.syncData()
      expect(textOf(fileSystem)).toBe('abcde')
      expect(['abc', 'abc\0\0']).toContain(textOf(fileSystem.powerLoss(KEPT)))
    }
  })

  it('takes nothing of what a sync that went well was to save, though another failed meanwhile', async () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 24; seed++) {
      const { fileSystem, file } = await withFile('abc', { seed, syncTurnsMax: 4 })
      file.appendSync(Buffer.from('de'), 3)
      fileSystem.faults.fail('syncData', { code: 'EIO', skip: 1 })
      const [first, failed] = await Promise.allSettled([file.syncData(), file.syncData()])
      expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'EIO' } })
      const isSaved = textOf(fileSystem.powerLoss(LOST)) === 'abcde'
      expect(first.status).toBe(isSaved ? 'fulfilled' : 'rejected')
      outcomes.add(first.status)
    }
    expect(outcomes.size).toBe(2)
  })
})

describe('crash points', () => {
  it('are one before the first operation and one after each, and say what was done', async () => {
    const { fileSystem } = await withFile()
    const steps = Array.from(fileSystem.crashPoints(), ({ step, operation }) =>
      operation === undefined ? step : `${step} ${describeOperation(operation)}`,
    )
    expect(steps).toEqual([
      0,
      '1 makeDirectory /d',
      '2 syncDirectory / begin',
      '3 syncDirectory / end',
      '4 create /d/f',
      '5 write /d/f +3 at 0',
      '6 syncData /d/f begin',
      '7 syncData /d/f end',
      '8 syncDirectory /d begin',
      '9 syncDirectory /d end',
    ])
    expect(fileSystem.step).toBe(9)
    expect(Array.from(fileSystem.crashPoints({ from: 8 }), ({ step }) => step)).toEqual([8, 9])
  })

  it('give what was there then, whatever has been done since', async () => {
    const { fileSystem, file } = await withFile()
    file.appendSync(Buffer.from('de'), 3)
    await fileSystem.remove('/d/f')
    const seen = Array.from(fileSystem.crashPoints(), (point) => {
      const killed = point.kill()
      return killed.paths.includes('/d/f') ? textOf(killed) : '-'
    })
    expect(seen.join(' ')).toBe('- - - -  abc abc abc abc abc abcde -')
    expect(Array.from(fileSystem.crashPoints(), ({ isSynced }) => isSynced).indexOf(true, 4)).toBe(9)
  })

  it('have a kill inside the write that comes next, of which some first bytes are there', async () => {
    const { fileSystem, file } = await withFile('')
    const from = fileSystem.step
    file.appendSync(Buffer.from('abcdefgh'), 0)
    file.appendSync(Buffer.from('i'), 8)
    const texts = Array.from(fileSystem.crashPoints({ from }), (point) => {
      const draws = Array.from({ length: 60 }, (_, salt) => point.killInWrite(salt))
      return new Set(draws.map((left) => left && textOf(left)))
    })
    const parts = ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg']
    expect(texts).toEqual([new Set(parts), new Set([undefined]), new Set([undefined])])
  })

  it('are of no use once the next one was asked for', async () => {
    const { fileSystem } = await withFile()
    const [first, , ...rest] = [...fileSystem.crashPoints()]
    expect(() => first!.kill()).toThrow('crash point 0 is used after the next one was asked for')
    expect(() => first!.powerLoss(LOST)).toThrow('use each in its turn')
    expect(textOf(rest.at(-1)!.kill())).toBe('abc')
  })

  it('draw the same fate for the same seed and salt, and another for another', async () => {
    const draws = new Set<string>()
    for (let salt = 0; salt < 24; salt++) {
      const one = async (): Promise<string> => {
        const { fileSystem, file } = await withFile('', { seed: 5 })
        file.appendSync(Buffer.alloc(4000, 'x'), 0)
        const point = [...fileSystem.crashPoints()].at(-1)!
        return textOf(point.powerLoss({ bytes: 'torn', names: 'kept' }, salt))
      }
      const drawn = await one()
      expect(await one()).toBe(drawn)
      draws.add(drawn)
    }
    expect(draws.size).toBeGreaterThan(4)
  })
})

describe('a process that is stopped', () => {
  it('does nothing more: every call fails, and what was done before stays', async () => {
    const { fileSystem, file } = await withFile()
    fileSystem.stopAfter(fileSystem.step + 1)
    file.appendSync(Buffer.from('d'), 3)
    expect(() => file.appendSync(Buffer.from('e'), 4)).toThrow('ESTOPPED')
    await expect(file.syncData()).rejects.toMatchObject({ code: 'ESTOPPED' })
    await expect(fileSystem.rename('/d/f', '/d/g')).rejects.toMatchObject({ code: 'ESTOPPED' })
    await expect(fileSystem.list('/d')).rejects.toMatchObject({ code: 'ESTOPPED' })
    expect(() => fileSystem.openSync('/d/f', 'read')).toThrow('ESTOPPED')
    expect(textOf(fileSystem.kill())).toBe('abcd')
  })
})

describe('calls that are made to fail', () => {
  it('fail as planned, after as many bytes as planned', async () => {
    const faults = new FaultPlan()
    const { fileSystem, file } = await withFile('abc', { faults })
    faults.fail('write', { code: 'ENOSPC', shortBytes: 2 })
    expect(() => file.appendSync(Buffer.from('defg'), 3)).toThrow('ENOSPC')
    expect(textOf(fileSystem)).toBe('abcde')
    file.appendSync(Buffer.from('f'), 5)
    for (const [kind, call] of [
      ['open', () => fileSystem.openSync('/d/f', 'read')],
      ['read', () => file.readSync(Buffer.alloc(1), 0)],
      ['overwrite', () => fileSystem.openSync('/d/f', 'overwrite').overwriteSync(Buffer.alloc(1), 0)],
      ['truncate', () => file.truncateSync(0)],
      ['rename', () => fileSystem.rename('/d/f', '/d/g')],
      ['remove', () => fileSystem.remove('/d/f')],
      ['makeDirectory', () => fileSystem.makeDirectory('/e')],
      ['syncDirectory', () => fileSystem.syncDirectory('/d')],
    ] as const) {
      faults.fail(kind, { code: 'EIO' })
      const made = (async () => call())()
      await expect(made).rejects.toMatchObject({ code: 'EIO' })
    }
    file.close()
    expect(() => file.sizeSync()).toThrow('EBADF')
    expect([textOf(fileSystem), faults.firedCount]).toEqual(['abcdef', 9])
  })
})

/** An empty file that is open to be filled. */
async function filled(options: ConstructorParameters<typeof CrashFileSystem>[0] = {}) {
  const { fileSystem, file } = await withFile('', options)
  file.close()
  return { fileSystem, file: fileSystem.openSync('/d/f', 'fill') }
}

describe('a file that is filled ahead', () => {
  it('takes appends into its zeros and behind them, and over nothing else', async () => {
    const { fileSystem, file } = await filled()
    await file.extend(4)
    file.appendSync(Buffer.from('abc'), 0)
    expect(() => file.appendSync(Buffer.from('x'), 2)).toThrow('ESTALE')
    expect(() => file.appendSync(Buffer.from('x'), 5)).toThrow('ESTALE')
    file.appendSync(Buffer.from('def'), 3)
    expect(textOf(fileSystem)).toBe('abcdef')
    const plain = fileSystem.openSync('/d/f', 'append')
    await expect(plain.extend(1)).rejects.toMatchObject({ code: 'EINVAL' })
    expect(() => fileSystem.openSync('/d/f', 'create-fill')).toThrow('EEXIST')
    expect(() => fileSystem.openSync('/d/none', 'fill')).toThrow('ENOENT')
  })

  it('has its zeros where the end is when they come, in some seeds behind what was appended meanwhile', async () => {
    const found = new Set<string>()
    for (let seed = 1; seed <= 20; seed++) {
      const { fileSystem, file } = await filled({ seed })
      const extending = file.extend(2)
      await Promise.resolve()
      file.appendSync(Buffer.from('abc'), 0)
      await extending
      found.add(textOf(fileSystem))
    }
    expect([...found].sort()).toEqual(['abc', 'abc\0\0'])
  })

  it('has some of its zeros, or none, after an extension that failed', async () => {
    const faults = new FaultPlan()
    const { fileSystem, file } = await filled({ faults })
    faults.fail('extend', { code: 'ENOSPC', shortBytes: 3 })
    await expect(file.extend(8)).rejects.toMatchObject({ code: 'ENOSPC' })
    faults.fail('extend', { code: 'EIO' })
    await expect(file.extend(8)).rejects.toMatchObject({ code: 'EIO' })
    expect(textOf(fileSystem)).toBe('\0\0\0')
  })

  it('loses its zeros with the power, unless a sync has covered them', async () => {
    const { fileSystem, file } = await filled()
    await file.extend(3)
    expect(textOf(fileSystem.powerLoss(LOST))).toBe('')
    expect(textOf(fileSystem.powerLoss(KEPT))).toBe('\0\0\0')
    await file.syncData()
    expect(textOf(fileSystem.powerLoss(LOST))).toBe('\0\0\0')
  })
})
