import { describeFailure, EXIT, InterruptedError, OutputClosedError } from './failures.ts'
import type { Machine } from './machine.ts'
import { Notes } from './notes.ts'
import { Output } from './output.ts'
import { type Paint, paintFor } from './paint.ts'

/** What a command works with while it runs. */
export interface CommandContext {
  readonly machine: Machine
  /** Standard output: the data that was asked for, and nothing else. */
  readonly output: Output
  /** Standard error: everything else. */
  readonly notes: Notes
  /** Colours for the output. */
  readonly paint: Paint
  /** Aborts, with an InterruptedError, when the process is asked to end; asked twice, it ends at once. */
  readonly interrupt: AbortSignal
}

/** What a command does; it gives what the process is to exit with. */
export type Run = (context: CommandContext) => Promise<number>

/** Starts a command once its options are understood. */
export type Start = (run: Run) => Promise<void>

/**
 * Runs a command with a context of its own, tells what goes wrong, and gives what the process is to exit with.
 *
 * Shape:  everything that was written is out before it resolves; it never rejects.
 */
export async function runInContext(machine: Machine, run: Run): Promise<number> {
  const controller = new AbortController()
  const forget = machine.onSignal((signal) => {
    const error = new InterruptedError(signal)
    if (controller.signal.aborted) machine.exit(error.exitCode)
    controller.abort(error)
  })
  const { stdout, stderr, clock, environment } = machine
  const output = new Output(stdout)
  const notes = new Notes({ stream: stderr, clock, environment, allowsBar: !output.isTerminal })
  const paint = paintFor(stdout, environment)
  try {
    const exitCode = await run({ machine, output, notes, paint, interrupt: controller.signal })
    await output.flush()
    return exitCode
  } catch (error) {
    return settle({ output, notes }, error)
  } finally {
    forget()
    notes.clearProgress()
  }
}

/** What was written before the failure still goes out; a reader that went away is no failure. */
async function settle({ output, notes }: { output: Output; notes: Notes }, error: unknown): Promise<number> {
  if (error instanceof OutputClosedError) return EXIT.ok
  await output.flush().catch(() => {}) // what failed first is what is told
  if (error instanceof InterruptedError) return error.exitCode
  notes.failure(error)
  return describeFailure(error).exitCode
}
