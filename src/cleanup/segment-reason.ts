import { assertNever } from '../core/index.ts'
import { formatBytes, formatDuration, formatTime } from './format.ts'
import type { CleanBlock, CleanInput, CleanRule, SegmentView } from './types.ts'

/** One segment as the plan found it. */
export interface SegmentFacts {
  readonly segment: SegmentView
  readonly next: SegmentView | undefined
  readonly isEmptyLast: boolean
  readonly rule: CleanRule | null
  readonly ageMs: number
  /** Bytes that would stay if this segment and all older ones went. */
  readonly restBytes: number
  /** Base offset of the older segment that is due last. */
  readonly waitsForBase: number
}

/** Says in one sentence why a segment goes or stays, and what blocks a rule that asks for it. */
export function explainSegment(
  input: CleanInput,
  facts: SegmentFacts,
): { blockedBy: CleanBlock | null; reason: string } {
  const note = futureNote(input, facts)
  if (facts.rule !== null) return { blockedBy: null, reason: describeRule(facts.rule, input, facts) + note }
  if (facts.isEmptyLast) return { blockedBy: null, reason: 'stays: the last segment is empty' }
  const asking = askingRule(input, facts)
  if (asking === null) return { blockedBy: null, reason: `stays: ${describeKeep(input, facts)}${note}` }
  const blockedBy = findBlock(asking, input, facts)
  const block = describeBlock(blockedBy, input, facts)
  return { blockedBy, reason: `stays: ${describeRule(asking, input, facts)}, but ${block}${note}` }
}

/** The rule that would take the segment if nothing stood in its way. */
function askingRule(input: CleanInput, facts: SegmentFacts): CleanRule | null {
  const { retentionBytes, retentionMs } = input.limits
  if (facts.next !== undefined && facts.next.baseOffset <= input.startOffset) return 'log-start-offset'
  if (retentionBytes >= 0 && facts.restBytes >= retentionBytes) return 'retention.bytes'
  return retentionMs >= 0 && facts.ageMs > retentionMs ? 'retention.ms' : null
}

function findBlock(asking: CleanRule, input: CleanInput, facts: SegmentFacts): CleanBlock {
  if (input.otherBlock !== undefined) return 'held'
  if (asking !== 'log-start-offset' && !input.limits.policy.includes('delete')) return 'policy'
  if (input.readableEndOffset < (facts.next?.baseOffset ?? input.endOffset)) return 'not-acknowledged'
  return input.timeBlocked ?? 'earlier-segment'
}

function describeRule(rule: CleanRule, input: CleanInput, facts: SegmentFacts): string {
  const { retentionBytes, retentionMs } = input.limits
  switch (rule) {
    case 'log-start-offset':
      return `every record is below the log start offset ${input.startOffset}`
    case 'retention.bytes':
      return `without it ${formatBytes(facts.restBytes)} remain, and retention.bytes needs ${formatBytes(retentionBytes)}`
    case 'retention.ms': {
      const age = formatDuration(facts.ageMs)
      const limit = formatDuration(retentionMs)
      const excess = age === limit ? ` by ${formatDuration(facts.ageMs - retentionMs)}` : ''
      return `age ${age} is over retention.ms ${limit}${excess}`
    }
    case 'seglog.retention.total.bytes':
      return 'all logs together are over seglog.retention.total.bytes, and it is among the oldest'
    default:
      return assertNever(rule)
  }
}

function describeBlock(block: CleanBlock, input: CleanInput, facts: SegmentFacts): string {
  switch (block) {
    case 'held':
      return `cleaning is held back: ${input.otherBlock}`
    case 'policy':
      return `${describePolicy(input)} deletes only below the log start offset`
    case 'not-acknowledged':
      return `records from offset ${Math.max(input.readableEndOffset, facts.segment.baseOffset)} on are not acknowledged yet`
    case 'clock-jump':
      return 'the wall clock jumped ahead: waits for a steady day or force'
    case 'earlier-segment':
      return `waits for the older segment ${facts.waitsForBase}`
    default:
      return assertNever(block)
  }
}

function describeKeep(input: CleanInput, facts: SegmentFacts): string {
  const { policy, retentionBytes, retentionMs } = input.limits
  if (!policy.includes('delete')) return `${describePolicy(input)} deletes only below the log start offset`
  const clauses: string[] = []
  if (retentionMs >= 0) {
    clauses.push(
      facts.ageMs < 0
        ? `its time is ${formatDuration(-facts.ageMs)} ahead of the clock`
        : `age ${formatDuration(facts.ageMs)} is not over retention.ms ${formatDuration(retentionMs)}`,
    )
  }
  if (retentionBytes >= 0) {
    const missing = formatBytes(retentionBytes - facts.restBytes)
    clauses.push(`retention.bytes keeps at least ${formatBytes(retentionBytes)}, ${missing} would be missing`)
  }
  return clauses.length === 0 ? 'retention.ms and retention.bytes are unlimited' : clauses.join('; ')
}

function describePolicy(input: CleanInput): string {
  const { policy } = input.limits
  return policy.length === 0 ? 'an empty cleanup.policy' : `cleanup.policy ${policy.join(',')}`
}

function futureNote(input: CleanInput, facts: SegmentFacts): string {
  const { maxTimestamp } = facts.segment
  if (maxTimestamp <= input.nowMs) return ''
  return ` (its largest timestamp, ${formatTime(maxTimestamp)}, is in the future: the append time counts)`
}
