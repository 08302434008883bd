/*
 * Several sources read as one: each keeps its own order, and none waits for another.
 *
 * One `next()` is out at each source at any time, never more, so nothing is read that nobody asked for; what has arrived is
 * handed on in the order of arrival. A source that ends drops out; the first that fails ends all of them.
 */

/** A source, and what its values are marked with. */
export interface MergedSource<T> {
  readonly partition: number
  readonly values: AsyncIterableIterator<T>
}

/** Several sources, read as one. */
export interface MergedRead<T> extends AsyncIterableIterator<T, void> {
  return(): Promise<IteratorResult<T, void>>
}

interface Arrival<T> {
  readonly source: MergedSource<T>
  readonly result: IteratorResult<T>
}

/**
 * Reads all `sources` as one; ends when all have ended, and ends all of them when it is left early: `return()` ends a `next()`
 * that waits, as that of each source does.
 */
export function mergeReads<T extends object>(
  sources: readonly MergedSource<T>[],
): MergedRead<T & { partition: number }> {
  const arrivals = new Arrivals<T>()
  const values = merge(sources, arrivals)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => values.next(),
    return: () => {
      arrivals.end()
      return values.return()
    },
  }
}

async function* merge<T extends object>(
  sources: readonly MergedSource<T>[],
  arrivals: Arrivals<T>,
): AsyncGenerator<T & { partition: number }, void> {
  for (const source of sources) arrivals.ask(source)
  let left = sources.length
  try {
    while (left > 0) {
      const arrival = await arrivals.next()
      if (arrival === undefined) return
      const { source, result } = arrival
      if (result.done === true) left--
      else {
        yield { ...result.value, partition: source.partition }
        arrivals.ask(source)
      }
    }
  } finally {
    await Promise.allSettled(sources.map(({ values }) => values.return?.()))
  }
}

/** What has arrived from any source, first come first served. */
class Arrivals<T> {
  readonly #arrived: Arrival<T>[] = []
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #isEnded = false

  ask(source: MergedSource<T>): void {
    void this.#await(source)
  }

  async #await(source: MergedSource<T>): Promise<void> {
    try {
      this.#arrived.push({ source, result: await source.values.next() })
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#wake?.()
  }

  /** Nobody wants what arrives from now on. */
  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /**
   * The next arrival; undefined after the end.
   * Errors: that of the first source to fail, once what arrived before it has been handed on.
   */
  async next(): Promise<Arrival<T> | undefined> {
    for (;;) {
      if (this.#isEnded) return undefined
      const arrival = this.#arrived.shift()
      if (arrival !== undefined) return arrival
      if (this.#failure !== undefined) throw this.#failure.error
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }
}
