/*
 * Logs of many segments, made by chance, for the tests that compare look-ups: each kind has something that a search can
 * stumble over. Kafka writes some of them; seglog writes the others, and Kafka serves what it wrote.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeBatch, openLog, type RecordToEncode } from '../../src/index.ts'
import { ManualClock, type SeededRandom } from '../../src/testing/index.ts'
import { lyingFileSystem } from '../disk/lying-file-system.ts'
import {
  compressedBatch,
  controlBatch,
  handMadeLog,
  type HandMadeSegment,
  marker,
} from '../helpers/hand-made.ts'
import type { KafkaClient, KafkaRecordInput } from './kafka-client.ts'
import { pick, segmentsIn } from './retention-logs.ts'

type Settings = Readonly<Record<string, string | number>>

/** A kind of log. */
export interface LogKind {
  readonly name: string
  readonly topic: string
  /** The topic's configuration, beside what all have. */
  readonly config?: Settings
  /** Has Kafka write it. */
  readonly produce?: (client: KafkaClient, topic: string, random: SeededRandom) => Promise<void>
  /** Writes it into a new directory with seglog. */
  readonly write?: (directory: string, random: SeededRandom) => Promise<void>
  /** Kafka's search by time ends in a segment that has no such record: for `most` times in the first one. */
  readonly hidden?: 'some' | 'most'
}

export const SEGMENT_CONFIG = { 'internal.segment.bytes': 3000, 'index.interval.bytes': 300 }
/** Of the topics that are compacted: not before they are told to by `COMPACT_NOW`, and then in one pass. */
export const COMPACT = { 'cleanup.policy': 'compact,delete', 'min.cleanable.dirty.ratio': 1 }
export const COMPACT_NOW = { 'min.cleanable.dirty.ratio': 0.001 }
const BATCH_COUNT = 110
const FIRST_TIME = 1_700_000_000_000
const NO_TIMESTAMP = -1

/** Times of the batches of a log, and of the records in each. */
type Times = (random: SeededRandom, batch: number, record: number) => number

const inOrder: Times = (_, batch, record) => FIRST_TIME + batch * 100 + record * 2
/** Steps back within batches and between them, and many equal ones. */
const outOfOrder: Times = (random, batch) =>
  FIRST_TIME + 10 * (random.below(10) === 0 ? random.below(BATCH_COUNT) : batch) - random.below(3)
const withGaps: Times = (random, batch, record) =>
  random.below(6) === 0 ? NO_TIMESTAMP : outOfOrder(random, batch, record)

/** Batches of one to many records, with keys below `keysMax`. */
function randomBatches(random: SeededRandom, times: Times, keysMax = 12): KafkaRecordInput[][] {
  return Array.from({ length: BATCH_COUNT }, (_, batch) =>
    Array.from({ length: pick(random, [1, 1, 2, 3, 8, 30]) }, (__, record) => ({
      key: `k${random.below(keysMax)}`,
      value: random.below(8) === 0 ? null : 'v'.repeat(random.below(60)),
      timestamp: times(random, batch, record),
    })),
  )
}

async function produce(
  client: KafkaClient,
  topic: string,
  batches: readonly KafkaRecordInput[][],
  codecs: (batch: number) => Settings = () => ({}),
): Promise<void> {
  for (const [batch, records] of batches.entries())
    await client.produce({ topic }, records, { producer: codecs(batch) })
}

/** Appends batch by batch; the clock goes on between them, and now and then back. */
async function append(
  directory: string,
  random: SeededRandom,
  { times, config = {} }: { times: Times; config?: Settings },
): Promise<void> {
  const clock = new ManualClock({ wallMs: FIRST_TIME })
  const log = await openLog(directory, {
    cleanup: false,
    durability: 'os',
    clock,
    fileSystem: lyingFileSystem,
    config: { ...SEGMENT_CONFIG, ...config },
  })
  for (const records of randomBatches(random, times)) {
    clock.jumpWall(random.below(8) === 0 ? -500 : random.below(200))
    await log.append(records as { timestamp: number }[])
  }
  await log.close()
}

async function produceTransactions(client: KafkaClient, topic: string, random: SeededRandom): Promise<void> {
  const batches = randomBatches(random, outOfOrder).slice(0, 50)
  for (const records of batches) {
    const isPlain = random.below(3) === 0
    const producer = { 'transactional.id': `t${random.below(2)}` }
    const transaction = pick(random, ['commit', 'abort'] as const)
    await client.produce({ topic }, records, isPlain ? {} : { producer, transaction })
  }
  const producer = { 'transactional.id': 'open', 'transaction.timeout.ms': 800_000 }
  await client.produce({ topic }, batches[0]!, { producer, transaction: 'open' })
  await client.produce({ topic }, batches[1]!)
}

const SEGMENT_THAT_HIDES = 6

/** Batches that no call of ours makes: with holes, emptied, with markers of transactions, compressed. */
async function handMade(directory: string, random: SeededRandom): Promise<void> {
  const segments: HandMadeSegment[] = []
  let offset = random.below(5)
  let batchNumber = 0
  for (let segment = 0; segment < 14; segment++) {
    const baseOffset = offset
    const batches: Buffer[] = []
    for (let count = 4 + random.below(6); count > 0; count--) {
      offset += pick(random, [0, 0, 0, 1, 7])
      const { batch, nextOffset } = oddBatch(random, offset, batchNumber++)
      batches.push(batch)
      offset = nextOffset
    }
    if (segment === SEGMENT_THAT_HIDES) {
      const maxTimestamp = FIRST_TIME + 10 * (batchNumber + 20) // of a record that is gone
      batches.push(encodeBatch([], { baseOffset: offset, lastOffset: offset, maxTimestamp }))
      offset++
    }
    segments.push({ baseOffset, batches })
  }
  // The largest time is that of a record: Kafka finds none where it is of a batch that has been emptied.
  const timestamp = FIRST_TIME + 10 * (batchNumber + 1)
  segments.push({ baseOffset: offset, batches: [encodeBatch([{ offset, timestamp, value: 'last' }], {})] })
  await handMadeLog(segments, { directory })
}

function oddBatch(
  random: SeededRandom,
  baseOffset: number,
  number: number,
): { batch: Buffer; nextOffset: number } {
  const timestamp = () => FIRST_TIME + 10 * number - random.below(30)
  const kind = random.below(8)
  if (kind === 0) {
    const batch = encodeBatch([], { baseOffset, lastOffset: baseOffset + 4, maxTimestamp: timestamp() })
    return { batch, nextOffset: baseOffset + 5 }
  }
  if (kind === 1) {
    const batch = marker(baseOffset, 7, pick(random, ['ABORT', 'COMMIT']))
    return { batch, nextOffset: baseOffset + 1 }
  }
  const records: RecordToEncode[] = []
  let offset = baseOffset + random.below(3)
  for (let count = 1 + random.below(8); count > 0; count--) {
    records.push({ offset, timestamp: timestamp(), value: 'v'.repeat(random.below(120)) })
    offset += 1 + random.below(3)
  }
  if (kind === 2) {
    const [{ timestamp: time }] = records as [{ timestamp: number }]
    const key = Buffer.from([0, 0, 0, 1])
    const control = [{ offset: baseOffset, timestamp: time, key, value: Buffer.alloc(6) }]
    return { batch: controlBatch(control, { producerId: 8 }), nextOffset: baseOffset + 1 }
  }
  const plain = encodeBatch(records, { baseOffset, lastOffset: offset + 1 })
  return { batch: compressedBatch(plain, pick(random, [0, 0, 1, 4])), nextOffset: offset + 2 }
}

/** All kinds. */
export const LOG_KINDS: readonly LogKind[] = [
  {
    name: 'records in order that Kafka wrote',
    topic: 'in-order',
    produce: (client, topic, random) => produce(client, topic, randomBatches(random, inOrder)),
  },
  {
    name: 'records out of order that Kafka wrote',
    topic: 'out-of-order',
    produce: (client, topic, random) => produce(client, topic, randomBatches(random, outOfOrder)),
  },
  {
    name: "records with Kafka's append time",
    topic: 'append-time',
    config: { 'message.timestamp.type': 'LogAppendTime' },
    produce: (client, topic, random) => produce(client, topic, randomBatches(random, outOfOrder)),
  },
  {
    name: 'batches that Kafka has in gzip and zstd',
    topic: 'compressed',
    produce: (client, topic, random) =>
      produce(client, topic, randomBatches(random, outOfOrder), (batch) =>
        batch % 3 === 0 ? {} : { 'compression.type': batch % 3 === 1 ? 'gzip' : 'zstd' },
      ),
  },
  {
    name: 'transactions, with their markers, one of them open',
    topic: 'transactions',
    produce: produceTransactions,
  },
  {
    name: 'what compaction left, with holes',
    topic: 'compacted',
    config: COMPACT,
    produce: (client, topic, random) => produce(client, topic, randomBatches(random, outOfOrder, 500)),
  },
  {
    name: 'what compaction left, with an empty first segment',
    topic: 'compacted-away',
    config: COMPACT,
    hidden: 'most',
    produce: (client, topic, random) => produce(client, topic, randomBatches(random, outOfOrder, 3)),
  },
  {
    name: 'records in order that seglog wrote',
    topic: 'seglog-in-order',
    write: (directory, random) => append(directory, random, { times: inOrder }),
  },
  {
    name: 'records out of order, some without a time, that seglog wrote',
    topic: 'seglog-out-of-order',
    write: (directory, random) => append(directory, random, { times: withGaps }),
  },
  {
    name: 'records of which the first have no time, that seglog wrote',
    topic: 'seglog-timeless',
    hidden: 'most',
    write: (directory, random) =>
      append(directory, random, {
        times: (_, batch, record) =>
          batch < BATCH_COUNT / 3 ? NO_TIMESTAMP : inOrder(random, batch, record),
      }),
  },
  {
    name: "records with seglog's append time",
    topic: 'seglog-append-time',
    write: (directory, random) =>
      append(directory, random, {
        times: inOrder,
        config: { 'message.timestamp.type': 'LogAppendTime' },
      }),
  },
  {
    name: 'batches with holes, emptied, compressed and of control records, made by hand',
    topic: 'hand-made',
    hidden: 'some',
    write: handMade,
  },
]

/** True when Kafka's cleaner has been through all but the active segments of the topics that are compacted. */
export function isCompacted(dataDirectory: string): boolean {
  const text = readFileSync(join(dataDirectory, 'cleaner-offset-checkpoint'), 'utf8')
  return LOG_KINDS.filter(({ config }) => config === COMPACT).every(({ topic }) => {
    const point = new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(text)?.[1]
    return Number(point) === segmentsIn(join(dataDirectory, `${topic}-0`)).at(-1)
  })
}
