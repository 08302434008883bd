import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CleanReport, Log, LogOptions } from '../../src/index.ts'
import { loadEngine, tallyLog } from '../support/engine.ts'
import { EventLoopProbe } from '../support/event-loop-probe.ts'
import { createBatches } from '../support/payload.ts'
import { segmentPaths, writeSegments } from '../support/segments.ts'
import { checkTally, tallyOf } from '../support/tally.ts'
import { type Context, type Outcome, type Row, scenario } from '../scenario.ts'

interface TickParameters extends Record<string, number> {
  readonly segments: number
  readonly recordsPerBatch: number
  readonly valueBytes: number
  readonly idleMs: number
}

const shape = { recordsPerBatch: 10, valueBytes: 100, idleMs: 300 }
const LOOP_MS_MAX = 20

/** One tick of retention over many segments in a fresh process, and what the event loop feels of it. */
export const retentionTick = scenario<TickParameters>({
  name: 'retention-tick',
  isOnlyFull: true,
  title: 'Retention tick over 10,000 segments, the first of the process',
  isCold: true,
  parameters: {
    full: { ...shape, segments: 10_000 },
    quick: { ...shape, segments: 10_000 },
    smoke: { ...shape, segments: 20, idleMs: 10 },
  },
  async prepare({ prepared, parameters }) {
    return { ...(await writeSegments(join(prepared, 'log'), parameters)) }
  },
  subjects: { idle: watchIdle, 'deletes nothing': deleteNothing, 'deletes half': deleteHalf },
  rows: [
    ...loopRows('an event loop with nothing to do', 'idle'),
    { work: 'Retention tick that deletes nothing', unit: 'ms', subject: 'deletes nothing', metric: 'tickMs' },
    ...loopRows('retention tick that deletes nothing', 'deletes nothing'),
    {
      work: 'Retention tick that deletes half, files removed',
      unit: 'ms',
      subject: 'deletes half',
      metric: 'tickMs',
    },
    ...loopRows('retention tick that deletes half', 'deletes half'),
  ],
  chart: { metric: 'tickMs', unit: 'ms' },
})

function loopRows(work: string, subject: string): Row[] {
  const goal = subject === 'idle' ? {} : { goal: { kind: 'figure-max', limit: LOOP_MS_MAX } as const }
  return [
    { work: `event loop delay p99: ${work}`, unit: 'ms', subject, metric: 'p99Ms', ...goal },
    { work: `event loop delay max: ${work}`, unit: 'ms', subject, metric: 'maxMs', ...goal },
    { work: `longest turn of the loop: ${work}`, unit: 'ms', subject, metric: 'longestTurnMs', ...goal },
  ]
}

/** What the probe itself and the machine come to. */
async function watchIdle({ parameters }: Context<TickParameters>): Promise<Outcome> {
  const probe = new EventLoopProbe()
  await probe.start()
  await sleep(parameters.idleMs)
  return { metrics: { ...(await probe.stop()) }, checked: { count: 0, hash: 0 } }
}

async function deleteNothing(context: Context<TickParameters>): Promise<Outcome> {
  const path = join(context.prepared, 'log')
  return tick(context, { path, options: { config: { 'retention.ms': '7d' } }, goes: 0 })
}

async function deleteHalf(context: Context<TickParameters>): Promise<Outcome> {
  const { segments } = context.parameters
  const path = join(context.directory, 'log')
  cpSync(join(context.prepared, 'log'), path, { recursive: true })
  const goes = Math.floor(segments / 2)
  const config = {
    'retention.ms': -1,
    'retention.bytes': (segments - goes) * context.facts['segmentBytes']!,
    'file.delete.delay.ms': 0,
  }
  return tick(context, { path, options: { config }, goes })
}

async function tick(
  { parameters }: Context<TickParameters>,
  { path, options, goes }: { path: string; options: LogOptions; goes: number },
): Promise<Outcome> {
  const { openLog } = await loadEngine()
  const log = await openLog(path, { ...options, cleanup: false })
  const probe = new EventLoopProbe()
  await probe.start()
  const startedMs = performance.now()
  const report = await log.clean()
  while (log.stats().waitingToBeRemoved > 0) await sleep(1)
  const tickMs = performance.now() - startedMs
  const delays = await probe.stop()
  checkReport(report, log, { kept: parameters.segments - goes, goes })
  const kept = (parameters.segments - goes) * parameters.recordsPerBatch
  const checked = checkTally(
    await tallyLog(log),
    tallyOf(createBatches({ batchCount: 1, ...parameters }), kept),
  )
  await log.close()
  const files = segmentPaths(path).length
  if (files !== parameters.segments - goes) throw new Error(`${files} files are left`)
  return { metrics: { tickMs, ...delays }, checked }
}

function checkReport(report: CleanReport, log: Log, expected: { kept: number; goes: number }): void {
  if (report.failures.length > 0) throw new Error('a clean failed', { cause: report.failures[0]?.error })
  const kept = log.segments().length
  if (report.deleted.length === expected.goes && kept === expected.kept) return
  throw new Error(`${report.deleted.length} segments went and ${kept} stayed`)
}
