import { argumentTypeError } from '../core/index.ts'
import type { CleanPlan, SegmentPlan, SkippedSegment } from './types.ts'

const NOT_PLANNED = 'stays: the plan being carried out did not include it'

/**
 * Cuts an earlier plan down to what still holds: the segments that both plans delete and that have not changed since.
 *
 * Shape:  `planned` is what was decided or reviewed, perhaps long ago; `fresh` is `planClean` of the log as it is now,
 *         at the moment `planned.at` and with the same clock block. Carry out the result without an `await` between.
 * Errors: TypeError when `planned` is not a plan of this log.
 */
export function narrowPlan(plans: { planned: CleanPlan; fresh: CleanPlan }): {
  plan: CleanPlan
  skipped: SkippedSegment[]
} {
  const { planned, fresh } = plans
  assertSameLog(planned, fresh)
  const wanted = new Map<number, SegmentPlan>()
  for (const segment of planned.segments)
    if (segment.action === 'delete') wanted.set(segment.baseOffset, segment)

  let deleteCount = 0
  let deleteBytes = 0
  while (deleteCount < fresh.deleteCount) {
    const segment = fresh.segments[deleteCount]!
    if (!isSame(wanted.get(segment.baseOffset), segment)) break
    deleteBytes += segment.sizeBytes
    deleteCount++
  }
  const firstKept = fresh.segments[deleteCount]
  const plan: CleanPlan = {
    ...fresh,
    deleteCount,
    deleteBytes,
    newStartOffset:
      deleteCount === 0
        ? fresh.startOffset
        : Math.max(fresh.startOffset, firstKept?.baseOffset ?? fresh.endOffset),
    roll: narrowRoll(plans, deleteCount),
    segments:
      deleteCount === fresh.deleteCount
        ? fresh.segments
        : fresh.segments.map((segment, slot) => (slot < deleteCount ? segment : keep(segment))),
  }
  return { plan, skipped: deleteCount === wanted.size ? [] : listSkipped(wanted, plan) }
}

function narrowRoll(plans: { planned: CleanPlan; fresh: CleanPlan }, deleteCount: number): CleanPlan['roll'] {
  const { planned, fresh } = plans
  if (fresh.roll === 'all-expired') return deleteCount === fresh.segments.length ? 'all-expired' : null
  return fresh.roll === planned.roll ? fresh.roll : null
}

function keep(segment: SegmentPlan): SegmentPlan {
  if (segment.action === 'keep') return segment
  return { ...segment, action: 'keep', rule: null, blockedBy: null, reason: NOT_PLANNED }
}

function listSkipped(wanted: ReadonlyMap<number, SegmentPlan>, plan: CleanPlan): SkippedSegment[] {
  const current = new Map(plan.segments.map((segment) => [segment.baseOffset, segment]))
  const skipped: SkippedSegment[] = []
  for (const [baseOffset, segment] of wanted) {
    const found = current.get(baseOffset)
    if (found?.action === 'delete') continue
    const why = explainSkip(segment, found)
    skipped.push({ topic: plan.topic, partition: plan.partition, baseOffset, why })
  }
  return skipped
}

function explainSkip(planned: SegmentPlan, found: SegmentPlan | undefined): string {
  if (found === undefined) return 'it is no longer there'
  if (!isSame(planned, found)) return 'it has changed since the plan'
  return found.reason === NOT_PLANNED ? 'an older segment stays' : found.reason
}

function isSame(planned: SegmentPlan | undefined, found: SegmentPlan): boolean {
  return (
    planned !== undefined && planned.nextOffset === found.nextOffset && planned.sizeBytes === found.sizeBytes
  )
}

function assertSameLog(planned: CleanPlan, fresh: CleanPlan): void {
  if (!Array.isArray(planned.segments)) throw argumentTypeError('plan must be one that plan() gave')
  if (planned.topic !== fresh.topic || planned.partition !== fresh.partition) {
    throw argumentTypeError(
      `plan is one of ${planned.topic}-${planned.partition}, this log is ${fresh.topic}-${fresh.partition}`,
    )
  }
}
