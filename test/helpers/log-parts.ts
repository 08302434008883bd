import type { Log } from '../../src/index.ts'
import type { LogParts } from '../../src/log/log-parts.ts'
import type { Segment } from '../../src/segment/index.ts'

/** The inside of an open log: for what can't be seen through its methods. */
export function partsOf(log: Log): LogParts {
  return (log as unknown as { parts: LogParts }).parts
}

/** Segments in the log's list that a reader holds. */
export function heldSegments(log: Log): Segment[] {
  return partsOf(log).state.segments.all.filter(({ references }) => references > 0)
}

/** How often readers hold segments of the log, all together. */
export function logReferences(log: Log): number {
  return partsOf(log).state.segments.all.reduce((sum, { references }) => sum + references, 0)
}
