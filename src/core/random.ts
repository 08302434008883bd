import { randomBytes, randomInt } from 'node:crypto'

/** Chance as the engine sees it; handed in, so that a seed replays a run exactly. */
export interface Random {
  /** A whole number from 0 up to, not including, `limit`; `limit` is at most 2^48 - 1. */
  below(limit: number): number
  /** `count` random bytes. */
  bytes(count: number): Buffer
}

/** The operating system's randomness. */
export const systemRandom: Random = {
  below: (limit) => (limit <= 1 ? 0 : randomInt(limit)),
  bytes: (count) => randomBytes(count),
}
