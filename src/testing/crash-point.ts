import type { DiskOperation } from './disk-operation.ts'
import { SeededRandom } from './seeded-random.ts'
import type { Fate, SimulatedDisk } from './simulated-disk.ts'

/**
 * A moment of a run at which it may crash, to be used before the next one is asked for; `Files` is what is opened on the
 * disk that is left.
 */
export class CrashPoint<Files> {
  /** How many operations had been done. */
  readonly step: number
  /** The last of them. */
  readonly operation: DiskOperation | undefined
  readonly #next: DiskOperation | undefined
  readonly #current: SimulatedDisk
  readonly #isPassed: () => boolean
  readonly #seed: number
  readonly #open: (left: { disk: SimulatedDisk; seed: number }) => Files

  constructor(options: {
    step: number
    operation: DiskOperation | undefined
    next?: DiskOperation | undefined
    disk: SimulatedDisk
    /** True once the disk has gone on to a later point. */
    isPassed?: () => boolean
    seed: number
    open: (left: { disk: SimulatedDisk; seed: number }) => Files
  }) {
    this.step = options.step
    this.operation = options.operation
    this.#next = options.next
    this.#current = options.disk
    this.#isPassed = options.isPassed ?? (() => false)
    this.#seed = options.seed
    this.#open = options.open
  }

  get #disk(): SimulatedDisk {
    if (this.#isPassed())
      throw new RangeError(
        `crash point ${this.step} is used after the next one was asked for: use each in its turn`,
      )
    return this.#current
  }

  /** True when nothing is left that a power loss here could take. */
  get isSynced(): boolean {
    return this.#disk.isSynced
  }

  /** The files as a process that is killed here leaves them: what it wrote is in the cache, and not yet on disk. */
  kill(): Files {
    return this.#open({ disk: this.#disk.copy(), seed: mix(this.#seed, this.step) })
  }

  /**
   * The files as a process leaves them that is killed inside the write which comes next: some of its first bytes are
   * there, how many is up to chance and `salt`. Undefined where no write of two bytes or more comes next.
   */
  killInWrite(salt = 0): Files | undefined {
    const next = this.#next
    if (next?.kind !== 'write' || next.bytes.length < 2) return undefined
    const seed = mix(this.#seed, this.step, salt + 1)
    const sizeBytes = 1 + new SeededRandom(seed).below(next.bytes.length - 1)
    const disk = this.#disk.copy()
    disk.apply({ ...next, bytes: next.bytes.subarray(0, sizeBytes) })
    return this.#open({ disk, seed })
  }

  /** The files as a power loss here leaves them; of fates that leave it to chance, `salt` gives one draw after another. */
  powerLoss(fate: Fate, salt = 0): Files {
    const seed = mix(this.#seed, this.step, salt + 1)
    return this.#open({ disk: this.#disk.afterPowerLoss(fate, new SeededRandom(seed)), seed })
  }
}

/** One seed from several numbers, so that neighbours share nothing. */
function mix(...parts: readonly number[]): number {
  let mixed = 0x9e37_79b9
  for (const part of parts) mixed = Math.imul(mixed ^ (part >>> 0), 0x85eb_ca6b) ^ (mixed >>> 13)
  return mixed >>> 0
}
