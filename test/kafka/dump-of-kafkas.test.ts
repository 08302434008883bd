/*
 * Everything that a broker of many kinds of records leaves on disk after it was stopped in order: seglog reads of it what
 * Kafka's consumers did, prints of it what Kafka's tool does, and changes nothing.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLog } from '../../src/index.ts'
import { runProcess } from '../cli/command-line.ts'
import { plainRecord, type PlainRecord, readPlain } from '../helpers/kafka-records.ts'
import { startBroker } from './broker.ts'
import * as feed from './feed.ts'
import { runJava } from './java-process.ts'
import { KafkaClient, type Place } from './kafka-client.ts'
import { byFile, dumpLogSegments, findings } from './kafka-dump.ts'
import { dumpableFiles, exactState, partitionNames } from './partitions.ts'

const SNAPPY = 'codecs-2'
const LZ4 = 'codecs-3'
const METADATA = '__cluster_metadata-0'

/** What a consumer read of a partition, by isolation. */
interface Consumed {
  readonly end: number
  readonly uncommitted: readonly PlainRecord[]
  readonly committed: readonly PlainRecord[]
}

const root = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-kafka-'))
const data = join(root, 'data')
const consumed = new Map<string, Consumed>()

beforeAll(async () => {
  const broker = await startBroker(root, { properties: feed.BUSY_BROKER, keep: true })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  try {
    await feed.feedSegments(client, 'segments', 60)
    await feed.makeInternalTopics(client, { topic: 'segments' })
    await feed.feedGroups(client, { topic: 'segments' }, 8)
    await feed.feedTransactions(client, 'transactions', 12)
    await feed.feedCompacted(client, 'compacted', { batches: 40, keepsTombstones: true })
    await feed.feedCompacted(client, 'compacted-bare', { batches: 40, keepsTombstones: false })
    await feed.feedCodecs(client, 'codecs', { batches: 5, valueBytes: 70_000 })
    await feed.feedAppendTime(client, 'append-time', 6)
    await client.createTopic('empty')
    await useKafkasTools(client, broker.bootstrap)
    await feed.untilSettled(broker, client)
    for (const name of partitionNames(data))
      if (name !== METADATA) consumed.set(name, await consume(client, name))
    await broker.stop()
  } finally {
    client.close()
    await broker.kill()
  }
})

afterAll(() => rmSync(root, { recursive: true }))

/** Kafka's command line: a load, and records with keys, headers and nulls. */
async function useKafkasTools(client: KafkaClient, bootstrap: string): Promise<void> {
  await client.createTopic('tools', { config: { 'internal.segment.bytes': 100_000 } })
  const to = ['--bootstrap-server', bootstrap, '--topic', 'tools']
  const load = ['--num-records', '5000', '--record-size', '100', '--throughput', '-1']
  const results = [
    await runJava('org.apache.kafka.tools.ProducerPerformance', [...to, ...load]),
    await runJava(
      'org.apache.kafka.tools.ConsoleProducer',
      [...to, ...['parse.key=true', 'parse.headers=true', 'null.marker=NULL'].flatMap(readerProperty)],
      { input: 'h1:v1,h2:v2\tk1\tvalue\nh:v\tk2\tNULL\nNULL\tNULL\tneither\nNULL\t\t\n' },
    ),
    await runJava('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...to,
      ...'--from-beginning --group readers --max-messages 100'.split(' '),
    ]),
  ]
  for (const { exitCode, errors } of results) expect([exitCode, errors]).toMatchObject([0, expect.anything()])
}

const readerProperty = (property: string) => ['--reader-property', property]

async function consume(client: KafkaClient, name: string): Promise<Consumed> {
  const [, topic, partition] = /^(.*)-(\d+)$/.exec(name)!
  const place: Place = { topic: topic!, partition: Number(partition) }
  const { end, records } = await client.consume(place)
  const consumer = { 'isolation.level': 'read_committed' }
  const { records: committed } = await client.consume(place, { consumer })
  return { end, uncommitted: records.map(plainRecord), committed: committed.map(plainRecord) }
}

const pathsOf = (name: string) => dumpableFiles(join(data, name)).map((file) => join(data, name, file))

const segmentsOf = (name: string) => pathsOf(name).filter((path) => path.endsWith('.log'))

/** True for a batch, in its line of a dump, that has fewer records than offsets. */
const hasHoles = ([, first, last, count]: RegExpExecArray) => Number(last) - Number(first) >= Number(count)

describe('what Kafka left after it was stopped', () => {
  it('is of every kind that these tests are about', async () => {
    const names = partitionNames(data)
    expect(new Set(names)).toEqual(new Set([...consumed.keys(), METADATA]))
    const files = names.flatMap(pathsOf)
    for (const suffix of ['log', 'index', 'timeindex', 'txnindex', 'snapshot', 'checkpoint'])
      expect([suffix, files.some((path) => path.endsWith(`.${suffix}`))]).toEqual([suffix, true])
    const { output } = await dumpLogSegments(files, ['--deep-iteration'])
    const kinds: Readonly<Record<string, RegExp>> = {
      ...Object.fromEntries(feed.CODECS.map((codec) => [codec, new RegExp(`compresscodec: ${codec} `)])),
      'time of append': /position: \d+ LogAppendTime: /,
      'empty batch': / count: 0 baseSequence: \d/,
      'delete horizon': /deleteHorizonMs: OptionalLong\[\d/,
      tombstone: /keySize: [1-9]\d* valueSize: -1/,
      'null key': /keySize: -1 valueSize: \d/,
      headers: /headerKeys: \[trace,trace,,nothing,bytes\]/,
      commit: /endTxnMarker: COMMIT/,
      abort: /endTxnMarker: ABORT/,
      'open transaction': /currentTxnFirstOffset: OptionalLong\[\d/,
      'new leader': /LeaderChange: /,
      'snapshot of metadata': /Snapshot end offset: \d+, epoch: \d+\n.*\n.*SnapshotHeader/,
    }
    for (const [kind, line] of Object.entries(kinds)) expect([kind, line.test(output)]).toEqual([kind, true])
    const extents = Array.from(output.matchAll(/^baseOffset: (\d+) lastOffset: (\d+) count: ([1-9]\d*) /gm))
    expect(extents.filter(hasHoles).length).toBeGreaterThan(10)
    const { uncommitted, committed } = consumed.get('transactions-0')!
    expect(uncommitted.length).toBeGreaterThan(committed.length)
    expect(consumed.get('tools-0')!.uncommitted).toHaveLength(5004)
    expect(names.filter((name) => segmentsOf(name).length > 2)).toEqual([
      '__consumer_offsets-0',
      '__transaction_state-0',
      'compacted-0',
      'compacted-bare-0',
      'segments-0',
      'tools-0',
      'transactions-0',
    ])
  })

  it('is read as Kafka’s consumers read it, committed and not, and not one byte of it is changed', async () => {
    const before = exactState(root)
    for (const [name, { end, uncommitted, committed }] of consumed) {
      if (name === SNAPPY || name === LZ4) continue
      const directory = join(data, name)
      expect([name, await readPlain(directory, 'uncommitted')]).toEqual([name, { end, records: uncommitted }])
      expect([name, (await readPlain(directory, 'committed')).records]).toEqual([name, committed])
    }
    expect((await readPlain(join(data, METADATA), 'uncommitted')).end).toBeGreaterThan(0)
    expect(exactState(root)).toEqual(before)
  })

  it('in a codec that is not read is refused by name, and its headers are dumped all the same', async () => {
    const before = exactState(root)
    for (const [name, codec] of [
      [SNAPPY, 'snappy'],
      [LZ4, 'lz4'],
    ] as const) {
      const log = await openLog(join(data, name), { readOnly: true })
      const { end } = consumed.get(name)!
      expect([log.startOffset, log.readableEndOffset]).toEqual([0, end])
      await expect(log.get(0)).rejects.toMatchObject({ code: 'COMPRESSION_UNSUPPORTED' })
      await expect(log.read().next()).rejects.toThrow(codec)
      await log.close()
      const { exitCode, output, errors } = await runProcess(['dump', '--print-data-log', ...pathsOf(name)])
      expect(exitCode).toBe(3)
      const problem = `COMPRESSION_UNSUPPORTED: ${join(data, name)}/00000000000000000000.log: records of the batch`
      expect(errors).toContain(`${problem} at position 0: records in ${codec}`)
      expect(output.toString()).toBe((await dumpLogSegments(pathsOf(name))).output)
    }
    expect(exactState(root)).toEqual(before)
  })

  it.each(['', '--deep-iteration', '--print-data-log', '--print-data-log --skip-record-metadata'])(
    'is dumped as Kafka’s tool dumps it, byte for byte, with flags "%s"',
    async (line) => {
      const flags = line.split(' ').filter((flag) => flag !== '')
      const names = partitionNames(data).filter((name) => line === '' || (name !== SNAPPY && name !== LZ4))
      const paths = [...names.flatMap(pathsOf), join(data, 'bootstrap.checkpoint')]
      const before = exactState(root)
      const ours = await runProcess(['dump', ...flags, '--files', paths.join(',')])
      expect(exactState(root)).toEqual(before)
      const kafkas = await dumpLogSegments(paths, flags)
      const [found, expected] = [byFile(ours.output.toString()), byFile(kafkas.output)]
      expect(Object.keys(expected)).toEqual(paths)
      for (const path of paths) expect(found[path]).toBe(expected[path])
      expect(ours.output.toString()).toBe(kafkas.output)
      expect([ours.exitCode, kafkas.exitCode]).toEqual([0, 0])
      expect(findings(ours.errors)).toEqual(findings(kafkas.errors))
    },
  )

  it.each(['--verify-index-only', '--index-sanity-check'])(
    'has index files that agree with their segments, as Kafka’s tool says, too, with %s',
    async (flag) => {
      const paths = partitionNames(data)
        .flatMap(pathsOf)
        .filter((path) => path.endsWith('index') && !path.endsWith('txnindex'))
      const ours = await runProcess(['dump', flag, ...paths])
      const kafkas = await dumpLogSegments(paths, [flag])
      expect(ours.output.toString()).toBe(kafkas.output)
      expect([ours.exitCode, ours.errors, findings(kafkas.errors)]).toEqual([0, '', []])
    },
  )

  it('is dumped whole from the name of a log, or of the store, as from the names of its segments', async () => {
    const { output } = await runProcess(['dump', data])
    const byTopic = partitionNames(data).flatMap(segmentsOf)
    expect(output.toString()).toBe((await dumpLogSegments(byTopic)).output)
    const transactions = await runProcess(['dump', '--print-data-log', join(data, 'transactions-0')])
    const { output: kafkas } = await dumpLogSegments(segmentsOf('transactions-0'), ['--print-data-log'])
    expect(transactions.output.toString()).toBe(kafkas)
  })
})
