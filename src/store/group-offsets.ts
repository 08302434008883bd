/*
 * Which offset each group has come to, kept in the log of an internal topic: one record a commit, the last one counts.
 *
 * The log would grow for ever, so now and then it is written anew:
 *   1. every offset there is, in one or more batches at the end, on disk
 *   2. the start of the log moves to the first of them          a crash before it: both are there, and say the same
 *   3. retention removes the segments below, when it comes to it
 */
import type { Log } from '../cleanup/index.ts'
import { argumentRangeError, argumentTypeError, checkOffset, type PinoLike, typeName } from '../core/index.ts'
import type { RecordInput } from '../log/index.ts'
import {
  decodeOffsetKey,
  decodeOffsetValue,
  encodeOffsetKey,
  encodeOffsetValue,
  GROUP_BYTES_MAX,
  type OffsetKey,
} from './offset-commit.ts'

/** The topic that holds the offsets of groups. */
export const OFFSETS_TOPIC = '__seglog_offsets'

/** Its configuration: nothing goes but what has been written anew. */
export const OFFSETS_CONFIG = {
  'cleanup.policy': 'delete',
  'max.message.bytes': '1048588',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'segment.bytes': '1048576',
} as const

/** Records that are no longer wanted, beside as many as are, before the log is written anew. */
const STALE_RECORDS_MIN = 10_000
const RECORDS_A_BATCH = 1000

/** A partition of one topic, whatever others of its name there were or will be, and a group that reads it. */
export interface GroupPartition extends OffsetKey {
  readonly topicId: string
}

/** How far a group is, and of which generation the log was then; undefined where that is not known. */
export interface Committed {
  readonly nextOffset: number
  readonly generation: number | undefined
}

interface Commit extends GroupPartition, Committed {}

/** The offsets of all groups; memory follows what is on disk. What can't be read is no reason for anything else to fail. */
export class GroupOffsets {
  /** What is on disk. */
  readonly #commits = new Map<string, Commit>()
  /** What has been appended, on disk or not: what the log says once all of that is. */
  readonly #appended = new Map<string, Commit>()
  readonly #now: () => number
  readonly #staleRecordsMin: number
  readonly #logger: Pick<PinoLike, 'warn'> | undefined
  /** Opened, or made, at the first commit. */
  readonly #openLog: () => Promise<Log>
  #log: Log | undefined
  #opening: Promise<Log> | undefined
  #rewriting: Promise<void> | undefined
  /** Why what was committed earlier is not known. */
  #failure: { readonly error: unknown } | undefined
  /** Where the log has to end before another try to write it anew, after one that failed. */
  #nextRewriteAt = 0

  constructor(options: {
    now: () => number
    log: Log | undefined
    openLog: () => Promise<Log>
    staleRecordsMin?: number
    logger?: Pick<PinoLike, 'warn'>
  }) {
    this.#now = options.now
    this.#logger = options.logger
    this.#log = options.log
    this.#openLog = options.openLog
    this.#staleRecordsMin = options.staleRecordsMin ?? STALE_RECORDS_MIN
  }

  /**
   * Reads what earlier processes committed; what is no committed offset is passed over.
   * Errors: none; those of reading are what every later call has.
   */
  async load(): Promise<void> {
    try {
      await this.#load()
    } catch (error) {
      this.#failure = { error }
      this.#logger?.warn({ error }, 'the offsets that groups have committed can not be read')
    }
  }

  async #load(): Promise<void> {
    if (this.#log === undefined) return
    for await (const { key, value } of this.#log.read()) {
      const offsetKey = key === null ? undefined : decodeOffsetKey(key)
      if (offsetKey === undefined) continue
      const offsetValue = value === null ? undefined : decodeOffsetValue(value)
      if (offsetValue !== undefined) this.#commits.set(nameOf(offsetKey), { ...offsetKey, ...offsetValue })
      else if (value === null) this.#commits.delete(nameOf(offsetKey))
    }
    for (const [name, commit] of this.#commits) this.#appended.set(name, commit)
  }

  /** What a group has committed; undefined when it has not. Errors: those of reading what was committed. */
  committed(key: GroupPartition): Committed | undefined {
    this.#checkRead()
    const commit = this.#commits.get(nameOf(key))
    return commit?.topicId === key.topicId ? commit : undefined
  }

  /** Every committed offset; none where what was committed can't be read. */
  all(): Iterable<Commit> {
    return this.#failure === undefined ? this.#commits.values() : []
  }

  /**
   * Commits an offset; resolves when it is on disk. `checkThere` throws once there is no such topic any more.
   * Errors: TypeError, RangeError, those of an append, and of reading what was committed.
   */
  async commit(key: GroupPartition, position: Committed, checkThere: () => void = () => {}): Promise<void> {
    const { nextOffset, generation } = position
    checkGroup(key.group)
    checkOffset(nextOffset, 'nextOffset')
    this.#checkRead()
    const { topicId } = key
    const value = encodeOffsetValue({ nextOffset, topicId, generation, atMs: this.#now() })
    const record = { key: encodeOffsetKey(key), value }
    const log = await this.#ready()
    checkThere() // the log may have been made meanwhile, and the topic deleted before that
    const commit = { ...key, nextOffset, generation }
    await this.#apply(nameOf(key), commit, log.append(record, { durability: 'disk' }))
    await this.#rewriteIfStale(log)
  }

  /** Gives up the offsets of topics that are no more, those on their way to the disk as well. Errors: those of an append. */
  async forgetTopics(isGone: (topic: Pick<GroupPartition, 'topic' | 'topicId'>) => boolean): Promise<void> {
    if (this.#failure !== undefined) return // nothing is concluded from what can't be read
    const known = new Map([...this.#commits, ...this.#appended])
    const gone = [...known.values()].filter(isGone)
    if (gone.length === 0) return
    const log = await this.#ready()
    const appending = appendAll(
      log,
      gone.map((commit) => ({ key: encodeOffsetKey(commit), value: null })),
    )
    await Promise.all(gone.map((commit) => this.#apply(nameOf(commit), undefined, appending)))
  }

  /** Takes note of what has been handed to the log, and, once that is on disk, of what is; called in the order of appends. */
  async #apply(name: string, commit: Commit | undefined, appending: Promise<unknown>): Promise<void> {
    set(this.#appended, name, commit)
    try {
      await appending
      set(this.#commits, name, commit)
    } catch (error) {
      if (this.#appended.get(name) === commit) set(this.#appended, name, this.#commits.get(name))
      throw error
    }
  }

  async #ready(): Promise<Log> {
    if (this.#log !== undefined) return this.#log
    this.#opening ??= this.#openLog().finally(() => (this.#opening = undefined))
    this.#log = await this.#opening
    return this.#log
  }

  /** See the head of this file. A failure leaves the log longer, and says nothing of the commit it came after. */
  async #rewriteIfStale(log: Log): Promise<void> {
    const stale = log.endOffset - log.startOffset - 2 * this.#commits.size
    const isDue = stale >= this.#staleRecordsMin && log.endOffset >= this.#nextRewriteAt
    if (!isDue || this.#rewriting !== undefined) return
    this.#rewriting = this.#rewrite(log)
      .catch((error: unknown) => {
        this.#nextRewriteAt = log.endOffset + this.#staleRecordsMin
        this.#logger?.warn({ error }, 'the log of committed offsets could not be written anew')
      })
      .finally(() => (this.#rewriting = undefined))
    await this.#rewriting
  }

  #checkRead(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #rewrite(log: Log): Promise<void> {
    const atMs = this.#now()
    const records = Array.from(this.#appended.values(), (commit) => ({
      key: encodeOffsetKey(commit),
      value: encodeOffsetValue({ ...commit, atMs }),
    }))
    const firstOffset = await appendAll(log, records)
    if (firstOffset !== undefined) await log.deleteRecordsBefore(firstOffset)
  }
}

/** Checks the name of a group. Errors: TypeError, RangeError. */
export function checkGroup(group: unknown): string {
  if (typeof group !== 'string') throw argumentTypeError(`group must be a string, found ${typeName(group)}`)
  const { length } = Buffer.from(group)
  if (length >= 1 && length <= GROUP_BYTES_MAX) return group
  throw argumentRangeError(`group must have 1 to ${GROUP_BYTES_MAX} bytes, found ${length}`)
}

/** Appends records in batches, the last on disk; gives back the offset of the first. */
async function appendAll(log: Log, records: readonly RecordInput[]): Promise<number | undefined> {
  const appends: Promise<{ baseOffset: number }>[] = []
  for (let from = 0; from < records.length; from += RECORDS_A_BATCH)
    appends.push(log.append(records.slice(from, from + RECORDS_A_BATCH), { durability: 'disk' }))
  const results = await Promise.allSettled(appends)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return results[0]?.status === 'fulfilled' ? results[0].value.baseOffset : undefined
}

function nameOf({ group, topic, partition }: OffsetKey): string {
  return JSON.stringify([group, topic, partition])
}

function set(commits: Map<string, Commit>, name: string, commit: Commit | undefined): void {
  if (commit === undefined) commits.delete(name)
  else commits.set(name, commit)
}
