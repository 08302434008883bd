import { yieldToEventLoop } from '../core/index.ts'
import { type BudgetLog, planBudget } from './budget-plan.ts'
import type { CleanFailure, CleanPlan, CleanTarget, PlanOptions } from './types.ts'

/** What of a log plans are made with. */
export type PlanTarget = Pick<CleanTarget, 'topic' | 'partition' | 'isBudgeted' | 'plan'>

/** What all logs plan in. */
export interface PlanAllOptions extends Pick<PlanOptions, 'timeBlocked'> {
  /** What all logs that delete may take together; undefined for no limit. */
  readonly budgetBytes: number | undefined
  /** Told of a log that can't be planned for, which is left out then; without it, the first such log ends it all. */
  readonly onFailure?: ((failure: CleanFailure) => void) | undefined
}

/**
 * Plans for many logs: what each one's own rules take, and then what the budget of all takes.
 * Errors: without `onFailure`, those of the first log that can't be planned for.
 */
export async function planAll<T extends PlanTarget>(
  targets: readonly T[],
  nowMs: number,
  { timeBlocked, budgetBytes, onFailure }: PlanAllOptions,
): Promise<{ readonly target: T; readonly plan: CleanPlan }[]> {
  const planned: { readonly target: T; plan: CleanPlan }[] = []
  for (const target of targets) {
    try {
      planned.push({ target, plan: await target.plan(nowMs, { timeBlocked }) })
    } catch (error) {
      if (onFailure === undefined) throw error
      onFailure({ topic: target.topic, partition: target.partition, error })
    }
    await yieldToEventLoop()
  }
  if (budgetBytes === undefined) return planned
  const budgeted = planned.filter(({ target }) => target.isBudgeted)
  const below = planBudget(
    budgeted.map(({ plan }) => toBudgetLog(plan)),
    budgetBytes,
  )
  for (const [slot, each] of budgeted.entries()) {
    const budgetBelow = below[slot]!
    if (budgetBelow === null) continue
    try {
      each.plan = await each.target.plan(nowMs, { timeBlocked, budgetBelow })
    } catch (error) {
      if (onFailure === undefined) throw error
      onFailure({ topic: each.target.topic, partition: each.target.partition, error })
      planned.splice(planned.indexOf(each), 1)
    }
  }
  return planned
}

/** A log as its own rules leave it; of one from which nothing can go now, all bytes count, and others give what is too much. */
function toBudgetLog({ sizeBytes, deleteBytes, deleteCount, segments, blocked }: CleanPlan): BudgetLog {
  return {
    sizeBytes: sizeBytes - deleteBytes,
    segments: blocked === 'held' ? [] : segments.slice(deleteCount).filter(({ active }) => !active),
  }
}
