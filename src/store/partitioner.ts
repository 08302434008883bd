/*
 * Which partition a record goes to, as Kafka's producer decides: by the hash of its key, or, without a key, to one
 * partition for a while and then to another, so that batches fill up.
 */
import { assert, type Random } from '../core/index.ts'

/** Bytes that go to one partition before keyless records go to another: Kafka's `batch.size`. */
const STICKY_BYTES = 16 * 1024

const SEED = 0x9747_b28c
const MULTIPLIER = 0x5bd1_e995

/**
 * The 32-bit MurmurHash2 of `bytes`, signed, as Kafka's producers take it of a key.
 * Source: Austin Appleby's MurmurHash2, with the seed of Kafka's `Utils.murmur2`.
 */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const tail = length & ~3
  let hash = SEED ^ length
  for (let at = 0; at < tail; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, MULTIPLIER)
    word ^= word >>> 24
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER)
  }
  if (length > tail) {
    let rest = 0
    for (let at = length - 1; at >= tail; at--) rest = (rest << 8) | bytes[at]!
    hash = Math.imul(hash ^ rest, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

/** The partition of a key, one of `partitionCount`. Source: Kafka's `BuiltInPartitioner.partitionForKey`. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  assert(partitionCount > 0, 'a topic has partitions')
  return (murmur2(key) & 0x7fff_ffff) % partitionCount
}

/** Sends keyless records to one partition until that has had 16 KiB of them, then to one drawn at random. */
export class StickyPartitioner {
  readonly #random: Random
  readonly #stickyBytes: number
  #current: number | undefined
  #sentBytes = 0

  constructor(random: Random, { stickyBytes = STICKY_BYTES }: { stickyBytes?: number } = {}) {
    this.#random = random
    this.#stickyBytes = stickyBytes
  }

  /** The partition for a record of `sizeBytes`, one of `available`, which must not be empty. */
  next(available: readonly number[], sizeBytes: number): number {
    assert(available.length > 0, 'some partition is available')
    if (this.#current === undefined || !available.includes(this.#current)) this.#switch(available)
    else if (this.#sentBytes >= this.#stickyBytes) this.#switch(available)
    this.#sentBytes += sizeBytes
    return this.#current!
  }

  #switch(available: readonly number[]): void {
    const others =
      available.length > 1 ? available.filter((partition) => partition !== this.#current) : available
    this.#current = others[this.#random.below(others.length)]!
    this.#sentBytes = 0
  }
}
