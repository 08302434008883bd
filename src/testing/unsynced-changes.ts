import { assert } from '../core/index.ts'

/**
 * Changes that no sync has covered yet, in order, and the syncs under way that are to cover some of them.
 *
 * A sync covers what was there when it began. One that fails fails every other that waited for the same changes: kernels
 * tell everyone of the error.
 */
export class UnsyncedChanges<Change> {
  #changes: Change[] = []
  /** How many of the changes each sync under way is to cover. */
  readonly #covered = new Map<number, number>()
  /** Syncs under way that were to save what another one has lost. */
  readonly #failing = new Set<number>()

  copy(): UnsyncedChanges<Change> {
    const copy = new UnsyncedChanges<Change>()
    copy.#changes = [...this.#changes]
    for (const [sync, count] of this.#covered) copy.#covered.set(sync, count)
    for (const sync of this.#failing) copy.#failing.add(sync)
    return copy
  }

  get all(): readonly Change[] {
    return this.#changes
  }

  add(...changes: readonly Change[]): void {
    this.#changes.push(...changes)
  }

  beginSync(sync: number): void {
    this.#covered.set(sync, this.#changes.length)
  }

  /** True of a sync that can't end well any more. */
  isFailing(sync: number): boolean {
    return this.#failing.has(sync)
  }

  /** Ends a sync; gives back what it covered and no other has. */
  endSync(sync: number): Change[] {
    const count = this.#covered.get(sync)
    assert(count !== undefined, 'a sync ended that had not begun')
    this.#covered.delete(sync)
    this.#failing.delete(sync)
    for (const [other, left] of this.#covered) this.#covered.set(other, Math.max(0, left - count))
    return this.#changes.splice(0, count)
  }

  /** The same for a sync that failed, and the others that waited for something it was to save. */
  failSync(sync: number): Change[] {
    if (this.#covered.get(sync) !== 0) {
      for (const [other, count] of this.#covered) if (other !== sync && count > 0) this.#failing.add(other)
    }
    return this.endSync(sync)
  }
}
