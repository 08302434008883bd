import type { Log } from '../cleanup/index.ts'
import type { ConfigInput } from '../config/index.ts'
import {
  argumentRangeError,
  checkOffset,
  type PinoLike,
  type Random,
  readOptions,
  typeName,
} from '../core/index.ts'
import type { AppendOptions, AppendResult } from '../log/index.ts'
import type { LogRecord } from '../record/index.ts'
import type { GroupOffsets, GroupPartition } from './group-offsets.ts'
import { checkGroup } from './group-offsets.ts'
import { cutSince, generationOf } from './lost-records.ts'
import { mergeReads } from './merge-reads.ts'
import { partitionForKey, StickyPartitioner } from './partitioner.ts'
import { readTopicRecord, type TopicRecord } from './topic-append.ts'
import { refuseInternal } from './topic-rules.ts'
import {
  type GroupReset,
  type PartitionReadOptions,
  planResume,
  readTopicReadOptions,
  type TopicReadFrom,
  type TopicReadOptions,
} from './topic-read.ts'

/** A record of a topic, and the partition it is from. */
export type TopicRecordRead = LogRecord & { readonly partition: number }

/** How far a group is in a partition. */
export interface GroupPosition {
  /** Undefined when it has committed nothing. */
  readonly committed: number | undefined
  /** What `read({ from: { group } })` begins with. */
  readonly resumesAt: number
}

/** What a topic needs of its store. */
export interface TopicHost {
  readonly random: Random
  readonly logger: PinoLike
  readonly offsets: GroupOffsets
  /** Changes the configuration of all of the topic's partitions. */
  updateConfig(topic: Topic, config: ConfigInput): Promise<void>
  /** Throws unless the topic is still one of the store's. */
  checkOpen(topic: Topic): void
}

/** A named set of partitions, each a log of its own; a store gives one. */
export class Topic {
  readonly name: string
  /** 22 characters, made once: another topic of the same name has another. */
  readonly id: string
  /** By their numbers. One that could not be opened is there, and every call of it rejects with the reason. */
  readonly partitions: readonly Log[]
  readonly #host: TopicHost
  readonly #sticky: StickyPartitioner

  constructor(identity: { name: string; id: string }, partitions: readonly Log[], host: TopicHost) {
    this.name = identity.name
    this.id = identity.id
    this.partitions = partitions
    this.#host = host
    this.#sticky = new StickyPartitioner(host.random)
  }

  /**
   * Appends a record to the partition that its key says, as Kafka's default partitioner does; without a key, to one for
   * a while and then to another. `{ partition, records }` appends to that partition, as one atomic batch.
   *
   * Errors: always a rejection: TypeError, RangeError; POLICY_VIOLATION for an internal topic; those of the partition's `append`.
   */
  async append(
    record: TopicRecord,
    options?: AppendOptions,
  ): Promise<AppendResult & { readonly partition: number }> {
    this.#host.checkOpen(this)
    refuseInternal(this.name, 'appended to')
    const target = readTopicRecord(record, this.partitions.length)
    const partition = target.partition ?? this.#choose(target.key, target.sizeBytes)
    const result = await this.partitions[partition]!.append(target.records, options)
    return { ...result, partition }
  }

  /**
   * Reads all partitions as one: in order within each, and between them as they come.
   *
   * Shape:  records are views of memory that is never reused; `until` holds in every partition; reading changes nothing.
   * Errors: those of a log's `read`, of the first partition that has one; a group that can't go on where it was is no
   *         error: `onReset` is told, and the logger.
   */
  read(options?: TopicReadOptions): AsyncIterableIterator<TopicRecordRead> {
    this.#host.checkOpen(this)
    const { from, onReset, each } = readTopicReadOptions(options)
    const sources = this.partitions.map((log, partition) => ({
      partition,
      values: this.#readOne({ log, partition }, from, { each, onReset }),
    }))
    return mergeReads(sources)
  }

  /** Stores how far a group has come in a partition; resolves when that is on disk. Errors: TypeError, RangeError, those of an append. */
  async commit(
    group: string,
    position: { readonly partition: number; readonly nextOffset: number },
  ): Promise<void> {
    this.#host.checkOpen(this)
    const { partition: given, nextOffset } = readOptions<typeof position>(position, {
      what: 'commit',
      known: ['partition', 'nextOffset'],
    })
    const partition = this.#checkPartition(given)
    const generation = generationOf(this.partitions[partition]!)
    const committed = { nextOffset: checkOffset(nextOffset, 'nextOffset'), generation }
    await this.#host.offsets.commit(this.#of(group, partition), committed, () => this.#host.checkOpen(this))
  }

  /** How far a group has come in a partition; undefined when it has committed nothing. */
  committed(group: string, partition: number): number | undefined {
    checkGroup(group)
    this.#checkPartition(partition)
    return this.#host.offsets.committed(this.#of(group, partition))?.nextOffset
  }

  /** Where a group goes on in a partition; elsewhere than at what it has committed where records are gone. Errors: as `committed`. */
  position(group: string, partition: number): GroupPosition {
    checkGroup(group)
    const log = this.partitions[this.#checkPartition(partition)]!
    const committed = this.#host.offsets.committed(this.#of(group, partition))
    if (committed === undefined) return { committed: undefined, resumesAt: log.startOffset }
    const { nextOffset, generation } = committed
    const cutTo = cutSince(log, generation)
    return { committed: nextOffset, resumesAt: planResume(log, { nextOffset, cutTo }) }
  }

  /** Moves the start of one partition. Errors: POLICY_VIOLATION for an internal topic; those of a log's `deleteRecordsBefore`. */
  async deleteRecordsBefore(offset: number, options: { readonly partition: number }): Promise<void> {
    this.#host.checkOpen(this)
    refuseInternal(this.name, 'deleted')
    const { partition } = readOptions<typeof options>(options, { what: 'delete', known: ['partition'] })
    await this.partitions[this.#checkPartition(partition)]!.deleteRecordsBefore(offset)
  }

  /** Changes the configuration of every partition, at once and for later openings; `null` resets a key. Errors: CONFIG_INVALID; POLICY_VIOLATION for an internal topic. */
  async updateConfig(config: ConfigInput): Promise<void> {
    this.#host.checkOpen(this)
    refuseInternal(this.name, 'changed')
    await this.#host.updateConfig(this, config)
  }

  #readOne(
    { log, partition }: { log: Log; partition: number },
    from: TopicReadFrom,
    { each, onReset }: { each: PartitionReadOptions; onReset: ((reset: GroupReset) => void) | undefined },
  ): AsyncIterableIterator<LogRecord> {
    if (typeof from === 'string' || 'timestamp' in from) return log.read({ ...each, from })
    const { group } = from
    const { committed, resumesAt: resumedAt } = this.position(group, partition)
    if (committed === undefined) return log.read({ ...each, from: 'earliest' })
    if (resumedAt !== committed) {
      const reset = { group, topic: this.name, partition, committed, resumedAt }
      this.#host.logger.warn(reset, 'a group can not go on where it was: the records there are gone')
      onReset?.(reset)
    }
    return log.read({ ...each, from: resumedAt })
  }

  #choose(key: Uint8Array | undefined, sizeBytes: number): number {
    const { length } = this.partitions
    if (length === 1) return 0
    if (key !== undefined) return partitionForKey(key, length)
    const open = this.partitions.flatMap((log, partition) => (log.state === 'open' ? [partition] : []))
    return open.length === 0 ? 0 : this.#sticky.next(open, sizeBytes)
  }

  #of(group: string, partition: number): GroupPartition {
    return { group, topic: this.name, topicId: this.id, partition }
  }

  #checkPartition(partition: unknown): number {
    const { length } = this.partitions
    if (Number.isSafeInteger(partition) && (partition as number) >= 0 && (partition as number) < length)
      return partition as number
    const found = typeof partition === 'number' ? partition : typeName(partition)
    throw argumentRangeError(`partition must be from 0 to ${length - 1}, found ${found}`)
  }
}
