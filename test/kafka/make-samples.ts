/*
 * `npm run samples:kafka [-- DIRECTORY]`: makes data/samples/kafka anew, from a broker that is stopped in order and one that
 * is killed. Beside what they leave on disk lies what Kafka's own dump tool and consumers made of it. Timestamps and ids
 * differ from time to time; test/helpers/kafka-samples.ts says what must hold of all of it.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plainRecord } from '../helpers/kafka-records.ts'
import {
  type ConsumedRecord,
  dumpedFiles,
  expectedPath,
  type SampleManifest,
  type SamplePartition,
  sumsOf,
} from '../helpers/kafka-samples.ts'
import { startBroker } from './broker.ts'
import * as feed from './feed.ts'
import { runJava } from './java-process.ts'
import { KafkaClient, type Place } from './kafka-client.ts'
import { KAFKA_VERSION, prepareKafka, whyNoKafka } from './kafka-home.ts'
import { loadedLogs } from './loaded-logs.ts'
import { partitionNames } from './partitions.ts'
import { batchPositions, segmentsIn, tearTail } from './torn-tails.ts'
import { until } from './until.ts'

const DUMP = 'org.apache.kafka.tools.DumpLogSegments'
const METADATA = '__cluster_metadata-0'
const UNREADABLE: Readonly<Record<string, string>> = { 'codecs-2': 'snappy', 'codecs-3': 'lz4' }
const TORN = 'load-1'
const ATTEMPTS = 8

const COMMANDS = {
  stopped: 'kafka-server-start.sh server.properties, fed by test/kafka/feed.ts, then kafka-server-stop.sh',
  killed: 'kafka-server-start.sh server.properties, fed by test/kafka/java/Client.java, then kill -KILL',
  dump: 'kafka-dump-log.sh --print-data-log --files FILES > NAME.dump.txt',
  headers: 'kafka-dump-log.sh --files FILES > NAME.dump.txt',
  consumer:
    'KafkaConsumer of test/kafka/java/Client.java, isolation.level both read_uncommitted and read_committed',
}

/** Makes the samples in `directory`, in place of those that are there; the segments of the killed store are small if possible. */
export async function makeSamples(directory: string, { killedBytes = Infinity } = {}): Promise<void> {
  mkdirSync(directory, { recursive: true })
  for (const name of ['stopped', 'killed', 'expected'])
    rmSync(join(directory, name), { recursive: true, force: true })
  const work = mkdtempSync(join(realpathSync(tmpdir()), 'seglog-samples-'))
  try {
    const partitions = [
      ...(await makeStopped(directory, join(work, 'stopped'))),
      ...(await makeKilled(directory, join(work, 'killed'), killedBytes)),
    ]
    for (const partition of partitions) await dump(directory, partition)
    writeManifest(directory, partitions)
  } finally {
    rmSync(work, { recursive: true })
  }
}

/** A store that was closed in order, whole. */
async function makeStopped(directory: string, root: string): Promise<SamplePartition[]> {
  const properties = { ...feed.BUSY_BROKER, 'metadata.max.idle.interval.ms': 0 } // nothing for the sake of time
  const broker = await startBroker(root, { properties, keep: true })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  const partitions: SamplePartition[] = []
  try {
    await feed.feedOrders(broker, client, 'orders')
    await feed.feedSegments(client, 'segments', 15)
    await feed.makeInternalTopics(client, { topic: 'segments' })
    await feed.feedTransactions(client, 'transactions', 2)
    await feed.feedCompacted(client, 'compacted', { batches: 16, keepsTombstones: true })
    await feed.feedCodecs(client, 'codecs', { batches: 2, valueBytes: 100 })
    await feed.feedAppendTime(client, 'append-time', 3)
    await feed.feedGroups(client, { topic: 'segments' }, 4)
    await feed.untilSettled(broker, client)
    for (const name of partitionNames(broker.dataDirectory)) {
      const unreadable = UNREADABLE[name]
      const partition = {
        store: 'stopped',
        name,
        ...(unreadable === undefined ? {} : { unreadable }),
      } as const
      if (name === METADATA) partitions.push(partition)
      else partitions.push({ ...partition, ...(await consume(client, directory, partition)) })
    }
    await broker.stop()
    cpSync(broker.dataDirectory, join(directory, 'stopped'), { recursive: true, filter: isKept })
  } finally {
    client.close()
    await broker.kill()
  }
  return partitions
}

/** What is on its way out is of no use to anyone. */
function isKept(path: string): boolean {
  return !path.endsWith('.deleted')
}

/** A store whose broker was killed under load, one partition torn by hand; of others only what is beside them. */
async function makeKilled(directory: string, root: string, bytesMax: number): Promise<SamplePartition[]> {
  for (let attempt = 1; ; attempt++) {
    rmSync(root, { recursive: true, force: true })
    const partitions = await tryKilled(directory, root, attempt === ATTEMPTS ? Infinity : bytesMax)
    if (partitions !== undefined) return partitions
    if (attempt === ATTEMPTS)
      throw new Error(`no broker that was killed left what is wanted, in ${attempt} attempts`)
  }
}

/** Undefined when there is too much, or too little in a last segment, or the broker ended a transaction as soon as it could. */
async function tryKilled(
  directory: string,
  root: string,
  bytesMax: number,
): Promise<SamplePartition[] | undefined> {
  const properties = { ...feed.QUICK_RETURN, 'log.index.size.max.bytes': 1024 }
  const store = join(directory, 'killed')
  rmSync(store, { recursive: true, force: true })
  await writeAndKill(root, properties)
  const data = join(root, 'data')
  const logs = ['load-0', TORN].map((name) => segmentsIn(join(data, name)))
  const bytes = logs.flat().reduce((sum, path) => sum + statSync(path).size, 0)
  if (bytes > bytesMax || !logs.every(areEnough)) return undefined
  tearTail(join(data, TORN), 'by a cut in its last batch', (end) => end >> 1)
  cpSync(data, store, { recursive: true, filter: (path) => !path.includes('/__') })
  const broker = await startBroker(root, { properties, keep: true })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  try {
    const loaded = loadedLogs(broker.log())
    const partitions: SamplePartition[] = []
    for (const name of partitionNames(store)) {
      const found = await consume(client, directory, { store: 'killed', name })
      if (found.end !== loaded.get(name)?.end) return undefined
      partitions.push({ store: 'killed', name, ...(name === TORN ? { isTorn: true } : {}), ...found })
    }
    return partitions
  } finally {
    client.close()
    await broker.kill()
  }
}

/** The last of a few segments has a batch also when another is cut off: else Kafka's dump tool fails at its index file. */
function areEnough(segments: readonly string[]): boolean {
  return segments.length > 2 && batchPositions(readFileSync(segments.at(-1)!)).length > 1
}

async function writeAndKill(
  root: string,
  properties: Readonly<Record<string, string | number>>,
): Promise<void> {
  const broker = await startBroker(root, { properties, keep: true })
  const client = new KafkaClient(broker.bootstrap, { keep: true })
  const directories = ['load-0', TORN].map((name) => join(broker.dataDirectory, name))
  try {
    await client.createTopic('load', { partitions: 2, config: { 'internal.segment.bytes': 1000 } })
    const producers = [{}, { 'compression.type': 'gzip' }, { 'transactional.id': 'load' }]
    await client.load('load', { partitions: 2, producers, valueBytes: 30, seed: 1 })
    await until('a few segments', () => directories.map(segmentsIn).every(areEnough))
  } finally {
    await broker.kill()
    client.close()
  }
}

/** Writes down what consumers get of a partition; gives back where it starts and ends. */
async function consume(
  client: KafkaClient,
  directory: string,
  { store, name }: SamplePartition,
): Promise<{ start: number; end: number }> {
  const [, topic, partition] = /^(.*)-(\d+)$/.exec(name)!
  const place: Place = { topic: topic!, partition: Number(partition) }
  const { end, records } = await client.consume(place)
  const consumer = { 'isolation.level': 'read_committed' }
  const committed = new Set((await client.consume(place, { consumer })).records.map(({ offset }) => offset))
  const [first] = await client.listOffsets(place, ['earliest'])
  const lines = records.map(
    (record): ConsumedRecord => ({
      ...plainRecord(record),
      committed: committed.has(record.offset),
    }),
  )
  const path = expectedPath(store, name, 'consumed.ndjson')
  writeExpected(directory, path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return { start: first!.offset, end }
}

async function dump(directory: string, partition: SamplePartition): Promise<void> {
  const flags = partition.unreadable === undefined ? ['--print-data-log'] : []
  const files = dumpedFiles(directory, partition).join(',')
  const { exitCode, output, errors } = await runJava(DUMP, [...flags, '--files', files], { directory })
  if (exitCode !== 0) throw new Error(errors)
  writeExpected(directory, expectedPath(partition.store, partition.name, 'dump.txt'), output)
}

function writeExpected(directory: string, path: string, contents: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true })
  writeFileSync(join(directory, path), contents)
}

function writeManifest(directory: string, partitions: readonly SamplePartition[]): void {
  const unreadable = Object.keys(UNREADABLE)
  const by = (path: string): keyof typeof COMMANDS => {
    if (path.endsWith('.ndjson')) return 'consumer'
    if (path.endsWith('.dump.txt')) return unreadable.some((name) => path.includes(name)) ? 'headers' : 'dump'
    return path.startsWith('stopped') ? 'stopped' : 'killed'
  }
  const sums = Object.entries(sumsOf(directory)).map(([path, sum]) => [path, { ...sum, by: by(path) }])
  const manifest: SampleManifest = {
    kafka: KAFKA_VERSION,
    command: 'npm run samples:kafka',
    commands: COMMANDS,
    partitions,
    files: Object.fromEntries(sums),
  }
  writeFileSync(join(directory, 'manifest.json'), `${formatManifest(manifest)}\n`)
}

/** JSON with a line for each command, partition and file, so that changes can be read. */
function formatManifest(manifest: SampleManifest): string {
  const parts = Object.entries(manifest).map(([name, part]: [string, unknown]) => {
    const isList = Array.isArray(part)
    if (typeof part !== 'object' || part === null) return `${JSON.stringify(name)}: ${JSON.stringify(part)}`
    const lines = Object.entries(part).map(
      ([key, value]) => `  ${isList ? '' : `${JSON.stringify(key)}: `}${JSON.stringify(value)}`,
    )
    return `${JSON.stringify(name)}: ${isList ? '[' : '{'}\n${lines.join(',\n')}\n ${isList ? ']' : '}'}`
  })
  return `{\n ${parts.join(',\n ')}\n}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reason = whyNoKafka()
  if (reason !== undefined) throw new Error(`Apache Kafka ${KAFKA_VERSION} can't run here: ${reason}`)
  prepareKafka()
  const samples = fileURLToPath(new URL('../../data/samples/kafka', import.meta.url))
  await makeSamples(process.argv[2] ?? samples, { killedBytes: 7000 })
}
