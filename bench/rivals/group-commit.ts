import type { Done } from './rival.ts'

/**
 * Gathers values that are appended one a call: those of one turn, and those that come while a commit is under way, go
 * into one commit. It is what a program writes around a library that commits each call by itself; a few lines, and the
 * difference is large.
 */
export class GroupCommit {
  readonly #commit: (values: readonly Uint8Array[]) => Done
  #waiting: Uint8Array[] = []
  #next: Promise<unknown> | undefined
  #current: Promise<unknown> = Promise.resolve()

  constructor(commit: (values: readonly Uint8Array[]) => Done) {
    this.#commit = commit
  }

  /** Resolves when the commit that has the value is done. */
  append(value: Uint8Array): Promise<unknown> {
    this.#waiting.push(value)
    this.#next ??= this.#commitAfter(this.#current)
    return this.#next
  }

  #commitAfter(current: Promise<unknown>): Promise<unknown> {
    const next = current.then(() => {
      const values = this.#waiting
      this.#waiting = []
      this.#next = undefined
      return this.#commit(values)
    })
    this.#current = next
    return next
  }
}
