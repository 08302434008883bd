import { formatBytes, mergeReports } from '../cleanup/index.ts'
import {
  type CleanFailure,
  type CleanPlan,
  type CleanReport,
  type ConfigInput,
  explainPlan,
  type Store,
} from '../index.ts'
import type { CommandContext } from './context.ts'
import { formatJson } from './escape.ts'
import { describeFailure } from './failures.ts'
import { LogFailures } from './log-failures.ts'
import { logsOf, openedOnly, openStoreForReading, openStoreForWriting, type StoreLog } from './open-store.ts'
import type { StorePlace } from './topic-options.ts'
import { plural } from './words.ts'

/** How to clean a store. */
export interface CleanStoreFlags {
  readonly dryRun?: true
  readonly now?: number
  readonly force?: true
  readonly json?: true
  readonly config: ConfigInput
}

/** Cleans a store, or one of its topics, or says what cleaning would do; gives the exit code. */
export async function cleanStore(
  context: CommandContext,
  place: StorePlace,
  flags: CleanStoreFlags,
): Promise<number> {
  const { config, dryRun, json } = flags
  const openForIt = dryRun === true ? openStoreForReading : openStoreForWriting
  await using store = await openForIt(context, place.directory, { config })
  const failures = new LogFailures(context.notes)
  const logs = openedOnly(store, logsOf(store, place), failures)
  const onFailure = (failure: CleanFailure): void => failures.add(failure, failure.error)
  const now = flags.now ?? context.machine.clock.now()
  const work = { store, place, logs, now, force: flags.force === true, onFailure }
  if (dryRun === true) {
    const plans = await planLogs(work)
    if (json === true) context.output.line(formatJson({ plans, report: null }))
    else for (const plan of plans) printPlan(context, plan)
    return failures.exitCode
  }
  const report = sortPlans(await cleanLogs(work))
  if (json === true) context.output.line(formatJson({ plans: report.plans, report: jsonReport(report) }))
  else printReport(context, report)
  for (const failure of report.failures) onFailure(failure)
  return failures.exitCode
}

interface Work {
  readonly store: Store
  readonly place: StorePlace
  readonly logs: readonly StoreLog[]
  readonly now: number
  readonly force: boolean
  readonly onFailure: (failure: CleanFailure) => void
}

/** A topic is planned for by itself: the budget of all logs is a matter of the whole store. */
async function planLogs({ store, place, logs, now, onFailure }: Work): Promise<CleanPlan[]> {
  if (place.topic === undefined) return store.plan({ now, onFailure })
  const plans: CleanPlan[] = []
  for (const { topic, partition, log } of logs) {
    try {
      plans.push(await log.plan(now))
    } catch (error) {
      onFailure({ topic, partition, error })
    }
  }
  return plans
}

async function cleanLogs({ store, place, logs, now, force }: Work): Promise<CleanReport> {
  if (place.topic === undefined) return store.clean({ now, force })
  const reports: CleanReport[] = []
  const failures: CleanFailure[] = []
  for (const { topic, partition, log } of logs) {
    try {
      reports.push(await log.clean({ now, force }))
    } catch (error) {
      failures.push({ topic, partition, error })
    }
  }
  const blocked = reports.find((report) => report.blocked !== null)?.blocked ?? null
  const durationMs = reports.reduce((sum, report) => sum + report.durationMs, 0)
  return mergeReports(reports, { at: now, blocked, durationMs, failures })
}

/** By topic and partition, whatever the order they were made in; of one log, the plan for the budget comes second. */
function sortPlans(report: CleanReport): CleanReport {
  const plans = report.plans.toSorted(
    (a, b) => (a.topic < b.topic ? -1 : Number(a.topic > b.topic)) || a.partition - b.partition,
  )
  return { ...report, plans }
}

function printReport(context: CommandContext, report: CleanReport): void {
  const { output } = context
  for (const plan of report.plans) printPlan(context, plan)
  const { deleted, bytesFreed, skipped } = report
  const logCount = new Set(deleted.map(({ topic, partition }) => `${topic}-${partition}`)).size
  const freed = `${formatBytes(bytesFreed)}, freed when the store is next opened`
  const done = `deleted ${plural(deleted.length, 'segment')}`
  output.line(deleted.length === 0 ? done : `${done} of ${plural(logCount, 'log')}, ${freed}`)
  for (const { topic, partition, baseOffset, why } of skipped) {
    output.line(`left the segment of ${topic}-${partition} at offset ${baseOffset}: ${why}`)
  }
}

/** Prints a plan, one line a segment, what goes in red. */
export function printPlan({ output, paint }: CommandContext, plan: CleanPlan): void {
  for (const line of explainPlan(plan)) {
    output.line(line.startsWith('delete ') ? paint('red', line) : line)
  }
}

/** The report as it goes into JSON: plans are told beside it, and an error is told by what it is. */
export function jsonReport(report: CleanReport): object {
  return {
    ...report,
    plans: undefined,
    failures: report.failures.map(({ topic, partition, error }) => {
      const { code, message } = describeFailure(error)
      return { topic, partition, code, message }
    }),
  }
}
