import { join } from 'node:path'
import { KAFKA } from '../rivals/index.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { createBatches } from '../support/payload.ts'
import { checkTally, tallyOf } from '../support/tally.ts'
import { timeOnce } from '../support/timing.ts'

interface KafkaParameters extends Record<string, number> {
  /** Records of 100 bytes that are counted; of 1 KiB it is a tenth. */
  readonly records: number
  readonly warmupRecords: number
}

interface Shape {
  readonly topic: string
  readonly valueBytes: number
  readonly recordsPerBatch: number
  /** What the records are divided by. */
  readonly share: number
}

const BATCH_COUNT = 8
const KAFKA_BATCH_BYTES = 512 * 1024
const SHAPES: readonly Shape[] = [
  { topic: 'small', valueBytes: 100, recordsPerBatch: 1000, share: 1 },
  { topic: 'large', valueBytes: 1024, recordsPerBatch: 100, share: 10 },
]

/**
 * Appends and reads a partition as a program does that has Apache Kafka on the same machine, and one that has the log in
 * itself. Kafka's figures are those of its own tools: many records in flight, acks=1, values of as many letters.
 */
export const kafka = scenario<KafkaParameters>({
  name: 'kafka',
  title:
    'Append and read one partition, level os, beside Apache Kafka in its own process on loopback, acks=1',
  parameters: {
    full: { records: 2_000_000, warmupRecords: 500_000 },
    quick: { records: 500_000, warmupRecords: 200_000 },
    smoke: { records: 5000, warmupRecords: 1000 },
  },
  prepare: prepareKafka,
  subjects: { seglog: useLog, [KAFKA]: useKafka },
  libraries: { [KAFKA]: KAFKA },
  isAbout: KAFKA,
  rows: SHAPES.flatMap((shape): Row[] => [
    rowOf(`Append ${sizeOf(shape)} records, ${shape.recordsPerBatch} a batch, level os`, shape, 'append'),
    rowOf(`Read ${sizeOf(shape)} records from the start`, shape, 'read'),
  ]),
})

function rowOf(work: string, { topic }: Shape, what: 'append' | 'read'): Row {
  return {
    work: `${work}, beside Apache Kafka`,
    unit: 'records/s',
    subject: 'seglog',
    metric: `${what}-${topic}`,
    beside: { subject: KAFKA },
  }
}

function sizeOf({ valueBytes }: Shape): string {
  return valueBytes === 1024 ? '1 KiB' : `${valueBytes} B`
}

async function prepareKafka({ subjects }: Context<KafkaParameters>) {
  if (!subjects.includes(KAFKA)) return {}
  const { prepareKafka: fetchAndCompile } = await import('../../test/kafka/kafka-home.ts')
  fetchAndCompile()
  return {}
}

async function useKafka({ directory, parameters }: Context<KafkaParameters>): Promise<Outcome> {
  const { consume, produce, startMeasuredBroker } = await import('../rivals/kafka.ts')
  const broker = await startMeasuredBroker(join(directory, 'broker'))
  const metrics: Record<string, number> = {}
  let count = 0
  for (const shape of SHAPES) {
    const { topic, valueBytes } = shape
    const load = { topic, valueBytes, ...loadOf(shape, parameters) }
    const work = { directory: join(directory, 'payloads'), batchBytes: KAFKA_BATCH_BYTES }
    metrics[`append-${topic}`] = await produce(broker, load, work)
    metrics[`read-${topic}`] = await consume(broker, load)
    count += load.records + load.warmupRecords
  }
  await broker.stop()
  // The tools count; what is in the records they don't say.
  return { metrics, checked: { count, hash: 0 }, isElsewhere: true }
}

async function useLog({ directory, parameters }: Context<KafkaParameters>): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const metrics: Record<string, number> = {}
  let checked = { count: 0, hash: 0 }
  for (const shape of SHAPES) {
    const { topic, recordsPerBatch } = shape
    const { records, warmupRecords } = loadOf(shape, parameters)
    const batches = createBatches({ batchCount: BATCH_COUNT, ...shape })
    const log = await openLog(join(directory, topic), { durability: 'os' })
    let written = 0
    const append = async (count: number): Promise<void> => {
      for (const end = written + count; written < end; written += recordsPerBatch)
        await log.append(batches[(written / recordsPerBatch) % BATCH_COUNT]!)
    }
    await append(warmupRecords)
    // Once, as the tools measure it too: the warm-up is part of the work before it.
    const appended = await timeOnce(() => append(records))
    const read = await timeOnce(() => tallyLog(log))
    metrics[`append-${topic}`] = (records / appended.ms) * 1000
    metrics[`read-${topic}`] = (written / read.ms) * 1000
    checked = checkTally(read.result, tallyOf(batches, written))
    await log.close()
  }
  return { metrics, checked }
}

/** How many records of a shape, in whole batches. */
function loadOf({ share, recordsPerBatch }: Shape, { records, warmupRecords }: KafkaParameters) {
  const whole = (count: number): number => Math.ceil(count / share / recordsPerBatch) * recordsPerBatch
  return { records: whole(records), warmupRecords: whole(warmupRecords) }
}
