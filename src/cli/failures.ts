import { isSeglogError } from '../core/index.ts'

/*
 * What the process exits with:
 *
 *   0  all was well, also when whoever read the output had enough of it
 *   1  something is damaged
 *   2  the command was not understood, or asks for what is refused
 *   3  it could not be done
 *   130, 143  interrupted by SIGINT (Ctrl-C), SIGTERM
 */

/** What the process exits with. */
export const EXIT = { ok: 0, damage: 1, usage: 2, failed: 3 } as const

/** The command was not understood; the message says what would have been. */
export class UsageError extends Error {}

/** Whoever was reading the output has gone: `| head` ends a command this way, and that is no failure. */
export class OutputClosedError extends Error {}

/** The process was asked to end, and everything has been put in order. */
export class InterruptedError extends Error {
  readonly exitCode: number

  constructor(signal: keyof typeof SIGNAL_EXIT) {
    super(`interrupted by ${signal}`)
    this.exitCode = SIGNAL_EXIT[signal]
  }
}

/** The signals that end a command in order, and what it exits with then: 128 and the number of the signal. */
export const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const

/** An error as it is told: `seglog: CODE: message`. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly exitCode: number
}

/** Finds the code and the exit code of whatever was thrown. */
export function describeFailure(error: unknown): Failure {
  if (isSuppressed(error)) return describeFailure(error.suppressed)
  if (error instanceof UsageError) return { code: 'USAGE', message: error.message, exitCode: EXIT.usage }
  if (error instanceof InterruptedError) {
    return { code: 'INTERRUPTED', message: error.message, exitCode: error.exitCode }
  }
  if (isSeglogError(error)) return { code: error.code, message: error.message, exitCode: error.exitCode }
  const { code, message = String(error) } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  if (code === 'ARGUMENT_INVALID') return { code, message, exitCode: EXIT.usage }
  if (code !== undefined && isSystemError(error)) {
    return { code, message: withoutPrefix(message, `${code}: `), exitCode: EXIT.failed }
  }
  return { code: 'BUG', message: withoutPrefix(message, 'seglog bug: '), exitCode: EXIT.failed }
}

/** True for what the operating system refused: EACCES, EIO, ENOENT. */
export function isSystemError(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^E(?!RR_)[A-Z0-9]+$/.test(code)
}

/** Closing failed after something else had: what came first is what is told. */
function isSuppressed(error: unknown): error is { suppressed: unknown } {
  return error instanceof Error && error.name === 'SuppressedError'
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
}
