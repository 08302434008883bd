/*
 * Beside a broker that runs: seglog takes no lock, writes nothing, and sees what Kafka appends, rolls and compacts.
 */
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Log, openLog } from '../../src/index.ts'
import { runProcess } from '../cli/command-line.ts'
import { plainRecord, readPlain } from '../helpers/kafka-records.ts'
import { type Broker, startBroker } from './broker.ts'
import * as feed from './feed.ts'
import { KafkaClient } from './kafka-client.ts'
import { dumpLogSegments, findings } from './kafka-dump.ts'
import { dumpableFiles, partitionNames } from './partitions.ts'
import { until } from './until.ts'

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-kafka-'))
const data = join(root, 'data')
let broker: Broker
let client: KafkaClient

beforeAll(async () => {
  broker = await startBroker(root, { properties: feed.BUSY_BROKER, keep: true })
  client = new KafkaClient(broker.bootstrap, { keep: true })
})

afterAll(async () => {
  client?.close()
  await broker?.kill()
  rmSync(root, { recursive: true })
})

async function follow(topic: string): Promise<Log> {
  const log = await openLog(join(data, `${topic}-0`), { readOnly: true })
  onTestFinished(() => log.close())
  return log
}

const consumed = async (topic: string) => {
  const { end, records } = await client.consume({ topic })
  return { end, records: records.map(plainRecord) }
}

/** The bytes of a log's segments. */
function sizeOf(directory: string): number {
  const segments = dumpableFiles(directory).filter((file) => file.endsWith('.log'))
  return segments.reduce((bytes, file) => bytes + statSync(join(directory, file)).size, 0)
}

/** The offsets that reading a log gives until the record at `last` has come. */
async function offsetsUpTo(log: Log, last: number): Promise<number[]> {
  const offsets: number[] = []
  for await (const { offset } of log.read({ follow: true })) {
    offsets.push(offset)
    if (offset >= last) break
  }
  return offsets
}

async function offsetsNow(log: Log): Promise<number[]> {
  const offsets: number[] = []
  for await (const { offset } of log.read()) offsets.push(offset)
  return offsets
}

describe('a directory of a broker that runs', () => {
  it('is dumped as Kafka’s tool dumps it, with index files that are not trimmed yet', async () => {
    await feed.feedSegments(client, 'segments', 40)
    await feed.feedTransactions(client, 'transactions', 3)
    await feed.untilSettled(broker, client)
    const paths = partitionNames(data)
      .filter((name) => name !== '__cluster_metadata-0') // it grows all the time
      .flatMap((name) => dumpableFiles(join(data, name)).map((file) => join(data, name, file)))
    const ours = await runProcess(['dump', '--print-data-log', '--files', paths.join(',')])
    const kafkas = await dumpLogSegments(paths, ['--print-data-log'])
    expect(ours.output.toString()).toBe(kafkas.output)
    expect([ours.exitCode, kafkas.exitCode]).toEqual([0, 0])
    expect(findings(ours.errors)).toEqual(findings(kafkas.errors))
    expect(kafkas.output).toMatch(/segments-0\/\d+\.index\n(?:offset: \d+ position: \d+\n)+/)
  })

  it('is opened, and what is appended to it from then on is seen, over many segments', async () => {
    const config = { 'internal.segment.bytes': 4096, 'retention.ms': -1 } // the first records are years old
    await client.createTopic('followed', { config })
    await client.produce({ topic: 'followed' }, feed.numbered(5))
    const log = await follow('followed')
    expect(log.readableEndOffset).toBe(5)
    const firstSeen = offsetsUpTo(log, 5)
    await client.produce({ topic: 'followed' }, feed.numbered(1))
    expect(await firstSeen).toEqual([0, 1, 2, 3, 4, 5])
    const load = new KafkaClient(broker.bootstrap)
    const producers = [{}, { 'compression.type': 'gzip' }, { 'transactional.id': 'followed' }]
    await load.load('followed', { partitions: 1, producers, valueBytes: 300, seed: 1 })
    await until('a few segments', () => log.segments().length > 5)
    load.close()
    // What the producers had sent may still be on its way into the log.
    await until('both to read the same', async () =>
      isDeepStrictEqual(await readPlain(log.directory, 'uncommitted'), await consumed('followed')),
    )
    const { end, records } = await consumed('followed')
    const offsets = records.map(({ offset }) => offset)
    expect(await offsetsUpTo(log, offsets.at(-1)!)).toEqual(offsets)
    await until('the end that the broker tells', () => log.readableEndOffset === end)
  })

  it('is dumped while it is written: whole batches, the first of those that are there later', async () => {
    await client.createTopic('written', { config: { 'internal.segment.bytes': 1_000_000 } })
    const load = new KafkaClient(broker.bootstrap)
    await load.load('written', { partitions: 1, producers: [{}, {}, {}], valueBytes: 2000, seed: 2 })
    const directory = join(data, 'written-0')
    const dumps: string[] = []
    for (let round = 0, size = 0; round < 3; round++) {
      await until('more to dump', () => sizeOf(directory) > size)
      size = sizeOf(directory)
      const { exitCode, output, errors } = await runProcess(['dump', directory])
      expect([exitCode, errors]).toEqual([0, ''])
      dumps.push(output.toString())
    }
    load.close()
    expect(dumps.at(-1)!.length).toBeGreaterThan(dumps[0]!.length)
    const { output } = await runProcess(['dump', directory])
    for (const dump of dumps) expect(output.toString().startsWith(dump)).toBe(true)
  })

  it('is followed while its segments are compacted: what is read afterwards is what Kafka’s consumer reads', async () => {
    const topic = 'compacted-live'
    await feed.feedCompacted(client, topic, { batches: 2, keepsTombstones: true })
    const log = await follow(topic)
    const before = log.segments().map(({ path }) => path)
    for (let round = 0; round < 3; round++) {
      for (let batch = 0; batch < 20; batch++)
        await client.produce({ topic }, feed.numbered(5, { from: batch }))
      await feed.untilSettled(broker, client)
      const { end, records } = await consumed(topic)
      // A log that is open sees a compaction a moment later, and until then everything that was there before it.
      const offsets = records.map(({ offset }) => offset)
      await until('what compaction left', async () => isDeepStrictEqual(await offsetsNow(log), offsets))
      expect(log.readableEndOffset).toBe(end)
      expect(offsets.length).toBeLessThan(end)
      expect(await readPlain(log.directory, 'uncommitted')).toEqual({ end, records })
    }
    expect(log.segments().map(({ path }) => path)).not.toEqual(before)
  })

  it('is followed while retention takes its head away', async () => {
    const topic = 'shrinking'
    await feed.feedSegments(client, topic, 40)
    const log = await follow(topic)
    expect(log.startOffset).toBe(0)
    await client.deleteRecords({ topic }, 50)
    await until(
      'segments that go',
      async () => (await client.listOffsets({ topic }, ['earliest']))[0]?.offset === 50,
    )
    await until('the files to go', () => log.startOffset > 0)
    const { end, records } = await consumed(topic)
    const found: number[] = []
    for await (const { offset } of log.read({ from: Math.max(50, log.startOffset) })) found.push(offset)
    expect(found).toEqual(records.map(({ offset }) => offset))
    expect(log.readableEndOffset).toBe(end)
  })
})
