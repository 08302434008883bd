/** Something read, in a form that two readers can compare: how much, and a cheap hash of what and in which order. */
export interface Tally {
  readonly count: number
  readonly hash: number
}

/** Counts and hashes record values as they come; cheap enough to run while the clock does. */
export class RecordTally {
  count = 0
  hash = 0

  add(value: Uint8Array): void {
    this.count++
    this.hash = (Math.imul(this.hash, 31) + value.length * 257 + value[0]! * 3 + value[value.length - 1]!) | 0
  }

  take(): Tally {
    return { count: this.count, hash: this.hash }
  }
}

/** The tally of `count` values drawn from `batches` one after another, over and over. */
export function tallyOf(batches: readonly (readonly Uint8Array[])[], count: number): Tally {
  const tally = new RecordTally()
  while (tally.count < count) {
    for (const batch of batches) for (const value of batch) if (tally.count < count) tally.add(value)
  }
  return tally.take()
}

/** Fails the benchmark when what was read is not what was written. */
export function checkTally(found: Tally, expected: Tally): Tally {
  if (found.count === expected.count && found.hash === expected.hash) return found
  throw new Error(
    `read ${found.count} records with hash ${found.hash}, ${expected.count} with hash ${expected.hash} were written`,
  )
}
