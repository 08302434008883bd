import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FileSystem, nodeFileSystem } from '../../../src/fs/index.ts'
import {
  formatCheckpoint,
  openCheckpointFile,
  parseCheckpoint,
  readCheckpoint,
} from '../../../src/layout/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { seed } from '../../helpers/seed.ts'

const offsetsArbitrary = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-zA-Z0-9_.-]{0,30}x$/), fc.nat(), fc.maxSafeNat()), {
    selector: ([topic, partition]) => `${topic}-${partition}`,
  })
  .map((rows) => new Map(rows.map(([topic, partition, offset]) => [`${topic}-${partition}`, offset])))

/** The machine's file system with a gate before each rename, which is the commit point of a replacement. */
function gatedFileSystem(): {
  fileSystem: FileSystem
  renames: () => number
  failNext: (error: Error) => void
} {
  let renames = 0
  let failure: Error | undefined
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async rename(from, to) {
      renames++
      const error = failure
      failure = undefined
      if (error !== undefined) throw error
      await nodeFileSystem.rename(from, to)
    },
  }
  return { fileSystem, renames: () => renames, failNext: (error) => (failure = error) }
}

describe('a checkpoint of offsets', () => {
  it("is Kafka's text", () => {
    const offsets = new Map([
      ['orders-0', 42],
      ['my-topic-7', 0],
    ])
    expect(formatCheckpoint(offsets)).toBe('0\n2\norders 0 42\nmy-topic 7 0\n')
  })

  it('comes back as it was, in order', () => {
    fc.assert(
      fc.property(offsetsArbitrary, (offsets) => {
        expect([...(parseCheckpoint(formatCheckpoint(offsets)).value ?? [])]).toEqual([...offsets])
      }),
      { seed },
    )
  })

  it.each([
    ['0\n1\norders 0\n', 'line 3'],
    ['0\n1\norders 0 1 2\n', 'line 3'],
    ['0\n1\norders  0 1\n', 'line 3'],
    ['0\n1\norders 0 -1\n', 'line 3'],
    ['0\n1\norders 0 1.5\n', 'line 3'],
    ['0\n1\norders 0 9007199254740992\n', 'line 3'],
    ['0\n1\norders -1 0\n', 'line 3'],
    ['0\n1\norders 2147483648 0\n', 'line 3'],
    ['0\n1\n../x 0 0\n', 'line 3'],
    ['0\n1\n 0 0\n', 'line 3'],
    ['0\n2\norders 0 1\n\n', 'line 4'],
    ['0\n2\norders 0 1\norders 0 1\n', 'two lines for "orders-0"'],
    ['0\n1\n\u0000 0 1\n', 'line 3'],
  ])('%j is a problem as a whole', (text, problem) => {
    expect(parseCheckpoint(text).problem).toContain(problem)
  })

  it('says nothing of a damaged line but its number', () => {
    expect(parseCheckpoint('0\n1\nsecret secret\n').problem).not.toContain('secret')
  })

  it('refuses to be formatted from what it could not read back', () => {
    expect(() => formatCheckpoint(new Map([['orders', 1]]))).toThrow('seglog bug')
    expect(() => formatCheckpoint(new Map([['orders-0', -1]]))).toThrow('seglog bug')
  })
})

describe('readCheckpoint', () => {
  it('finds nothing where there is no file', () => {
    expect(readCheckpoint(nodeFileSystem, join(temporaryDirectory(), 'none'))).toEqual({ value: new Map() })
  })

  it('names the file in a problem', () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    writeFileSync(path, '')
    expect(readCheckpoint(nodeFileSystem, path)).toEqual({ problem: `${path} is empty` })
  })

  it('takes a link, a directory and a file over 16 MiB for problems', () => {
    const directory = temporaryDirectory()
    const [link, folder, huge] = ['link', 'folder', 'huge'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]
    symlinkSync('/dev/zero', link)
    mkdirSync(folder)
    writeFileSync(huge, '')
    truncateSync(huge, 16 * 1024 * 1024 + 1)
    for (const path of [link, folder, huge]) {
      expect(readCheckpoint(nodeFileSystem, path).problem).toContain(path)
    }
  })

  it('passes the errors of the system on: a file that can not be read is not an empty one', () => {
    const failing: FileSystem = {
      ...nodeFileSystem,
      openSync() {
        throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
      },
    }
    const path = join(temporaryDirectory(), 'checkpoint')
    writeFileSync(path, '0\n0\n')
    expect(() => readCheckpoint(failing, path)).toThrow('EACCES')
  })
})

const inFile = (path: string) => readFileSync(path, 'utf8')

describe('CheckpointFile', () => {
  it('makes no file before the first set, and keeps the mode private', async () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    const file = openCheckpointFile(nodeFileSystem, path)
    expect(nodeFileSystem.statSync(path)).toBeUndefined()
    expect(file.get('orders', 0)).toBeUndefined()
    await file.set('orders', 0, 7)
    expect(inFile(path)).toBe('0\n1\norders 0 7\n')
    expect(file.get('orders', 0)).toBe(7)
  })

  it("keeps the other logs' lines", async () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    writeFileSync(path, '0\n2\na 0 1\nb 0 2\n')
    const file = openCheckpointFile(nodeFileSystem, path)
    await file.set('b', 0, 3)
    await file.set('c', 0, 4)
    expect(inFile(path)).toBe('0\n3\na 0 1\nb 0 3\nc 0 4\n')
    await file.set('a', 0, undefined)
    expect(inFile(path)).toBe('0\n2\nb 0 3\nc 0 4\n')
  })

  it('makes one write of all calls that wait together, the last one for a log winning', async () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    const { fileSystem, renames } = gatedFileSystem()
    const file = openCheckpointFile(fileSystem, path)
    const first = file.set('a', 0, 1)
    await Promise.resolve() // the first write has begun and takes no more changes
    await Promise.resolve()
    const rest = Array.from({ length: 100 }, (_, offset) => file.set('b', 0, offset))
    await Promise.all([first, ...rest, file.set('c', 0, 5)])
    expect(renames()).toBe(2)
    expect(inFile(path)).toBe('0\n3\na 0 1\nb 0 99\nc 0 5\n')
  })

  it('says the stored offset only once it is stored', async () => {
    const file = openCheckpointFile(nodeFileSystem, join(temporaryDirectory(), 'checkpoint'))
    const written = file.set('a', 0, 1)
    expect(file.get('a', 0)).toBeUndefined()
    await written
    expect(file.get('a', 0)).toBe(1)
  })

  it('writes nothing when nothing changes', async () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    const { fileSystem, renames } = gatedFileSystem()
    const file = openCheckpointFile(fileSystem, path)
    await file.set('a', 0, undefined)
    expect(renames()).toBe(0)
    await file.set('a', 0, 1)
    await file.set('a', 0, 1)
    expect(renames()).toBe(1)
  })

  it('rejects every call of a failed write, leaves the old file, and goes on with the next', async () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    const { fileSystem, renames, failNext } = gatedFileSystem()
    const file = openCheckpointFile(fileSystem, path)
    await file.set('a', 0, 1)
    failNext(new Error('disk gone'))
    const results = await Promise.allSettled([file.set('a', 0, 2), file.set('b', 0, 2)])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(inFile(path)).toBe('0\n1\na 0 1\n')
    expect(file.get('a', 0)).toBe(1)
    await file.set('a', 0, 1) // no change, but the file is uncertain since the failure: it is written all the same
    expect(renames()).toBe(3)
    await file.set('c', 0, 3)
    expect(inFile(path)).toBe('0\n2\na 0 1\nc 0 3\n')
  })

  it('reports a file it can not believe, starts empty, and replaces it at the first set', async () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    writeFileSync(path, '7\n0\n')
    const file = openCheckpointFile(nodeFileSystem, path)
    expect(file.problem).toBe(`${path} has version "7", 0 was expected`)
    await file.set('a', 0, undefined)
    expect(inFile(path)).toBe('0\n0\n')
  })

  it('asserts the offset and the name before anything is written', () => {
    const path = join(temporaryDirectory(), 'checkpoint')
    const file = openCheckpointFile(nodeFileSystem, path)
    for (const offset of [-1, 1.5, Number.NaN, 2 ** 53])
      expect(() => file.set('a', 0, offset)).toThrow('seglog bug')
    expect(() => file.set('../a', 0, 1)).toThrow('seglog bug')
    expect(() => file.set('a', -1, 1)).toThrow('seglog bug')
    expect(nodeFileSystem.statSync(path)).toBeUndefined()
  })

  it('ends as the last call of each log asked, whatever the order of calls', async () => {
    const step = fc.record({
      topic: fc.constantFrom('a', 'b', 'c'),
      offset: fc.option(fc.nat(9), { nil: undefined }),
      pause: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const path = join(temporaryDirectory(), 'checkpoint')
        const file = openCheckpointFile(nodeFileSystem, path)
        const expected = new Map<string, number>()
        const calls: Promise<void>[] = []
        for (const { topic, offset, pause } of steps) {
          calls.push(file.set(topic, 0, offset))
          if (offset === undefined) expected.delete(`${topic}-0`)
          else expected.set(`${topic}-0`, offset)
          if (pause) await calls.at(-1)
        }
        await Promise.all(calls)
        await file.idle()
        expect(new Map(readCheckpoint(nodeFileSystem, path).value)).toEqual(expected)
      }),
      { seed, numRuns: 25 },
    )
  })
})
