import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/index.ts'
import { classifyEntry, logPaths, resolveHome } from '../../../src/layout/index.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

describe('logPaths', () => {
  const paths = logPaths('/store/orders-3', { root: '/store', topic: 'orders', partition: 3 })

  it('puts what logs share into the root and the rest beside the segments', () => {
    const inRoot = [
      paths.metaProperties,
      paths.lock,
      paths.lockOwner,
      paths.index,
      paths.cleanMarker,
      paths.recoveryPoints,
      paths.startOffsets,
      paths.cleanerOffsets,
      paths.ballast,
    ]
    const inDirectory = [
      paths.leaderEpochs,
      paths.partitionMetadata,
      paths.topicProperties,
      paths.quarantine,
      paths.watermark,
      paths.failed,
    ]
    for (const path of inRoot) expect(dirname(path)).toBe('/store')
    for (const path of inDirectory) expect(dirname(path)).toBe('/store/orders-3')
    const all = [...inRoot, ...inDirectory]
    expect(new Set(all).size).toBe(all.length)
    for (const path of all) expect(classifyEntry(basename(path)).kind).toBe('own')
  })

  it("names segments, their copies and Kafka's files beside them", () => {
    expect(paths.segment(7)).toBe('/store/orders-3/00000000000000000007.log')
    expect(classifyEntry(basename(paths.segmentCopy(7)))).toEqual({ kind: 'temporary' })
    expect(paths.sidecar(7, 'timeindex')).toBe('/store/orders-3/00000000000000000007.timeindex')
    expect(paths.entry('notes.txt')).toBe('/store/orders-3/notes.txt')
  })

  it('keeps everything of a log opened by itself in its own directory', () => {
    const alone = logPaths('/logs/audit', { root: '/logs/audit', topic: 'log', partition: 0 })
    for (const path of Object.values(alone).filter(
      (value) => typeof value === 'string' && value.startsWith('/'),
    )) {
      expect(relative('/logs/audit', path as string)).not.toContain('..')
    }
  })
})

function store(): string {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'meta.properties'), 'version=1\n')
  return directory
}

describe('resolveHome', () => {
  it('takes a directory without a store above it for a log by itself, existing or not', () => {
    const parent = temporaryDirectory()
    const directory = join(parent, 'audit')
    const home = { directory, root: directory, topic: 'log', partition: 0, inStore: false }
    expect(resolveHome(nodeFileSystem, directory)).toEqual(home)
    mkdirSync(directory)
    expect(resolveHome(nodeFileSystem, directory)).toEqual(home)
    expect(resolveHome(nodeFileSystem, `${directory}/`)).toEqual(home)
    expect(resolveHome(nodeFileSystem, '/').root).toBe('/')
  })

  it('gives a directory under meta.properties to that store, existing or not', () => {
    const root = store()
    const directory = join(root, 'my-orders-3')
    const home = { directory, root, topic: 'my-orders', partition: 3, inStore: true }
    expect(resolveHome(nodeFileSystem, directory)).toEqual(home)
    mkdirSync(directory)
    expect(resolveHome(nodeFileSystem, directory)).toEqual(home)
    expect(resolveHome(nodeFileSystem, join(directory, '.'))).toEqual(home)
  })

  it('refuses a name that no partition has inside a store', () => {
    const root = store()
    for (const name of ['orders', 'orders-x', 'orders-01', 'quarantine', '\u001b[2J-0']) {
      expect(() => resolveHome(nodeFileSystem, join(root, name))).toThrow(RangeError)
      expect(() => resolveHome(nodeFileSystem, join(root, name))).toThrow(/is a store[\x20-\x7e]*$/)
    }
  })

  it('takes a file for the mark of a store, and a link, which Kafka follows, but no directory', () => {
    const parent = temporaryDirectory()
    const mark = join(parent, 'meta.properties')
    mkdirSync(mark)
    expect(resolveHome(nodeFileSystem, join(parent, 'orders-0')).inStore).toBe(false)
    rmdirSync(mark)
    symlinkSync(join(store(), 'meta.properties'), mark)
    expect(resolveHome(nodeFileSystem, join(parent, 'orders-0'))).toMatchObject({
      inStore: true,
      root: parent,
    })
  })

  it('refuses a link: a log with two names would have two locks', () => {
    const root = store()
    mkdirSync(join(root, 'orders-0'))
    const link = join(temporaryDirectory(), 'orders-0')
    symlinkSync(join(root, 'orders-0'), link)
    expect(() => resolveHome(nodeFileSystem, link)).toThrow('was not resolved')
  })
})
