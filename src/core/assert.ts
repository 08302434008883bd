/** Fails on a bug of ours; never used for what a caller, a disk or a network can cause. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`seglog bug: ${message}`)
}

/** Ends a `switch` over a closed union: adding a member breaks the build here. */
export function assertNever(value: never): never {
  throw new Error(`seglog bug: unexpected ${String(value)}`)
}
