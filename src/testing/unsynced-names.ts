import { assert, type Random } from '../core/index.ts'

/** What one call did to the names of a directory: each name leads to a file or directory now, or to nothing. */
export type NameChange = readonly (readonly [name: string, entry: number | undefined])[]

/** What becomes of names that no sync of their directory has covered; `some` is each change for itself. */
export type NamesFate = 'kept' | 'lost' | 'some'

/**
 * The names of one directory, as the disk has them and as it may come to have them.
 *
 * A rename inside a directory is one change: it happens whole or not at all. Changes get lost one by one, though, and
 * in any order, which is all that POSIX leaves to a program that did not sync; journaling file systems are kinder.
 */
export class UnsyncedNames {
  #durable: Map<string, number>
  #changes: NameChange[]
  /** Not on disk, and called clean: a sync saves them again only once something else has changed. */
  #clean: NameChange[]
  readonly #covered: Map<number, number>
  /** Syncs under way that were to save what another one has lost. */
  readonly #failing: Set<number>

  constructor(durable: ReadonlyMap<string, number> = new Map()) {
    this.#durable = new Map(durable)
    this.#changes = []
    this.#clean = []
    this.#covered = new Map()
    this.#failing = new Set()
  }

  copy(): UnsyncedNames {
    const copy = new UnsyncedNames(this.#durable)
    copy.#changes = [...this.#changes]
    copy.#clean = [...this.#clean]
    for (const [sync, count] of this.#covered) copy.#covered.set(sync, count)
    for (const sync of this.#failing) copy.#failing.add(sync)
    return copy
  }

  /** True when a power loss can change nothing. */
  get isSynced(): boolean {
    return this.#changes.length === 0 && this.#clean.length === 0
  }

  change(change: NameChange): void {
    this.#changes.push(...this.#clean.splice(0), change)
  }

  beginSync(sync: number): void {
    this.#covered.set(sync, this.#changes.length)
  }

  endSync(sync: number): void {
    for (const change of this.#takeCovered(sync)) apply(this.#durable, change)
  }

  /** What the sync was to save is not on disk, and the next sync does not know of it. */
  failSync(sync: number): void {
    this.#tellOthers(sync)
    this.#clean.push(...this.#takeCovered(sync))
  }

  /** The names a crash leaves. */
  survivor(fate: NamesFate, random: Random): Map<string, number> {
    const names = new Map(this.#durable)
    for (const change of [...this.#clean, ...this.#changes]) {
      if (fate === 'kept' || (fate === 'some' && random.below(2) === 0)) apply(names, change)
    }
    return names
  }

  /** True of a sync that can't end well any more: kernels tell everyone who was waiting of the error. */
  isFailing(sync: number): boolean {
    return this.#failing.has(sync)
  }

  #tellOthers(failed: number): void {
    if (this.#covered.get(failed) === 0) return
    for (const [other, count] of this.#covered) if (other !== failed && count > 0) this.#failing.add(other)
  }

  #takeCovered(sync: number): NameChange[] {
    const count = this.#covered.get(sync)
    assert(count !== undefined, 'a sync of a directory ended that had not begun')
    this.#covered.delete(sync)
    this.#failing.delete(sync)
    for (const [other, left] of this.#covered) this.#covered.set(other, Math.max(0, left - count))
    return this.#changes.splice(0, count)
  }
}

/** Does to `names` what `change` says. */
export function apply(names: Map<string, number>, change: NameChange): void {
  for (const [name, entry] of change) {
    if (entry === undefined) names.delete(name)
    else names.set(name, entry)
  }
}
