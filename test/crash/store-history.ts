/*
 * What a store was asked and what it answered, and what a crash at any step may therefore leave of each topic. A topic
 * that was deleted and made again under the same name is another life of that name.
 */

/** One life of a topic's name. */
export interface TopicLife {
  readonly name: string
  readonly life: number
  readonly partitions: number
  /** Steps; Infinity for what has not happened. */
  readonly creatingAt: number
  createdAt: number
  deletingAt: number
  deletedAt: number
  /** `disk` appends that were acknowledged, by partition. */
  readonly appended: { readonly step: number; readonly partition: number; readonly value: string }[]
  readonly configs: { readonly triedAt: number; doneAt: number; readonly value: string }[]
  readonly commits: {
    readonly triedAt: number
    doneAt: number
    readonly group: string
    readonly partition: number
    readonly nextOffset: number
  }[]
}

/** What there may be of a name after a crash. */
export interface TopicOutlook {
  /** Lives that may be found, one of them at most. */
  readonly possible: readonly TopicLife[]
  /** There may be no topic of that name. */
  readonly mayBeMissing: boolean
}

/** All lives of all names, in the order in which they began. */
export class StoreHistory {
  readonly lives: TopicLife[] = []

  begin(name: string, life: { partitions: number; step: number }): TopicLife {
    const begun: TopicLife = {
      name,
      life: this.lives.filter((other) => other.name === name).length,
      partitions: life.partitions,
      creatingAt: life.step,
      createdAt: Infinity,
      deletingAt: Infinity,
      deletedAt: Infinity,
      appended: [],
      configs: [],
      commits: [],
    }
    this.lives.push(begun)
    return begun
  }

  get names(): string[] {
    return [...new Set(this.lives.map(({ name }) => name))]
  }

  /** What a crash after `step` operations may leave of a name. */
  outlook(name: string, step: number): TopicOutlook {
    const begun = this.lives.filter((life) => life.name === name && life.creatingAt <= step)
    const possible = begun.filter(({ deletedAt }) => deletedAt > step)
    const isThere = possible.some(({ createdAt, deletingAt }) => createdAt <= step && deletingAt > step)
    return { possible, mayBeMissing: !isThere }
  }
}

/** The values that a setting may have: the last one that was acknowledged, and those that were tried after it. */
export function allowedAt<T extends { readonly triedAt: number; readonly doneAt: number }>(
  changes: readonly T[],
  step: number,
): { readonly values: readonly T[]; readonly mayBeUnset: boolean } {
  const tried = changes.filter(({ triedAt }) => triedAt <= step)
  const last = tried.findLastIndex(({ doneAt }) => doneAt <= step)
  return { values: last === -1 ? tried : tried.slice(last), mayBeUnset: last === -1 }
}
