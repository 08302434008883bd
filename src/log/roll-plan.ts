import { INT32_MAX } from '../core/index.ts'

/** What decides whether the active segment takes one more batch. */
export interface RollState {
  readonly baseOffset: number
  readonly sizeBytes: number
  /** Largest timestamp of the segment's first batch: -1 none, undefined for an empty segment. */
  readonly firstTimestamp: number | undefined
  /** Wall time at which the segment was made or first written. */
  readonly createdMs: number
  readonly rollJitterMs: number
  readonly indexFull: boolean
}

/** The settings that roll a segment. */
export interface RollLimits {
  readonly segmentBytes: number
  readonly segmentMs: number
}

/** The batch that wants to go in. */
export interface IncomingBatch {
  readonly sizeBytes: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

/** Why a segment is closed, by the setting that asks for it. */
export type RollReason = 'segment.bytes' | 'segment.ms' | 'segment.index.bytes' | 'offset-range'

/**
 * Says why the active segment must be closed before `incoming`, or null: Kafka's conditions, comparisons as strict.
 *
 * Time is record time where the first batch has a timestamp, so that replaying old data rolls as it first did; a
 * segment without one goes by the clock. An empty segment rolls only when the offset does not fit it.
 */
export function planRoll(
  active: RollState,
  incoming: IncomingBatch,
  limits: RollLimits,
  nowMs: number,
): RollReason | null {
  const offsetDelta = incoming.lastOffset - active.baseOffset
  if (offsetDelta < 0 || offsetDelta > INT32_MAX) return 'offset-range'
  if (active.sizeBytes === 0) return null
  const segmentBytes = Math.min(limits.segmentBytes, INT32_MAX)
  if (active.sizeBytes > segmentBytes - incoming.sizeBytes) return 'segment.bytes'
  const first = active.firstTimestamp ?? -1
  const waitedMs = first >= 0 ? incoming.maxTimestamp - first : nowMs - active.createdMs
  if (waitedMs > limits.segmentMs - active.rollJitterMs) return 'segment.ms'
  return active.indexFull ? 'segment.index.bytes' : null
}
