import { type ErrorPlace, isSeglogError, SeglogError } from '../core/index.ts'

/** System errors that say there is no room, now: the same call may succeed once there is. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE'])

/** True when there was no room for what was asked: the disk, a quota, a file size limit, the table of open files. */
export function isWantOfRoom(error: unknown): boolean {
  return isSeglogError(error, 'DISK_FULL') || FULL_CODES.has(describe(error).code)
}

/** What an append rejects with after its write failed and the file was cut back to its last good end. */
export function appendFailure(error: unknown, path: string): SeglogError {
  return isSeglogError(error)
    ? error
    : systemFailure(error, `writing ${path}`, { path, outcome: 'not-written' })
}

/** The same error, saying of the append that met it before it was accepted that nothing of it has been written. */
export function notWritten(error: unknown): unknown {
  if (!isSeglogError(error) || error.outcome !== undefined) return error
  return new SeglogError(error.code, error.message, { ...error, cause: error.cause, outcome: 'not-written' })
}

/** What another operation rejects with when the system failed it; all other errors stay what they are. */
export function operationFailure(error: unknown, doing: string): unknown {
  const isOwn = isSeglogError(error) || error instanceof TypeError || error instanceof RangeError
  return isOwn || describe(error).code === undefined ? error : systemFailure(error, doing, {})
}

function systemFailure(error: unknown, doing: string, place: ErrorPlace): SeglogError {
  const { code, message } = describe(error)
  return FULL_CODES.has(code)
    ? new SeglogError('DISK_FULL', `${doing} failed for want of room (${code}): make room and try again`, {
        ...place,
        cause: error,
      })
    : new SeglogError('IO_FAILED', `${doing} failed: ${message}`, { ...place, cause: error })
}

/** What everything rejects with once the log is poisoned; `cause` is what poisoned it. */
export function poisonedError(cause: unknown, outcome: ErrorPlace['outcome']): SeglogError {
  const root = isSeglogError(cause, 'LOG_POISONED') ? cause.cause : cause
  const message = `the log takes no more appends, because ${describe(root).message}: close it and open it again`
  return new SeglogError('LOG_POISONED', message, { cause: root, outcome })
}

/** What `flush` and `close` reject with when records acknowledged at `memory` were refused, or given up, after that. */
export function lostError(refusal: SeglogError): SeglogError {
  const what = refusal.outcome === 'not-written' ? 'were not written' : 'may be lost'
  const message = `records that were acknowledged at the level memory ${what}: ${refusal.message}`
  return new SeglogError(refusal.code, message, { ...refusal, cause: refusal.cause })
}

/** What poisons a log whose directory is gone, or another one: what is written now nobody would find again. */
export function directoryLost(path: string): SeglogError {
  const message = `${path} is not the directory that was opened any more: it was removed, renamed or replaced`
  const cause = new SeglogError('IO_FAILED', message, { path })
  return new SeglogError('LOG_POISONED', message, { path, cause, outcome: 'not-written' })
}

/** What poisons a log whose lock somebody took away: another process may be writing it by now. */
export function lockLost(path: string): SeglogError {
  const message = `the lock ${path} is not ours any more: it or its directory was removed, replaced, or taken by another process`
  const cause = new SeglogError('LOG_LOCKED', message, { path })
  return new SeglogError('LOG_POISONED', message, { path, cause, outcome: 'not-written' })
}

/** The error of a log that has been closed. */
export function closedError(directory: string): SeglogError {
  return new SeglogError('LOG_CLOSED', `the log in ${directory} is closed`, { path: directory })
}

/** The error of opening what is not there. */
export function notFound(directory: string): SeglogError {
  return new SeglogError('LOG_NOT_FOUND', `there is no log in ${directory}`, { path: directory })
}

/** The error of a log that is followed, and whose directory is gone, or is that of another log. */
export function logGone(directory: string): SeglogError {
  const message = `${directory} does not hold the log any more that was opened there: it was removed, renamed or replaced`
  return new SeglogError('LOG_NOT_FOUND', `${message}; close this one and open what is there now`, {
    path: directory,
  })
}

/** The error of a change to a log that is only read. */
export function readOnlyError(directory: string, reason: string): SeglogError {
  return new SeglogError('LOG_READONLY', `the log in ${directory} is open for reading only: ${reason}`, {
    path: directory,
  })
}

/** The error of an append whose `expectedOffset` is not the log's end. */
export function expectedOffsetMismatch(expected: number, endOffset: number): SeglogError {
  return new SeglogError(
    'EXPECTED_OFFSET_MISMATCH',
    `offset ${expected} was expected, the next one is ${endOffset}`,
    {
      offset: endOffset,
      found: endOffset,
      expected,
      outcome: 'not-written',
    },
  )
}

/** True when someone else has changed a file of ours: what is in it is not ours to cut. */
export function isStale(error: unknown): boolean {
  return describe(error).code === 'ESTALE'
}

/** True for the failure to read a file that is not there any more. */
export function isOfMissingFile(error: unknown): boolean {
  return isSeglogError(error, 'IO_FAILED') && describe(error.cause).code === 'ENOENT'
}

/** The error of a reader at `offset` that a truncation has overtaken. */
export function truncatedBelow(offset: number, directory: string): SeglogError {
  const message = `the log was truncated below offset ${offset}, where this reader is`
  return new SeglogError('LOG_TRUNCATED', message, { offset, path: directory })
}

/** The error for an offset outside what can be read, naming the range. */
export function outOfRange(
  offset: number,
  range: { startOffset: number; readableEndOffset: number },
): SeglogError {
  const { startOffset, readableEndOffset } = range
  return new SeglogError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${offset} is outside ${startOffset} to ${readableEndOffset}`,
    { offset, found: offset, expected: [startOffset, readableEndOffset] },
  )
}

function describe(error: unknown): { code: unknown; message: string } {
  if (typeof error !== 'object' || error === null) return { code: undefined, message: String(error) }
  const { code, message } = error as { code?: unknown; message?: unknown }
  return { code, message: typeof message === 'string' ? message : String(code) }
}
