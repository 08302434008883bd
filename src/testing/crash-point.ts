import type { DiskOperation } from './disk-operation.ts'
import { SeededRandom } from './seeded-random.ts'
import type { Fate, SimulatedDisk } from './simulated-disk.ts'

/** A moment of a run at which it may crash; `Files` is what is opened on the disk that is left. */
export class CrashPoint<Files> {
  /** How many operations had been done. */
  readonly step: number
  /** The last of them. */
  readonly operation: DiskOperation | undefined
  readonly #disk: SimulatedDisk
  readonly #seed: number
  readonly #open: (left: { disk: SimulatedDisk; seed: number }) => Files

  constructor(options: {
    step: number
    operation: DiskOperation | undefined
    disk: SimulatedDisk
    seed: number
    open: (left: { disk: SimulatedDisk; seed: number }) => Files
  }) {
    this.step = options.step
    this.operation = options.operation
    this.#disk = options.disk
    this.#seed = options.seed
    this.#open = options.open
  }

  /** True when nothing is left that a power loss here could take. */
  get isSynced(): boolean {
    return this.#disk.isSynced
  }

  /** The files as a process that is killed here leaves them: what it wrote is in the cache, and not yet on disk. */
  kill(): Files {
    return this.#open({ disk: this.#disk.copy(), seed: mix(this.#seed, this.step) })
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
