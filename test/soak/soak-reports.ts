/*
 * What the processes of the soak tell their parent: one JSON array a line, its kind first, then the time.
 *
 * Times are milliseconds of the machine's monotonic clock, which all processes share: they, and not the order in which
 * lines arrive from different pipes, say what was first. A line is written with one blocking write, so that what was
 * told before a SIGKILL has been told.
 */
import { writeSync } from 'node:fs'
import type { Durability } from '../../src/index.ts'

/** `counter` names the first record of an append; the life of the writer is known from its process. */
export type WriterReport =
  | readonly [kind: 'opened', at: number, startOffset: number, endOffset: number]
  | readonly [kind: 'closed', at: number, startOffset: number, endOffset: number]
  | readonly [kind: 'try', at: number, baseOffset: number, counter: number, count: number]
  | readonly [kind: 'ack', at: number, counter: number, baseOffset: number, reached: Durability]
  | readonly [kind: 'reject', at: number, counter: number, code: string]
  | readonly [kind: 'cut-begin', at: number, toOffset: number]
  | readonly [kind: 'cut-end', at: number, isDone: boolean]
  /** The start may move up to `toOffset` from now on. */
  | readonly [kind: 'start-begin', at: number, toOffset: number]
  | readonly [kind: 'start-end', at: number, startOffset: number]
  | readonly [kind: 'full', at: number]
  /** Not even cleaning finds room: somebody else has to make some. */
  | readonly [kind: 'no-room', at: number, doing: string]
  | readonly [kind: 'room', at: number]
  /** Something failed that may fail. */
  | readonly [kind: 'failed', at: number, doing: string, code: string, message: string]
  | readonly [kind: 'wrong', at: number, message: string]
  | readonly [kind: 'alive', at: number]

/** `since` is when the operation began, or the last time it was known to be right. */
export type ReaderReport =
  /** Records with successive counters, under successive offsets. */
  | readonly [
      kind: 'seen',
      at: number,
      since: number,
      offset: number,
      life: number,
      counter: number,
      count: number,
    ]
  | readonly [kind: 'at', at: number, startOffset: number, endOffset: number, recordCount: number]
  | readonly [
      kind: 'error',
      at: number,
      since: number,
      doing: string,
      code: string,
      offset: number,
      message: string,
    ]
  /** Only a truncation at or below the offset explains it. */
  | readonly [kind: 'missing', at: number, since: number, doing: string, offset: number]
  | readonly [kind: 'warned', at: number, message: string]
  | readonly [kind: 'wrong', at: number, message: string]
  | readonly [kind: 'done', at: number, startOffset: number, endOffset: number]

/** Milliseconds of the clock that all processes of this machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** Tells the parent. */
export function report(line: WriterReport | ReaderReport): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

/** The code and the message of whatever was thrown. */
export function describeError(error: unknown): { code: string; message: string } {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown }
  return { code: typeof code === 'string' ? code : String(name), message: String(message ?? error) }
}
