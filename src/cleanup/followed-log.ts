import { type CheckedLogOptions, FollowerLog, type openFollower } from '../log/index.ts'
import { checkTime } from './clean-options.ts'
import type { Log } from './log-api.ts'
import { isBudgeted, planSegments } from './log-cleaning.ts'
import type { PlanTarget } from './plan-all.ts'
import type { CleanPlan, CleanReport, PlanOptions } from './types.ts'

/** A log that is only read; it can say what cleaning would do. */
export class FollowedLog extends FollowerLog implements Log {
  readonly #now: () => number

  constructor(opened: Awaited<ReturnType<typeof openFollower>>, options: CheckedLogOptions) {
    super(opened)
    this.#now = () => options.clock.now()
  }

  /** How the log is planned for together with others. */
  get planTarget(): PlanTarget {
    const { topic, partition, config } = this
    return {
      topic,
      partition,
      isBudgeted: isBudgeted(topic, config) && this.cleaningHeldBecause === undefined,
      plan: (nowMs, options) => this.#plan(nowMs, options),
    }
  }

  async plan(now?: number): Promise<CleanPlan> {
    return this.#plan(now === undefined ? this.#now() : checkTime(now), { timeBlocked: null })
  }

  async clean(): Promise<CleanReport> {
    return this.refuse()
  }

  async #plan(nowMs: number, options: PlanOptions): Promise<CleanPlan> {
    this.view.checkReadable()
    await this.view.ensureFacts()
    const { topic, partition, endOffset } = this
    return planSegments(this.view, {
      ...options,
      topic,
      partition,
      endOffset,
      nowMs,
      otherBlock: this.cleaningHeldBecause,
    })
  }
}
