/*
 * One process of a run: prepares a scenario, or has subjects of it do the work, and prints what came of it as JSON.
 * Started by run.ts with the job as its argument.
 */
import type { Job, Work } from './job.ts'
import { loadScenario } from './scenarios/files.ts'
import type { Context, Outcome, Scenario } from './scenario.ts'
import { loadEngine } from './support/engine.ts'
import { takeLoopMetrics } from './support/loop-watch.ts'

const result = await perform(JSON.parse(process.argv[2] ?? 'null') as Job)
process.stdout.write(`${JSON.stringify(result)}\n`)

async function perform(job: Job): Promise<unknown> {
  if (job.kind === 'load') {
    // In this process all there is, so that the compile cache of the run has it.
    await import('./scenarios/index.ts')
    await loadEngine()
    const { missingLibraries } = await import('./rivals/missing.ts')
    return missingLibraries(job.libraries)
  }
  const found = await loadScenario(job.scenario)
  const { prepared, facts, subjects } = job
  const context = { prepared, facts, subjects, parameters: found.parameters[job.size] }
  if (job.kind === 'prepare') return (await found.prepare?.({ ...context, directory: prepared })) ?? {}
  const outcomes: Outcome[] = []
  for (const one of job.work) {
    try {
      outcomes.push(await run(found, one, context))
    } catch (error) {
      if (job.work.length > 1) process.stderr.write(`${found.name}: ${one.subject} has failed\n`)
      throw error
    }
  }
  return outcomes
}

async function run(
  { name, subjects }: Scenario,
  { subject, directory }: Work,
  context: Omit<Context, 'directory'>,
): Promise<Outcome> {
  const found = subjects[subject]
  if (found === undefined) throw new Error(`${name} has no subject ${subject}`)
  const outcome = await found({ ...context, directory })
  if (outcome.isElsewhere === true) return outcome
  return { ...outcome, metrics: { ...outcome.metrics, ...takeLoopMetrics() } }
}
