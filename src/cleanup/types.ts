/** Kafka's `cleanup.policy`; an empty list keeps everything for ever. */
export type CleanupPolicy = 'delete' | 'compact'

/** The rule that takes a segment, named by what the user sets. */
export type CleanRule =
  | 'log-start-offset'
  | 'retention.bytes'
  | 'retention.ms'
  | 'seglog.retention.total.bytes'

/** What keeps a segment that some rule would take. */
export type CleanBlock =
  /** Segments go oldest first and never leave a hole: one before this is not due. */
  | 'earlier-segment'
  /** The wall clock jumped ahead, so what it says about age is not acted on. */
  | 'clock-jump'
  /** It holds records that are not acknowledged yet. */
  | 'not-acknowledged'
  /** `cleanup.policy` does not include `delete`. */
  | 'policy'
  /** The log holds all cleaning back, for a reason of its own. */
  | 'held'

/** Why a new segment is started before anything goes. */
export type CleanRoll =
  /** Every segment goes, the active one too: an empty one takes its place. */
  | 'all-expired'
  /** `segment.ms` has passed on the clock since the first write to the active segment. */
  | 'segment.ms'

/** The settings retention goes by, as plain values; a limit under 0 is off. */
export interface RetentionLimits {
  readonly policy: readonly CleanupPolicy[]
  readonly retentionMs: number
  readonly retentionBytes: number
  /** `segment.ms`, already lowered to `max.compaction.lag.ms` where that applies. */
  readonly segmentMs: number
  /** What `segment.jitter.ms` drew for the active segment. */
  readonly rollJitterMs: number
}

/** What retention needs to know of one segment. */
export interface SegmentView {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  /** Largest record timestamp; under 0 when no record has one. */
  readonly maxTimestamp: number
  /** When it was last appended to, in wall ms: the file's mtime. */
  readonly appendedAtMs: number
  /** Active segment only: wall ms of our first write to it; undefined when this process wrote nothing to it. */
  readonly firstWriteMs: number | undefined
  readonly active: boolean
}

/** All that `planClean` decides from. */
export interface CleanInput {
  readonly topic: string
  readonly partition: number
  readonly nowMs: number
  /** Oldest first; the last is the active one. */
  readonly segments: readonly SegmentView[]
  readonly startOffset: number
  readonly endOffset: number
  /** Kafka's high watermark: no segment that reaches above it is deleted. */
  readonly readableEndOffset: number
  readonly limits: RetentionLimits
  readonly timeBlocked: 'clock-jump' | null
  /** When given, segments wholly below this offset go, because all logs together are over their budget. */
  readonly budgetBelow?: number | null
  /** When given, nothing is rolled or deleted; says why, to follow "cleaning is held back: ". */
  readonly otherBlock?: string | undefined
}

/** What a clean would do to one segment, and why. */
export interface SegmentPlan {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  readonly active: boolean
  readonly maxTimestamp: number
  /** When it was last appended to, in wall ms. */
  readonly appendedAt: number
  /** How old time retention takes it to be; under 0 when both its times lie in the future. */
  readonly ageMs: number
  readonly action: 'delete' | 'keep'
  /** The rule that takes it; null when it stays. */
  readonly rule: CleanRule | null
  /** What keeps it although a rule would take it; null when it goes, or when no rule asks for it. */
  readonly blockedBy: CleanBlock | null
  /**
   * The first moment at which `retention.ms` takes it, all older segments included, if nothing is appended to it.
   * Null when `retention.ms` never will, or when another rule takes it now.
   */
  readonly dueAt: number | null
  /** Its largest record timestamp lies after `at`; its append time counts instead. */
  readonly futureTimestamp: boolean
  /** One sentence for people; its wording may change. */
  readonly reason: string
}

/** What a clean at `at` would do to one log: a plain value that survives JSON. */
export interface CleanPlan {
  readonly topic: string
  readonly partition: number
  /** The moment planned for, in wall ms. */
  readonly at: number
  readonly startOffset: number
  readonly endOffset: number
  /** The start offset once the plan has been carried out. */
  readonly newStartOffset: number
  /** Bytes in all segments, before anything goes. */
  readonly sizeBytes: number
  readonly deleteCount: number
  readonly deleteBytes: number
  /** A new segment is started first, and why. */
  readonly roll: CleanRoll | null
  /** `clock-jump`: all that goes by the wall clock waits. `held`: everything does. */
  readonly blocked: 'clock-jump' | 'held' | null
  /** Segments wholly below this offset go because all logs together are over their budget; null when they are not. */
  readonly budgetBelow: number | null
  /** How many segments hold a record timestamp after `at`. */
  readonly futureTimestamps: number
  /** Oldest first; those to delete are a prefix. */
  readonly segments: readonly SegmentPlan[]
}

/** A segment that a clean deleted. */
export interface DeletedSegment {
  readonly topic: string
  readonly partition: number
  readonly baseOffset: number
  readonly sizeBytes: number
  readonly rule: CleanRule
}

/** A segment that was to go and stayed, because the log had changed since the plan. */
export interface SkippedSegment {
  readonly topic: string
  readonly partition: number
  readonly baseOffset: number
  readonly why: string
}

/** A log that could not be cleaned. */
export interface CleanFailure {
  readonly topic: string
  readonly partition: number
  readonly error: unknown
}

/** What a clean did, to one log or to many. */
export interface CleanReport {
  /** The moment it was planned for, in wall ms. */
  readonly at: number
  /** One a log; the scheduler's own reports leave out those that ask for nothing. */
  readonly plans: readonly CleanPlan[]
  /** Some log started a new segment. */
  readonly rolled: boolean
  readonly deleted: readonly DeletedSegment[]
  readonly bytesFreed: number
  /** The log's start offset afterwards; null when the report is not of exactly one log. */
  readonly startOffset: number | null
  readonly skipped: readonly SkippedSegment[]
  readonly failures: readonly CleanFailure[]
  /** `clock-jump`: nothing went by age; `clean({ force: true })` or a steady day ends that. */
  readonly blocked: 'clock-jump' | null
  readonly durationMs: number
}

/** The circumstances a log plans in. */
export interface PlanOptions {
  readonly timeBlocked: 'clock-jump' | null
  readonly budgetBelow?: number | null
}

/** A log as the scheduler sees it; its properties never throw. */
export interface CleanTarget {
  /** What messages call it: `orders-0`. */
  readonly name: string
  readonly topic: string
  readonly partition: number
  /** `log.retention.check.interval.ms`; asked anew for every run. */
  readonly intervalMs: number
  /** `log.initial.task.delay.ms`: how long the first run waits. */
  readonly initialDelayMs: number
  /** Its segments may go for a budget of all logs: its policy deletes, and nothing holds cleaning back. */
  readonly isBudgeted: boolean
  plan(nowMs: number, options: PlanOptions): Promise<CleanPlan>
  /**
   * Carries `plan` out, as far as the log still is as planned: `narrowPlan` says how far.
   *
   * Errors: an operating failure half-way belongs into the report's `failures`, beside what was done.
   */
  execute(plan: CleanPlan): Promise<CleanReport>
}
