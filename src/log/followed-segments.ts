import { Segment } from '../segment/index.ts'
import type { Sighting } from './followed-sighting.ts'
import type { SegmentFile } from './log-directory.ts'
import type { LogState } from './log-state.ts'

/** What a walk over the last segment found. */
type WalkedTail = Pick<Segment, 'sizeBytes' | 'nextOffset' | 'maxTimestamp'>

/** The segments of a followed log as its readers have them: brings them in line with what a look has seen, in one go. */
export class FollowedSegments {
  readonly #state: LogState
  /** Which file each segment is, by its base offset. */
  #inodes: ReadonlyMap<number, number> = new Map()

  constructor(state: LogState) {
    this.#state = state
  }

  /** The base offsets of those that were there at the last look. */
  get known(): Iterable<number> {
    return this.#inodes.keys()
  }

  /** True when there was a segment with that base offset at the last look. */
  has(baseOffset: number): boolean {
    return this.#inodes.has(baseOffset)
  }

  /** What readers see of segments, start and end changes here. */
  apply(sighting: Sighting, found: WalkedTail): void {
    const { files, tailSlot, endOffset, cutTo, stored } = sighting
    const state = this.#state
    if (cutTo !== undefined || this.#isReplaced(files) || endOffset < state.readableEndOffset) {
      const cut = Math.min(cutTo ?? endOffset, state.readableEndOffset)
      for (const segment of state.segments.all) if (segment.nextOffset > cut) segment.facts = 'unknown'
      state.cut(cut)
    }
    this.#take(sighting, found)
    const writersStart = sighting.hasWriter ? sighting.mark!.startOffset : stored.startOffset
    const startOffset = Math.min(Math.max(writersStart, files[0]!.baseOffset), endOffset)
    if (startOffset > state.startOffset) state.setStart(startOffset)
    if (endOffset !== state.readableEndOffset) state.setReadableEnd(endOffset)
    const tail = state.segments.all[tailSlot]!
    tail.nextOffset = Math.max(tail.nextOffset, files[tailSlot + 1]?.baseOffset ?? endOffset)
  }

  /** The last segment has become longer, and nothing else has changed. */
  grow({ modifiedMs }: SegmentFile, { sizeBytes, nextOffset, maxTimestamp }: WalkedTail): void {
    const tail = this.#state.segments.last!
    tail.sizeBytes = sizeBytes
    tail.nextOffset = nextOffset
    tail.maxTimestamp = maxTimestamp
    tail.appendedAtMs = modifiedMs
    this.#state.setReadableEnd(nextOffset)
  }

  /** What is read of the old file while a new one takes its place is found out by the generation, as after a cut. */
  #isReplaced(files: Sighting['files']): boolean {
    const paths = new Map(this.#state.segments.all.map(({ baseOffset, path }) => [baseOffset, path]))
    return files.some(
      ({ baseOffset, path, inode }) =>
        (this.#inodes.get(baseOffset) ?? inode) !== inode || (paths.get(baseOffset) ?? path) !== path,
    )
  }

  /** Brings the list in line with the directory; a segment that stays keeps its object, which readers hold. */
  #take({ files, tailSlot, tailBytes }: Sighting, found: WalkedTail): void {
    const { segments: list, files: handles } = this.#state
    const known = new Map(list.all.map((segment) => [segment.baseOffset, segment]))
    const segments = files.map((file, slot) => {
      const { baseOffset, path, sizeBytes, modifiedMs, inode } = file
      const old = known.get(baseOffset)
      const isReplaced = old !== undefined && this.#inodes.get(baseOffset) !== inode
      // Compaction moves batches: a reader that is in the old file goes on in it, or begins anew in the new one.
      const stays = old !== undefined && !(isReplaced && !this.#state.dense)
      const segment = stays
        ? old
        : new Segment({ baseOffset, path, sizeBytes, nextOffset: baseOffset, appendedAtMs: modifiedMs })
      if (stays) known.delete(baseOffset)
      if (isReplaced) this.#forgetFile(segment)
      if (isReplaced && !stays && slot !== tailSlot) this.#state.index.truncate(baseOffset, 0)
      segment.path = path
      const isTail = slot === tailSlot
      segment.sizeBytes = isTail ? tailBytes : sizeBytes
      segment.nextOffset = isTail ? found.nextOffset : (files[slot + 1]?.baseOffset ?? baseOffset)
      segment.appendedAtMs = modifiedMs
      if (isTail) segment.maxTimestamp = found.maxTimestamp
      return segment
    })
    for (const gone of known.values()) gone.whenUnused(() => handles.forget(gone))
    this.#inodes = new Map(files.map(({ baseOffset, inode }) => [baseOffset, inode]))
    list.replaceAll(segments)
  }

  /** Another file stands in the place of a segment: what was read and learned of the old one counts no more. */
  #forgetFile(segment: Segment): void {
    this.#state.files.forget(segment)
    segment.facts = 'unknown'
    this.#state.onCut()
  }
}
