import { SeglogError } from '../core/index.ts'
import type { KeySpec } from './config-keys.ts'
import { describeExpected, describeFound, printable } from './config-words.ts'

/** So many are described; the rest are counted. Bounds the message, and the search for nearest names. */
const PROBLEMS_DESCRIBED_MAX = 100

/** Everything that is wrong with a configuration, gathered so that it is reported at once. */
export class ConfigProblems {
  readonly #keys = new Set<string>()
  readonly #lines: string[] = []
  #count = 0

  /** Notes one problem of a key under the name it was given; `describe` is only called if it is going to be shown. */
  add(key: { name: string; canonical: string | undefined }, describe: () => string): void {
    this.#count++
    if (key.canonical !== undefined) this.#keys.add(key.canonical)
    if (this.#count <= PROBLEMS_DESCRIBED_MAX) this.#lines.push(`${printable(key.name)}: ${describe()}`)
  }

  /** Notes a value that its key can't have. */
  addValue(spec: KeySpec, raw: unknown): void {
    this.add(spec, () => `found ${describeFound(raw)}, expected ${describeExpected(spec)}`)
  }

  /** Whether something is wrong with `key` itself, under any of its names. */
  has(key: string): boolean {
    return this.#keys.has(key)
  }

  /** Throws all problems, if there are any. Errors: `CONFIG_INVALID`, one line a problem. */
  throwIfAny(): void {
    if (this.#count > 0) throw this.toError()
  }

  /** The `CONFIG_INVALID` error that lists what was noted. */
  toError(): SeglogError {
    const lines = [...this.#lines]
    if (this.#count > lines.length) lines.push(`and ${this.#count - lines.length} more`)
    const title =
      this.#count === 1 ? 'invalid configuration' : `invalid configuration, ${this.#count} problems`
    return new SeglogError('CONFIG_INVALID', `${title}\n${lines.map((line) => `  ${line}`).join('\n')}`)
  }
}
