/**
 * A bounded cache in two generations: a full young one becomes the old one, and what was not asked for since is dropped.
 *
 * Cost: one Map look-up on a hit, no list to maintain; holds `weightMax` at most. A value heavier than half of that is
 *        not kept. A value's weight must not change while it is here.
 */
export class TwoGenerationCache<K, V> {
  readonly #halfWeightMax: number
  readonly #weigh: (value: V) => number
  #young = new Map<K, V>()
  #old = new Map<K, V>()
  #youngWeight = 0

  constructor(options: { weightMax: number; weigh: (value: V) => number }) {
    this.#halfWeightMax = Math.max(1, Math.floor(options.weightMax / 2))
    this.#weigh = options.weigh
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: K, value: V): void {
    const weight = this.#weigh(value)
    this.delete(key) // also the older value in the old generation, which would outlive this one
    if (weight > this.#halfWeightMax) return
    if (this.#youngWeight + weight > this.#halfWeightMax) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, value)
    this.#youngWeight += weight
  }

  delete(key: K): void {
    const young = this.#young.get(key)
    if (young !== undefined) this.#youngWeight -= this.#weigh(young)
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngWeight = 0
  }
}
