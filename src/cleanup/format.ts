import type { CleanPlan, SegmentPlan } from './types.ts'

const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

const BYTE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** The last moment a JavaScript date can hold. */
export const DATE_MS_MAX = 8_640_000_000_000_000

/** A duration in its largest unit and the one below, rounded down: '8d 2h', '7d', '1s 500ms', '-3d'. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  const wholeMs = Math.floor(ms)
  for (let slot = 0; slot < DURATION_UNITS.length - 1; slot++) {
    const [unit, unitMs] = DURATION_UNITS[slot]!
    if (wholeMs < unitMs) continue
    const [smallerUnit, smallerMs] = DURATION_UNITS[slot + 1]!
    const rest = Math.floor((wholeMs % unitMs) / smallerMs)
    const count = `${Math.floor(wholeMs / unitMs)}${unit}`
    return rest === 0 ? count : `${count} ${rest}${smallerUnit}`
  }
  return `${wholeMs}ms`
}

/** A count of bytes in binary units with one decimal: '0 B', '512 B', '1.0 GiB'. */
export function formatBytes(bytes: number): string {
  if (bytes < 0) return `-${formatBytes(-bytes)}`
  if (bytes < 1024) return `${bytes} B`
  let value = bytes / 1024
  let slot = 0
  // 1023.95 would be printed as 1024.0, which is 1.0 of the next unit.
  while (value >= 1023.95 && slot < BYTE_UNITS.length - 1) {
    value /= 1024
    slot++
  }
  const tenths = Math.round(value * 10)
  return `${Math.floor(tenths / 10)}.${tenths % 10} ${BYTE_UNITS[slot]}`
}

/** A moment in ISO 8601, UTC; one that no date can hold, such as nanoseconds read as ms, is said to be that. */
export function formatTime(ms: number): string {
  if (ms > DATE_MS_MAX) return 'after the year 275760'
  if (ms < -DATE_MS_MAX) return 'before the year -271821'
  return new Date(ms).toISOString()
}

/** A plan for people: one line a segment, oldest first, then one that sums it up. */
export function explainPlan(plan: CleanPlan): string[] {
  const ranges = plan.segments.map(formatRange)
  const sizes = plan.segments.map((segment) => formatBytes(segment.sizeBytes))
  const rangeWidth = widest(ranges)
  const sizeWidth = widest(sizes)
  const lines = plan.segments.map((segment, slot) => {
    const range = ranges[slot]!.padEnd(rangeWidth)
    return `${segment.action.padEnd(6)}  ${range}  ${sizes[slot]!.padStart(sizeWidth)}  ${segment.reason}${due(plan, segment)}`
  })
  lines.push(summarize(plan))
  return lines
}

function formatRange(segment: SegmentPlan): string {
  const isEmpty = segment.nextOffset === segment.baseOffset
  const offsets = isEmpty
    ? `${segment.baseOffset} (empty)`
    : `${segment.baseOffset}-${segment.nextOffset - 1}`
  return segment.active ? `${offsets} active` : offsets
}

function due(plan: CleanPlan, segment: SegmentPlan): string {
  if (segment.action === 'delete' || segment.dueAt === null || segment.dueAt <= plan.at) return ''
  return `; due ${formatTime(segment.dueAt)}`
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0)
}

function summarize(plan: CleanPlan): string {
  const name = `${plan.topic}-${plan.partition}`
  const clauses = [
    plan.deleteCount === 0
      ? `deletes nothing of ${countSegments(plan.segments.length)}, ${formatBytes(plan.sizeBytes)}`
      : `deletes ${plan.deleteCount} of ${countSegments(plan.segments.length)}, ` +
        `${formatBytes(plan.deleteBytes)} of ${formatBytes(plan.sizeBytes)}`,
  ]
  if (plan.newStartOffset !== plan.startOffset) {
    clauses.push(`start offset ${plan.startOffset} becomes ${plan.newStartOffset}`)
  }
  if (plan.roll === 'all-expired') clauses.push('an empty segment is started first')
  if (plan.roll === 'segment.ms') clauses.push('the active segment is over segment.ms and is closed')
  if (plan.blocked === 'clock-jump') {
    clauses.push('blocked: clock-jump (what goes by age waits for a steady day or force)')
  }
  if (plan.blocked === 'held') clauses.push('blocked: held')
  if (plan.futureTimestamps > 0) {
    clauses.push(`${countSegments(plan.futureTimestamps)} with timestamps in the future`)
  }
  return `${name} at ${formatTime(plan.at)}: ${clauses.join('; ')}`
}

function countSegments(count: number): string {
  return count === 1 ? '1 segment' : `${count} segments`
}
