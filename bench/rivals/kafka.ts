/*
 * Apache Kafka in processes of its own: a broker on loopback, and Kafka's own performance tools. Loaded only where Kafka
 * can run; the rest of Kafka's ways is shared with test/kafka.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Broker, startBroker } from '../../test/kafka/broker.ts'
import { runJava } from '../../test/kafka/java-process.ts'
import { Noise } from '../support/payload.ts'

/** As Kafka's own scripts start its broker and its tools. */
const MACHINE = ['-server', '-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']
const PAYLOADS = 1000

/** What one topic is fed with. */
export interface KafkaLoad {
  readonly topic: string
  readonly records: number
  /** Appended before the tool's clock starts. */
  readonly warmupRecords: number
  readonly valueBytes: number
}

/** A broker with topics of one partition, which answers when records are in the page cache. */
export async function startMeasuredBroker(directory: string): Promise<Broker> {
  const broker = await startBroker(directory, {
    properties: { 'auto.create.topics.enable': 'true', 'num.partitions': 1 },
    keep: true,
    machine: MACHINE,
  })
  // A run that is broken off ends this process with a signal: the broker would stay.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void broker.kill().finally(() => process.exit(1)))
  return broker
}

/** Appends with Kafka's ProducerPerformance, acks=1; gives its records a second. */
export async function produce(
  broker: Broker,
  load: KafkaLoad,
  work: { readonly directory: string; readonly batchBytes: number },
): Promise<number> {
  const { topic, records, warmupRecords, valueBytes } = load
  mkdirSync(work.directory, { recursive: true })
  const payloads = join(work.directory, `${topic}.txt`)
  writeFileSync(payloads, payloadText(valueBytes))
  const options: Readonly<Record<string, string | number>> = {
    '--topic': topic,
    '--bootstrap-server': broker.bootstrap,
    '--throughput': -1,
    '--num-records': records + warmupRecords,
    '--warmup-records': warmupRecords,
    '--payload-file': payloads,
  }
  const properties = {
    acks: 1,
    'batch.size': work.batchBytes,
    'linger.ms': 5,
    'buffer.memory': 64 * 1024 * 1024,
    'compression.type': 'none',
  }
  const output = await runTool('org.apache.kafka.tools.ProducerPerformance', [
    ...argumentsOf(options),
    '--command-property',
    ...Object.entries(properties).map(([name, value]) => `${name}=${value}`),
  ])
  return parseProduced(output, load)
}

/** Reads a topic from its start with Kafka's ConsumerPerformance; gives its records a second while it was fetching. */
export async function consume(broker: Broker, load: KafkaLoad): Promise<number> {
  const total = load.records + load.warmupRecords
  const options = {
    '--topic': load.topic,
    '--bootstrap-server': broker.bootstrap,
    '--num-records': total,
    '--timeout': 60_000,
  }
  const output = await runTool('org.apache.kafka.tools.ConsumerPerformance', argumentsOf(options))
  return parseConsumed(output, { ...load, records: total })
}

/**
 * Reads the last line of ProducerPerformance: that of the steady state where there was a warm-up.
 * Errors: Error, when it has not sent as many records as it was told to.
 */
export function parseProduced(output: string, { records, warmupRecords }: KafkaLoad): number {
  const lines = [...output.matchAll(/^(\d+) (steady state )?records sent, ([\d.]+) records\/sec/gm)]
  const [whole, steady] = [
    lines.findLast(([, , isSteady]) => isSteady === undefined),
    lines.findLast(([, , isSteady]) => isSteady !== undefined),
  ]
  const sent = Number(whole?.[1])
  if (sent !== records + warmupRecords)
    throw new Error(`Kafka's producer has sent ${sent} records:\n${output}`)
  const counted = warmupRecords === 0 ? whole : steady
  const perSecond = Number(counted?.[3])
  if (perSecond > 0) return perSecond
  throw new Error(`no rate in what Kafka's producer says:\n${output}`)
}

/**
 * Reads the line of ConsumerPerformance: start, end, MB, MB/s, records, records/s, ms of rebalancing, ms of fetching,
 * MB/s fetched, records/s fetched. Errors: Error, when it has not read as many records as are there.
 */
export function parseConsumed(output: string, { records, valueBytes }: KafkaLoad): number {
  const columns = output.trim().split('\n').at(-1)!.split(', ')
  const [, , megabytes, , count] = columns.map(Number)
  const expectedMegabytes = (records * valueBytes) / 1024 / 1024
  // Megabytes come with four decimals.
  if (count !== records || Math.abs(megabytes! - expectedMegabytes) > 0.001)
    throw new Error(`Kafka's consumer has not read ${records} records, ${expectedMegabytes} MB:\n${output}`)
  const perSecond = Number(columns[9])
  if (perSecond > 0) return perSecond
  throw new Error(`no rate in what Kafka's consumer says:\n${output}`)
}

function argumentsOf(options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [name, `${value}`])
}

/** Lines of as many letters each; the tool takes one of them for every record. */
function payloadText(valueBytes: number): string {
  const noise = new Noise(20_260_101)
  const letter = (): string => String.fromCharCode(97 + noise.below(26))
  return Array.from({ length: PAYLOADS }, () => Array.from({ length: valueBytes }, letter).join('')).join(
    '\n',
  )
}

async function runTool(name: string, args: readonly string[]): Promise<string> {
  const { exitCode, output, errors } = await runJava(name, args, { machine: MACHINE })
  if (exitCode === 0) return output
  throw new Error(`${name} ended with ${exitCode}:\n${output}${errors}`)
}
