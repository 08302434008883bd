/* What `npm run test:crash` was asked to do; everything that is wrong with it is a RangeError with a sentence to show. */
import { parseArgs } from 'node:util'
import { type CrashName, parseCrashName } from './explore.ts'
import { type FaultName, parseFaultName, SWEEPS, type Sweep } from './fault-sweep.ts'
import { type Workload, WORKLOADS, workloadNamed } from './workloads.ts'

/** What to run. */
export interface CrashOptions {
  readonly states: number
  readonly seed: number
  readonly jobs: number
  /** Undefined when it is states that are counted. */
  readonly minutes: number | undefined
  readonly workloads: readonly Workload[]
  readonly sweeps: readonly Sweep[]
  /** Sweeps were asked for by name: no crash point of a run without faults is visited. */
  readonly isSweepOnly: boolean
  readonly replay: Replay | undefined
  readonly help: boolean
}

/** One crash or one fault, as a failure names it. */
export type Replay =
  | { readonly kind: 'crash'; readonly crash: CrashName }
  | { readonly kind: 'fault'; readonly fault: FaultName }

/** What `--help` says. */
export const HELP = `npm run test:crash -- [options]     visits crash points and makes calls fail, until enough states were visited
npm run soak -- [options]           the same for ten minutes

  --states N        at least so many distinct states (20000)
  --minutes N       for so long instead, seed after seed, with every call failing once
  --seed N          the first seed (any)
  --jobs N          processes (2)
  --workload NAME   one of them only: ${WORKLOADS.map(({ name }) => name).join(', ')}
  --sweep NAME      faults only, of the sweeps whose names begin so: ${SWEEPS.map(({ name }) => name).join(', ')}
  --replay NAME     one failure, as it was printed: workload:seed:step:fate[:step:fate], or workload:seed:sweep:call

Exit 0 nothing is broken, 1 something is, 2 wrong options, 130 stopped.`

/** Reads the options. Errors: RangeError for any that make no sense. */
export function parseCommandLine(args: readonly string[], anySeed: number): CrashOptions {
  const values = parsed(args)
  const sweeps = SWEEPS.filter(({ name }) => name.startsWith(values.sweep ?? ''))
  if (sweeps.length === 0)
    throw new RangeError(
      `no sweep begins with ${values.sweep}; there are ${SWEEPS.map(({ name }) => name).join(', ')}`,
    )
  return {
    states: number('states', values.states ?? '20000', { min: 1 }),
    seed: number('seed', values.seed ?? String(anySeed), { min: 0 }),
    jobs: number('jobs', values.jobs ?? '2', { min: 1 }),
    minutes: values.minutes === undefined ? undefined : minutes(values.minutes),
    workloads: values.workload === undefined ? WORKLOADS : [workloadNamed(values.workload)],
    sweeps,
    isSweepOnly: values.sweep !== undefined,
    replay: values.replay === undefined ? undefined : parseReplay(values.replay),
    help: values.help === true,
  }
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const
  const options = {
    states: text,
    seed: text,
    jobs: text,
    minutes: text,
    workload: text,
    sweep: text,
    replay: text,
    help: { type: 'boolean' },
  } as const
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error })
  }
}

function parseReplay(text: string): Replay {
  const fault = parseFaultName(text)
  const { workload, seed, ...crash } = fault ?? parseCrashName(text)
  workloadNamed(workload)
  const counts = [seed, ...('call' in crash ? [crash.call] : [crash.step, crash.inRecovery?.step ?? 0])]
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0))
    throw new RangeError(`--replay takes workload:seed:step:fate or workload:seed:sweep:call, found ${text}`)
  return fault === undefined ? { kind: 'crash', crash: parseCrashName(text) } : { kind: 'fault', fault }
}

function number(name: string, text: string, { min }: { min: number }): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < min)
    throw new RangeError(`--${name} must be a whole number from ${min} up, found ${JSON.stringify(text)}`)
  return value
}

function minutes(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new RangeError(`--minutes must be a number over 0, found ${JSON.stringify(text)}`)
  return value
}
