import { yieldToEventLoop } from '../core/index.ts'
import { type BudgetLog, planBudget } from './budget-plan.ts'
import type { CleanPlan, CleanTarget, PlanOptions } from './types.ts'

/** What all logs plan in. */
export interface PlanAllOptions extends Pick<PlanOptions, 'timeBlocked'> {
  /** What all logs that delete may take together; undefined for no limit. */
  readonly budgetBytes: number | undefined
}

/**
 * Plans for many logs: what each one's own rules take, and then what the budget of all takes.
 * Errors: those of the first log that can't be planned for.
 */
export async function planAll(
  targets: readonly CleanTarget[],
  nowMs: number,
  { timeBlocked, budgetBytes }: PlanAllOptions,
): Promise<CleanPlan[]> {
  const plans: CleanPlan[] = []
  for (const target of targets) {
    plans.push(await target.plan(nowMs, { timeBlocked }))
    await yieldToEventLoop()
  }
  if (budgetBytes === undefined) return plans
  const budgeted = targets.flatMap((target, slot) => (target.isBudgeted ? [slot] : []))
  const below = planBudget(
    budgeted.map((slot) => toBudgetLog(plans[slot]!)),
    budgetBytes,
  )
  for (const [at, slot] of budgeted.entries()) {
    const budgetBelow = below[at]!
    if (budgetBelow !== null) plans[slot] = await targets[slot]!.plan(nowMs, { timeBlocked, budgetBelow })
  }
  return plans
}

/** A log as its own rules leave it. */
function toBudgetLog({ sizeBytes, deleteBytes, deleteCount, segments }: CleanPlan): BudgetLog {
  return {
    sizeBytes: sizeBytes - deleteBytes,
    segments: segments.slice(deleteCount).filter(({ active }) => !active),
  }
}
