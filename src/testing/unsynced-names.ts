import type { Random } from '../core/index.ts'
import { UnsyncedChanges } from './unsynced-changes.ts'

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
  #changes = new UnsyncedChanges<NameChange>()
  /** Not on disk, and called clean: a sync saves them again only once something else has changed. */
  #clean: NameChange[] = []

  constructor(durable: ReadonlyMap<string, number> = new Map()) {
    this.#durable = new Map(durable)
  }

  copy(): UnsyncedNames {
    const copy = new UnsyncedNames(this.#durable)
    copy.#changes = this.#changes.copy()
    copy.#clean = [...this.#clean]
    return copy
  }

  /** True when a power loss can change nothing. */
  get isSynced(): boolean {
    return this.#changes.all.length === 0 && this.#clean.length === 0
  }

  change(change: NameChange): void {
    this.#changes.add(...this.#clean.splice(0), change)
  }

  beginSync(sync: number): void {
    this.#changes.beginSync(sync)
  }

  /** True of a sync that can't end well any more. */
  isFailing(sync: number): boolean {
    return this.#changes.isFailing(sync)
  }

  endSync(sync: number): void {
    for (const change of this.#changes.endSync(sync)) apply(this.#durable, change)
  }

  /** What the sync was to save is not on disk, and the next sync does not know of it. */
  failSync(sync: number): void {
    this.#clean.push(...this.#changes.failSync(sync))
  }

  /** The names a crash leaves. */
  survivor(fate: NamesFate, random: Random): Map<string, number> {
    const names = new Map(this.#durable)
    for (const change of [...this.#clean, ...this.#changes.all]) {
      if (fate === 'kept' || (fate === 'some' && random.below(2) === 0)) apply(names, change)
    }
    return names
  }
}

/** Does to `names` what `change` says. */
export function apply(names: Map<string, number>, change: NameChange): void {
  for (const [name, entry] of change) {
    if (entry === undefined) names.delete(name)
    else names.set(name, entry)
  }
}
