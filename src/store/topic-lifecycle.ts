import { basename, join } from 'node:path'
import type { Log } from '../cleanup/index.ts'
import { forEachBounded, SeglogError, type Timer, TurnGuard, yieldToEventLoop } from '../core/index.ts'
import { classifyStoreDirectory, randomTopicId, type TopicPartition } from '../layout/index.ts'
import { type CheckedLogOptions, type LogRoot, operationFailure } from '../log/index.ts'
import { FailedLog } from './failed-log.ts'
import { makePartition } from './make-partition.ts'
import { homeOf, type OpenedTopic } from './open-topics.ts'
import { removeDirectories, renameAll, renameAway } from './remove-partitions.ts'

/** Logs that are made at the same time, at least: what each waits for is nine syncs, and a journal does many together. */
const MADE_AT_ONCE = 16

/** How long forgetting logs may hold the event loop. */
const SLICE_MS = 5

/** What the lives of topics take place in. */
export interface LifecycleParts {
  readonly root: LogRoot
  readonly options: CheckedLogOptions
  /** Logs that are opened at the same time. */
  readonly parallel: number
  openLog(log: TopicPartition): Promise<Log>
}

/** What a topic is to be. */
export interface NewTopic {
  readonly name: string
  readonly partitionCount: number
  /** As it is stored. */
  readonly config: ReadonlyMap<string, string>
}

/** How topics begin and end on disk; make-partition.ts and remove-partitions.ts say in which steps. One call at a time. */
export class TopicLifecycle {
  readonly #parts: LifecycleParts
  readonly #timers = new Set<Timer>()
  #removing: Promise<void> = Promise.resolve()

  constructor(parts: LifecycleParts) {
    this.#parts = parts
  }

  /** Makes a topic, from the last partition to the first, which is the commit point. Errors: the system's; it is not there then. */
  async make({ name, partitionCount, config }: NewTopic): Promise<OpenedTopic> {
    const { root, options, openLog, parallel } = this.#parts
    const { random } = options
    const id = randomTopicId(random)
    const logs: Log[] = []
    const make = async (partition: number): Promise<void> => {
      const home = homeOf(root.paths.root, { topic: name, partition })
      await makePartition({ fileSystem: root.fileSystem, random }, home, { id, partitionCount, config })
      logs[partition] = await openLog({ topic: name, partition })
    }
    const others = Array.from({ length: partitionCount - 1 }, (_, slot) => partitionCount - 1 - slot)
    try {
      await this.#checkFree(name, partitionCount)
    } catch (error) {
      throw operationFailure(error, `making the topic '${name}'`)
    }
    try {
      await forEachBounded(others, Math.max(parallel, MADE_AT_ONCE), make)
      await make(0)
    } catch (error) {
      await this.#unmake(name, logs, partitionCount)
      throw operationFailure(error, `making the topic '${name}'`)
    }
    return { name, id, logs }
  }

  /**
   * Deletes a topic whose logs are closed; what is left of it goes in the background, after `delayMs`.
   * Errors: the system's, LOG_POISONED; `isGone` says whether it is there no more all the same.
   */
  async delete(topic: Pick<OpenedTopic, 'name' | 'logs'>, { delayMs }: { delayMs: number }): Promise<void> {
    const { root, options } = this.#parts
    const { fileSystem, indexDatabase, markers } = root
    const place = { fileSystem, random: options.random, root: root.paths.root }
    const logs = topic.logs.map((_, partition) => ({ topic: topic.name, partition }))
    const isThere = (log: TopicPartition): boolean =>
      fileSystem.statSync(homeOf(place.root, log).directory) !== undefined
    const renamed = await renameAway(place, logs.slice(0, 1).filter(isThere))
    const others = await renameAll(place, logs.slice(1).filter(isThere)) // it is gone: no failure keeps the rest from going
    renamed.push(...others.paths)
    const forgotten = this.#forgetLines(logs)
    forgotten.catch(() => {}) // heard below
    const { clock } = options
    const turn = new TurnGuard({ monotonic: () => clock.monotonic(), sliceMs: SLICE_MS })
    for (const log of logs) {
      if (turn.isOver()) await yieldToEventLoop()
      markers.forget(log)
      indexDatabase.removeLog(`${log.topic}-${log.partition}`)
    }
    this.removeSoon(renamed, delayMs)
    await forgotten
    if (others.failures.length > 0) throw others.failures[0]
  }

  /** Removes the lines of logs from the checkpoints: all at once, so that those of a thousand go with one write. */
  async #forgetLines(logs: readonly TopicPartition[]): Promise<void> {
    const { recoveryPoints, startOffsets } = this.#parts.root
    await Promise.all(
      logs.flatMap(({ topic, partition }) => [
        recoveryPoints.set(topic, partition, undefined),
        startOffsets.set(topic, partition, undefined),
      ]),
    )
  }

  /**
   * Sees to it that a new topic begins with nothing: what somebody else put in its place, or an unfinished deletion left,
   * is not taken over. Errors: TOPIC_INVALID; the system's.
   */
  async #checkFree(name: string, partitionCount: number): Promise<void> {
    const { fileSystem, paths } = this.#parts.root
    for (const entry of await fileSystem.list(paths.root)) {
      const meaning = classifyStoreDirectory(entry.name)
      if (meaning.kind !== 'partition' || meaning.log.topic !== name) continue
      const path = join(paths.root, entry.name)
      throw new SeglogError(
        'TOPIC_INVALID',
        `${path} is in the way of a topic '${name}': move it away, or open the store again if a deletion failed there`,
        { path },
      )
    }
    const logs = Array.from({ length: partitionCount }, (_, partition) => ({ topic: name, partition }))
    for (const log of logs) this.#parts.root.markers.forget(log)
    await this.#forgetLines(logs) // a crash in the middle of a deletion leaves them
  }

  /** True when the directory of the topic's first partition has another name by now, or none. */
  isGone(name: string): boolean {
    const { root } = this.#parts
    const { directory } = homeOf(root.paths.root, { topic: name, partition: 0 })
    return root.fileSystem.statSync(directory) === undefined
  }

  /** Opens the logs of a topic again that could not be deleted. */
  async reopen(name: string, partitionCount: number): Promise<Log[]> {
    const { root, openLog } = this.#parts
    const logs = Array.from({ length: partitionCount }, (_, partition) => ({ topic: name, partition }))
    const reopen = async (log: TopicPartition): Promise<Log> => {
      try {
        return await openLog(log)
      } catch (error) {
        return new FailedLog(homeOf(root.paths.root, log).directory, error)
      }
    }
    return Promise.all(logs.map(reopen))
  }

  /**
   * Removes directories in the background, in their order: without a delay at once, and closing waits for it. What is left
   * when the store is closed, the next opening removes.
   */
  removeSoon(directories: readonly string[], delayMs: number): void {
    for (const directory of directories) this.#parts.root.markers.leaving(basename(directory))
    if (delayMs <= 0) {
      this.#remove(directories)
      return
    }
    const timer = this.#parts.options.clock.schedule(delayMs, () => {
      this.#timers.delete(timer)
      this.#remove(directories)
    })
    this.#timers.add(timer)
  }

  /** Begins no more removals, and waits for one that is under way. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    await this.#removing
  }

  #remove(directories: readonly string[]): void {
    const { root, options } = this.#parts
    this.#removing = this.#removing
      .then(() => removeDirectories(root.fileSystem, root.paths.root, directories))
      .catch((error: unknown) =>
        options.logger.warn({ error }, 'a deleted topic could not be removed; the next opening tries again'),
      )
  }

  /** Removes what was made of a topic, partition 0 first; what can't be removed now, the next opening removes. */
  async #unmake(topic: string, logs: readonly Log[], partitionCount: number): Promise<void> {
    const { root, options } = this.#parts
    const all = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
    await Promise.allSettled(logs.map((log) => log.close()))
    const directories = all.map((log) => homeOf(root.paths.root, log).directory)
    try {
      await removeDirectories(root.fileSystem, root.paths.root, directories)
    } catch (error) {
      options.logger.warn({ error, topic }, 'what was made of a topic could not be removed')
    }
    for (const log of all) root.markers.forget(log)
  }
}
