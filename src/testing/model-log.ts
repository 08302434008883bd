import { isSeglogError } from '../core/index.ts'
import type {
  AppendOptions,
  AppendResult,
  CleanReport,
  ConfigInput,
  Log,
  LogRecord,
  RecordInput,
} from '../index.ts'
import {
  type CrashKind,
  type LogNote,
  type LogPromises,
  promisesAt,
  type RecordPrint,
} from './log-history.ts'

/** A note without its step. */
type NewNote = LogNote extends infer N ? (N extends LogNote ? Omit<N, 'step'> : never) : never

/**
 * Remembers what a log was asked and what it answered, and says after a crash whether the log kept its word.
 *
 *     const model = new ModelLog({ step: () => fileSystem.step })
 *     await model.append(log, { value: 'a' })
 *     for (const point of fileSystem.crashPoints()) {
 *       const left = point.powerLoss({ bytes: 'torn', names: 'some' })
 *       const log = await openLog('/log', { fileSystem: left })
 *       console.log(await model.complaints(log, { step: point.step, kind: 'power loss' }))
 *     }
 *
 * It never trusts the log's own counters for what must be there: only results that the log gave.
 */
export class ModelLog {
  readonly #step: () => number
  readonly #notes: LogNote[] = []
  /** Where each call ends that was accepted and not refused, by its number. */
  readonly #ends = new Map<number, number>()
  /** Calls that were told at `memory`: a full disk may refuse them later, and `flush` says that some were. */
  readonly #toldEarly = new Set<number>()
  #calls = 0

  /** `step` says how many operations the file system has done; without it every crash is one at the end. */
  constructor(options: { step?: () => number } = {}) {
    this.#step = options.step ?? (() => 0)
  }

  /** A model of a log as it is, all of which is on disk: after recovery that is so. */
  static async of(log: Log, options: { step?: () => number } = {}): Promise<ModelLog> {
    const model = new ModelLog(options)
    const prints: RecordPrint[] = Array.from({ length: log.startOffset }, () => '')
    for await (const record of log.read()) prints[record.offset] = printOf(record, { keepsTimes: true })
    // Each record may be the last one of its call: it is on disk, so where the calls were is of no matter.
    for (const [baseOffset, print] of prints.entries())
      model.#note({ kind: 'tried', call: model.#calls++, baseOffset, prints: [print] })
    model.#note({ kind: 'durable', offset: log.endOffset })
    model.#note({ kind: 'startMoved', offset: log.startOffset })
    return model
  }

  get notes(): readonly LogNote[] {
    return this.#notes
  }

  /** Appends, and notes the attempt and the answer. */
  async append(
    log: Log,
    records: RecordInput | readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult> {
    const call = this.#calls++
    const list = Array.isArray(records) ? (records as readonly RecordInput[]) : [records as RecordInput]
    const baseOffset = log.endOffset
    if (call === 0 && baseOffset > 0)
      throw new RangeError('the log has records that the model was not told of: begin with ModelLog.of(log)')
    const keepsTimes = log.config['message.timestamp.type'] === 'CreateTime'
    const answer = log.append(list, options)
    const isAccepted = log.endOffset > baseOffset
    if (isAccepted) {
      this.#ends.set(call, baseOffset + list.length)
      this.#note({
        kind: 'tried',
        call,
        baseOffset,
        prints: list.map((record) => printOf(record, { keepsTimes })),
      })
    }
    try {
      const result = await answer
      const { lastOffset, durability } = result
      this.#note({ kind: 'acknowledged', call, lastOffset, durability })
      if (durability === 'memory') this.#toldEarly.add(call)
      this.observe(log)
      return result
    } catch (error) {
      this.#ends.delete(call)
      const isWritten = isSeglogError(error) && error.outcome === 'not-written' ? 'no' : 'unknown'
      if (isAccepted) this.#note({ kind: 'refused', call, isWritten })
      throw error
    }
  }

  /** Holds the log to what it says of itself now: its durable and its start offset. */
  observe(log: Log): void {
    this.#note({ kind: 'durable', offset: log.durableOffset })
    this.#note({ kind: 'startMoved', offset: log.startOffset })
  }

  /** Holds a log that was opened again, in the same run, to all that it shows: opening has made that durable. */
  opened(log: Log): void {
    this.#note({ kind: 'opened', startOffset: log.startOffset, endOffset: log.endOffset })
  }

  async flush(log: Log): Promise<void> {
    const isBefore = this.#callsUntilNow()
    await this.#orLost(log.flush())
    this.#note({ kind: 'durable', offset: this.#endOf(isBefore) })
    this.observe(log)
  }

  async roll(log: Log): Promise<void> {
    await log.roll()
    this.observe(log)
  }

  async truncateTo(log: Log, offset: number): Promise<void> {
    this.#note({ kind: 'truncating', offset })
    try {
      await log.truncateTo(offset)
    } catch (error) {
      if (log.state === 'open') this.#note({ kind: 'truncationRefused' })
      throw error
    }
    this.#note({ kind: 'truncated', offset })
    for (const [call, end] of this.#ends) this.#ends.set(call, Math.min(end, offset))
    this.observe(log)
  }

  async deleteRecordsBefore(log: Log, offset: number): Promise<void> {
    this.#note({ kind: 'startMoving', offset })
    await log.deleteRecordsBefore(offset)
    this.observe(log)
  }

  async clean(log: Log): Promise<CleanReport> {
    this.#note({ kind: 'startMoving', offset: log.endOffset })
    const report = await log.clean()
    this.observe(log)
    return report
  }

  /** Updates one key, whose value is given and stored as text. */
  async updateConfig(log: Log, key: string, value: string | null): Promise<void> {
    const update = { call: this.#calls++, key, value: value ?? undefined }
    this.#note({ kind: 'configuring', ...update })
    await log.updateConfig({ [key]: value } as ConfigInput)
    this.#note({ kind: 'configured', ...update })
    this.observe(log)
  }

  /** Closes; all that was accepted is on disk then, unless the log was poisoned. */
  async close(log: Log): Promise<void> {
    const { state } = log
    const isBefore = this.#callsUntilNow()
    try {
      await this.#orLost(log.close())
      if (state === 'open') this.#note({ kind: 'durable', offset: this.#endOf(isBefore) })
    } finally {
      this.#ends.clear() // what this life was told, the next one need not flush
    }
  }

  /** What a crash at `step` may leave; by default, one after everything. */
  promises({ step = Infinity, kind }: { step?: number; kind: CrashKind }): LogPromises {
    return promisesAt(this.#notes, { step, kind })
  }

  /** Compares a log that was opened after a crash with what had been promised; one line for each broken promise. */
  async complaints(log: Log, crash: { step?: number; kind: CrashKind }): Promise<string[]> {
    const promises = this.promises(crash)
    const { endMin, candidates, startMin, startMax, cuts } = promises
    const { startOffset, endOffset } = log
    const complaints: string[] = []
    const complain = (text: string): void => void complaints.push(text)
    if (endOffset < endMin) complain(`the log ends at ${endOffset}, and all below ${endMin} was promised`)
    if (endOffset > candidates.length)
      complain(`the log ends at ${endOffset}, and ${candidates.length} was never reached`)
    const isBoundary = candidates[endOffset]?.call !== candidates[endOffset - 1]?.call || cuts.has(endOffset)
    if (endOffset > 0 && !isBoundary) complain(`the log ends at ${endOffset}, inside a call`)
    if (startOffset < Math.min(startMin, endOffset))
      complain(`the log starts at ${startOffset}, and ${startMin} was promised`)
    if (startOffset > startMax)
      complain(`the log starts at ${startOffset}, and nobody asked beyond ${startMax}`)
    let expected = startOffset
    for await (const record of log.read()) {
      if (record.offset !== expected) complain(`offset ${record.offset} follows ${expected - 1}`)
      if (!isPrintOf(record, candidates[record.offset]?.print))
        complain(`the record at ${record.offset} is not the one that was appended`)
      expected = record.offset + 1
    }
    if (expected !== endOffset) complain(`reading ends at ${expected}, and the log at ${endOffset}`)
    return complaints
  }

  #callsUntilNow(): (call: number) => boolean {
    const next = this.#calls
    return (call) => call < next
  }

  /** Waits for a flush or close; one that fails may be saying that what was told at `memory` has been refused since. */
  async #orLost(done: Promise<void>): Promise<void> {
    try {
      await done
    } catch (error) {
      for (const call of this.#toldEarly) this.#ends.delete(call)
      throw error
    } finally {
      this.#toldEarly.clear()
    }
  }

  /** Where the last of some calls ends; those that were refused meanwhile do not count. */
  #endOf(isMeant: (call: number) => boolean): number {
    return Math.max(0, ...[...this.#ends].filter(([call]) => isMeant(call)).map(([, end]) => end))
  }

  #note(note: NewNote): void {
    this.#notes.push({ ...note, step: this.#step() })
  }
}

/** The key, the value and the headers of a record, and the time that it was given and the log is to keep, if any. */
function printOf(record: RecordInput | LogRecord, { keepsTimes }: { keepsTimes: boolean }): RecordPrint {
  const { key = null, value = null, headers = [], timestamp } = record
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers)
  const texts = [key, value, ...pairs.flat()].map((part) => (part === null ? '-' : hexOf(part)))
  return `${texts.join('.')}${keepsTimes && timestamp !== undefined ? `@${Number(timestamp)}` : ''}`
}

function isPrintOf(record: LogRecord, print: RecordPrint | undefined): boolean {
  return print === printOf(record, { keepsTimes: false }) || print === printOf(record, { keepsTimes: true })
}

function hexOf(part: Uint8Array | string): string {
  return (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part)).toString('hex')
}
