/*
 * Decides from what the processes tell whether followers gave out what they must, and nothing else.
 *
 * A record that a reader saw must stay in the log: the writer must not be seen to append something else at its offset,
 * or to open the log and find it end below, unless a truncation at or below the offset was begun before that, or the
 * start moved past it. A record whose append was rejected must never be seen; one that was cut, not much later than the
 * cut. An acknowledged one outlives a killed writer from level `os` on, seen or not.
 */
import { AppendedBatches, type AppendedBatch, type Cut, cutFrom } from './appended-batches.ts'
import type { ReaderReport, WriterReport } from './soak-reports.ts'

/** How long after a truncation a reader may still be busy with what it had in hand: it looks at least once a second. */
const CUT_GRACE_MS = 3_000
/** How long after the acknowledgement a reader may still not know of a record. */
const LAG_MAX_MS = 5_000
const SAMPLE_MS = 50
/** Truncations and moves of the start that ended longer ago explain nothing. */
const MEMORY_MS = 120_000

type SeenReport = Extract<ReaderReport, readonly [kind: 'seen', ...unknown[]]>

/** What was counted, for the summary. */
export interface SoakCounts {
  tried: number
  acknowledged: number
  rejected: number
  seen: number
  cuts: number
  startMoves: number
  fullDisks: number
  helpNeeded: number
  openings: number
  lagMaxMs: number
  cutLateMaxMs: number
  readonly readerErrors: Map<string, number>
  readonly writerErrors: Map<string, number>
  readonly warnings: Map<string, number>
}

/** Keeps what may be needed to judge, and no more; calls `onViolation` for each thing that must not be. */
export class SoakJudge {
  readonly #onViolation: (message: string) => void
  readonly #batches = new AppendedBatches()
  readonly #seenByReader = new Map<string, number>()
  #cuts: Cut[] = []
  #startMoves: Cut[] = []
  #startOffset = 0
  #acknowledgedEnd = 0
  /** Ends that had been acknowledged at a time, lowered by later truncations. */
  #samples: { at: number; endOffset: number }[] = []
  readonly counts: SoakCounts = {
    tried: 0,
    acknowledged: 0,
    rejected: 0,
    seen: 0,
    cuts: 0,
    startMoves: 0,
    fullDisks: 0,
    helpNeeded: 0,
    openings: 0,
    lagMaxMs: 0,
    cutLateMaxMs: 0,
    readerErrors: new Map(),
    writerErrors: new Map(),
    warnings: new Map(),
  }

  constructor(onViolation: (message: string) => void) {
    this.#onViolation = onViolation
  }

  get batchCount(): number {
    return this.#batches.count
  }

  /** Records that each reader has seen. */
  get seenByReader(): ReadonlyMap<string, number> {
    return this.#seenByReader
  }

  hearWriter(life: number, report: WriterReport): void {
    const { counts } = this
    switch (report[0]) {
      case 'opened':
        return this.#opened(report)
      case 'closed':
      case 'alive':
      case 'room':
        return
      case 'try':
        return this.#tried(life, report)
      case 'ack':
        return this.#acknowledged(life, report)
      case 'reject':
        return this.#rejected(life, report)
      case 'cut-begin':
        return this.#cutBegins(report)
      case 'cut-end':
        return this.#end(this.#cuts.at(-1), { at: report[1], isDone: report[2] })
      case 'start-begin': {
        const [, begunAt, toOffset] = report
        this.#startMoves = this.#startMoves.filter((move) => isRecent(move, begunAt))
        this.#startMoves.push({ toOffset, begunAt, endedAt: undefined, isDone: false })
        counts.startMoves++
        return
      }
      case 'start-end':
        this.#end(this.#startMoves.at(-1), { at: report[1], isDone: true })
        return this.#startAt(report[2])
      case 'full':
        counts.fullDisks++
        return
      case 'no-room':
        counts.helpNeeded++
        return
      case 'failed': {
        const [, , doing, code, message] = report
        count(counts.writerErrors, `${doing} ${code}`)
        const isOfRoom = code === 'DISK_FULL' || code === 'ENOSPC' || code === 'LOG_POISONED'
        if (!isOfRoom) this.#onViolation(`the writer, at ${doing}: ${code}: ${message}`)
        return
      }
      case 'wrong':
        return this.#onViolation(`the writer: ${report[2]}`)
    }
  }

  hearReader(reader: string, report: ReaderReport): void {
    const { counts } = this
    switch (report[0]) {
      case 'seen':
        return this.#seen(reader, report)
      case 'at':
        return this.#at(reader, report)
      case 'error':
        return this.#error(reader, report)
      case 'missing': {
        const [, at, since, doing, offset] = report
        const isExplained = this.#wasCut(since, at) || this.#mayBeBelowStart(offset, since, at)
        if (!isExplained) this.#onViolation(`${reader}: ${doing} gave nothing at ${offset}, inside the log`)
        return
      }
      case 'warned':
        return count(counts.warnings, report[2])
      case 'wrong':
        return this.#onViolation(`${reader}: ${report[2]}`)
      case 'done':
        return
    }
  }

  /** The writer is gone for good, and the log was found to reach from `startOffset` to `endOffset`. */
  finish(startOffset: number, endOffset: number): void {
    this.#startAt(startOffset)
    this.#check(this.#batches.endAt(endOffset), `the log ends at ${endOffset}`)
  }

  #opened([, at, startOffset, endOffset]: Extract<WriterReport, readonly ['opened', ...unknown[]]>): void {
    this.counts.openings++
    for (const unfinished of [this.#cuts.at(-1), this.#startMoves.at(-1)])
      if (unfinished !== undefined && unfinished.endedAt === undefined)
        this.#end(unfinished, { at, isDone: false })
    this.#startAt(startOffset)
    this.#check(this.#batches.endAt(endOffset), `the writer found the log to end at ${endOffset}`)
    this.#acknowledgedEnd = endOffset
  }

  #tried(life: number, report: Extract<WriterReport, readonly ['try', ...unknown[]]>): void {
    const [, , baseOffset, counter, recordCount] = report
    this.counts.tried += recordCount
    const lost = this.#batches.add({
      life,
      counter,
      baseOffset,
      endOffset: baseOffset + recordCount,
      state: 'tried',
      cuts: [],
      lostFrom: Infinity,
      seenTo: -1,
      seenBy: '',
      isReported: false,
    })
    this.#check(lost, `life ${life} appends at offset ${baseOffset}`)
  }

  #acknowledged(life: number, report: Extract<WriterReport, readonly ['ack', ...unknown[]]>): void {
    const [, at, counter, baseOffset, reached] = report
    const batch = this.#batches.find(life, counter)
    if (batch === 'forgotten') return // deleted before this line was written
    if (batch?.baseOffset !== baseOffset)
      return this.#onViolation(
        `life ${life}: append ${counter}, made for ${batch?.baseOffset}, was acknowledged at ${baseOffset}`,
      )
    this.counts.acknowledged += batch.endOffset - baseOffset
    if (reached === 'memory') {
      batch.state = 'promised'
      return
    }
    batch.state = 'acknowledged'
    this.#check([batch], 'it was acknowledged')
    this.#acknowledgedEnd = Math.max(this.#acknowledgedEnd, Math.min(batch.endOffset, cutFrom(batch)))
    const last = this.#samples.at(-1)
    if (last === undefined || at - last.at > SAMPLE_MS)
      this.#samples.push({ at, endOffset: this.#acknowledgedEnd })
    while (this.#samples.length > 1 && this.#samples[1]!.at < at - LAG_MAX_MS) this.#samples.shift()
  }

  #rejected(life: number, report: Extract<WriterReport, readonly ['reject', ...unknown[]]>): void {
    const [, , counter, code] = report
    count(this.counts.writerErrors, `append ${code}`)
    const batch = this.#batches.find(life, counter)
    if (batch === 'forgotten' || batch === undefined) return
    this.counts.rejected += batch.endOffset - batch.baseOffset
    if (code === 'LOG_POISONED') return // nobody knows what of it is on disk
    batch.state = 'rejected'
    this.#check([batch], `it was rejected with ${code}`)
  }

  #cutBegins([, begunAt, toOffset]: Extract<WriterReport, readonly ['cut-begin', ...unknown[]]>): void {
    this.counts.cuts++
    const cut: Cut = { toOffset, begunAt, endedAt: undefined, isDone: false }
    this.#cuts = this.#cuts.filter((other) => isRecent(other, begunAt))
    this.#cuts.push(cut)
    this.#batches.cut(cut)
    this.#acknowledgedEnd = Math.min(this.#acknowledgedEnd, toOffset)
    for (const sample of this.#samples) sample.endOffset = Math.min(sample.endOffset, toOffset)
  }

  #end(change: Cut | undefined, { at, isDone }: { at: number; isDone: boolean }): void {
    if (change === undefined) return
    change.endedAt = at
    change.isDone = isDone
  }

  #startAt(offset: number): void {
    if (offset < this.#startOffset)
      this.#onViolation(`the start moved back from ${this.#startOffset} to ${offset}`)
    this.#startOffset = offset
    this.#batches.startAt(offset)
  }

  #seen(reader: string, [, , since, firstOffset, life, counter, recordCount]: SeenReport): void {
    this.counts.seen += recordCount
    this.#seenByReader.set(reader, (this.#seenByReader.get(reader) ?? 0) + recordCount)
    for (let slot = 0; slot < recordCount; ) {
      const batch = this.#batches.find(life, counter + slot)
      if (batch === undefined)
        return this.#onViolation(
          `${reader}: record ${counter + slot} of life ${life}, at offset ${firstOffset + slot}, was never appended`,
        )
      if (batch === 'forgotten') {
        slot++ // its value names its offset, and its reader has compared the two
        continue
      }
      const inBatch = Math.min(recordCount - slot, batch.endOffset - firstOffset - slot)
      const endOffset = firstOffset + slot + inBatch
      this.#checkNotCut(reader, batch, { since, endOffset })
      if (endOffset > batch.seenTo) {
        batch.seenTo = endOffset
        batch.seenBy = reader
      }
      this.#check([batch], 'it was seen')
      slot += Math.max(1, inBatch)
    }
  }

  #checkNotCut(
    reader: string,
    batch: AppendedBatch,
    { since, endOffset }: { since: number; endOffset: number },
  ): void {
    for (const { isDone, endedAt, toOffset } of batch.cuts) {
      if (!isDone || endedAt === undefined || toOffset >= endOffset) continue
      const late = since - endedAt
      this.counts.cutLateMaxMs = Math.max(this.counts.cutLateMaxMs, late)
      if (late > CUT_GRACE_MS)
        this.#onViolation(
          `${reader}: offset ${endOffset - 1} of life ${batch.life} was cut off ${late} ms before it was given out`,
        )
    }
  }

  /** Complains of what was given out, or promised, and is gone without a reason. */
  #check(batches: readonly AppendedBatch[], because: string): void {
    for (const batch of batches) {
      if (batch.isReported) continue
      const end = Math.min(batch.seenTo, cutFrom(batch))
      const place = `append ${batch.counter} of life ${batch.life}, at offsets ${batch.baseOffset} to ${batch.endOffset - 1}`
      const isLost = batch.lostFrom < Math.min(batch.endOffset, cutFrom(batch))
      let problem: string | undefined
      if (batch.state === 'rejected' && batch.seenTo > batch.baseOffset)
        problem = `was rejected, and seen by ${batch.seenBy}`
      else if (isLost && end > batch.lostFrom)
        problem = `was seen by ${batch.seenBy}, and is gone from ${batch.lostFrom} on`
      else if (isLost && batch.state === 'acknowledged')
        problem = `was acknowledged, and is gone from ${batch.lostFrom} on`
      if (problem === undefined) continue
      batch.isReported = true
      this.#onViolation(`${place}, ${problem} (${because})`)
    }
  }

  #at(reader: string, [, at, , endOffset]: Extract<ReaderReport, readonly [kind: 'at', ...unknown[]]>): void {
    const behind = this.#samples.find((sample) => sample.endOffset > endOffset)
    if (behind === undefined) return
    const lag = at - behind.at
    this.counts.lagMaxMs = Math.max(this.counts.lagMaxMs, lag)
    if (lag > LAG_MAX_MS)
      this.#onViolation(
        `${reader}: ends at ${endOffset} still, ${lag} ms after ${behind.endOffset} was acknowledged`,
      )
  }

  #error(reader: string, report: Extract<ReaderReport, readonly [kind: 'error', ...unknown[]]>): void {
    const [, at, since, doing, code, offset, message] = report
    count(this.counts.readerErrors, `${doing} ${code}`)
    const isCut = this.#wasCut(since, at)
    const isExplained =
      (code === 'LOG_TRUNCATED' && isCut) ||
      (code === 'OFFSET_OUT_OF_RANGE' && (isCut || this.#mayBeBelowStart(offset, since, at)))
    if (!isExplained) this.#onViolation(`${reader}: ${doing} at offset ${offset}: ${code}: ${message}`)
  }

  /** True when a truncation was under way at some time from `since` to `at`, or not long before. */
  #wasCut(since: number, at: number): boolean {
    return this.#cuts.some(
      ({ begunAt, endedAt = Infinity }) => begunAt <= at && endedAt >= since - CUT_GRACE_MS,
    )
  }

  #mayBeBelowStart(offset: number, since: number, at: number): boolean {
    if (offset < this.#startOffset) return true
    return this.#startMoves.some(
      ({ toOffset, begunAt, endedAt = Infinity }) => offset < toOffset && begunAt <= at && endedAt >= since,
    )
  }
}

function isRecent({ endedAt = Infinity }: Cut, at: number): boolean {
  return endedAt > at - MEMORY_MS
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
