import { basename } from 'node:path'
import type { OpenMode } from '../fs/index.ts'

/** What can be asked of a file system that can fail. */
export type FaultKind =
  | 'open'
  | 'read'
  | 'write'
  | 'overwrite'
  | 'extend'
  | 'truncate'
  | 'syncData'
  | 'syncDirectory'
  | 'rename'
  | 'remove'
  | 'makeDirectory'

/** Which calls fail, and how. */
export interface FaultRule {
  /** Of files whose own name matches; all by default. */
  readonly name?: RegExp
  /** The system's word for it: EIO, ENOSPC, EMFILE, … */
  readonly code: string
  /** So many matching calls go well first; 0 by default. */
  readonly skip?: number
  /** So many fail then; 1 by default, `Infinity` for good. */
  readonly times?: number
  /** A write that fails, or an extension, puts so many of its bytes into the file first; 0 by default. */
  readonly shortBytes?: number | undefined
  /** The ways of opening that it means; all by default. */
  readonly modes?: readonly OpenMode[] | undefined
  /** Called at each call that is made to fail, before it does. */
  readonly onFire?: () => void
}

/** The error of a call that was made to fail. */
export interface FaultError extends Error {
  readonly code: string
  readonly shortBytes: number
}

interface WaitingRule {
  readonly kinds: readonly FaultKind[] | undefined
  readonly name: RegExp
  readonly code: string
  readonly shortBytes: number
  readonly modes: readonly OpenMode[] | undefined
  readonly onFire: () => void
  skip: number
  left: number
}

/**
 * Which calls of a file system are to fail; shared by those that can. Each rule counts the calls that it matches; a call
 * that several would fail is failed by the first of them.
 *
 *     const faults = new FaultPlan()
 *     faults.fail('write', { name: /\.log$/, code: 'ENOSPC', skip: 3, times: Infinity, shortBytes: 10 })
 *     faults.fail(['write', 'rename'], { code: 'EIO' })
 *     faults.fail('any', { code: 'EIO', skip: 17 })   // the 18th call, whatever it is
 */
export class FaultPlan {
  #rules: WaitingRule[] = []
  #fired = 0

  /** Makes calls of a kind fail, from the next one on. */
  fail(kind: FaultKind | readonly FaultKind[] | 'any', rule: FaultRule): void {
    const { name = /./, code, skip = 0, times = 1, shortBytes = 0, modes, onFire = () => {} } = rule
    const kinds = kind === 'any' ? undefined : typeof kind === 'string' ? [kind] : kind
    this.#rules.push({ kinds, name, code, shortBytes, modes, onFire, skip, left: times })
  }

  /** Nothing fails from now on. */
  heal(): void {
    this.#rules = []
  }

  /** How many calls have been made to fail. */
  get firedCount(): number {
    return this.#fired
  }

  /** Gives back the error with which a call must fail, and takes note that it was made. */
  check(kind: FaultKind, path: string, mode?: OpenMode): FaultError | undefined {
    const name = basename(path)
    const matching = this.#rules.filter(
      ({ kinds, modes, name: pattern }) =>
        (kinds?.includes(kind) ?? true) &&
        pattern.test(name) &&
        (mode === undefined || (modes?.includes(mode) ?? true)),
    )
    const rule = matching.find(({ skip }) => skip === 0)
    for (const counting of matching) if (counting.skip > 0) counting.skip--
    if (rule === undefined) return undefined
    rule.left--
    if (rule.left <= 0) this.#rules = this.#rules.filter((other) => other !== rule)
    this.#fired++
    rule.onFire()
    const { code, shortBytes } = rule
    return Object.assign(new Error(`${code}: made to fail, ${kind} '${path}'`), { code, shortBytes, path })
  }
}
