/** A promise that is settled from outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

export function deferred<T = void>(): Deferred<T> {
  const result = {} as { -readonly [K in keyof Deferred<T>]: Deferred<T>[K] }
  result.promise = new Promise<T>((resolve, reject) => {
    result.resolve = resolve
    result.reject = reject
  })
  return result
}
