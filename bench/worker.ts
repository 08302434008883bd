/*
 * One process of a run: prepares a scenario, or has one of its subjects do the work, and prints the outcome as JSON.
 * Started by run.ts with the job as its argument.
 */
import type { Job } from './job.ts'
import { missingLibraries } from './rivals/missing.ts'
import { SCENARIOS } from './scenarios/index.ts'
import type { Outcome } from './scenario.ts'
import { loadEngine } from './support/engine.ts'
import { takeLoopMetrics } from './support/loop-watch.ts'

const result = await perform(JSON.parse(process.argv[2] ?? 'null') as Job)
process.stdout.write(`${JSON.stringify(result)}\n`)

async function perform(job: Job): Promise<unknown> {
  if (job.kind === 'load') {
    await loadEngine()
    return missingLibraries(job.libraries)
  }
  const found = SCENARIOS.find(({ name }) => name === job.scenario)
  if (found === undefined) throw new Error(`there is no scenario ${job.scenario}`)
  const { directory, prepared, facts, subjects } = job
  const context = { directory, prepared, facts, subjects, parameters: found.parameters[job.size] }
  if (job.kind === 'prepare') return (await found.prepare?.(context)) ?? {}
  const subject = found.subjects[job.subject]
  if (subject === undefined) throw new Error(`${job.scenario} has no subject ${job.subject}`)
  const outcome = await subject(context)
  if (outcome.isElsewhere === true) return outcome
  return { ...outcome, metrics: { ...outcome.metrics, ...takeLoopMetrics() } } satisfies Outcome
}
