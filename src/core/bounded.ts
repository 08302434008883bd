/** Runs `task` for every item, at most `limit` at a time, begun in their order; rejects as the first to fail, once all that began have ended. */
export async function forEachBounded<T>(
  items: readonly T[],
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const work = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      try {
        await task(items[next++]!)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error
}
