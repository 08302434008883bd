import { assert } from '../core/index.ts'
import type { CleanFailure, CleanPlan, CleanReport, SegmentPlan, SkippedSegment } from './types.ts'

/** What carrying out one log's plan came to; what is left out did not happen. */
export interface CleanOutcome {
  readonly rolled?: boolean
  /** Those of the plan's segments that were deleted, oldest first. */
  readonly deleted?: readonly SegmentPlan[]
  readonly skipped?: readonly SkippedSegment[]
  /** What stopped the work half-way. */
  readonly error?: unknown
  /** The log's start offset afterwards; the plan's old one when left out. */
  readonly startOffset?: number
  readonly durationMs?: number
}

/** The report of one log: its plan and what became of it. */
export function reportOutcome(plan: CleanPlan, outcome: CleanOutcome): CleanReport {
  const { topic, partition } = plan
  const deleted = (outcome.deleted ?? []).map(({ baseOffset, sizeBytes, rule }) => {
    assert(rule !== null, 'a segment that no rule takes was deleted')
    return { topic, partition, baseOffset, sizeBytes, rule }
  })
  return {
    at: plan.at,
    plans: [plan],
    rolled: outcome.rolled ?? false,
    deleted,
    bytesFreed: deleted.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0),
    startOffset: outcome.startOffset ?? plan.startOffset,
    skipped: outcome.skipped ?? [],
    failures: outcome.error === undefined ? [] : [{ topic, partition, error: outcome.error }],
    blocked: plan.blocked === 'clock-jump' ? 'clock-jump' : null,
    durationMs: outcome.durationMs ?? 0,
  }
}

/** The report of one run over many logs; `failures` adds the logs that gave no report. */
export function mergeReports(
  reports: readonly CleanReport[],
  run: { at: number; blocked: 'clock-jump' | null; durationMs: number; failures: readonly CleanFailure[] },
): CleanReport {
  const deleted = reports.flatMap((report) => report.deleted)
  return {
    at: run.at,
    plans: reports.flatMap((report) => report.plans),
    rolled: reports.some((report) => report.rolled),
    deleted,
    bytesFreed: deleted.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0),
    startOffset: reports.length === 1 && run.failures.length === 0 ? reports[0]!.startOffset : null,
    skipped: reports.flatMap((report) => report.skipped),
    failures: [...reports.flatMap((report) => report.failures), ...run.failures],
    blocked: run.blocked,
    durationMs: run.durationMs,
  }
}
