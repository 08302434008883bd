import { type CheckedLogOptions, FollowerLog, type openFollower } from '../log/index.ts'
import { checkTime } from './clean-options.ts'
import type { Log } from './log-api.ts'
import { planSegments } from './log-cleaning.ts'
import type { CleanPlan, CleanReport } from './types.ts'

/** A log that is only read; it can say what cleaning would do. */
export class FollowedLog extends FollowerLog implements Log {
  readonly #now: () => number

  constructor(opened: Awaited<ReturnType<typeof openFollower>>, options: CheckedLogOptions) {
    super(opened)
    this.#now = () => options.clock.now()
  }

  async plan(now?: number): Promise<CleanPlan> {
    const nowMs = now === undefined ? this.#now() : checkTime(now)
    this.view.checkReadable()
    await this.view.ensureFacts()
    const { topic, partition, endOffset } = this
    return planSegments(this.view, {
      topic,
      partition,
      endOffset,
      nowMs,
      timeBlocked: null,
      otherBlock: this.cleaningHeldBecause,
    })
  }

  async clean(): Promise<CleanReport> {
    return this.refuse()
  }
}
