import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../../src/core/index.ts'
import { BALLAST_BYTES, openBallast } from '../../../src/log/ballast.ts'
import { BallastedFileSystem } from '../../../src/log/ballasted-file-system.ts'
import { FaultFileSystem, type FaultKind, ManualClock } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** A directory with a ballast and a few files in it. */
function setUp({ ballastBytes = BALLAST_BYTES } = {}) {
  const directory = temporaryDirectory()
  const place = (name: string) => join(directory, name)
  writeFileSync(place('ballast'), Buffer.alloc(ballastBytes))
  writeFileSync(place('old'), 'old')
  const bare = new FaultFileSystem()
  const clock = new ManualClock()
  const ballast = openBallast({ fileSystem: bare, path: place('ballast'), clock, logger: silentLogger })
  return { bare, ballast, place, directory, fileSystem: new BallastedFileSystem(bare, ballast) }
}

type SetUp = ReturnType<typeof setUp>

/** Each kind of call that is made again, what it has done when it succeeded, and how it fails. */
const CALLS: readonly (readonly [
  FaultKind,
  { run: (set: SetUp) => Promise<void> | void; done: (set: SetUp) => boolean },
])[] = [
  [
    'open',
    {
      run: ({ fileSystem, place }) => fileSystem.openSync(place('new'), 'create').close(),
      done: ({ place }) => existsSync(place('new')),
    },
  ],
  [
    'write',
    {
      run({ fileSystem, place }) {
        const file = fileSystem.openSync(place('new'), 'replace')
        file.appendSync(Buffer.from('first '), 0)
        file.appendSync(Buffer.from('second'), 6)
        file.close()
      },
      done: ({ place }) => readFileSync(place('new'), 'utf8') === 'first second',
    },
  ],
  [
    'overwrite',
    {
      run({ fileSystem, place }) {
        const file = fileSystem.openSync(place('old'), 'overwrite')
        file.overwriteSync(Buffer.from('new'), 0)
        file.close()
      },
      done: ({ place }) => readFileSync(place('old'), 'utf8') === 'new',
    },
  ],
  [
    'rename',
    {
      run: ({ fileSystem, place }) => fileSystem.rename(place('old'), place('new')),
      done: ({ place }) => existsSync(place('new')),
    },
  ],
  [
    'remove',
    {
      run: ({ fileSystem, place }) => fileSystem.remove(place('old')),
      done: ({ place }) => !existsSync(place('old')),
    },
  ],
  [
    'makeDirectory',
    {
      run: ({ fileSystem, place }) => fileSystem.makeDirectory(place('new')),
      done: ({ place }) => statSync(place('new')).isDirectory(),
    },
  ],
]

describe('a call that finds no room', () => {
  it.each(CALLS)('(%s) has that of the ballast', async (kind, { run, done }) => {
    for (const code of ['ENOSPC', 'EDQUOT']) {
      const set = setUp()
      set.bare.fail(kind, { code, name: /old|new/, shortBytes: 2 })
      await run(set)
      expect([done(set), set.ballast.isSpent, statSync(set.place('ballast')).size]).toEqual([true, true, 0])
    }
  })

  it.each(CALLS)('(%s) after the ballast was spent fails', async (kind, { run }) => {
    const set = setUp({ ballastBytes: 0 })
    set.bare.fail(kind, { code: 'ENOSPC', name: /old|new/ })
    await expect((async () => run(set))()).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  it.each(CALLS)('(%s), nor with it, fails with the second error', async (kind, { run }) => {
    const set = setUp()
    set.bare.fail(kind, { code: 'ENOSPC', name: /old|new/ })
    set.bare.fail(kind, { code: 'EDQUOT', name: /old|new/ })
    await expect((async () => run(set))()).rejects.toMatchObject({ code: 'EDQUOT' })
    expect(set.ballast.isSpent).toBe(true)
  })

  it.each(CALLS)('(%s) for another reason leaves the ballast alone', async (kind, { run }) => {
    for (const code of ['EIO', 'EFBIG', 'EMFILE', 'EROFS']) {
      const set = setUp()
      set.bare.fail(kind, { code, name: /old|new/ })
      await expect((async () => run(set))()).rejects.toMatchObject({ code })
      expect(set.ballast.isSpent).toBe(false)
    }
  })
})

describe('bytes of a segment', () => {
  it('that find no room have the ballast spent, and are refused all the same', () => {
    const { bare, ballast, fileSystem, place } = setUp()
    for (const [name, mode] of [
      ['old', 'append'],
      ['new', 'create'],
    ] as const) {
      const file = fileSystem.openSync(place(name), mode)
      bare.fail('write', { code: 'ENOSPC', name: /old|new/, shortBytes: 2 })
      expect(() => file.appendSync(Buffer.from('more'), file.sizeSync())).toThrow('ENOSPC')
      expect(ballast.isSpent).toBe(true)
      file.close()
    }
    expect(readFileSync(place('old'), 'utf8')).toBe('oldmo')
  })
})

describe('a sync', () => {
  it('that fails is not made again, and spends nothing', async () => {
    const { bare, ballast, fileSystem, place, directory } = setUp()
    const file = fileSystem.openSync(place('old'), 'append')
    bare.fail('syncData', { code: 'ENOSPC' })
    bare.fail('syncDirectory', { code: 'EIO' })
    const failures = [
      await file.syncData().catch((error: unknown) => error),
      await fileSystem.syncDirectory(directory).catch((error: unknown) => error),
    ]
    expect(failures).toMatchObject([{ code: 'ENOSPC' }, { code: 'EIO' }])
    expect([bare.count('syncData'), bare.count('syncDirectory'), ballast.isSpent]).toEqual([1, 1, false])
    file.close()
  })

  it('of a new directory is not skipped by making the directory again', async () => {
    const { bare, ballast, fileSystem, place } = setUp()
    const hold = bare.hold('makeDirectory')
    bare.fail('makeDirectory', { code: 'ENOSPC' })
    const made = fileSystem.makeDirectory(place('made'))
    await hold.reached
    mkdirSync(place('made'))
    hold.release()
    await expect(made).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(ballast.isSpent).toBe(false)
  })
})

describe('everything else', () => {
  it('is the file system below it', async () => {
    const { bare, fileSystem, place, directory } = setUp()
    expect(fileSystem.kind).toBe(bare.kind)
    expect(fileSystem.statSync(place('old'))).toEqual(bare.statSync(place('old')))
    expect(await fileSystem.list(directory)).toEqual(await bare.list(directory))
    expect(await fileSystem.realPath(directory)).toBe(directory)
    const reader = fileSystem.openSync(place('old'), 'read')
    const writer = fileSystem.openSync(place('old'), 'append')
    const bytes = Buffer.alloc(3)
    expect([reader.readSync(bytes, 0), await writer.read(bytes, 0), writer.readSync(bytes, 1)]).toEqual([
      3, 3, 2,
    ])
    writer.truncateSync(1)
    await writer.syncData()
    expect([writer.sizeSync(), writer.path]).toEqual([1, place('old')])
    for (const file of [reader, writer]) file.close()
    const lock = fileSystem.lock(place('.lock'))
    expect(fileSystem.isLocked(place('.lock'))).toBe(true)
    lock.release()
    fileSystem.watch(directory, () => {}).close()
  })
})
