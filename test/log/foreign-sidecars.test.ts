/*
 * Kafka's files beside its segments and checkpoints, made wrong on purpose: reading and adopting go by the segments alone.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { dataBatch, handMadeLog } from '../helpers/hand-made.ts'
import { quick } from '../helpers/log-files.ts'
import { openTempLog, readAll } from '../helpers/temp-log.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const MIB = 1024 * 1024
const adopting: LogOptions = { ...quick, adopt: true }
const garbage = (sizeBytes: number) =>
  Buffer.from(Array.from({ length: sizeBytes }, (_, at) => (at * 131 + 89) % 256))

/** A store with a partition that Kafka wrote, and the checkpoints that go with it. */
function kafkaStore(): { root: string; directory: string } {
  const root = temporaryDirectory()
  const directory = join(root, 'orders-0')
  cpSync('data/samples/kafka/stopped/orders-0', directory, { recursive: true })
  writeFileSync(join(root, 'meta.properties'), 'version=1\ncluster.id=x\nnode.id=1\n')
  writeFileSync(join(root, '.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":11}')
  for (const name of ['recovery-point', 'replication'])
    writeFileSync(join(root, `${name}-offset-checkpoint`), '0\n1\norders 0 27\n')
  writeFileSync(join(root, 'log-start-offset-checkpoint'), '0\n0\n')
  writeFileSync(join(root, 'cleaner-offset-checkpoint'), '')
  return { root, directory }
}

type Spoil = (path: string) => void

const content =
  (bytes: Buffer | string): Spoil =>
  (path) =>
    writeFileSync(path, bytes)
const replacedBy =
  (make: Spoil): Spoil =>
  (path) => {
    rmSync(path, { force: true })
    make(path)
  }
const kinds: Readonly<Record<string, Spoil>> = {
  garbage: content(garbage(60)),
  nothing: content(''),
  'a piece of it': (path) => truncateSync(path, Math.max(0, lstatSync(path).size - 1)),
  zeros: (path) => {
    writeFileSync(path, '')
    truncateSync(path, 10 * MIB)
  },
  'what is far too large': (path) => truncateSync(path, 2 ** 40),
  'a directory': replacedBy(mkdirSync),
  'a FIFO': replacedBy((path) => void execFileSync('mkfifo', [path])),
  'a link': replacedBy((path) => {
    const elsewhere = join(temporaryDirectory(), basename(path))
    writeFileSync(elsewhere, garbage(48))
    symlinkSync(elsewhere, path)
  }),
}

const isNoFile = (kind: string) => kind === 'a directory' || kind === 'a FIFO' || kind === 'a link'

/** What readers see of a log. */
async function contents(log: Log): Promise<unknown> {
  const records = (await readAll(log)).map(({ offset, timestamp, key, value }) => [
    offset,
    timestamp,
    key?.toString(),
    value?.toString(),
  ])
  const singles = []
  const times = []
  for (let offset = log.startOffset; offset < log.endOffset; offset++) {
    singles.push((await log.get(offset))?.timestamp)
    times.push(await log.offsetForTimestamp(1_700_000_000_000 + offset * 60_000))
  }
  return { records, singles, times, end: log.endOffset }
}

const expected = await (async () => {
  const log = await openLog('data/samples/kafka/stopped/orders-0', { readOnly: true })
  const found = await contents(log)
  await log.close()
  return found
})()

async function expectReadOnly(directory: string): Promise<void> {
  const log = await openLog(directory, { readOnly: true })
  expect(await contents(log)).toEqual(expected)
  await log.close()
}

const sidecars = readdirSync('data/samples/kafka/stopped/orders-0').filter((name) =>
  /\.(?:index|timeindex|txnindex|snapshot)$/.test(name),
)
const cases = sidecars.flatMap((name) => Object.keys(kinds).map((kind) => [kind, name] as const))

describe('a partition of Kafka with', () => {
  it.each(cases)('%s in place of %s is read, adopted and written like any other', async (kind, name) => {
    const { directory } = kafkaStore()
    kinds[kind]!(join(directory, name))
    await expectReadOnly(directory)
    const log = await openTempLog(adopting, directory)
    expect(await contents(log)).toEqual(expected)
    expect((await log.append('ours')).baseOffset).toBe(27)
    await log.close()
    expect((await readAll(await openTempLog(quick, directory))).at(-1)?.offset).toBe(27)
    // Nothing that Kafka would believe is left beside what was written to; a directory it can't read, and says so.
    const left = readdirSync(directory).filter(
      (file) => sidecars.includes(file) && file >= '00000000000000000020',
    )
    expect(
      left.filter(
        (file) =>
          lstatSync(join(directory, file)).isFile() || lstatSync(join(directory, file)).isSymbolicLink(),
      ),
    ).toEqual([])
  })

  it('a link in place of an index loses the link, not what it leads to', async () => {
    const { directory } = kafkaStore()
    const elsewhere = join(temporaryDirectory(), 'precious')
    writeFileSync(elsewhere, 'precious')
    const link = join(directory, '00000000000000000020.index')
    rmSync(link)
    symlinkSync(elsewhere, link)
    const log = await openTempLog(adopting, directory)
    await log.append('ours')
    await log.close()
    expect(existsSync(link)).toBe(false)
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious')
  })
})

describe('a store of Kafka with', () => {
  const files = [
    'recovery-point-offset-checkpoint',
    'log-start-offset-checkpoint',
    'cleaner-offset-checkpoint',
    'replication-offset-checkpoint',
    '.kafka_cleanshutdown',
    'orders-0/leader-epoch-checkpoint',
    'orders-0/partition.metadata',
  ]
  const sane = files.flatMap((name) => Object.keys(kinds).map((kind) => [kind, name] as const))

  it.each(sane)('%s in place of %s is read, and written or refused with the reason', async (kind, name) => {
    const { root, directory } = kafkaStore()
    const path = join(root, name)
    kinds[kind]!(path)
    await expectReadOnly(directory)
    if (name === '.kafka_cleanshutdown' && isNoFile(kind)) {
      await expect(openLog(directory, adopting)).rejects.toMatchObject({ code: 'LOG_CORRUPT', path })
      expect(readdirSync(directory).sort()).toEqual(readdirSync('data/samples/kafka/stopped/orders-0').sort())
      return
    }
    const log = await openTempLog(adopting, directory)
    expect(await contents(log)).toEqual(expected)
    expect((await log.append('ours')).baseOffset).toBe(27)
    await log.roll()
    await log.append('ours')
    const closing = log.close()
    if (name === 'recovery-point-offset-checkpoint' && kind === 'a directory')
      await expect(closing).rejects.toMatchObject({
        code: 'IO_FAILED',
        message: expect.stringContaining(path) as string,
      })
    else await closing
    const again = await openTempLog(quick, directory)
    expect((await readAll(again)).slice(-2).map(({ offset }) => offset)).toEqual([27, 28])
  })

  it('checkpoints that can not be believed has it noted, and what nobody else reads is left as it is', async () => {
    for (const name of files) {
      const { root, directory } = kafkaStore()
      const path = join(root, name)
      writeFileSync(path, garbage(60))
      const log = await openTempLog(adopting, directory)
      const isRead = /recovery|start-offset|epoch/.test(name)
      expect([name, log.recovery.notes.some((note) => note.startsWith(path))]).toEqual([name, isRead])
      await log.append('ours')
      await log.close()
      const isKept = /cleaner|replication|metadata/.test(name)
      expect([name, readFileSync(path).equals(garbage(60))]).toEqual([
        name,
        isKept || name.startsWith('log-start'),
      ])
    }
  })
})

const epochOf = async (log: Log): Promise<number | undefined> => {
  let last: number | undefined
  for await (const batch of log.readBatches()) last = batch.partitionLeaderEpoch
  return last
}

describe('leader epochs that can not be believed', () => {
  it('are replaced by none, since a broker would not start with them, and records go on with the last epoch', async () => {
    for (const wrong of ['', '0\n1\n0', '1\n0\n', '0\n2\n5 0\n4 9\n', garbage(40)]) {
      const directory = await handMadeLog([[dataBatch(0, 2), dataBatch(2, 1, { partitionLeaderEpoch: 7 })]])
      const path = join(directory, 'leader-epoch-checkpoint')
      writeFileSync(path, wrong)
      const log = await openTempLog(adopting, directory)
      expect(readFileSync(path)).toEqual(Buffer.from(wrong)) // as long as nothing is written
      await log.append('ours')
      expect(readFileSync(path, 'utf8')).toBe('0\n0\n')
      expect(await epochOf(log)).toBe(7)
      await log.close()
    }
  })

  it('twin: those that can be are kept, and the last one counts', async () => {
    const directory = await handMadeLog([[dataBatch(0, 2)]])
    const path = join(directory, 'leader-epoch-checkpoint')
    writeFileSync(path, '0\n2\n0 0\n3 1\n')
    const log = await openTempLog(adopting, directory)
    await log.append('ours')
    expect(readFileSync(path, 'utf8')).toBe('0\n2\n0 0\n3 1\n')
    expect(await epochOf(log)).toBe(3)
  })
})
