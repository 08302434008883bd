import { describeFailure } from '../failures.ts'

/** Ends the demo with one line and an exit code: 1 a check failed, 3 it could not run. */
export class DemoFailure extends Error {
  readonly exitCode: 1 | 3

  constructor(exitCode: 1 | 3, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Ends the demo with exit code 1 unless `condition` holds: the log did not do what the demo says of it. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new DemoFailure(1, `check failed: ${message}`)
}

/** What to print for an error, one line but for a bug, which brings its stack along; and what to exit with. */
export function tellFailure(error: unknown): { text: string; exitCode: number } {
  if (error instanceof DemoFailure) return { text: error.message, exitCode: error.exitCode }
  const { code, message, exitCode } = describeFailure(error)
  const stack = code === 'BUG' && error instanceof Error ? `\n${error.stack}` : ''
  return { text: `${code}: ${message}${stack}`, exitCode }
}
