import { describeFailure, EXIT } from './failures.ts'
import type { Notes } from './notes.ts'

/** What went wrong in some logs of a store while the others were gone through. */
export class LogFailures {
  readonly #notes: Notes
  #exitCode: number = EXIT.ok

  constructor(notes: Notes) {
    this.#notes = notes
  }

  /** What the process exits with: damage goes before what could not be done. */
  get exitCode(): number {
    return this.#exitCode
  }

  /** Tells of a log that failed, by its name. */
  add(log: { readonly topic: string; readonly partition: number }, error: unknown): void {
    const { code, message, exitCode } = describeFailure(error)
    this.#notes.problem(code, `${log.topic}-${log.partition}: ${message}`)
    this.raise(exitCode)
  }

  /** Takes an exit code of a failure that has been told already. */
  raise(exitCode: number): void {
    if (exitCode === EXIT.ok || this.#exitCode === EXIT.damage) return
    if (exitCode === EXIT.damage || this.#exitCode === EXIT.ok) this.#exitCode = exitCode
  }
}
