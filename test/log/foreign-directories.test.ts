/*
 * Directories that are not of our making: stores of a version nobody knows here, the log of Kafka's controllers, and names
 * that mean nothing to a log.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type LogOptions, openLog } from '../../src/index.ts'
import { dataBatch, handMadeLog, segmentName } from '../helpers/hand-made.ts'
import { appendNumbered, fingerprint, quick } from '../helpers/log-files.ts'
import { openTempLog, readAll, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const GOOD = 'version=1\ncluster.id=x\nnode.id=1\n'
const adopting: LogOptions = { ...quick, adopt: true }

/** A store in which Kafka has left three records in `orders-0`. */
async function kafkaStore(meta = GOOD, log = 'orders-0'): Promise<{ root: string; directory: string }> {
  const root = temporaryDirectory()
  const directory = join(root, log)
  mkdirSync(directory)
  writeFileSync(join(root, 'meta.properties'), meta)
  await handMadeLog([[dataBatch(0, 2), dataBatch(2, 1)]], { directory })
  return { root, directory }
}

/** Shows that it can be read in both ways that change nothing, and that nothing changes. */
async function expectReadable(directory: string, noted?: string): Promise<void> {
  for (const options of [{ readOnly: true }, quick]) {
    const log = await openTempLog(options, directory)
    expect(log.state).toBe('readonly')
    if (noted !== undefined) expect(log.recovery.notes.join()).toContain(noted)
    expect(await readValues(log)).toEqual(['r0', 'r1', 'r2'])
    await expect(log.append('x')).rejects.toMatchObject({ code: 'LOG_READONLY' })
    await log.close()
  }
}

describe('a store', () => {
  it('of a version that is not known is not written to, nothing is made in it, and its logs are read', async () => {
    const { root, directory } = await kafkaStore('version=2\ncluster.id=x\nnode.id=1\n')
    const before = fingerprint(root)
    const refusal = {
      code: 'FORMAT_UNSUPPORTED',
      path: join(root, 'meta.properties'),
      found: 2,
      expected: [0, 1],
      message: expect.stringMatching(/has version 2.*Nothing was changed; readOnly: true opens/) as string,
    }
    await expect(openLog(directory, adopting)).rejects.toMatchObject(refusal)
    await expect(openLog(join(root, 'new-0'), quick)).rejects.toMatchObject(refusal)
    expect(existsSync(join(root, '.lock'))).toBe(false)
    expect(fingerprint(root)).toEqual(before)
    await expectReadable(directory, 'has version 2, of which nothing is known')
    expect(fingerprint(root)).toEqual(before)
  })

  it('of a version that is not known is not written to, though the log was adopted before', async () => {
    const { root, directory } = await kafkaStore()
    const log = await openTempLog(adopting, directory)
    await appendNumbered(log, 1)
    await log.close()
    writeFileSync(join(root, 'meta.properties'), 'version=3\n')
    await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED', found: 3 })
    expect((await readValues(await openTempLog({ readOnly: true }, directory))).slice(0, 3)).toEqual([
      'r0',
      'r1',
      'r2',
    ])
  })

  it.each([
    ['is empty', '', 'neither a version nor an id'],
    ['is zeros', '\0'.repeat(100), 'neither a version nor an id'],
    ['names no cluster', 'version=1\nnode.id=1\n', 'has no cluster.id'],
    ['has an odd number', 'version=1\ncluster.id=x\nnode.id=one\n', 'has node.id "one"'],
    ['has an odd version', 'version=latest\n', 'has version "latest"'],
    ['is no properties file', 'version=\\uzzzz\n', 'no .properties file'],
    ['is far too large', `${GOOD}#${'x'.repeat(70_000)}\n`, 'at most 65536 were expected'],
  ])('whose meta.properties %s is not written to, and its logs are read', async (_, meta, problem) => {
    const { root, directory } = await kafkaStore(meta)
    const before = fingerprint(root)
    await expect(openLog(directory, adopting)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      path: join(root, 'meta.properties'),
      message: expect.stringContaining(problem) as string,
    })
    await expectReadable(directory)
    expect(fingerprint(root)).toEqual(before)
  })

  it('whose meta.properties is a link is a store all the same: a log in it has no lock of its own', async () => {
    const { root, directory } = await kafkaStore()
    const elsewhere = join(temporaryDirectory(), 'meta.properties')
    copyFileSync(join(root, 'meta.properties'), elsewhere)
    const linked = temporaryDirectory()
    symlinkSync(elsewhere, join(linked, 'meta.properties'))
    const log = await handMadeLog([[dataBatch(0, 3)]], { directory: makeDirectory(linked, 'orders-0') })
    await expect(openLog(log, adopting)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('is a symlink, a regular file was expected') as string,
    })
    expect(readdirSync(log)).toEqual([segmentName(0)])
    expect((await openTempLog(adopting, directory)).state).toBe('open')
  })

  it('of version 0, as Kafka made them before it had controllers, is written to', async () => {
    for (const meta of [
      'version=0\nbroker.id=7\n',
      'version=0\nbroker.id=7\ncluster.id=x\n',
      'broker.id=7\n',
    ]) {
      const { directory } = await kafkaStore(meta)
      const log = await openTempLog(adopting, directory)
      await appendNumbered(log, 1)
      expect(log.endOffset).toBe(4)
    }
  })
})

function makeDirectory(root: string, name: string): string {
  const directory = join(root, name)
  mkdirSync(directory)
  return directory
}

describe('a store itself', () => {
  it('is no log, and none is made in it', async () => {
    const { root } = await kafkaStore()
    const before = fingerprint(root)
    for (const options of [quick, adopting, { ...quick, create: false }, { readOnly: true }])
      await expect(openLog(root, options)).rejects.toMatchObject({ code: 'LOG_NOT_FOUND' })
    await expect(openLog(root, quick)).rejects.toThrow(/is a store \(it has meta\.properties\)/)
    expect(fingerprint(root)).toEqual(before)
  })

  it('has one lock for all of its logs, which is said where it is refused', async () => {
    const { root, directory } = await kafkaStore()
    await openTempLog(adopting, directory)
    const second = openLog(join(root, 'orders-1'), quick)
    await expect(second).rejects.toMatchObject({ code: 'LOG_LOCKED', found: process.pid, retriable: true })
    await expect(second).rejects.toThrow(
      new RegExp(`by process ${process.pid} on .*It is the one lock of all logs in there, orders-1 too$`),
    )
  })

  it('may hold what belongs to no log: it is left alone, and its logs are read and written', async () => {
    const { root, directory } = await kafkaStore()
    const names = [
      'orders-0.0123456789abcdef0123456789abcdef-delete',
      'orders-1.0123456789abcdef0123456789abcdef-future',
      'old-0.0123456789abcdef0123456789abcdef-stray',
      'remote-log-index-cache',
      'lost+found',
    ]
    for (const name of names) {
      makeDirectory(root, name)
      writeFileSync(join(root, name, segmentName(0)), dataBatch(0, 1))
    }
    const before = fingerprint(root)
    const log = await openTempLog(adopting, directory)
    await log.close()
    const after = fingerprint(root)
    for (const name of Object.keys(before).filter((path) => !path.startsWith('orders-0/')))
      expect([name, after[name]]).toEqual([name, before[name]])
    for (const name of names) {
      await expect(openLog(join(root, name), quick)).rejects.toThrow(
        /directories are named <topic>-<partition>/,
      )
      await expect(openLog(join(root, name), { readOnly: true })).rejects.toThrow(/directories are named/)
    }
  })
})

describe("the log of Kafka's controllers", () => {
  const name = '__cluster_metadata-0'

  it('is never written, wherever it lies, and nothing is made beside it', async () => {
    const { root, directory } = await kafkaStore(GOOD, name)
    writeFileSync(join(directory, 'quorum-state'), '{"leaderId":1,"data_version":1}')
    writeFileSync(join(directory, '00000000000000000003-0000000001.checkpoint'), dataBatch(0, 1))
    const before = fingerprint(root)
    const message = expect.stringMatching(/is the log of Kafka's controllers.*readOnly: true$/) as string
    const refusal = { code: 'LOG_READONLY', path: directory, message }
    await expect(openLog(directory, adopting)).rejects.toMatchObject(refusal)
    expect(existsSync(join(root, '.lock'))).toBe(false)
    await expectReadable(directory)
    expect(fingerprint(root)).toEqual(before)
    const copy = makeDirectory(temporaryDirectory(), name)
    copyFileSync(join(directory, segmentName(0)), join(copy, segmentName(0)))
    await expect(openLog(copy, adopting)).rejects.toMatchObject({ ...refusal, path: copy })
    expect(readdirSync(copy)).toEqual([segmentName(0)])
    await expectReadable(copy)
  })

  it('is not made where there is none', async () => {
    const root = temporaryDirectory()
    writeFileSync(join(root, 'meta.properties'), GOOD)
    await expect(openLog(join(root, name), quick)).rejects.toMatchObject({ code: 'LOG_READONLY' })
    await expect(openLog(join(root, name), { readOnly: true })).rejects.toMatchObject({
      code: 'LOG_NOT_FOUND',
    })
    expect(readdirSync(root)).toEqual(['meta.properties'])
  })
})

describe("Kafka's own topics", () => {
  it('are adopted like others, and nothing of them is ever deleted, whatever is configured', async () => {
    const { root } = await kafkaStore()
    for (const inStore of [true, false]) {
      const parent = inStore ? root : temporaryDirectory()
      const directory = makeDirectory(parent, '__consumer_offsets-0')
      await handMadeLog([[dataBatch(0, 2)], [dataBatch(2, 2)]], { directory })
      const config = { 'retention.ms': 1, 'cleanup.policy': 'delete' }
      const log = await openTempLog({ ...adopting, config }, directory)
      await log.updateConfig({ 'retention.bytes': 1 })
      await log.append({ key: 'k', value: 'ours' })
      const report = await log.clean({ now: Date.now() + 1e9, force: true })
      expect(report.deleted).toEqual([])
      expect(await log.plan()).toMatchObject({ deleteCount: 0, blocked: 'held' })
      expect((await readAll(log)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4])
      await log.close()
    }
  })

  it('twin: a topic of another name loses what its configuration says', async () => {
    const { directory } = await kafkaStore()
    await handMadeLog([[dataBatch(3, 2)]], { directory })
    const log = await openTempLog(adopting, directory)
    await log.updateConfig({ 'retention.ms': 1 })
    expect((await log.clean({ now: Date.now() + 1e9, force: true })).deleted).not.toEqual([])
  })
})
