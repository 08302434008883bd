export type { CleanEvent } from './clean-event.ts'
export { type CleanOutcome, mergeReports, reportOutcome } from './clean-report.ts'
export { CleanedLog, createScheduler } from './cleaned-log.ts'
export { CleanupScheduler, type CleanupSchedulerOptions } from './cleanup-scheduler.ts'
export {
  acceptClock,
  CLOCK_JUMP_MS,
  CLOCK_STEADY_MS,
  type ClockGuard,
  type ClockReading,
  observeClock,
  startClockGuard,
} from './clock-guard.ts'
export { FollowedLog } from './followed-log.ts'
export { explainPlan, formatBytes, formatDuration, formatTime } from './format.ts'
export { checkTime } from './clean-options.ts'
export type { CleanOptions, Log } from './log-api.ts'
export { narrowPlan } from './narrow-plan.ts'
export { planAll, type PlanTarget } from './plan-all.ts'
export { effectiveTimestamp, planClean, planCleanInSteps, retentionSizePercent } from './retention-plan.ts'
export type {
  CleanBlock,
  CleanFailure,
  CleanInput,
  CleanPlan,
  CleanReport,
  CleanRoll,
  CleanRule,
  CleanTarget,
  PlanOptions,
  CleanupPolicy,
  DeletedSegment,
  RetentionLimits,
  SegmentPlan,
  SegmentView,
  SkippedSegment,
} from './types.ts'
