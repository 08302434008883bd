/*
 * One data directory that a broker and seglog have in turns, each reading all that the other wrote, and going on from there.
 * The lives of the broker are in order here: each test begins where the one before it ended.
 */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'
import { readLogDirectory } from '../helpers/independent-reader.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { namesOf } from '../helpers/temp-log.ts'
import { BrokerLives } from './broker-lives.ts'
import { SharedLog, type SharedRecord, withoutIndex } from './shared-log.ts'

/** Later than any time that a broker gives of its own accord, to a marker say. */
const FAR = Date.UTC(2100, 0, 1)
const HOUR = 3_600_000

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-'))
const lives = new BrokerLives(root, { 'log.cleaner.backoff.ms': 100 })
const shared = (topic: string, options = {}) => new SharedLog(lives.dataDirectory, topic, options)

/** Never opened by seglog. */
const other = shared('other')
/** One segment; the broker's transactions. */
const single = shared('single')
/** Many segments; the broker rolls, too. */
const many = shared('many')
const times = shared('times', { timestampType: 'LogAppendTime' })
/** Begun by seglog, which knows that no offset is missing; compacted by the broker. */
const compacted = shared('compacted')
/** Begun by seglog; the broker deletes its head. */
const headless = shared('headless')
const all = [other, single, many, times, compacted, headless]

const anyTime = { 'message.timestamp.after.max.ms': '9223372036854775807' }
const plain: LogOptions = { config: anyTime }
const small: LogOptions = {
  config: { ...anyTime, 'internal.segment.bytes': 600, 'index.interval.bytes': 100 },
}
const logAppendTime: LogOptions = { config: { 'message.timestamp.type': 'LogAppendTime' } }

let clockMs = FAR
const nextMs = (): number => (clockMs += HOUR)

/** Records of every shape, whose values say who wrote them. */
function records(who: string, count: number): SharedRecord[] {
  return Array.from({ length: count }, (_, slot) => ({
    key: slot % 4 === 0 ? null : slot % 4 === 1 ? '' : `key ${slot}`,
    value: slot % 5 === 4 ? null : slot % 5 === 3 ? '' : `${who} ${slot} ${'ü'.repeat(slot)}`,
    timestamp: nextMs() - (slot % 3) * 2 * HOUR, // not in order
    ...(slot % 2 === 0
      ? {}
      : {
          headers: [
            ['h', 'é'],
            ['h', null],
            ['', ''],
          ] as const,
        }),
  }))
}

const keyed = (round: number): SharedRecord[] => [
  { key: `k${round % 4}`, value: `v${round}`, timestamp: nextMs() },
]

const appendMany = (to: SharedLog, rounds: number) => async (log: Log) => {
  for (let round = 0; round < rounds; round++) await to.append(log, records('seglog', 3))
}

/** Has seglog write a log by itself, and puts it where the broker will look for it. */
async function writeAndPut(
  to: SharedLog,
  write: (log: Log) => Promise<void>,
  options: LogOptions & { withIdentity?: boolean } = {},
): Promise<void> {
  const { withIdentity = false, ...rest } = options
  const directory = temporaryDirectory()
  const log = await openLog(directory, { cleanup: false, ...rest })
  await write(log)
  await log.close()
  to.putInPlace(directory, { withIdentity })
}

/** Opens each of some logs in the broker's directory, one after the other, does something to it, and closes it. */
async function visit(logs: readonly [SharedLog, (log: Log) => Promise<void>, LogOptions?][]): Promise<void> {
  for (const [log, work, options = {}] of logs) {
    const open = await log.open(options)
    try {
      expect(open).toMatchObject({ state: 'open', recovery: { damage: [], cut: undefined } })
      await log.expectRead(open)
      await work(open)
    } finally {
      await open.close()
    }
  }
}

beforeAll(async () => {
  await lives.start()
  const { client } = lives
  const forever = { ...anyTime, 'retention.ms': -1 }
  const rolling = { ...forever, 'segment.ms': HOUR, 'index.interval.bytes': 100 }
  await client.createTopic('other', { config: rolling })
  await client.createTopic('single', { config: forever })
  await client.createTopic('many', { config: rolling })
  await client.createTopic('times', { config: { ...forever, 'message.timestamp.type': 'LogAppendTime' } })
  const compact = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 0.01 }
  await client.createTopic('compacted', { config: { ...rolling, ...compact } })
  await client.createTopic('headless', { config: rolling })
  for (let round = 0; round < 3; round++) await other.produce(client, records('broker', 4))
  await client.produce({ topic: 'single' }, [{ value: 'is replaced' }])
  await lives.stop()
})

afterAll(async () => {
  await lives.kill()
  rmSync(root, { recursive: true, force: true })
})

it('a broker takes our segments for its own: its consumer gets every record as it was written', async () => {
  await writeAndPut(single, (log) => single.append(log, records('seglog', 30)), plain)
  await writeAndPut(many, appendMany(many, 20), small)
  await writeAndPut(times, appendMany(times, 3), logAppendTime)
  const ours = { ...small, withIdentity: true }
  await writeAndPut(headless, appendMany(headless, 24), ours)
  await writeAndPut(
    compacted,
    async (log) => {
      for (let round = 0; round < 40; round++) await compacted.append(log, keyed(round))
    },
    ours,
  )
  expect(withoutIndex(many.directory).length).toBeGreaterThan(3)
  await lives.start()
  // The cleaner may be at work already: what it leaves is looked at below.
  for (const log of all.filter((one) => one !== compacted)) await log.expectConsumed(lives.client)
})

it('it appends to them, in transactions too, rolls, compacts, deletes, and stops in order', async () => {
  const { client } = lives
  await single.produce(client, records('broker', 5), { producer: { 'enable.idempotence': true } })
  for (const transaction of ['commit', 'abort'] as const)
    await single.produce(client, records(transaction, 3), {
      producer: { 'transactional.id': 't' },
      transaction,
    })
  for (let round = 0; round < 3; round++) await many.produce(client, records('broker', 4))
  await times.produce(client, records('broker', 4))
  for (let round = 0; round < 8; round++) await compacted.produce(client, keyed(round))
  await compacted.produce(client, keyed(1))
  await vi.waitFor(
    async () => expect((await client.consume({ topic: 'compacted' })).records.length).toBeLessThan(10),
    { timeout: 30_000, interval: 100 },
  )
  await client.configure('compacted', { 'min.cleanable.dirty.ratio': 1 }) // no more of it
  const boundary = Number(namesOf(headless.directory, '.log')[2]!.slice(0, 20))
  await client.deleteRecords({ topic: 'headless' }, boundary)
  headless.drop(boundary)
  await vi.waitFor(
    () => expect(namesOf(headless.directory, '.log')[0]).toMatch(new RegExp(`0${boundary}\\.log$`)),
    {
      timeout: 30_000,
    },
  )
  for (const log of all.filter((one) => one !== compacted)) await log.expectConsumed(client)
  await lives.stop()
  const left = readLogDirectory(compacted.directory).flatMap(({ records: found }) => found)
  compacted.keep(new Set(left.map(({ offset }) => Number(offset))))
  expect(compacted.records.length).toBeLessThan(12)
})

it('seglog goes on from there, where it lies: it reads all that the broker wrote, and appends, rolls, cuts and deletes', async () => {
  await visit([
    [
      single,
      async (log) => {
        await log.truncateTo(single.end - 2) // inside of the broker's last transaction
        single.cut(single.end - 2)
        await single.append(log, records('seglog again', 3))
      },
      plain,
    ],
    [
      many,
      async (log) => {
        await log.roll()
        for (let round = 0; round < 5; round++) await many.append(log, records('seglog again', 3))
        expect(log.segments().at(-1)!.baseOffset).toBeGreaterThan(many.end - 13)
      },
      small,
    ],
    [
      times,
      async (log) => {
        await times.append(log, records('seglog again', 2))
      },
      logAppendTime,
    ],
    [compacted, (log) => compacted.append(log, keyed(2)), plain],
    [
      headless,
      async (log) => {
        await log.updateConfig({ 'file.delete.delay.ms': 0, 'retention.ms': -1 })
        const { nextOffset } = log.segments()[1]!
        await log.deleteRecordsBefore(nextOffset + 1)
        headless.drop(nextOffset + 1)
        expect((await log.clean()).deleted).toHaveLength(2)
      },
    ],
  ])
  expect(readFileSync(join(lives.dataDirectory, '.kafka_cleanshutdown'), 'utf8')).toContain(
    '"topic":"headless"',
  )
})

it('its batches carry the leader epoch of those before them', async () => {
  const log = await openLog(many.directory, { readOnly: true })
  const epochs: number[] = []
  for await (const { partitionLeaderEpoch } of log.readBatches()) epochs.push(partitionLeaderEpoch)
  await log.close()
  const [first, ...rest] = [...new Set(epochs)]
  expect([first, rest.length]).toEqual([0, 1]) // ours from before Kafka, then Kafka's and ours
  expect(epochs.toSorted((a, b) => a - b)).toEqual(epochs)
  expect(readFileSync(join(many.directory, 'leader-epoch-checkpoint'), 'utf8')).toContain(`\n${rest[0]} 60\n`)
})

it('the broker starts without a complaint, has everything, and appends once more', async () => {
  await lives.start()
  for (const log of all) await log.expectConsumed(lives.client)
  for (const log of all) {
    await log.produce(lives.client, log === compacted ? keyed(3) : records('broker again', 3))
    await log.expectConsumed(lives.client)
  }
})

it('meanwhile, who reads along gets what the broker writes, though the log has a watermark of ours', async () => {
  for (const log of [many, single, compacted]) {
    expect(existsSync(join(log.directory, 'watermark'))).toBe(true)
    const reader = await openLog(log.directory, { readOnly: true })
    await log.expectRead(reader)
    const next = reader.read({ from: 'latest', follow: true })
    const coming = next.next()
    await log.produce(lives.client, log === compacted ? keyed(0) : records('while reading', 1))
    expect((await coming).value?.offset).toBe(log.records.at(-1)!.offset)
    await next.return?.()
    await log.expectRead(reader)
    await reader.close()
  }
})

it('the broker keeps seglog out while it runs', async () => {
  await expect(many.open()).rejects.toMatchObject({ code: 'LOG_LOCKED' })
})

it('and back once more', async () => {
  await lives.stop()
  await visit([single, many, times, compacted, headless].map((log) => [log, async () => {}] as const))
  await lives.start()
  for (const log of all) await log.expectConsumed(lives.client)
  await lives.stop()
})
