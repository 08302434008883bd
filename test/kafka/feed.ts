/*
 * What Kafka is fed with, for these tests and for data/samples/kafka: one function a topic. `batches` says how much.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Broker, BrokerProperties } from './broker.ts'
import type { KafkaClient, KafkaRecordInput, Place } from './kafka-client.ts'
import { partitionNames } from './partitions.ts'
import { until } from './until.ts'

/** A broker that compacts at once, keeps small index files, and often makes a snapshot of its metadata. */
export const BUSY_BROKER: BrokerProperties = {
  'log.cleaner.backoff.ms': 50,
  'log.cleaner.min.cleanable.ratio': 0,
  'log.index.size.max.bytes': 4096,
  'metadata.log.max.record.bytes.between.snapshots': 2000,
}

/** A broker that takes its place again soon after it was killed, and stores recovery points often. */
export const QUICK_RETURN: BrokerProperties = {
  'broker.session.timeout.ms': 1000,
  'broker.heartbeat.interval.ms': 200,
  'log.flush.offset.checkpoint.interval.ms': 300,
}

/** The codecs of a producer, in the order of the partitions that `feedCodecs` writes to. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

const plain = { 'enable.idempotence': false }
const FOR_EVER = { 'retention.ms': -1 }
const HEADERS = [
  ['trace', 'a'],
  ['trace', 'b'],
  ['', ''],
  ['nothing', null],
  ['bytes', Buffer.from([0, 255])],
] as const
const EVERY_SHAPE: readonly KafkaRecordInput[] = [
  { key: 'key', value: 'value' },
  { key: null, value: null },
  { key: '', value: '' },
  { key: Buffer.from([0xff, 0xed, 0xa0, 0x80]), value: Buffer.from([0, 1, 254, 0xc3]) },
  { key: 'grüße', value: '日本 😀\tline\r\nend', headers: HEADERS },
  { value: null, headers: [['only', 'headers']] },
]

/** Records whose values name them. */
export function numbered(count: number, { from = 0, valueBytes = 20 } = {}): KafkaRecordInput[] {
  return Array.from({ length: count }, (_, slot) => ({
    key: `key-${(from + slot) % 7}`,
    value: `value ${from + slot} `.padEnd(valueBytes, '.'),
    timestamp: 1_700_000_000_000 + (from + slot) * 1000,
  }))
}

/**
 * The orders that the examples of docs/cli.md read: two segments, batches without compression, in gzip and in zstd, of
 * producers with ids and without, a transaction that is committed and one that is not. As the first thing that a broker
 * is fed with they are the same each time, up to the times of the transactions' markers.
 */
export async function feedOrders(broker: Broker, client: KafkaClient, topic: string): Promise<void> {
  const config = { ...FOR_EVER, 'internal.segment.bytes': 1300, 'index.interval.bytes': 256 }
  await client.createTopic(topic, { config })
  const records = Array.from({ length: 24 }, (_, slot) => order(slot))
  for (const first of [0, 3])
    await client.produce({ topic }, records.slice(first, first + 3), { producer: plain })
  for (const [slot, codec] of ['gzip', 'gzip', 'zstd', 'zstd'].entries()) {
    const producer = { 'compression.type': codec, 'client.id': `${topic}-${slot}` }
    await client.produce({ topic }, records.slice(6 + slot * 3, 9 + slot * 3), { producer })
  }
  const inTransaction = (id: string) => ({ producer: { 'transactional.id': `${topic}-${id}` } })
  await client.produce({ topic }, paid([18, 19], 'paid'), inTransaction('a'))
  await untilSettled(broker, client)
  const abort = { ...inTransaction('b'), transaction: 'abort' } as const
  await client.produce({ topic }, paid([20, 21], 'paid twice'), abort)
  await untilSettled(broker, client)
  const last: readonly KafkaRecordInput[] = [
    { key: '', value: '' },
    { key: null, value: Buffer.from('ffc328e282eda08078f09f98', 'hex') },
    { key: 'note', value: '\u001b[31mred\u001b[0m\ttab\u0007 \u202ebidi\u202c \u0085 grüße 日本 😀' },
  ]
  const timed = last.map((record, slot) => ({ ...record, timestamp: order(22 + slot).timestamp! }))
  await client.produce({ topic }, timed, { producer: plain })
}

function paid(slots: readonly number[], value: string): KafkaRecordInput[] {
  return slots.map((slot) => ({ ...order(slot), value, headers: [] }))
}

const ITEMS = ['lamp', 'chair', 'desk', 'shelf', 'clock']

function order(slot: number): KafkaRecordInput {
  const isCancelled = slot % 6 === 5
  const trace = ['trace', `t-${slot}`] as const
  const headers = [[], [trace, ['source', 'web']], [trace, ['trace', 'retry'], ['empty', null]]] as const
  return {
    key: `order-${slot % 7}`,
    value: isCancelled ? null : `{"item":"${ITEMS[slot % 5]}","count":${(slot % 4) + 1}}`,
    headers: isCancelled ? [] : headers[slot % 3]!,
    timestamp: 1_700_000_000_000 + slot * 60_000,
  }
}

/**
 * Transactions that are committed and aborted, that lie across each other and between records of none, and one, the
 * last, that stays open; several producers, each with sequence numbers.
 */
export async function feedTransactions(client: KafkaClient, topic: string, batches: number): Promise<void> {
  const place = { topic }
  await client.createTopic(topic, { config: { ...FOR_EVER, 'internal.segment.bytes': 2048 } })
  const ofTransaction = (id: string) => ({ 'transactional.id': `${topic}-${id}` })
  await client.produce(place, EVERY_SHAPE, { producer: plain })
  for (let batch = 0; batch < batches; batch++) {
    const records = numbered(3, { from: batch * 3 })
    const [a, b] = [ofTransaction('a'), ofTransaction('b')]
    await client.produce(place, records, { producer: a, transaction: 'open' })
    await client.produce(place, records, { producer: { 'client.id': `${topic}-${batch % 2}` } })
    await client.produce(place, records, { producer: b, transaction: 'open' })
    await client.produce(place, EVERY_SHAPE, {
      producer: a,
      transaction: batch % 3 === 0 ? 'abort' : 'commit',
    })
    await client.produce(place, records, { producer: b, transaction: batch % 3 === 1 ? 'abort' : 'commit' })
  }
  const open = { ...ofTransaction('open'), 'transaction.timeout.ms': 900_000 }
  await client.produce(place, numbered(2), { producer: open, transaction: 'open' })
  await client.produce(place, numbered(2))
}

/**
 * Keys that come again and again, tombstones, and transactions, compacted: there are holes, empty batches that keep a
 * sequence number, tombstones with a delete horizon, or, with `keepsTombstones: false`, none at all.
 */
export async function feedCompacted(
  client: KafkaClient,
  topic: string,
  options: { batches: number; keepsTombstones: boolean; config?: Readonly<Record<string, string | number>> },
): Promise<void> {
  const { batches, keepsTombstones } = options
  const place = { topic }
  const config = {
    ...options.config,
    'cleanup.policy': 'compact',
    'internal.segment.bytes': 1500,
    'min.cleanable.dirty.ratio': 0,
    'delete.retention.ms': keepsTombstones ? 86_400_000 : 0,
    'file.delete.delay.ms': 0,
  }
  await client.createTopic(topic, { config })
  const once = [{ key: 'key-0', value: 'of a producer that writes no more, and whose sequence is kept' }]
  await client.produce(place, once, { producer: { 'client.id': `${topic}-once` } })
  const id = { 'transactional.id': topic }
  for (let batch = 0; batch < batches; batch++) {
    const records = Array.from({ length: 6 }, (_, slot) => ({
      key: `key-${(batch * 5 + slot * slot) % 17}`,
      value: (batch + slot) % 4 === 0 ? null : `value ${batch}.${slot}`,
      timestamp: 1_700_000_000_000 + batch * 1000 + slot,
    }))
    const codec = CODECS[[0, 0, 1, 4][batch % 4]!]!
    await client.produce(place, records, { producer: { ...plain, 'compression.type': codec } })
    await client.produce(place, records.slice(0, 2), { producer: { 'client.id': `${topic}-${batch % 5}` } })
    const transaction = batch % 3 === 0 ? 'abort' : 'commit'
    if (batch % 4 === 0) await client.produce(place, records.slice(2, 4), { producer: id, transaction })
  }
}

/** A partition for each of `CODECS`; a value is of `valueBytes`. */
export async function feedCodecs(
  client: KafkaClient,
  topic: string,
  { batches, valueBytes }: { batches: number; valueBytes: number },
): Promise<void> {
  await client.createTopic(topic, { partitions: CODECS.length, config: FOR_EVER })
  for (const [partition, codec] of CODECS.entries()) {
    const producer = { 'compression.type': codec }
    await client.produce({ topic, partition }, EVERY_SHAPE, { producer })
    for (let batch = 0; batch < batches; batch++)
      await client.produce({ topic, partition }, numbered(4, { from: batch * 4, valueBytes }), { producer })
  }
}

/** Records that have the time at which Kafka took them, whatever the producer says. */
export async function feedAppendTime(client: KafkaClient, topic: string, batches: number): Promise<void> {
  await client.createTopic(topic, { config: { 'message.timestamp.type': 'LogAppendTime' } })
  for (let batch = 0; batch < batches; batch++) {
    const producer = { 'compression.type': batch % 2 === 0 ? 'none' : 'gzip' }
    await client.produce({ topic }, numbered(3, { from: batch * 3 }), { producer })
  }
}

/** Several segments, with several entries in their index files. */
export async function feedSegments(client: KafkaClient, topic: string, batches: number): Promise<void> {
  const config = { ...FOR_EVER, 'internal.segment.bytes': 2048, 'index.interval.bytes': 300 }
  await client.createTopic(topic, { config })
  for (let batch = 0; batch < batches; batch++)
    await client.produce({ topic }, numbered(3, { from: batch * 3 }))
}

/** Makes Kafka make the topics it keeps for itself, with segments so small that they are compacted, too. */
export async function makeInternalTopics(client: KafkaClient, place: Place): Promise<void> {
  await client.commitOffset(place, 'first', 0)
  await client.produce(place, numbered(1), { producer: { 'transactional.id': 'first' } })
  for (const topic of ['__consumer_offsets', '__transaction_state'])
    await client.configure(topic, { 'internal.segment.bytes': 2000, 'min.cleanable.dirty.ratio': 0 })
}

/** Offsets that groups have read up to, which Kafka keeps in `__consumer_offsets`. */
export async function feedGroups(client: KafkaClient, place: Place, groups: number): Promise<void> {
  for (let offset = 1; offset <= 3; offset++)
    for (let group = 0; group < groups; group++) await client.commitOffset(place, `group-${group}`, offset)
}

/**
 * Resolves when nothing is under way in the broker: every transaction that was ended has its markers, and what can be
 * compacted is.
 */
export async function untilSettled(broker: Broker, client: KafkaClient): Promise<void> {
  await until('transactions that are ended', async () => {
    if (!existsSync(join(broker.dataDirectory, '__transaction_state-0'))) return true
    const { records } = await client.consume({ topic: '__transaction_state' })
    const last = new Map(records.map(({ key, value }) => [key?.toString(), value?.[STATUS_POSITION]]))
    return ![...last.values()].some((status) => PREPARED.has(status))
  })
  await until('compaction', () => isCompacted(broker.dataDirectory))
}

/** In the value of `__transaction_state`, behind version, producer id, epoch and timeout. */
const STATUS_POSITION = 16
/** The transaction's end is decided, and its markers are on their way. */
const PREPARED: ReadonlySet<number | undefined> = new Set([2, 3])

/** Topics of the broker's own and of `feedCompacted`. */
const COMPACTED = /^(?:__consumer_offsets|__transaction_state|.*compacted.*)-\d+$/

/** True when every compacted partition is clean up to its active segment, and no file is on its way in or out. */
function isCompacted(dataDirectory: string): boolean {
  const checkpoint = readFileSync(join(dataDirectory, 'cleaner-offset-checkpoint'), 'utf8')
  return partitionNames(dataDirectory)
    .filter((name) => COMPACTED.test(name))
    .every((name) => {
      const files = readdirSync(join(dataDirectory, name)).sort()
      const active = Number.parseInt(files.findLast((file) => file.endsWith('.log')) ?? '', 10)
      const line = `${name.replace(/-(?=\d+$)/, ' ')} ${active}`
      const isUnderWay = files.some((file) => /\.(?:cleaned|swap)$/.test(file))
      return !isUnderWay && (active === 0 || checkpoint.split('\n').includes(line))
    })
}
