import type { SoakJudge } from './soak-judge.ts'
import { quarters, type SoakVitals } from './soak-vitals.ts'

/** What a run came to. */
export interface SoakOutcome {
  readonly minutes: number
  readonly readers: number
  readonly seed: number
  readonly judge: SoakJudge
  readonly vitals: SoakVitals
  readonly kills: number
  readonly waitingMax: number
  readonly violationCount: number
  readonly violations: readonly string[]
  readonly wasInterrupted: boolean
  readonly machine: string
  readonly date: string
}

const MEBIBYTE = 1024 * 1024

/** The lines that a run ends with. */
export function summarize(outcome: SoakOutcome): string {
  const { judge, vitals, kills, violationCount, violations, wasInterrupted } = outcome
  const { counts } = judge
  const perReader = Array.from(judge.seenByReader)
    .filter(([name]) => name.startsWith('reader'))
    .map(([, count]) => count)
  const all = Array.from(vitals.all.values())
  const descriptors = all.flatMap((each) => each.descriptors)
  const inMebibytes = all.map(({ memoryBytes }) => memoryBytes.map((bytes) => Math.round(bytes / MEBIBYTE)))
  const memory = inMebibytes.flat()
  const memoryQuarters = inMebibytes.map(quarters)
  const quarter = all.map((each) => quarters(each.descriptors))
  const rows: [string, string][] = [
    ['run', `${outcome.minutes} minutes, ${outcome.readers} readers, seed ${outcome.seed}`],
    ['machine', `${outcome.machine}, ${outcome.date}`],
    [
      'written',
      `${counts.tried} records tried, ${counts.acknowledged} acknowledged, ${counts.rejected} rejected`,
    ],
    ['read', `${counts.seen} records, ${range(perReader)} a reader`],
    ['writer', `${kills} kills, ${counts.openings} openings, errors: ${list(counts.writerErrors)}`],
    ['log', `${counts.cuts} truncations, ${counts.startMoves} moves of the start`],
    ['disk', `${counts.fullDisks} times full, ${counts.helpNeeded} times no room even to clean or open`],
    ['reader errors', list(counts.readerErrors)],
    ['reader warnings', list(counts.warnings)],
    [
      'lag',
      `at most ${Math.round(counts.lagMaxMs)} ms behind an acknowledgement; ${Math.round(counts.cutLateMaxMs)} ms after a cut`,
    ],
    [
      'descriptors',
      `${range(descriptors)}; medians by quarter: ${quarter.map(({ second, last }) => `${second}→${last}`).join(' ')}`,
    ],
    [
      'memory',
      `${range(memory)} MiB resident; medians by quarter: ${memoryQuarters.map(({ second, last }) => `${second}→${last}`).join(' ')}`,
    ],
    [
      'judge',
      `${judge.batchCount} appends remembered at the end, ${outcome.waitingMax} reports waited at most`,
    ],
    ['result', wasInterrupted ? 'interrupted' : `${violationCount} violations`],
    ...violations.map((violation): [string, string] => ['violation', violation]),
  ]
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}\n`).join('')
}

function range(numbers: readonly number[]): string {
  if (numbers.length === 0) return 'none'
  return `${numbers.reduce((a, b) => Math.min(a, b))} to ${numbers.reduce((a, b) => Math.max(a, b))}`
}

function list(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return 'none'
  return Array.from(counts, ([name, count]) => `${name} × ${count}`)
    .sort()
    .join(', ')
}
