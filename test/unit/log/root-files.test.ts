import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatCheckpoint, formatCleanMarker } from '../../../src/layout/index.ts'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { newIdentity, writeIdentity } from '../../../src/log/log-identity.ts'
import { RootFiles } from '../../../src/log/root-files.ts'
import { FaultFileSystem, SeededRandom } from '../../../src/testing/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const NOW = new Date(Date.UTC(2026, 0, 1))
const LONG_AGO = new Date(Date.UTC(2020, 0, 1))

const offsetsOf = (offset: number): string => formatCheckpoint(new Map([['orders-0', offset]]))

/** A checkpoint that was written `at`, and a reader of it that has seen it. */
function setUp({ at = LONG_AGO }: { at?: Date } = {}) {
  const directory = temporaryDirectory()
  const path = join(directory, 'checkpoint')
  const fileSystem = new FaultFileSystem()
  const files = new RootFiles(fileSystem, { now: () => NOW.getTime() })
  const write = (to: string, offset: number): void => {
    writeFileSync(to, offsetsOf(offset))
    utimesSync(to, at, at)
  }
  write(path, 5)
  const read = (): number | undefined => files.checkpoint(path)?.get('orders-0')
  expect(read()).toBe(5)
  return { directory, path, fileSystem, files, write, read }
}

describe('the files of a root that logs are followed in', () => {
  it('are read once for all who ask', () => {
    const { fileSystem, files, path } = setUp()
    const first = files.checkpoint(path)
    for (let count = 0; count < 100; count++) expect(files.checkpoint(path)).toBe(first)
    expect(fileSystem.count('open')).toBe(1)
  })

  it('are parsed once for all who ask while they are too young to tell from their time whether they changed', () => {
    const { fileSystem, files, path } = setUp({ at: NOW })
    const first = files.checkpoint(path)
    expect(files.checkpoint(path)).toBe(first)
    expect(fileSystem.count('open')).toBe(3)
  })

  it('say the id of a log, as long as it can be believed', async () => {
    const { directory, files } = setUp()
    const path = join(directory, 'topic.properties')
    expect(files.logId(path)).toBeUndefined()
    for (const seed of [1, 2]) {
      const identity = newIdentity(new SeededRandom(seed), 'dense')
      await writeIdentity(nodeFileSystem, path, identity)
      expect(files.logId(path)).toBe(identity.id)
    }
    writeFileSync(path, 'seglog.log.id=no id')
    expect(files.logId(path)).toBeUndefined()
  })

  it('count as they are now, whether replaced or written over', () => {
    const { directory, path, write, read } = setUp()
    write(join(directory, 'other'), 6)
    renameSync(join(directory, 'other'), path)
    expect(read()).toBe(6)
    writeFileSync(path, offsetsOf(7))
    expect(read()).toBe(7)
  })

  it('count as they are now where a file written over in the same moment can not be told by its stat', () => {
    const { path, write, read } = setUp({ at: NOW })
    const before = statSync(path)
    write(path, 6)
    const { ino, size, mtimeMs } = statSync(path)
    expect([ino, size, mtimeMs]).toEqual([before.ino, before.size, before.mtimeMs])
    expect(read()).toBe(6)
  })

  it('say nothing once they are gone, or something else is in their place, and count again when they are back', () => {
    const { directory, path, write, read } = setUp()
    rmSync(path)
    expect(read()).toBeUndefined()
    mkdirSync(path)
    expect(read()).toBeUndefined()
    rmSync(path, { recursive: true })
    write(join(directory, 'other'), 6)
    symlinkSync(join(directory, 'other'), path)
    expect(read()).toBeUndefined()
    rmSync(path)
    write(path, 8)
    expect(read()).toBe(8)
  })

  it('are not believed where they can not be parsed, and an error of the system is told', () => {
    const { path, fileSystem, read } = setUp()
    writeFileSync(path, '0\n2\norders 0 5\n')
    expect([read(), read()]).toEqual([undefined, undefined])
    fileSystem.fail('open', { code: 'EIO' })
    expect(read).toThrow(expect.objectContaining({ code: 'EIO' }))
    fileSystem.heal()
    expect(read()).toBeUndefined()
  })

  it('may be a clean marker, and several', () => {
    const { directory, files } = setUp()
    const paths = [0, 1].map((partition) => join(directory, `marker-${partition}`))
    for (const [partition, path] of paths.entries())
      writeFileSync(
        path,
        formatCleanMarker([
          {
            topic: 'orders',
            partition,
            identity: 'x',
            activeBase: 0,
            sizeBytes: 0,
            nextOffset: 0,
            lastBatchPosition: null,
            lastBatchCrc: null,
            maxTimestamp: -1,
          },
        ]),
      )
    const keys = paths.map((path) => {
      const marker = files.cleanMarker(path)
      return marker?.kafkaOnly === false ? [...marker.logs.keys()] : undefined
    })
    expect(keys).toEqual([['orders-0'], ['orders-1']])
    writeFileSync(paths[0]!, '{')
    expect(files.cleanMarker(paths[0]!)).toBeUndefined()
    expect(files.cleanMarker(join(directory, 'none'))).toBeUndefined()
  })
})
