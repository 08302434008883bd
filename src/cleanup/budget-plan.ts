/*
 * `seglog.retention.total.bytes`: one budget of disk for all logs that delete, whatever each of them may keep.
 *
 * Over it, the oldest segment of all goes first, whichever log it is in, and then the next, until the rest fits. In each log
 * that is a prefix, and the active segment stays: it is the one that is being written.
 */
import { effectiveTimestamp } from './retention-plan.ts'

/** A segment that may go, oldest first within its log. */
export interface BudgetSegment {
  readonly nextOffset: number
  readonly sizeBytes: number
  readonly maxTimestamp: number
  readonly appendedAt: number
}

/** A log under the budget, as retention leaves it. */
export interface BudgetLog {
  /** Bytes in all segments that stay. */
  readonly sizeBytes: number
  /** Those that may go: all that stay but the active one. */
  readonly segments: readonly BudgetSegment[]
}

/**
 * Decides what goes for the budget: for each log the offset below which its segments go; null where nothing does.
 *
 * Cost: linear in the segments that go, times the number of logs.
 */
export function planBudget(logs: readonly BudgetLog[], limitBytes: number): (number | null)[] {
  let surplusBytes = logs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - limitBytes
  const goingCounts = logs.map(() => 0)
  while (surplusBytes > 0) {
    const slot = oldestSlot(logs, goingCounts)
    if (slot === undefined) break // nothing but active segments is left
    surplusBytes -= logs[slot]!.segments[goingCounts[slot]!]!.sizeBytes
    goingCounts[slot]!++
  }
  return goingCounts.map((count, slot) => (count === 0 ? null : logs[slot]!.segments[count - 1]!.nextOffset))
}

/** The log whose next segment is the oldest; of equally old ones the first. */
function oldestSlot(logs: readonly BudgetLog[], goingCounts: readonly number[]): number | undefined {
  let oldest: { readonly slot: number; readonly timestamp: number } | undefined
  for (const [slot, { segments }] of logs.entries()) {
    const segment = segments[goingCounts[slot]!]
    if (segment === undefined) continue
    const { maxTimestamp, appendedAt: appendedAtMs } = segment
    const timestamp = effectiveTimestamp({ maxTimestamp, appendedAtMs })
    if (oldest === undefined || timestamp < oldest.timestamp) oldest = { slot, timestamp }
  }
  return oldest?.slot
}
