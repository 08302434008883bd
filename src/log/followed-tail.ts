import type { FileSystem } from '../fs/index.ts'
import { type ByteSource, IndexFeed, type ScannedLegacy, Segment, scanBatches } from '../segment/index.ts'
import type { SegmentFile } from './log-directory.ts'
import type { LogState } from './log-state.ts'
import { passDamage } from './recover-tail.ts'
import { isLegacy } from './tail-scan.ts'

/** How far to look, and how closely. */
export interface WalkOptions {
  /** Nothing at or past it is looked at; Infinity when nobody says where to stop. */
  readonly offsetEnd: number
  /** Below it everything was on disk once: what can't be read there is damage, and not the end. */
  readonly recoveryPoint: number
  /** `checksums` where a batch may be torn. */
  readonly depth: 'headers' | 'checksums'
}

/** Where a walk met something that is no batch. */
export interface WalkStop {
  readonly position: number
  readonly message: string
  /** What the batch there should have started with. */
  readonly offset: number
  /** The next one that is sound; looked for only where it is damage. */
  readonly nextGoodOffset: number | undefined
  /** It is of another version of the format, which nothing may be wrong with. */
  readonly isUnsupported: boolean
}

/** What was written a moment ago is in memory: so much of it is read without a thread pool. */
const NEW_BYTES_MAX = 64 * 1024

/**
 * Finds the end of the last segment of a followed log by walking over its batches, and tells the index of them on the
 * way. A walk goes on where the last one ended, as long as the segment is the same file.
 */
export class FollowedTail {
  readonly #fileSystem: FileSystem
  readonly #state: LogState
  #walk: { readonly feed: IndexFeed; readonly inode: number } | undefined
  #walkedBytes = -1
  #stop: WalkStop | undefined
  #crossingEnd: number | undefined

  constructor(fileSystem: FileSystem, state: LogState) {
    this.#fileSystem = fileSystem
    this.#state = state
  }

  /** What the last walk found: where the segment ends, and its largest timestamp. */
  get found(): Pick<Segment, 'sizeBytes' | 'nextOffset' | 'maxTimestamp'> | undefined {
    return this.#walk?.feed.segment
  }

  /**
   * Where the batch ends that the last walk met at its `offsetEnd`, if that lies inside one: the writer is cutting it in
   * two, and what is below must stay readable meanwhile. The segment as it was `found` ends before it.
   */
  get crossingEnd(): number | undefined {
    return this.#crossingEnd
  }

  /** Begins anew at the next walk: bytes that were walked over are gone. */
  reset(): void {
    this.#walk = undefined
  }

  /** Takes it that the segment ends as `found` says, without looking. */
  assume(file: SegmentFile, found: Pick<Segment, 'sizeBytes' | 'nextOffset' | 'maxTimestamp'>): void {
    const { segment } = this.#begin(file)
    segment.sizeBytes = found.sizeBytes
    segment.nextOffset = found.nextOffset
    segment.maxTimestamp = found.maxTimestamp
    this.#walkedBytes = file.sizeBytes
  }

  /** Walks on from where the last walk ended; gives back the first place that is no batch, also where it went past it. */
  async walk(file: SegmentFile, options: WalkOptions): Promise<WalkStop | undefined> {
    const { offsetEnd } = options
    const feed = this.#goesOn(file, offsetEnd) ? this.#walk!.feed : this.#begin(file)
    this.#crossingEnd = undefined
    if (feed.segment.nextOffset >= offsetEnd) return undefined
    if (offsetEnd === Infinity && this.#walkedBytes === file.sizeBytes) return this.#stop
    const handle = this.#fileSystem.openSync(file.path, 'read')
    try {
      return await this.#pass(feed, handle, { ...options, fileBytes: handle.sizeSync() })
    } finally {
      handle.close()
    }
  }

  /**
   * Walks on over what a writer says that it has appended to `file`, which is open for readers; false when that is not to be
   * found there.
   */
  async walkAppended(file: SegmentFile, offsetEnd: number): Promise<boolean> {
    const { segments, files } = this.#state
    const segment = segments.last
    if (segment?.baseOffset !== file.baseOffset || !this.#goesOn(file, offsetEnd)) return false
    this.#crossingEnd = undefined
    let leftBytes = NEW_BYTES_MAX
    const source: ByteSource = {
      async read(into, position) {
        leftBytes -= into.length
        return leftBytes < 0
          ? files.source(segment).read(into, position)
          : files.handle(segment).readSync(into, position)
      },
    }
    const range = { offsetEnd, recoveryPoint: 0, depth: 'headers', fileBytes: file.sizeBytes } as const
    await this.#pass(this.#walk!.feed, source, range)
    return this.found?.nextOffset === offsetEnd
  }

  /** True when `file` is the one that was walked over last, and has not become shorter. */
  #goesOn({ baseOffset, inode, sizeBytes }: SegmentFile, offsetEnd: number): boolean {
    const known = this.#walk?.feed.segment
    return (
      known?.baseOffset === baseOffset &&
      this.#walk?.inode === inode &&
      known.nextOffset <= offsetEnd &&
      known.sizeBytes <= sizeBytes
    )
  }

  async #pass(
    feed: IndexFeed,
    source: ByteSource,
    { offsetEnd, recoveryPoint, depth, fileBytes }: WalkOptions & { readonly fileBytes: number },
  ): Promise<WalkStop | undefined> {
    const { segment } = feed
    const { dense, batchBytesMax } = this.#state
    const limits = { dense, batchBytesMax }
    // A message from before version 2, where Kafka may have written one, is not the end: readers meet it, and say so.
    const onLegacy = dense ? undefined : (message: ScannedLegacy) => feed.passLegacy(message)
    const range = { from: segment.sizeBytes, end: fileBytes, expectedOffset: segment.nextOffset, offsetEnd }
    const { problem } = await scanBatches(source, { ...range, ...limits, depth, onLegacy }, (batch) => {
      if (batch.lastOffset < offsetEnd) feed.observe(batch)
      else this.#crossingEnd = batch.position + batch.sizeBytes
    })
    // Kafka may have filled the file ahead: what ends the log now is written over, and the size stays what it is.
    const isDone = depth === 'checksums' && (problem === undefined || segment.nextOffset < recoveryPoint)
    this.#walkedBytes = isDone ? fileBytes : -1
    this.#stop = undefined
    if (problem === undefined) return undefined
    const { position, message } = problem
    const { nextOffset: offset } = segment
    const isDamage = offset < recoveryPoint
    const nextGoodOffset = isDamage ? await passDamage(source, { segment, fileBytes, ...limits }) : undefined
    this.#stop = { position, message, offset, nextGoodOffset, isUnsupported: isLegacy(problem, dense) }
    return this.#stop
  }

  #begin({ baseOffset, path, modifiedMs, inode }: SegmentFile): IndexFeed {
    const { index, config } = this.#state
    index.truncate(baseOffset, 0)
    const segment = new Segment({
      baseOffset,
      path,
      sizeBytes: 0,
      nextOffset: baseOffset,
      appendedAtMs: modifiedMs,
    })
    const feed = new IndexFeed(segment, index, config['index.interval.bytes'])
    this.#walk = { feed, inode }
    this.#walkedBytes = -1
    this.#stop = undefined
    return feed
  }
}
