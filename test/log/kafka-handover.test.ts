/*
 * Logs that Kafka has had: taken over for the first time, or taken back. What is shown with a broker is in test/kafka; here the
 * files are made by hand, so that they can be wrong, and the process can die at every step.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Log, openLog } from '../../src/index.ts'
import { FaultFileSystem } from '../../src/testing/index.ts'
import { damageFile, dataBatch, flipped, segmentName, sparseBatch, valueAt } from '../helpers/hand-made.ts'
import { fingerprint, quick, segmentPaths } from '../helpers/log-files.ts'
import { openTempLog, readAll, readValues } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const CHECKPOINT = 'recovery-point-offset-checkpoint'
const adopting = { ...quick, adopt: true }
const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, slot) => valueAt(from + slot))

const nameOf = (base: number, kind: string): string => segmentName(base).replace('log', kind)

/** What Kafka keeps beside segments in `directory`. */
function sidecars(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /\.(?:index|timeindex|txnindex|snapshot)$/.test(name))
    .sort()
}

/** Puts files of Kafka's beside the segments at these base offsets. */
function putSidecars(directory: string, bases: readonly number[]): void {
  for (const base of bases)
    for (const kind of ['index', 'timeindex', 'snapshot'])
      writeFileSync(join(directory, nameOf(base, kind)), 'x')
}

/** Four segments of ten records, which Kafka wrote and did not close in order. */
function kafkaDirectory({ recoveryPoint }: { recoveryPoint: number }): string {
  const directory = temporaryDirectory()
  for (const base of [0, 10, 20, 30])
    writeFileSync(
      join(directory, segmentName(base)),
      Buffer.concat([dataBatch(base, 5), dataBatch(base + 5, 5)]),
    )
  putSidecars(directory, [0, 10, 20, 30])
  writeFileSync(join(directory, CHECKPOINT), `0\n1\nlog 0 ${recoveryPoint}\n`)
  return directory
}

/** Three segments of ten records, which were written here, and closed. */
async function ownDirectory(): Promise<string> {
  const directory = temporaryDirectory()
  const log = await openLog(directory, quick)
  for (const base of [0, 10, 20]) {
    if (base > 0) await log.roll()
    for (const from of [base, base + 5])
      await log.append(upTo(from + 5, from).map((value, slot) => ({ value, timestamp: 1000 + from + slot })))
  }
  await log.close()
  return directory
}

/** What a broker leaves of that which has appended a batch, rolled, and appended another, without a sync. */
async function borrowedDirectory(): Promise<string> {
  const directory = await ownDirectory()
  rmSync(join(directory, '.kafka_cleanshutdown'))
  appendFileSync(join(directory, segmentName(20)), dataBatch(30, 5, { partitionLeaderEpoch: 3 }))
  writeFileSync(join(directory, segmentName(35)), dataBatch(35, 5, { partitionLeaderEpoch: 3 }))
  writeFileSync(join(directory, 'leader-epoch-checkpoint'), '0\n2\n0 0\n3 30\n')
  putSidecars(directory, [0, 10, 20, 35])
  return directory
}

const offsetsRule = (directory: string): string | undefined =>
  /seglog\.offsets=(\w+)/.exec(readFileSync(join(directory, 'topic.properties'), 'utf8'))?.[1]
const storedPoint = (directory: string): number =>
  Number(/^log 0 (\d+)$/m.exec(readFileSync(join(directory, CHECKPOINT), 'utf8'))?.[1])
const scanned = (log: Log): number => log.recovery.scannedBytes
const sizeOf = (directory: string, bases: readonly number[]): number =>
  bases.reduce((bytes, base) => bytes + readFileSync(join(directory, segmentName(base))).length, 0)

describe('segments that Kafka wrote', () => {
  it.each([
    [0, [0, 10, 20, 30]],
    [10, [10, 20, 30]],
    [15, [10, 20, 30]],
    [29, [20, 30]],
    [30, [30]],
    [40, [30]],
  ])('are checked and synced from a recovery point of %i on, and not again', async (recoveryPoint, bases) => {
    const directory = kafkaDirectory({ recoveryPoint })
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...adopting, fileSystem }, directory)
    expect([log.recovery.recoveryPoint, scanned(log)]).toEqual([recoveryPoint, sizeOf(directory, bases)])
    expect(await readValues(log)).toEqual(upTo(40))
    const synced = fileSystem.calls.flatMap(({ kind, name, ended }, slot) =>
      kind === 'syncData' && ended === true && name.endsWith('.log') ? [[name, slot] as const] : [],
    )
    expect(synced.map(([name]) => name)).toEqual(bases.map(segmentName))
    const stored = fileSystem.calls.findIndex(({ kind, name }) => kind === 'rename' && name === CHECKPOINT)
    if (recoveryPoint < 40) expect(stored).toBeGreaterThan(synced.at(-1)![1])
    await log.close()
    rmSync(join(directory, '.kafka_cleanshutdown'))
    const again = await openTempLog(quick, directory)
    expect([again.recovery.recoveryPoint, scanned(again)]).toEqual([40, sizeOf(directory, [30])])
  })

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['a bit of them is wrong', (bytes) => flipped(bytes, bytes.length - 3)],
    ['their end never reached the disk', (bytes) => bytes.subarray(0, bytes.length - 20)],
    ['their end is zeros', (bytes) => Buffer.from(bytes).fill(0, bytes.length - 100)],
  ])('are never cut where %s, and nothing changes', async (_, edit) => {
    const directory = kafkaDirectory({ recoveryPoint: 5 })
    damageFile(join(directory, segmentName(10)), edit)
    const before = fingerprint(directory)
    await expect(openLog(directory, adopting)).rejects.toMatchObject({ code: 'LOG_CORRUPT', offset: 15 })
    expect(fingerprint(directory)).toEqual(before)
    const log = await openTempLog({ ...adopting, onCorruption: 'readonly' }, directory)
    expect(log).toMatchObject({ state: 'readonly', endOffset: 40 })
    expect(log.recovery.damage).toMatchObject([{ kind: 'damaged', firstLostOffset: 15, nextGoodOffset: 20 }])
    const values: (string | undefined)[] = []
    for await (const { value } of log.read({ onDamage: () => {} })) values.push(value?.toString())
    expect(values).toEqual([...upTo(15), ...upTo(40, 20)])
    await log.close()
    expect(fingerprint(directory)).toEqual(before)
  })

  it('below the recovery point are taken on trust, and read when somebody wants them', async () => {
    const directory = kafkaDirectory({ recoveryPoint: 20 })
    damageFile(join(directory, segmentName(10)), (bytes) => flipped(bytes, bytes.length - 3))
    const log = await openTempLog(adopting, directory)
    expect(log.recovery.damage).toEqual([])
    await expect(readAll(log)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', offset: 15 })
  })

  it('that are only read are not scanned for that', async () => {
    const directory = kafkaDirectory({ recoveryPoint: 0 })
    const log = await openTempLog(quick, directory)
    expect([log.state, scanned(log)]).toEqual(['readonly', sizeOf(directory, [30])])
    expect(await readValues(log)).toEqual(upTo(40))
  })

  it('are each saved in a new file after a sync of one of them failed', async () => {
    const directory = kafkaDirectory({ recoveryPoint: 10 })
    const fileSystem = new FaultFileSystem()
    fileSystem.fail('syncData', { code: 'EIO', name: /20\.log$/ })
    await expect(openLog(directory, { ...adopting, fileSystem })).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect([existsSync(join(directory, 'FAILED')), storedPoint(directory)]).toEqual([true, 10])
    const again = new FaultFileSystem()
    const log = await openTempLog({ ...adopting, fileSystem: again }, directory)
    const renamed = again.calls.filter(
      ({ kind, name, ended }) => kind === 'rename' && ended === true && name.endsWith('.log'),
    )
    expect(renamed.map(({ name }) => name)).toEqual([10, 20, 30].map(segmentName))
    expect([await readValues(log), existsSync(join(directory, 'FAILED'))]).toEqual([upTo(40), false])
  })
})

describe('a log of ours that Kafka has had in between', () => {
  it('is taken back: what was not synced is checked and synced, and the next batches go on from its leader epoch', async () => {
    const directory = await borrowedDirectory()
    const log = await openTempLog(quick, directory)
    expect(log).toMatchObject({ state: 'open', endOffset: 40, recovery: { recoveryPoint: 30, damage: [] } })
    expect(scanned(log)).toBe(sizeOf(directory, [20, 35]))
    expect(await readValues(log)).toEqual(upTo(40))
    expect(sidecars(directory)).toEqual(
      [0, 10].flatMap((base) => ['index', 'snapshot', 'timeindex'].map((kind) => nameOf(base, kind))),
    )
    expect([offsetsRule(directory), storedPoint(directory)]).toEqual(['sparse', 40])
    await log.append('ours')
    for await (const { partitionLeaderEpoch } of log.readBatches({ from: 40 }))
      expect(partitionLeaderEpoch).toBe(3)
  })

  it('says so durably before the traces of Kafka go, and before anything is cut', async () => {
    const directory = await borrowedDirectory()
    appendFileSync(join(directory, segmentName(35)), 'torn')
    const fileSystem = new FaultFileSystem()
    const log = await openTempLog({ ...quick, fileSystem }, directory)
    expect(log.recovery.cut?.sizeBytes).toBe(4)
    const { calls } = fileSystem
    const find = (kind: string, name: RegExp) =>
      calls.findIndex((call) => call.kind === kind && name.test(call.name))
    const order = [
      find('rename', /^topic\.properties$/),
      find('remove', /\.index$/),
      find('truncate', /35\.log$/),
      find('syncData', /20\.log$/),
      find('rename', /^recovery-point/),
    ]
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(order[0]).toBeGreaterThan(0)
  })

  it.each<[string, (directory: string) => void]>([
    [
      'compacted it',
      (directory) => {
        const bytes = Buffer.concat([dataBatch(0, 1), sparseBatch([7, 9])])
        writeFileSync(join(directory, segmentName(0)), bytes)
        writeFileSync(join(directory, segmentName(10)), dataBatch(12, 2))
      },
    ],
    ['deleted its head, and said nothing', (directory) => rmSync(join(directory, segmentName(0)))],
    [
      'deleted its head, of which only its leader epoch tells',
      (directory) => {
        for (const name of sidecars(directory)) rmSync(join(directory, name))
        rmSync(join(directory, segmentName(0)))
      },
    ],
    [
      'deleted its head, of which only its indexes tell',
      (directory) => {
        rmSync(join(directory, 'leader-epoch-checkpoint'))
        rmSync(join(directory, segmentName(0)))
      },
    ],
  ])('is not called damaged where Kafka has %s', async (_, edit) => {
    const directory = await borrowedDirectory()
    edit(directory)
    const reader = await openTempLog({ ...quick, readOnly: true }, directory)
    expect(reader.recovery.damage).toEqual([])
    const left = await readValues(reader)
    const log = await openTempLog(quick, directory)
    expect(log).toMatchObject({ state: 'open', endOffset: 40, recovery: { damage: [] } })
    expect(await readValues(log)).toEqual(left)
    expect(left.slice(-20)).toEqual(upTo(40, 20))
    await log.close()
    const again = await openTempLog(quick, directory)
    expect([await readValues(again), offsetsRule(directory)]).toEqual([left, 'sparse'])
  })

  it('is called damaged for the same where Kafka never was', async () => {
    for (const edit of [
      (directory: string) => rmSync(join(directory, segmentName(0))),
      (directory: string) => writeFileSync(join(directory, segmentName(10)), dataBatch(12, 8)),
    ]) {
      const directory = await ownDirectory()
      rmSync(join(directory, 'index.db'), { force: true })
      edit(directory)
      const opened = async (): Promise<unknown> => readAll(await openTempLog(quick, directory))
      await expect(opened()).rejects.toMatchObject({ code: expect.stringMatching(/^(?:LOG|BATCH)_CORRUPT$/) })
      expect(offsetsRule(directory)).toBe('dense')
    }
  })

  it('is looked up as Kafka left it, though a segment that was written anew has the size it had', async () => {
    const directory = await ownDirectory()
    const indexed = { ...quick, index: 'sqlite' as const, config: { 'index.interval.bytes': 0 } }
    const before = await openTempLog(indexed, directory)
    expect(await before.offsetForTimestamp(1013)).toMatchObject({ offset: 13 })
    await before.close()
    const later = { timestamps: [9000, 9001, 9002, 9003, 9004] }
    writeFileSync(
      join(directory, segmentName(10)),
      Buffer.concat([dataBatch(10, 5, later), dataBatch(15, 5)]),
    )
    putSidecars(directory, [0, 10, 20])
    rmSync(join(directory, '.kafka_cleanshutdown'))
    const log = await openTempLog(indexed, directory)
    expect(await log.offsetForTimestamp(8000)).toEqual({ offset: 10, timestamp: 9000 })
    expect(await log.offsetForTimestamp(1013)).toEqual({ offset: 10, timestamp: 9000 })
  })
})

/** Another process that holds the lock, as a broker does. */
async function lockElsewhere(directory: string): Promise<() => Promise<void>> {
  const holder = fileURLToPath(new URL('../helpers/lock-holder.ts', import.meta.url))
  const child = spawn(process.execPath, [holder, 'take', join(directory, '.lock')])
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
}

describe('who reads along', () => {
  it('is not held back by a watermark of the time before Kafka had the log, and goes on when it is taken back', async () => {
    const directory = await borrowedDirectory()
    expect(existsSync(join(directory, 'watermark'))).toBe(true)
    const unlock = await lockElsewhere(directory)
    const reader = await openTempLog({ readOnly: true }, directory)
    expect([reader.endOffset, await readValues(reader)]).toEqual([40, upTo(40)])
    const following = reader.read({ from: 'latest', follow: true })
    const coming = following.next()
    appendFileSync(join(directory, segmentName(35)), dataBatch(40, 1))
    expect((await coming).value?.offset).toBe(40)
    await unlock()
    const log = await openTempLog(quick, directory)
    await log.append('ours')
    expect((await following.next()).value?.value?.toString()).toBe('ours')
    await following.return?.()
    expect(await readValues(reader)).toEqual([...upTo(41), 'ours'])
  })

  it('is held back by the watermark of a writer of ours, as ever', async () => {
    const directory = await ownDirectory()
    const unlock = await lockElsewhere(directory)
    appendFileSync(join(directory, segmentName(20)), dataBatch(30, 5)) // and has not said so
    const reader = await openTempLog({ readOnly: true }, directory)
    expect(reader.endOffset).toBe(30)
    await unlock()
  })

  it('finds no damage in the holes that Kafka makes under its eyes', async () => {
    const directory = await ownDirectory()
    const reader = await openTempLog({ readOnly: true }, directory)
    const next = reader.read()
    expect((await next.next()).value?.offset).toBe(0)
    await lockElsewhere(directory)
    putSidecars(directory, [0, 10, 20])
    const compacted = join(directory, segmentName(10))
    writeFileSync(`${compacted}.swap`, dataBatch(13, 2))
    renameSync(`${compacted}.swap`, compacted)
    await vi.waitFor(async () =>
      expect(await readValues(reader)).toEqual([...upTo(10), ...upTo(15, 13), ...upTo(30, 20)]),
    )
    await next.return?.()
  })
})

describe('cleaning', () => {
  const late = Date.now() + 365 * 86_400_000
  const always = { ...quick.config, 'retention.ms': 1000 }

  it('leaves an adopted log alone until a configuration is stored with it', async () => {
    const directory = kafkaDirectory({ recoveryPoint: 40 })
    const log = await openTempLog({ ...adopting, config: always }, directory)
    const clean = () => log.clean({ now: late, force: true })
    expect((await log.plan(late)).blocked).toBe('held')
    expect((await clean()).deleted).toEqual([])
    await log.close()
    const again = await openTempLog({ ...quick, config: always }, directory)
    expect((await again.clean({ now: late, force: true })).deleted).toEqual([])
    expect(segmentPaths(directory)).toHaveLength(4)
    await again.updateConfig({ 'retention.ms': 1000 })
    expect((await again.clean({ now: late, force: true })).deleted).toHaveLength(4)
  })

  it('leaves a log of ours alone that Kafka has had, unless it has one already', async () => {
    const directory = await borrowedDirectory()
    const log = await openTempLog({ ...quick, config: always }, directory)
    expect((await log.clean({ now: late, force: true })).deleted).toEqual([])
    await log.updateConfig({ 'retention.ms': 1000 })
    expect((await log.clean({ now: late, force: true })).deleted).toHaveLength(4)
  })

  it("never touches Kafka's own topics, in its directory or copied out of it", async () => {
    const store = temporaryDirectory()
    writeFileSync(join(store, 'meta.properties'), 'version=1\ncluster.id=x\nnode.id=1\n')
    for (const root of [store, temporaryDirectory()]) {
      const directory = join(root, '__consumer_offsets-0')
      mkdirSync(directory)
      for (const base of [0, 10]) writeFileSync(join(directory, segmentName(base)), dataBatch(base, 10))
      const log = await openTempLog({ ...adopting, config: always }, directory)
      await log.updateConfig({ 'retention.ms': 1000, 'retention.bytes': 0 })
      expect((await log.clean({ now: late, force: true })).deleted).toEqual([])
      expect((await log.plan(late)).segments[0]?.reason).toContain(
        "__consumer_offsets is one of Kafka's own topics",
      )
      const reader = await openTempLog({ readOnly: true, config: always }, directory)
      expect((await reader.plan(late)).blocked).toBe('held')
    }
  })
})

it.each([
  ['cleaner-offset-checkpoint', 12, 12],
  ['replication-offset-checkpoint', 12, 12],
  ['cleaner-offset-checkpoint', 35, 30],
  ['replication-offset-checkpoint', 39, 30],
])(
  'a truncation lowers what %s says of the log, if it lies above, and keeps the rest',
  async (name, stored, left) => {
    const directory = await ownDirectory()
    writeFileSync(join(directory, name), `0\n2\nlog 0 ${stored}\nother 3 99\n`)
    const log = await openTempLog(quick, directory)
    await log.append(upTo(10))
    await log.truncateTo(30)
    expect(readFileSync(join(directory, name), 'utf8')).toBe(`0\n2\nlog 0 ${left}\nother 3 99\n`)
  },
)
