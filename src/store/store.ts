import {
  type CleanPlan,
  type CleanReport,
  type CleanupScheduler,
  FollowedLog,
  type Log,
  planAll,
} from '../cleanup/index.ts'
import { type ConfigInput, planConfigUpdate, resolveConfig } from '../config/index.ts'
import {
  checkInteger,
  forEachBounded,
  SeglogError,
  SerialQueue,
  TurnGuard,
  yieldToEventLoop,
} from '../core/index.ts'
import { isInternalTopic } from '../layout/index.ts'
import { closeRoot, events, type LogRoot, operationFailure } from '../log/index.ts'
import { FailedLog } from './failed-log.ts'
import { GroupOffsets, OFFSETS_CONFIG, OFFSETS_TOPIC } from './group-offsets.ts'
import { noteLosses } from './lost-records.ts'
import type { OpenedTopic } from './open-topics.ts'
import {
  checkCreateOptions,
  type CheckedStoreOptions,
  checkPlanOptions,
  checkStoreClean,
  type CreateTopicOptions,
  type StoreCleanOptions,
  type StorePlanOptions,
} from './store-options.ts'
import type { StoreReport, StoreStats } from './store-report.ts'
import { byText, storeStats } from './store-stats.ts'
import { Topic, type TopicHost } from './topic.ts'
import type { TopicLifecycle } from './topic-lifecycle.ts'
import { newTopicProblem, newTopicWarnings, refuseInternal } from './topic-rules.ts'

/** What a store that may be written to has, and one for reading only has not. */
export interface WritableParts {
  readonly root: LogRoot
  readonly scheduler: CleanupScheduler
  readonly lifecycle: TopicLifecycle
}

const SLICE_MS = 5

/** A directory of topics, open in this process; `openStore` gives one. */
export class Store implements AsyncDisposable {
  /** Absolute, links resolved. */
  readonly directory: string
  /** From `meta.properties`; empty where Kafka has not said it. */
  readonly clusterId: string
  /** What opening found, log by log. */
  readonly report: StoreReport
  readonly #options: CheckedStoreOptions
  readonly #writable: WritableParts | undefined
  readonly #topics = new Map<string, Topic>()
  readonly #offsets: GroupOffsets
  /** What is done with all logs has the event loop for a few ms at a time. */
  readonly #turn: TurnGuard
  /** Topics are made and deleted one at a time. */
  readonly #queue = new SerialQueue()
  #closing: Promise<void> | undefined

  constructor(opened: {
    directory: string
    clusterId: string
    options: CheckedStoreOptions
    writable: WritableParts | undefined
    topics: readonly OpenedTopic[]
    report: Omit<StoreReport, 'logs'>
  }) {
    this.directory = opened.directory
    this.clusterId = opened.clusterId
    this.#options = opened.options
    this.#writable = opened.writable
    const { clock } = opened.options.log
    this.#turn = new TurnGuard({ monotonic: () => clock.monotonic(), sliceMs: SLICE_MS })
    const internal = opened.topics.find(({ name }) => name === OFFSETS_TOPIC)
    this.#offsets = new GroupOffsets({
      now: () => opened.options.log.clock.now(),
      log: internal?.logs[0],
      openLog: () => this.#makeOffsetsLog(),
      logger: opened.options.log.logger,
    })
    for (const topic of opened.topics) this.#serve(topic)
    this.report = { ...opened.report, logs: this.#reportLogs() }
  }

  /** Reads committed offsets and lets interrupted deletions go on; called once, by whoever opens the store. */
  async start(deletions: readonly string[]): Promise<void> {
    await this.#offsets.load()
    if (this.#writable === undefined) return
    await this.#forgetOffsets(({ topic, topicId }) => {
      const id = this.#topics.get(topic)?.id
      return id !== topicId && id !== '' // one whose id can't be read now may be it
    })
    await noteLosses(this.#offsets.all(), this.#topics, this.#options.log.logger)
    if (deletions.length > 0) this.#writable.lifecycle.removeSoon(deletions, 0)
  }

  /**
   * Makes a topic; it is there, whole, once this resolves.
   *
   * Errors: TOPIC_INVALID with the reason; TOPIC_EXISTS; CONFIG_INVALID; LOG_READONLY; TypeError, RangeError; DISK_FULL and others
   *         of the system's, after which it is not there.
   */
  async createTopic(
    name: string,
    options?: CreateTopicOptions,
  ): Promise<{ readonly topic: Topic; readonly warnings: string[] }> {
    const { partitions: count, config, ifNotExists } = checkCreateOptions(options, this.#options.config)
    return this.#queue.run(async () => {
      const { lifecycle } = this.#writableParts()
      const existing = this.#topics.get(name)
      if (existing !== undefined && !isInternalTopic(name)) {
        if (ifNotExists) return { topic: existing, warnings: newTopicWarnings(name) }
        throw new SeglogError('TOPIC_EXISTS', `there is a topic '${name}' already`)
      }
      const problem = newTopicProblem(name, this.#topics.keys())
      if (problem !== undefined) throw new SeglogError('TOPIC_INVALID', problem, { found: name })
      const stored = planConfigUpdate(new Map(), config)
      resolveConfig([stored, this.#options.log.config])
      const made = await lifecycle.make({ name, partitionCount: count, config: stored })
      this.#options.log.logger.info({ topic: name, partitions: count }, 'a topic was made')
      return { topic: this.#serve(made), warnings: newTopicWarnings(name) }
    })
  }

  /** The topic of that name. Errors: TOPIC_NOT_FOUND, STORE_CLOSED. */
  topic(name: string): Topic {
    this.#checkOpen()
    const topic = this.#topics.get(name)
    if (topic !== undefined) return topic
    throw new SeglogError(
      'TOPIC_NOT_FOUND',
      `there is no topic ${JSON.stringify(String(name).slice(0, 249))}`,
    )
  }

  /** All topics, internal ones too, in the order of their names. */
  topics(): Topic[] {
    this.#checkOpen()
    return [...this.#topics.values()].sort((a, b) => byText(a.name, b.name))
  }

  /** One partition. Errors: TOPIC_NOT_FOUND, RangeError, STORE_CLOSED. */
  log(topic: string, partition: number): Log {
    const { partitions } = this.topic(topic)
    return partitions[checkInteger(partition, { name: 'partition', min: 0, max: partitions.length - 1 })]!
  }

  /**
   * Deletes a topic with all it holds; once this resolves it is gone for good, whatever happens. Its files go after
   * `file.delete.delay.ms`. Reads of it that are under way end with LOG_CLOSED.
   *
   * Errors: TOPIC_NOT_FOUND; POLICY_VIOLATION for an internal topic; LOG_READONLY; the system's, after which it is still there.
   */
  async deleteTopic(name: string): Promise<void> {
    await this.#queue.run(async () => {
      const { lifecycle } = this.#writableParts()
      const topic = this.topic(name)
      refuseInternal(name, 'deleted')
      await this.#delete(lifecycle, topic)
    })
  }

  /**
   * What `clean` would do to every log that is open, the budget of all included; in the order of topics and partitions.
   * Errors: STORE_CLOSED; TypeError, RangeError; without `onFailure`, those of the first log that can't be planned for.
   */
  async plan(options?: StorePlanOptions): Promise<CleanPlan[]> {
    this.#checkOpen()
    const { now, onFailure } = checkPlanOptions(options)
    if (this.#writable !== undefined)
      return inOrder(await this.#writable.scheduler.planAll({ now, onFailure }))
    const budgetBytes = this.#options.config['seglog.retention.total.bytes']
    const targets = this.#openLogs().flatMap((log) =>
      log instanceof FollowedLog && log.failure === undefined ? [log.planTarget] : [],
    )
    const planned = await planAll(targets, now ?? this.#options.log.clock.now(), {
      timeBlocked: null,
      budgetBytes: budgetBytes < 0 ? undefined : budgetBytes,
      onFailure,
    })
    return inOrder(planned.map(({ plan }) => plan))
  }

  /**
   * Applies retention to every log, now or as of `now`.
   * Errors: LOG_READONLY, STORE_CLOSED; TypeError, RangeError; what fails in a log is in the report.
   */
  async clean(options?: StoreCleanOptions): Promise<CleanReport> {
    return this.#writableParts().scheduler.runOnce(checkStoreClean(options))
  }

  /** Resolves when everything accepted so far, by every log that is open, is on disk. Errors: the first of theirs. */
  async flush(): Promise<void> {
    this.#writableParts()
    const written = this.#openLogs().filter(({ state }) => state !== 'readonly')
    await this.#forAll(written, (log) => log.flush())
  }

  /** Figures of the store and of each log. */
  stats(): StoreStats {
    this.#checkOpen()
    return storeStats(this.topics(), this.#offsets, this.#writable?.root.openFiles.openCount)
  }

  /** Writes and syncs everything accepted, closes every log, then lets go; idempotent. Errors: the first of theirs. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const failures: unknown[] = []
    const attempt = async (step: () => unknown): Promise<void> => {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    await this.#queue.idle()
    await attempt(() => this.#writable?.scheduler.close())
    await attempt(() => this.#writable?.lifecycle.close())
    const logs = [...this.#topics.values()].flatMap(({ partitions }) => partitions)
    await attempt(() => this.#forAll(logs, (log) => log.close()))
    const root = this.#writable?.root
    if (root !== undefined) {
      await attempt(() => (root.lock.isOurs() ? root.markers.write() : undefined))
      await closeRoot(root, attempt)
    }
    if (failures.length > 0) throw operationFailure(failures[0], `closing the store in ${this.directory}`)
  }

  /** The log of committed offsets, made when the first one comes. */
  #makeOffsetsLog(): Promise<Log> {
    return this.#queue.run(async () => {
      const { lifecycle } = this.#writableParts()
      const config = planConfigUpdate(new Map(), OFFSETS_CONFIG)
      const made = await lifecycle.make({ name: OFFSETS_TOPIC, partitionCount: 1, config })
      return this.#serve(made).partitions[0]!
    })
  }

  /** What can't be given up now, for want of room say, the next opening gives up. */
  async #forgetOffsets(isGone: Parameters<GroupOffsets['forgetTopics']>[0]): Promise<void> {
    await this.#offsets
      .forgetTopics(isGone)
      .catch((error: unknown) =>
        this.#options.log.logger.warn({ error }, 'offsets of a deleted topic could not be given up'),
      )
  }

  async #delete(lifecycle: TopicLifecycle, topic: Topic): Promise<void> {
    const { name, id, partitions } = topic
    const delayMs = partitions[0]!.config['file.delete.delay.ms']
    await this.#forAll(partitions, (log) => log.close()).catch(() => {}) // a poisoned log says so, and goes all the same
    try {
      await lifecycle.delete({ name, logs: partitions }, { delayMs })
    } catch (error) {
      if (lifecycle.isGone(name)) {
        this.#topics.delete(name)
        await this.#forgetOffsets((other) => other.topic === name && other.topicId === id)
      } else this.#serve({ name, id, logs: await lifecycle.reopen(name, partitions.length) })
      throw operationFailure(error, `deleting the topic '${name}'`)
    }
    this.#topics.delete(name)
    await this.#forgetOffsets((other) => other.topic === name && other.topicId === id)
    this.#options.log.logger.info({ topic: name, partitions: partitions.length }, 'a topic was deleted')
    if (!events.delete.hasSubscribers) return
    const { directory } = this
    events.delete.publish({
      kind: 'topic',
      topic: name,
      topicId: id,
      partitions: partitions.length,
      directory,
    })
  }

  #serve({ name, id, logs }: OpenedTopic): Topic {
    const topic = new Topic({ name, id }, logs, this.#host())
    this.#topics.set(name, topic)
    return topic
  }

  async #updateConfig(topic: Topic, config: ConfigInput): Promise<void> {
    const { log } = this.#options
    await this.#queue.run(async () => {
      this.#writableParts()
      this.#checkThere(topic)
      const [first, ...rest] = topic.partitions
      await first!.updateConfig(config) // the commit point: the next opening brings the others in line with it
      await this.#forAll(
        rest.filter((each) => !(each instanceof FailedLog)),
        (each) => each.updateConfig(config),
      )
      log.logger.info({ topic: topic.name, config }, 'the configuration of a topic was changed')
    })
  }

  #host(): TopicHost {
    const { random, logger } = this.#options.log
    return {
      random,
      logger,
      offsets: this.#offsets,
      updateConfig: (topic, config) => this.#updateConfig(topic, config),
      checkOpen: (topic) => this.#checkThere(topic),
    }
  }

  #checkThere(topic: Topic): void {
    this.#checkOpen()
    if (this.#topics.get(topic.name) === topic) return
    throw new SeglogError('TOPIC_NOT_FOUND', `the topic '${topic.name}' was deleted`)
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new SeglogError('STORE_CLOSED', `the store in ${this.directory} is closed`, {
        path: this.directory,
      })
  }

  #writableParts(): WritableParts {
    this.#checkOpen()
    if (this.#writable !== undefined) return this.#writable
    const message = `the store in ${this.directory} is open for reading only`
    throw new SeglogError('LOG_READONLY', message, { path: this.directory })
  }

  get #parallel(): number {
    return this.#options.config['num.recovery.threads.per.data.dir']
  }

  #openLogs(): Log[] {
    return this.topics().flatMap(({ partitions }) => partitions.filter((log) => log.state !== 'closed'))
  }

  /** Does something with each log, some at a time, whatever becomes of the others. Errors: the first there was. */
  async #forAll(logs: readonly Log[], task: (log: Log) => Promise<void>): Promise<void> {
    const failures: unknown[] = []
    await forEachBounded(logs, this.#parallel * 8, async (log) => {
      while (this.#turn.isOver()) await yieldToEventLoop()
      await task(log).catch((error: unknown) => failures.push(error))
    })
    if (failures.length > 0) throw failures[0]
  }

  #reportLogs(): StoreReport['logs'] {
    return this.topics().flatMap(({ name: topic, partitions }) =>
      partitions.map((log, partition) => ({
        topic,
        partition,
        recovery: log.recovery,
        error: log instanceof FailedLog ? log.error : undefined,
      })),
    )
  }
}

/** Logs are opened several at a time, and come in any order. */
function inOrder(plans: readonly CleanPlan[]): CleanPlan[] {
  return plans.toSorted((a, b) => byText(a.topic, b.topic) || a.partition - b.partition)
}
