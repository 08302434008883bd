/*
 * Records that carry when they were sent. Both ends read CLOCK_MONOTONIC (process.hrtime), which Linux and macOS count for
 * the whole machine, so that a time taken in one process can be held against one taken in another.
 */
import { Noise } from './payload.ts'
import { RecordTally, type Tally } from './tally.ts'

/** How records are sent: some to begin with, which don't count, some one at a time, some in bursts. */
export interface SendingPlan {
  readonly valueBytes: number
  readonly warmupRecords: number
  readonly steadyRecords: number
  readonly burstRecords: number
  readonly bursts: number
}

/** What the receiving end has seen. */
export interface ArrivalReport {
  readonly steadyP50Microseconds: number
  readonly steadyP99Microseconds: number
  readonly burstP50Microseconds: number
  readonly burstP99Microseconds: number
  readonly received: Tally
}

/** Makes values with the time in their first 8 bytes, and remembers what was sent. */
export class Sendings {
  readonly #noise = new Noise(23)
  readonly #tally = new RecordTally()

  /** The next value, stamped with the time of this moment. */
  next(valueBytes: number): Buffer {
    const value = Buffer.alloc(valueBytes, this.#noise.next())
    value.writeBigUInt64LE(process.hrtime.bigint())
    this.#tally.add(value)
    return value
  }

  take(): Tally {
    return this.#tally.take()
  }
}

/** Takes values as they come and how long they were under way. */
export class Arrivals {
  readonly #plan: SendingPlan
  readonly #delays: Float64Array
  readonly #tally = new RecordTally()

  constructor(plan: SendingPlan) {
    this.#plan = plan
    this.#delays = new Float64Array(plan.warmupRecords + plan.steadyRecords + plan.burstRecords * plan.bursts)
  }

  add(value: Buffer): void {
    this.#delays[this.#tally.count] = Number(process.hrtime.bigint() - value.readBigUInt64LE()) / 1000
    this.#tally.add(value)
  }

  get isWarm(): boolean {
    return this.#tally.count >= this.#plan.warmupRecords
  }

  get isComplete(): boolean {
    return this.#tally.count >= this.#delays.length
  }

  report(): ArrivalReport {
    const { warmupRecords, steadyRecords } = this.#plan
    const burstsAt = warmupRecords + steadyRecords
    const steady = this.#delays.slice(warmupRecords, burstsAt).sort()
    const burst = this.#delays.slice(burstsAt).sort()
    return {
      steadyP50Microseconds: percentile(steady, 0.5),
      steadyP99Microseconds: percentile(steady, 0.99),
      burstP50Microseconds: percentile(burst, 0.5),
      burstP99Microseconds: percentile(burst, 0.99),
      received: this.#tally.take(),
    }
  }
}

function percentile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
}
