/*
 * Opening a store, from a path to topics that can be served. The order matters:
 *
 *   1. is it a store, and whose        nothing is made in a directory that is somebody else's
 *   2. lock, meta.properties           it is one, and nobody else writes
 *   3. checkpoints, marker, index      shared by all logs
 *   4. deletions and creations that were interrupted go to their end (plan-store.ts)
 *   5. logs, some at a time            one that can't be opened takes none of the others with it
 *   6. committed offsets
 */
import { join } from 'node:path'
import { createScheduler, type Log } from '../cleanup/index.ts'
import { rootPaths } from '../layout/index.ts'
import { checkDirectory, closeRoot, type LogRoot, lockRoot, openRoot } from '../log/index.ts'
import {
  aligningOpener,
  followingOpener,
  openTopics,
  recordingOpener,
  writableOpener,
} from './open-topics.ts'
import { planStore } from './plan-store.ts'
import { readStore } from './read-store.ts'
import { removeDirectories, renameAway } from './remove-partitions.ts'
import { Store } from './store.ts'
import { type CheckedStoreOptions, checkStoreOptions, type StoreOptions } from './store-options.ts'
import { TopicLifecycle } from './topic-lifecycle.ts'
import { type FoundRoot, findStore, formatStore } from './store-root.ts'

/** Files that stay open, over all logs of a store. */
const OPEN_FILES_MAX = 128

/**
 * Opens the store in a directory: many topics, one lock, one index, one scheduler; makes it if there is none.
 *
 * Shape:  one that Kafka wrote opens for reading only, unless `adopt` is set.
 * Errors: TypeError, RangeError, CONFIG_INVALID; LOG_LOCKED; STORE_NOT_FOUND with `create: false` or `readOnly: true`;
 *         STORE_INVALID for a directory that is something else; INCONSISTENT_CLUSTER_ID; LOG_CORRUPT, FORMAT_UNSUPPORTED for a
 *         `meta.properties` that can't be believed; the system's. A log that can't be opened is no error: see `report`.
 */
export async function openStore(directory: string, options?: StoreOptions): Promise<Store> {
  const checked = checkStoreOptions(options)
  const path = checkDirectory(directory)
  const { fileSystem, readOnly, create, adopt } = checked.log
  const found = await findStore(fileSystem, path, { ...checked, create: create && !readOnly })
  const isKafkas = found.meta?.isOurs === false
  return readOnly || (isKafkas && !adopt) ? openFollowed(found, checked) : openLocked(found, checked)
}

async function openLocked({ directory }: FoundRoot, options: CheckedStoreOptions): Promise<Store> {
  const startedMs = options.log.clock.monotonic()
  const paths = rootPaths(directory, { isLogItself: false })
  const locked = lockRoot(paths, { ...options.log, openFilesMax: OPEN_FILES_MAX })
  let root: LogRoot | undefined
  try {
    const { fileSystem } = locked
    const place = { fileSystem, random: options.log.random }
    const { meta } = await findStore(fileSystem, directory, { ...options, create: true })
    const made = meta ?? (await formatStore(place, directory, options.clusterId))
    root = await openRoot(locked, { ...options.log, isReadOnly: false, quarantineDirectory: directory })
    return await openWritable(root, {
      clusterId: made.clusterId ?? '',
      isNew: meta === undefined,
      options,
      startedMs,
    })
  } catch (error) {
    if (root === undefined) locked.lock.release()
    else await closeRoot(root, async (step) => void (await ignoringFailure(step)))
    throw error
  }
}

async function openWritable(
  root: LogRoot,
  work: { clusterId: string; isNew: boolean; options: CheckedStoreOptions; startedMs: number },
): Promise<Store> {
  const { clusterId, isNew, options, startedMs } = work
  const { fileSystem } = root
  const directory = root.paths.root
  const found = await readStore(fileSystem, directory)
  const plan = planStore(found)
  const place = { fileSystem, random: options.log.random, root: directory }
  const renamed = await renameAway(place, plan.rename)
  const discarded = plan.discard.map(({ name }) => join(directory, name))
  await removeDirectories(fileSystem, directory, discarded)
  const budgetBytes = options.config['seglog.retention.total.bytes']
  const scheduler = createScheduler(options.log, () => (budgetBytes < 0 ? undefined : budgetBytes))
  const openLog = writableOpener(root, options.log, scheduler)
  const parallel = options.config['num.recovery.threads.per.data.dir']
  const lifecycle = new TopicLifecycle({ root, options: options.log, parallel, openLog })
  const writable = { root, scheduler, lifecycle }
  const opened: Log[] = []
  try {
    const topics = await openTopics(directory, plan.topics, {
      openLog: recordingOpener(aligningOpener(root, openLog), opened),
      parallel,
      logger: options.log.logger,
    })
    const deletions = [...found.deletions.map(({ name }) => join(directory, name)), ...renamed]
    const report = {
      isNew,
      finishedDeletions: deletions,
      discarded,
      unrecognised: found.unrecognised,
      inertConfig: options.inertConfig,
      notes: root.oddities,
      durationMs: options.log.clock.monotonic() - startedMs,
    }
    const store = new Store({ directory, clusterId, options, writable, topics, report })
    await store.start(deletions)
    return store
  } catch (error) {
    await Promise.allSettled([scheduler.close(), lifecycle.close()])
    await Promise.allSettled(opened.map((log) => log.close()))
    throw error
  }
}

/** Opens a store for reading only: no lock, nothing written; every log keeps up with whoever writes it. */
async function openFollowed({ directory, meta }: FoundRoot, options: CheckedStoreOptions): Promise<Store> {
  const { clock, fileSystem, logger } = options.log
  const startedMs = clock.monotonic()
  const found = await readStore(fileSystem, directory)
  const opened: Log[] = []
  try {
    const topics = await openTopics(directory, planStore(found).topics, {
      openLog: recordingOpener(followingOpener(directory, options.log), opened),
      parallel: options.config['num.recovery.threads.per.data.dir'],
      logger,
    })
    const report = {
      isNew: false,
      finishedDeletions: [],
      discarded: [],
      unrecognised: found.unrecognised,
      inertConfig: options.inertConfig,
      notes: meta?.isOurs === false ? ['opened for reading only: Kafka wrote it'] : [],
      durationMs: clock.monotonic() - startedMs,
    }
    const clusterId = meta?.clusterId ?? ''
    const store = new Store({ directory, clusterId, options, writable: undefined, topics, report })
    await store.start([])
    return store
  } catch (error) {
    await Promise.allSettled(opened.map((log) => log.close()))
    throw error
  }
}

async function ignoringFailure(step: () => unknown): Promise<void> {
  try {
    await step()
  } catch {
    // What failed first is what has to be told.
  }
}
