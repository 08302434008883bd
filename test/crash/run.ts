/*
 * Visits crash points by the ten thousand.
 *
 *   npm run test:crash                              20,000 distinct states and every kind of fault, seeds printed
 *   npm run test:crash -- --seed 7                  from another seed
 *   npm run test:crash -- --workload truncate       one workload (all by default)
 *   npm run test:crash -- --replay 'truncate:7:123:torn-some.2'   one crash, as a failure names it
 *   npm run soak -- --minutes 60                    goes on, seed after seed
 */
import { parseArgs } from 'node:util'
import { SWEEPS } from './fault-sweep.ts'
import { parseCrashName } from './explore.ts'
import { runPieces } from './pool.ts'
import { summaryTable, Tally } from './tally.ts'
import type { Piece } from './worker.ts'
import { WORKLOADS, workloadNamed } from './workloads.ts'

const STATES_OF_A_RUN = 3_000
const RECOVERY_PERCENT = 8
/** In a quick run every so many-th call fails; a soak leaves none out. */
const QUICK_STRIDE = 3

const options = parseArgs({
  options: {
    states: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    jobs: { type: 'string', default: '2' },
    minutes: { type: 'string' },
    workload: { type: 'string' },
    sweep: { type: 'string' },
    replay: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
}).values

const limits = { statesMax: STATES_OF_A_RUN, recoveryPercent: RECOVERY_PERCENT, brokenMax: 5 }

function* crashPieces(seed: number): IterableIterator<Piece> {
  for (const { name } of chosenWorkloads()) yield { kind: 'crashes', workload: name, seed, limits }
}

function* faultPieces(seed: number, stride: number): IterableIterator<Piece> {
  for (const sweep of SWEEPS.filter(({ name }) => name.startsWith(options.sweep ?? '')))
    for (const { name } of chosenWorkloads())
      yield { kind: 'faults', workload: name, seed, sweep: sweep.name, stride }
}

function* forever(seed: number): IterableIterator<Piece> {
  for (let next = seed; ; next++) {
    yield* crashPieces(next)
    if (next === seed || options.minutes !== undefined)
      yield* faultPieces(next, options.minutes === undefined ? QUICK_STRIDE : 1)
  }
}

function chosenWorkloads(): typeof WORKLOADS {
  return options.workload === undefined ? WORKLOADS : [workloadNamed(options.workload)]
}

function number(text: string, name: string): number {
  const value = Number(text)
  if (!(value >= 0)) throw new RangeError(`--${name} must be a number, found ${text}`)
  return value
}

async function run(): Promise<boolean> {
  const seed = number(options.seed, 'seed')
  const statesMin = number(options.states, 'states')
  const endsAt =
    options.minutes === undefined
      ? undefined
      : performance.now() + number(options.minutes, 'minutes') * 60_000
  const tally = new Tally({ statesMin, endsAt })
  console.log(`seed ${seed}`)
  const pieces = options.sweep === undefined ? forever(seed) : faultPieces(seed, 1)
  await runPieces(pieces, {
    jobs: Math.max(1, number(options.jobs, 'jobs')),
    finished(result) {
      tally.add(result)
      tally.showProgress()
      return tally.isDone ? 'stop' : 'go on'
    },
  })
  tally.endProgress()
  console.log(summaryTable(tally))
  return tally.brokenCount === 0
}

async function replay(name: string): Promise<boolean> {
  const only = parseCrashName(name)
  const { workload, seed } = only
  const tally = new Tally({ statesMin: 1, endsAt: undefined })
  const piece: Piece = { kind: 'crashes', workload, seed, limits: { ...limits, statesMax: Infinity, only } }
  await runPieces([piece].values(), {
    jobs: 1,
    finished(result) {
      tally.add(result)
      return 'go on'
    },
  })
  console.log(tally.brokenCount === 0 ? `${name}: nothing is broken` : summaryTable(tally))
  return tally.brokenCount === 0
}

if (options.help) {
  console.log(
    'npm run test:crash -- [--states N] [--seed N] [--jobs N] [--workload NAME] [--sweep NAME] [--replay CRASH]',
  )
  console.log('npm run soak -- --minutes N [--seed N] [--jobs N] [--workload NAME]')
} else process.exitCode = (await (options.replay === undefined ? run() : replay(options.replay))) ? 0 : 1
