import { FaultFileSystem } from '../../../src/testing/index.ts'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type FileSystem, nodeFileSystem } from '../../../src/fs/index.ts'
import {
  type CleanLogState,
  formatCleanMarker,
  type LogPaths,
  logPaths,
  parseCleanMarker,
} from '../../../src/layout/index.ts'
import { CleanMarkerFile, type LogMarker } from '../../../src/log/clean-marker-file.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const standalone = (directory = temporaryDirectory()): LogPaths =>
  logPaths(directory, { root: directory, topic: 'log', partition: 0 })

/** A partition of a store that has these others. */
function inStore(...others: string[]): LogPaths {
  const root = temporaryDirectory()
  for (const name of ['orders-0', ...others]) mkdirSync(join(root, name))
  return logPaths(join(root, 'orders-0'), { root, topic: 'orders', partition: 0 })
}

const stateOf = ({ topic, partition }: { topic: string; partition: number }): CleanLogState => ({
  topic,
  partition,
  identity: 'x',
  activeBase: 0,
  sizeBytes: 100,
  nextOffset: 2,
  lastBatchPosition: 20,
  lastBatchCrc: 7,
  maxTimestamp: 1000,
})

const open = (paths: LogPaths, fileSystem: FileSystem = nodeFileSystem): LogMarker =>
  new CleanMarkerFile(fileSystem, paths).of(paths, { writes: 'at-close' })

describe('the file of the clean marker', () => {
  it('is written with how the log ended, and tells it at the next opening', async () => {
    const paths = standalone()
    const marker = open(paths)
    expect(marker.own).toBeUndefined()
    await marker.closed(stateOf(paths))
    expect(open(paths).own).toEqual(stateOf(paths))
  })

  it('is removed durably, once, and not written again while it is there', async () => {
    const paths = standalone()
    await open(paths).closed(stateOf(paths))
    const before = statSync(paths.cleanMarker).ino
    const fileSystem = new FaultFileSystem()
    const marker = open(paths, fileSystem)
    await marker.closed({ ...stateOf(paths), nextOffset: 99 })
    expect(statSync(paths.cleanMarker).ino).toBe(before)
    await marker.remove()
    await marker.remove()
    expect(existsSync(paths.cleanMarker)).toBe(false)
    expect([fileSystem.count('remove'), fileSystem.count('syncDirectory')]).toEqual([1, 1])
    await marker.closed({ ...stateOf(paths), nextOffset: 99 })
    expect(open(paths).own?.nextOffset).toBe(99)
  })

  it('still counts as there when its removal failed', async () => {
    const paths = standalone()
    await open(paths).closed(stateOf(paths))
    const fileSystem = new FaultFileSystem()
    const marker = open(paths, fileSystem)
    fileSystem.fail('remove', { code: 'EIO' })
    await expect(marker.remove()).rejects.toMatchObject({ code: 'EIO' })
    await marker.remove()
    expect(existsSync(paths.cleanMarker)).toBe(false)
  })

  it('that is odd counts for nothing, and goes before the first write', async () => {
    const paths = standalone()
    writeFileSync(paths.cleanMarker, 'odd')
    const marker = open(paths)
    expect(marker.own).toBeUndefined()
    await marker.remove()
    expect(existsSync(paths.cleanMarker)).toBe(false)
  })

  it.each<[string, (path: string) => void]>([
    ['directory', (path) => mkdirSync(path)],
    ['symlink', (path) => symlinkSync('/dev/null', path)],
  ])('is refused when it is a %s', (found, make) => {
    const paths = standalone()
    make(paths.cleanMarker)
    expect(() => open(paths)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT', found }))
  })

  it('keeps what it said of other logs of the store', async () => {
    const paths = inStore('orders-1')
    const other = stateOf({ topic: 'orders', partition: 1 })
    writeFileSync(paths.cleanMarker, formatCleanMarker([other]))
    const marker = open(paths)
    expect(marker.own).toBeUndefined()
    await marker.remove()
    await marker.closed(stateOf(paths))
    const parsed = parseCleanMarker(readFileSync(paths.cleanMarker, 'utf8'))
    expect(parsed).toMatchObject({
      logs: new Map([
        ['orders-1', other],
        ['orders-0', stateOf(paths)],
      ]),
    })
  })

  it('is not written where it would vouch for a log of the store that it knows nothing of', async () => {
    const paths = inStore('orders-1')
    await open(paths).closed(stateOf(paths))
    expect(existsSync(paths.cleanMarker)).toBe(false)
  })

  it.each([
    'orders-1.c0ffee-future',
    'orders-1.c0ffee-stray',
    'orders-1.c0ffee-delete',
    '__cluster_metadata-0',
  ])('is not written beside %s, which Kafka would take for closed in order as well', async (other) => {
    const paths = inStore(other)
    await open(paths).closed(stateOf(paths))
    expect(existsSync(paths.cleanMarker)).toBe(false)
  })

  it('is not written beside a link that leads to a log elsewhere', async () => {
    const paths = inStore()
    symlinkSync(temporaryDirectory(), join(paths.root, 'orders-1'))
    await open(paths).closed(stateOf(paths))
    expect(existsSync(paths.cleanMarker)).toBe(false)
  })

  it.each([[[]], [['notes', 'quarantine']]])(
    'is written in a store where there is no other log, beside %j',
    async (others) => {
      const paths = inStore(...others)
      await open(paths).closed(stateOf(paths))
      expect(open(paths).own).toEqual(stateOf(paths))
    },
  )

  it('is written in a store that Kafka had closed in order', async () => {
    const paths = inStore('orders-1')
    writeFileSync(paths.cleanMarker, '{"version":0,"brokerEpoch":3}')
    const marker = open(paths)
    await marker.remove()
    await marker.closed(stateOf(paths))
    expect(open(paths).own).toEqual(stateOf(paths))
  })
})

/** Two logs of one store, and the marker they share. */
function openTwo() {
  const paths = inStore('orders-1')
  const markers = new CleanMarkerFile(nodeFileSystem, paths)
  const other = { topic: 'orders', partition: 1 }
  const logs = [paths, other].map((log) => markers.of(log, { writes: 'by-store' }))
  return { paths, other, markers, first: logs[0]!, second: logs[1]! }
}

describe('the clean marker that the logs of a store share', () => {
  it('is written once all of them have ended in order', async () => {
    const { paths, other, markers, first, second } = openTwo()
    await first.remove()
    await second.remove()
    await first.closed(stateOf(paths))
    expect(existsSync(paths.cleanMarker)).toBe(false)
    await markers.write()
    expect(existsSync(paths.cleanMarker)).toBe(false)
    await second.closed(stateOf(other))
    await markers.write()
    const again = new CleanMarkerFile(nodeFileSystem, paths)
    expect(again.of(other, { writes: 'by-store' }).own).toEqual(stateOf(other))
    expect(again.of(paths, { writes: 'by-store' }).own).toEqual(stateOf(paths))
  })

  it('is not written for one that was closed in order once, and has been written to since', async () => {
    const { paths, other, markers, first, second } = openTwo()
    await first.closed(stateOf(paths))
    await second.closed(stateOf(other))
    await markers.write()
    const again = new CleanMarkerFile(nodeFileSystem, paths)
    await again.of(paths, { writes: 'by-store' }).remove()
    await again.write()
    expect(existsSync(paths.cleanMarker)).toBe(false)
  })

  it('goes once, whoever writes first, and all wait for that', async () => {
    const { paths, other, markers, first, second } = openTwo()
    await first.closed(stateOf(paths))
    await second.closed(stateOf(other))
    await markers.write()
    const fileSystem = new FaultFileSystem()
    const again = new CleanMarkerFile(fileSystem, paths)
    await Promise.all([paths, other].map((log) => again.of(log, { writes: 'by-store' }).remove()))
    expect([fileSystem.count('remove'), fileSystem.count('syncDirectory')]).toEqual([1, 1])
  })

  it('does not wait for a log that is no more', async () => {
    const { paths, other, markers, first, second } = openTwo()
    await second.remove()
    await first.closed(stateOf(paths))
    markers.forget(other)
    rmSync(join(paths.root, 'orders-1'), { recursive: true })
    await markers.write()
    expect(existsSync(paths.cleanMarker)).toBe(true)
  })
})
