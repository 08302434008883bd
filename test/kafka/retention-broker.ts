import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Broker, startBroker } from './broker.ts'
import { KafkaClient, type KafkaRecordInput } from './kafka-client.ts'
import type { RetentionAnswer } from './kafka-storage.ts'
import {
  MINUTE,
  type RandomSegment,
  type RetentionSettings,
  segmentsIn,
  writeSegments,
} from './retention-logs.ts'

const ATTEMPTS = 2000
const KEEP_ALL = { 'retention.ms': -1, 'retention.bytes': -1 }
/** One batch of `produce` fits, two don't. */
const SEGMENT_BYTES = 230
/** A topic whose only record is an hour old; the broker has two jobs that delete, and each has one of these to show it. */
const WITNESSES = { 'witness-delete': 'delete', 'witness-both': 'compact,delete' }

/** A broker that looks for what to delete five times a second, and of which it is known when it has looked. */
export class RetentionBroker {
  readonly client: KafkaClient
  readonly #broker: Broker

  private constructor(broker: Broker) {
    this.#broker = broker
    this.client = new KafkaClient(broker.bootstrap, { keep: true })
  }

  /** Starts one in `directory`; topics that keep everything get the segments in `placed` while it is down. */
  static async start(
    directory: string,
    placed: Readonly<Record<string, readonly RandomSegment[]>>,
  ): Promise<RetentionBroker> {
    const options = {
      keep: true,
      properties: {
        'log.retention.check.interval.ms': 200,
        'log.cleaner.backoff.ms': 100,
        'log.cleaner.min.cleanable.ratio': 1, // nothing is compacted
        'log.message.timestamp.after.max.ms': '9223372036854775807',
      },
    }
    const first = new RetentionBroker(await startBroker(directory, options))
    try {
      for (const topic of Object.keys(placed)) await first.createTopic(topic)
      for (const [topic, policy] of Object.entries(WITNESSES))
        await first.createTopic(topic, { 'cleanup.policy': policy })
    } finally {
      await first.close()
    }
    for (const [topic, segments] of Object.entries(placed)) {
      const partition = first.directoryOf(topic)
      for (const file of readdirSync(partition).filter((name) => /^\d{20}\./.test(name)))
        rmSync(join(partition, file))
      writeSegments(partition, segments)
    }
    return new RetentionBroker(await startBroker(directory, options))
  }

  /** Creates a topic that keeps everything. */
  async createTopic(topic: string, config: RetentionSettings = {}): Promise<void> {
    await this.client.createTopic(topic, { config: { ...KEEP_ALL, ...config } })
  }

  /** Has the producer send two records a segment, the second with this time and value, which is 50 to 130 bytes long. */
  async produce(topic: string, ages: readonly { timestamp: number; value: string }[]): Promise<void> {
    await this.createTopic(topic, { 'internal.segment.bytes': SEGMENT_BYTES })
    for (const { timestamp, value } of ages) {
      const records: KafkaRecordInput[] = [
        { key: 'k', value, timestamp: timestamp - 1 },
        { key: 'k', timestamp },
      ]
      await this.client.produce({ topic }, records)
    }
  }

  directoryOf(topic: string): string {
    return join(this.#broker.dataDirectory, `${topic}-0`)
  }

  /** Moves the start of topics, which keep everything until the next decision: limits set earlier are not to see it. */
  async moveStarts(starts: Readonly<Record<string, number>>): Promise<void> {
    const topics = Object.entries(starts)
    if (topics.length === 0) return
    await this.decide(Object.fromEntries(topics.map(([topic]) => [topic, KEEP_ALL])))
    for (const [topic, start] of topics) await this.client.deleteRecords({ topic }, start)
  }

  /** What is left of a topic. */
  async look(topic: string): Promise<RetentionAnswer> {
    const [earliest, latest] = await this.client.listOffsets({ topic }, ['earliest', 'latest'])
    return {
      startOffset: earliest!.offset,
      endOffset: latest!.offset,
      segments: segmentsIn(this.directoryOf(topic)),
    }
  }

  /**
   * Sets configuration of topics, and waits until both jobs have looked at every topic under it: settings take effect in
   * the order they are made, so the first thing to go from a witness, whose own come last, says that they have; the second,
   * which was not there before, that another run has come by; the third, that this run is over.
   */
  async decide(settings: Readonly<Record<string, RetentionSettings>>): Promise<void> {
    for (const [topic, config] of Object.entries(settings)) await this.client.configure(topic, config)
    for (let run = 0; run < 3; run++) {
      for (const topic of Object.keys(WITNESSES)) {
        const record = { key: 'k', value: 'seen', timestamp: Date.now() - 60 * MINUTE }
        const [offset] = await this.client.produce({ topic }, [record])
        if (run === 0) await this.client.configure(topic, { 'retention.ms': MINUTE })
        await this.#waitForStart(topic, offset! + 1)
      }
    }
    for (const topic of Object.keys(WITNESSES)) await this.client.configure(topic, KEEP_ALL)
  }

  async close(): Promise<void> {
    this.client.close()
    await this.#broker.stop()
  }

  async #waitForStart(topic: string, startOffset: number): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const [earliest] = await this.client.listOffsets({ topic }, ['earliest'])
      if (earliest!.offset >= startOffset) return
    }
    throw new Error(`${topic} still starts below ${startOffset}`)
  }
}
