import { FaultFileSystem } from '../../src/testing/index.ts'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type LogOptions, openLog } from '../../src/index.ts'
import { dataBatch, emptyBatch, handMadeLog, segmentName, sparseBatch } from '../helpers/hand-made.ts'
import {
  appendNumbered,
  closedLog,
  fingerprint,
  killedLog,
  numberedValue,
  quick,
} from '../helpers/log-files.ts'
import { openTempLog, readAll, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const indexed: LogOptions = { ...quick, index: 'sqlite' }

const values = (count: number): string[] =>
  Array.from({ length: count }, (_, offset) => numberedValue(offset))

describe('opening', () => {
  it('makes the directory and its parents, for nobody else to read', async () => {
    const directory = join(temporaryDirectory(), 'a', 'b')
    const log = await openTempLog(indexed, directory)
    expect(log).toMatchObject({ state: 'open', startOffset: 0, endOffset: 0, directory })
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(directory))
      expect([name, statSync(join(directory, name)).mode & 0o777]).toEqual([name, 0o600])
  })

  it('makes the name of the first segment durable before anything is written to it', async () => {
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...quick, fileSystem })
    await log.append('x')
    const first = segmentName(0)
    const made = fileSystem.calls.findIndex(
      ({ kind, name, mode }) => kind === 'open' && name === first && mode === 'create',
    )
    const synced = fileSystem.calls.findIndex(
      ({ kind, ended }, slot) => slot > made && kind === 'syncDirectory' && ended,
    )
    const written = fileSystem.calls.findIndex(({ kind, name }) => kind === 'write' && name === first)
    expect(made).toBeGreaterThanOrEqual(0)
    expect(synced).toBeGreaterThan(made)
    expect(written).toBeGreaterThan(synced)
  })

  it('goes through a link to the directory, and the log is the same under both names', async () => {
    const directory = await closedLog(3)
    const link = join(temporaryDirectory(), 'link')
    symlinkSync(directory, link)
    const log = await openTempLog(quick, link)
    expect(log.directory).toBe(directory)
    await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'LOG_LOCKED' })
  })

  it.each(['LOG_NOT_FOUND'])('of what is not a directory fails with %s and makes nothing', async (code) => {
    const parent = temporaryDirectory()
    writeFileSync(join(parent, 'file'), 'x')
    symlinkSync('nowhere', join(parent, 'dangling'))
    const before = fingerprint(parent)
    for (const readOnly of [false, true])
      await expect(openLog(join(parent, 'file'), { ...quick, readOnly })).rejects.toMatchObject({ code })
    await expect(openLog(join(parent, 'none'), { ...quick, readOnly: true })).rejects.toMatchObject({ code })
    await expect(openLog(join(parent, 'none'), { ...quick, create: false })).rejects.toMatchObject({ code })
    await expect(openLog(join(parent, 'dangling'), quick)).rejects.toMatchObject({ code: 'ENOENT' })
    mkdirSync(join(parent, 'empty'))
    await expect(openLog(join(parent, 'empty'), { ...quick, readOnly: true })).rejects.toMatchObject({ code })
    await expect(openLog(join(parent, 'empty'), { ...quick, create: false })).rejects.toMatchObject({ code })
    expect(fingerprint(parent)).toEqual({ ...before, empty: 'no file' })
  })

  it('where nothing may be written works for reading, and fails for writing with the reason', async () => {
    const directory = await closedLog(12)
    chmodSync(directory, 0o555)
    for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o444)
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid?.(65_534) // root may write everywhere
    try {
      const log = await openLog(directory, { ...quick, readOnly: true })
      expect(await readValues(log)).toEqual(values(12))
      await log.close()
      const refused = { code: 'IO_FAILED', path: join(directory, '.lock') }
      await expect(openLog(directory, quick)).rejects.toMatchObject(refused)
    } finally {
      if (isRoot) process.seteuid?.(0)
      chmodSync(directory, 0o700)
    }
  })

  it('says which keys change nothing, of those given and those stored, to a follower as well', async () => {
    const directory = join(temporaryDirectory(), 'log')
    const info = vi.fn<(details: object, message?: string) => void>()
    const logger = { debug: () => {}, info, warn: () => {}, error: () => {} }
    const given = { 'compression.type': 'gzip', 'segment.bytes': '2MiB' }
    const log = await openTempLog({ ...quick, config: given, logger }, directory)
    expect(log.recovery.inertConfig).toEqual(['compression.type'])
    const said = [{ directory, inertConfig: ['compression.type'] }, 'configuration that changes nothing here']
    expect(info.mock.calls).toContainEqual(said)
    await log.updateConfig({ 'min.insync.replicas': 2 })
    await log.close()
    const again = await openTempLog(quick, directory)
    expect(again.recovery.inertConfig).toEqual(['min.insync.replicas'])
    const follower = await openTempLog({ readOnly: true, config: given }, directory)
    expect(follower.recovery.inertConfig).toEqual(['compression.type', 'min.insync.replicas'])
    await Promise.all([follower.close(), again.close()])
  })

  it('says of no key that it changes nothing where each does something', async () => {
    const info = vi.fn<(details: object, message?: string) => void>()
    const logger = { debug: () => {}, info, warn: () => {}, error: () => {} }
    const log = await openTempLog({ ...quick, config: { 'retention.ms': '1d' }, logger })
    expect(log.recovery.inertConfig).toEqual([])
    expect(info).not.toHaveBeenCalled()
    await log.close()
  })

  it('leaves what it does not know alone, and says so', async () => {
    const directory = await closedLog(3)
    const strangers = ['.DS_Store', 'notes.txt', `${segmentName(0)}~`, `${segmentName(0)}.bak`, 'x.tmp']
    for (const name of strangers) writeFileSync(join(directory, name), name)
    const folders = ['sub', `${segmentName(3)}.deleted`, `${segmentName(3)}.swap`, `${segmentName(3)}.tmp`]
    for (const name of folders) mkdirSync(join(directory, name))
    symlinkSync(segmentName(0), join(directory, `${segmentName(6)}.cleaned`))
    const before = fingerprint(directory)
    const log = await openTempLog(quick, directory)
    const all = [...strangers, ...folders, `${segmentName(6)}.cleaned`]
    expect(log.recovery.unrecognisedFiles).toEqual(all.sort())
    expect(log.recovery.settledFiles).toEqual([])
    expect(await readValues(log)).toEqual(values(3))
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })

  it.each([
    ['empty', ''],
    ['garbage', '\u0000\u0001\u0002 = ='],
    ['of no log', 'retention.ms=1000\n'],
    ['of another shape', 'seglog.log.id=x\nseglog.generation=0\nseglog.offsets=dense\n'],
  ])('refuses a topic.properties that is %s, and changes nothing', async (_, text) => {
    const directory = await closedLog(3)
    writeFileSync(join(directory, 'topic.properties'), text)
    const before = fingerprint(directory)
    for (const readOnly of [false, true]) {
      const opening = openLog(directory, { ...quick, readOnly })
      await expect(opening).rejects.toMatchObject({
        code: 'LOG_CORRUPT',
        path: join(directory, 'topic.properties'),
      })
    }
    expect(fingerprint(directory)).toEqual(before)
  })

  it('refuses a marker, a lock or a quarantine that is something else, and changes nothing', async () => {
    for (const name of ['.kafka_cleanshutdown', '.lock']) {
      const directory = await closedLog(3)
      rmSync(join(directory, name))
      mkdirSync(join(directory, name))
      const before = fingerprint(directory)
      await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
      expect(fingerprint(directory)).toEqual(before)
    }
    const directory = await killedLog(3)
    writeFileSync(join(directory, segmentName(0)), 'torn', { flag: 'a' })
    writeFileSync(join(directory, 'quarantine'), 'a file')
    const before = fingerprint(directory)
    await expect(openLog(directory, quick)).rejects.toMatchObject({ code: 'EEXIST' })
    expect(fingerprint(directory)[segmentName(0)]).toBe(before[segmentName(0)])
  })
})

const segment = (directory: string, base: number): string => join(directory, segmentName(base))

describe('leftovers', () => {
  it('on their way out or never finished go once the log is open', async () => {
    const directory = await closedLog(30)
    const names = [`${segmentName(0)}.deleted`, `${segmentName(9)}.cleaned`, `${segmentName(27)}.tmp`]
    const more = [
      'topic.properties.tmp',
      'recovery-point-offset-checkpoint.tmp',
      `${segmentName(0).slice(0, -4)}.index.deleted`,
    ]
    const before = fingerprint(directory)
    for (const name of [...names, ...more]) writeFileSync(join(directory, name), 'x')
    const log = await openTempLog(quick, directory)
    expect(log.recovery.settledFiles.map((path) => basename(path))).toEqual([...names, ...more].sort())
    expect(await readValues(log)).toEqual(values(30))
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })

  it("that are a finished rewrite take the place of what they cover, Kafka's files beside it included", async () => {
    const directory = await closedLog(30)
    const rewritten = Buffer.concat([0, 9].map((base) => readFileSync(segment(directory, base))))
    writeFileSync(`${segment(directory, 0)}.swap`, rewritten)
    const sidecars = [0, 9, 18].map((base) => segment(directory, base).replace('.log', '.index'))
    for (const path of sidecars) writeFileSync(path, 'x')
    const log = await openTempLog(quick, directory)
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 18, 27])
    expect(readFileSync(segment(directory, 0))).toEqual(rewritten)
    expect(sidecars.map((path) => existsSync(path))).toEqual([false, false, true])
    expect(readdirSync(directory).filter((name) => /deleted|swap/.test(name))).toEqual([])
    expect(await readValues(log)).toEqual(values(30))
  })

  it.each<[string, (directory: string) => void]>([
    [
      'is damaged',
      (directory) =>
        writeFileSync(`${segment(directory, 9)}.swap`, readFileSync(segment(directory, 9)).fill(7, 300, 310)),
    ],
    [
      'is torn',
      (directory) =>
        writeFileSync(`${segment(directory, 9)}.swap`, readFileSync(segment(directory, 9)).subarray(0, 300)),
    ],
    ['is empty', (directory) => writeFileSync(`${segment(directory, 9)}.swap`, '')],
    [
      'is of another segment',
      (directory) => copyFileSync(segment(directory, 0), `${segment(directory, 9)}.swap`),
    ],
    [
      'would cover the last segment',
      (directory) =>
        writeFileSync(
          `${segment(directory, 18)}.swap`,
          Buffer.concat([18, 27].map((base) => readFileSync(segment(directory, base)))),
        ),
    ],
    [
      'is not valid: a .cleaned file says that there should be more',
      (directory) => {
        copyFileSync(segment(directory, 9), `${segment(directory, 9)}.swap`)
        writeFileSync(`${segment(directory, 0)}.cleaned`, '')
      },
    ],
    [
      'overlaps the next one',
      (directory) => {
        writeFileSync(
          `${segment(directory, 0)}.swap`,
          Buffer.concat([0, 9].map((base) => readFileSync(segment(directory, base)))),
        )
        copyFileSync(segment(directory, 9), `${segment(directory, 9)}.swap`)
      },
    ],
  ])('that are a rewrite which %s go, for the originals are there', async (_, make) => {
    const directory = await closedLog(30)
    const before = fingerprint(directory)
    make(directory)
    const log = await openTempLog(quick, directory)
    expect(await readValues(log)).toEqual(values(30))
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })

  it('that are a damaged rewrite of what is gone are not touched, and the log does not open', async () => {
    const directory = await closedLog(30)
    writeFileSync(`${segment(directory, 9)}.swap`, readFileSync(segment(directory, 9)).subarray(0, 300))
    renameSync(segment(directory, 9), `${segment(directory, 9)}.deleted`)
    const before = fingerprint(directory)
    const error = { code: 'LOG_CORRUPT', path: `${segment(directory, 9)}.swap` }
    await expect(openLog(directory, quick)).rejects.toMatchObject(error)
    await expect(openLog(directory, { ...quick, onCorruption: 'readonly' })).rejects.toMatchObject(error)
    expect(fingerprint(directory)).toEqual(before)
  })

  it('that are one half of a split, sound, do not go in without the other, damaged', async () => {
    const directory = await closedLog(30)
    const whole = readFileSync(segment(directory, 9))
    writeFileSync(`${segment(directory, 9)}.swap`, whole.subarray(0, 432))
    writeFileSync(`${segment(directory, 13)}.swap`, whole.subarray(432, 900))
    const before = fingerprint(directory)
    const log = await openTempLog(quick, directory)
    expect(await readValues(log)).toEqual(values(30))
    await log.close()
    delete before[`${segmentName(9)}.swap`]
    delete before[`${segmentName(13)}.swap`]
    expect(fingerprint(directory)).toEqual(before)
  })

  it('that are both halves of a split go in together', async () => {
    const directory = await closedLog(30)
    const whole = readFileSync(segment(directory, 9))
    writeFileSync(`${segment(directory, 9)}.swap`, whole.subarray(0, 432))
    writeFileSync(`${segment(directory, 13)}.swap`, whole.subarray(432))
    const log = await openTempLog(quick, directory)
    expect(log.segments().map(({ baseOffset }) => baseOffset)).toEqual([0, 9, 13, 18, 27])
    expect(await readValues(log)).toEqual(values(30))
  })
})

const sidecar = (base: number, extension: string): string => segmentName(base).replace('log', extension)

/** What Kafka keeps beside segments in `directory`. */
function kafkaFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => /\.(?:index|timeindex|txnindex|snapshot)$/.test(name))
}

/** Two segments with holes and an active one, with Kafka's files beside them. */
async function kafkaDirectory(directory = temporaryDirectory()): Promise<string> {
  await handMadeLog(
    [
      [dataBatch(0, 3), sparseBatch([5, 9]), emptyBatch(10, 12)],
      [dataBatch(20, 5), dataBatch(31, 2)],
      [dataBatch(40, 2)],
    ],
    { directory },
  )
  for (const base of [0, 20, 40]) {
    for (const extension of ['index', 'timeindex'])
      writeFileSync(join(directory, sidecar(base, extension)), 'kafka')
  }
  writeFileSync(join(directory, sidecar(40, 'snapshot')), 'kafka')
  writeFileSync(join(directory, sidecar(42, 'snapshot')), 'kafka')
  writeFileSync(join(directory, 'leader-epoch-checkpoint'), '0\n1\n3 0\n')
  writeFileSync(join(directory, 'partition.metadata'), 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n')
  return directory
}

describe('a directory that Kafka wrote', () => {
  const offsets = [0, 1, 2, 5, 9, 20, 21, 22, 23, 24, 31, 32, 40, 41]

  it('opens for reading only, and nothing in it changes', async () => {
    const directory = await kafkaDirectory()
    const before = fingerprint(directory)
    const log = await openTempLog(indexed, directory)
    expect(log).toMatchObject({ state: 'readonly', startOffset: 0, endOffset: 42 })
    expect((await readAll(log)).map(({ offset }) => offset)).toEqual(offsets)
    expect(await log.get(7)).toBeUndefined()
    expect(await log.offsetForTimestamp(1031)).toEqual({ offset: 31, timestamp: 1031 })
    for (const change of [log.append('x'), log.roll(), log.clean(), log.updateConfig({ 'retention.ms': 1 })])
      await expect(change).rejects.toMatchObject({ code: 'LOG_READONLY' })
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
    expect(readdirSync(directory).filter((name) => name.startsWith('index.db'))).toEqual([])
  })

  it('opens so with a torn tail and with leftovers, too', async () => {
    const directory = await kafkaDirectory()
    writeFileSync(join(directory, segmentName(40)), 'torn', { flag: 'a' })
    writeFileSync(join(directory, `${segmentName(0)}.deleted`), 'x')
    writeFileSync(join(directory, `${segmentName(20)}.swap`), 'x')
    writeFileSync(join(directory, '.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":7}')
    const before = fingerprint(directory)
    for (const readOnly of [false, true]) {
      const log = await openTempLog({ ...indexed, readOnly }, directory)
      expect((await readAll(log)).map(({ offset }) => offset)).toEqual(offsets)
      await log.close()
    }
    expect(fingerprint(directory)).toEqual(before)
  })

  it('is a log of ours once adopted: all that Kafka would believe of it goes before anything else changes', async () => {
    const directory = await kafkaDirectory()
    const sidecars = kafkaFiles(directory)
    expect(sidecars).toHaveLength(8)
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...quick, fileSystem, adopt: true }, directory)
    expect(log).toMatchObject({ state: 'open', endOffset: 42 })
    expect(kafkaFiles(directory)).toEqual([])
    const { calls } = fileSystem
    const lastRemoved = calls.findLastIndex(({ kind, name }) => kind === 'remove' && sidecars.includes(name))
    const synced = calls.findIndex(
      ({ kind, ended }, slot) => kind === 'syncDirectory' && ended === true && slot > lastRemoved,
    )
    const changed = calls.findIndex(
      ({ kind, name }) => /^(?:write|truncate|rename)$/.test(kind) && name !== 'ballast',
    )
    expect([lastRemoved > 0, synced > lastRemoved, changed > synced]).toEqual([true, true, true])
    await log.append({ value: 'ours', timestamp: 1042 })
    expect((await log.get(42))?.value?.toString()).toBe('ours')
    await log.close()
    const again = await openTempLog(quick, directory)
    expect(again).toMatchObject({ state: 'open', endOffset: 43 })
    expect((await readAll(again)).map(({ offset }) => offset)).toEqual([...offsets, 42])
  })

  it('loses them before its torn tail is cut, too', async () => {
    const directory = await kafkaDirectory()
    writeFileSync(join(directory, segmentName(40)), 'torn', { flag: 'a' })
    const fileSystem = new FaultFileSystem()
    fileSystem.fail('truncate', { code: 'EIO' })
    await expect(openLog(directory, { ...quick, fileSystem, adopt: true })).rejects.toMatchObject({
      code: 'EIO',
    })
    expect(kafkaFiles(directory)).toEqual([])
    const log = await openTempLog({ ...quick, adopt: true }, directory)
    expect(log.recovery.cut).toMatchObject({ sizeBytes: 4, kind: 'TAIL_TORN' })
    expect(log.endOffset).toBe(42)
  })

  it('is not cleaned before it has a configuration of ours', async () => {
    const directory = await kafkaDirectory()
    const log = await openTempLog({ ...indexed, config: {}, adopt: true }, directory)
    const late = Date.now() + 365 * 86_400_000
    expect((await log.clean(late)).deleted).toEqual([])
    expect(log.segments()).toHaveLength(3)
    await log.updateConfig({ 'retention.ms': 1000 })
    expect((await log.clean({ now: late, force: true })).deleted.length).toBeGreaterThan(0)
  })

  it("is never cleaned where the topic is one of Kafka's own", async () => {
    const directory = join(temporaryDirectory(), '__consumer_offsets-0')
    mkdirSync(directory)
    const log = await openTempLog({ adopt: true, cleanup: false }, await kafkaDirectory(directory))
    await log.updateConfig({ 'retention.ms': 1000 })
    const late = Date.now() + 365 * 86_400_000
    expect(await log.plan(late)).toMatchObject({ deleteCount: 0, blocked: 'held' })
    expect((await log.clean({ now: late, force: true })).deleted).toEqual([])
  })

  it('with batches of an older format at its end is not cut, adopted or not', async () => {
    const directory = await kafkaDirectory()
    const old = Buffer.alloc(80, 1)
    old.writeBigInt64BE(42n, 0)
    old.writeInt32BE(68, 8)
    old[16] = 1
    writeFileSync(join(directory, segmentName(40)), old, { flag: 'a' })
    const before = fingerprint(directory)
    await expect(openLog(directory, { ...quick, adopt: true })).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      offset: 42,
    })
    expect(fingerprint(directory)).toEqual(before)
  })

  it('that ends with offsets which compaction took opens, adopted, where Kafka would go on', async () => {
    const directory = await kafkaDirectory()
    writeFileSync(join(directory, segmentName(50)), '')
    writeFileSync(join(directory, 'recovery-point-offset-checkpoint'), '0\n1\nlog 0 50\n')
    const log = await openTempLog({ ...quick, adopt: true }, directory)
    expect(log).toMatchObject({ state: 'open', endOffset: 50, recovery: { damage: [] } })
    await log.append('ours')
    expect((await readAll(log)).map(({ offset }) => offset)).toEqual([...offsets, 50])
  })
})

function storeDirectory(): string {
  const root = temporaryDirectory()
  writeFileSync(join(root, 'meta.properties'), 'version=1\ncluster.id=x\nnode.id=1\n')
  return root
}

function mkdirIn(root: string, name: string): string {
  mkdirSync(join(root, name))
  return join(root, name)
}

describe('a directory inside a store', () => {
  const sharedFiles = ['.kafka_cleanshutdown', '.lock', 'index.db', 'recovery-point-offset-checkpoint']

  it('uses the lock, the checkpoints, the index and the marker of the store', async () => {
    const root = storeDirectory()
    writeFileSync(join(root, 'recovery-point-offset-checkpoint'), '0\n1\nother 3 77\n')
    const directory = join(root, 'orders-0')
    const log = await openLog(directory, indexed)
    await appendNumbered(log, 12)
    await expect(openLog(join(root, 'orders-1'), quick)).rejects.toMatchObject({
      code: 'LOG_LOCKED',
      found: process.pid,
    })
    await vi.waitFor(() => expect(statSync(join(root, 'ballast')).size).toBe(1024 * 1024))
    await log.close()
    expect(readdirSync(root).sort()).toEqual(
      [...sharedFiles, 'ballast', 'meta.properties', 'orders-0'].sort(),
    )
    expect(readdirSync(directory).sort()).toEqual([
      segmentName(0),
      segmentName(9),
      'topic.properties',
      'watermark',
    ])
    expect(readFileSync(join(root, 'recovery-point-offset-checkpoint'), 'utf8')).toBe(
      '0\n2\nother 3 77\norders 0 12\n',
    )
  })

  it('is refused when its name is not that of a partition', async () => {
    const root = storeDirectory()
    await expect(openLog(join(root, 'orders'), quick)).rejects.toBeInstanceOf(RangeError)
  })

  it('is known to have been closed in order, beside others that were', async () => {
    const root = storeDirectory()
    for (const name of ['orders-0', 'orders-1']) {
      const log = await openLog(join(root, name), quick)
      await appendNumbered(log, 3)
      await log.close()
    }
    for (const name of ['orders-0', 'orders-1']) {
      const log = await openLog(join(root, name), quick)
      expect(log.recovery.clean).toBe(true)
      await log.close()
    }
  })

  it('does not vouch for another that was not closed: Kafka would skip its recovery', async () => {
    const root = storeDirectory()
    const first = await openLog(join(root, 'orders-0'), quick)
    await first.close()
    rmSync(join(root, '.kafka_cleanshutdown'))
    await handMadeLog([[dataBatch(0, 3)]], { directory: mkdirIn(root, 'kafka-0') })
    const log = await openLog(join(root, 'orders-0'), quick)
    expect(log.recovery.clean).toBe(false)
    await appendNumbered(log, 3)
    await log.close()
    expect(existsSync(join(root, '.kafka_cleanshutdown'))).toBe(false)
    expect((await openTempLog(quick, join(root, 'orders-0'))).endOffset).toBe(3)
  })

  it('vouches for all when Kafka closed all of them', async () => {
    const root = storeDirectory()
    writeFileSync(join(root, '.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":5}')
    await handMadeLog([[dataBatch(0, 3)]], { directory: mkdirIn(root, 'kafka-0') })
    const log = await openLog(join(root, 'orders-0'), quick)
    await appendNumbered(log, 1)
    expect(existsSync(join(root, '.kafka_cleanshutdown'))).toBe(false)
    await log.close()
    expect(JSON.parse(readFileSync(join(root, '.kafka_cleanshutdown'), 'utf8'))).toMatchObject({ version: 0 })
  })
})
