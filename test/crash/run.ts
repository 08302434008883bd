/*
 * Visits crash points by the ten thousand.
 *
 *   npm run test:crash                              20,000 distinct states and every kind of fault, seeds printed
 *   npm run test:crash -- --seed 7                  from another seed
 *   npm run test:crash -- --workload truncate       one workload (all by default)
 *   npm run test:crash -- --replay 'truncate:7:123:torn-some.2'   one crash, as a failure names it
 *   npm run test:crash -- --replay 'truncate:7:sync-eio-once:12'  one fault, as a failure names it
 *   npm run soak -- --minutes 60                    goes on, seed after seed
 */
import { type CrashOptions, HELP, parseCommandLine, type Replay } from './command-line.ts'
import { formatCrashName } from './explore.ts'
import { formatFaultName } from './fault-sweep.ts'
import { runPieces } from './pool.ts'
import { summaryTable, Tally } from './tally.ts'
import type { Piece } from './worker.ts'

const STATES_OF_A_RUN = 3_000
const RECOVERY_PERCENT = 8
/** In a quick run every so many-th call fails; a soak leaves none out. */
const QUICK_STRIDE = 3
const LIMITS = { statesMax: STATES_OF_A_RUN, recoveryPercent: RECOVERY_PERCENT, brokenMax: 5 }

const EXIT = { sound: 0, broken: 1, wrongOptions: 2, stopped: 130 } as const

function* crashPieces({ workloads }: CrashOptions, seed: number): IterableIterator<Piece> {
  for (const { name } of workloads) yield { kind: 'crashes', workload: name, seed, limits: LIMITS }
}

function* faultPieces(
  { sweeps, workloads }: CrashOptions,
  { seed, stride }: { seed: number; stride: number },
): IterableIterator<Piece> {
  for (const { name: sweep } of sweeps)
    for (const { name } of workloads) yield { kind: 'faults', workload: name, seed, sweep, stride }
}

function* forever(options: CrashOptions): IterableIterator<Piece> {
  const isQuick = options.minutes === undefined
  for (let seed = options.seed; ; seed++) {
    yield* crashPieces(options, seed)
    if (seed === options.seed || !isQuick)
      yield* faultPieces(options, { seed, stride: isQuick ? QUICK_STRIDE : 1 })
  }
}

async function run(options: CrashOptions): Promise<number> {
  const { seed, states, minutes, jobs } = options
  const endsAt = minutes === undefined ? undefined : performance.now() + minutes * 60_000
  const tally = new Tally({ statesMin: states, endsAt })
  console.log(`seed ${seed}`)
  process.once('SIGINT', () => {
    tally.endProgress()
    console.log(`${summaryTable(tally)}\nstopped before its end`)
    process.exit(EXIT.stopped) // the processes end with the channel to this one
  })
  const pieces = options.isSweepOnly ? faultPieces(options, { seed, stride: 1 }) : forever(options)
  await runPieces(pieces, {
    jobs,
    finished(result) {
      tally.add(result)
      tally.showProgress()
      return tally.isDone ? 'stop' : 'go on'
    },
  })
  tally.endProgress()
  console.log(summaryTable(tally))
  return tally.brokenCount === 0 ? EXIT.sound : EXIT.broken
}

async function replay(what: Replay): Promise<number> {
  const name = what.kind === 'fault' ? formatFaultName(what.fault) : formatCrashName(what.crash)
  const tally = new Tally({ statesMin: 1, endsAt: undefined })
  let visited = 0
  await runPieces([pieceOf(what)].values(), {
    jobs: 1,
    finished(result) {
      tally.add(result)
      const isInRecovery = what.kind === 'crash' && what.crash.inRecovery !== undefined
      visited += what.kind === 'fault' ? result.runs : isInRecovery ? result.inRecovery : result.states
      return 'go on'
    },
  })
  if (tally.brokenCount > 0) {
    console.log(summaryTable(tally))
    return EXIT.broken
  }
  if (visited === 0) throw new RangeError(`${name} does not happen: nothing was checked`)
  console.log(`${name}: nothing is broken`)
  return EXIT.sound
}

function pieceOf(what: Replay): Piece {
  if (what.kind === 'fault') {
    const { workload, seed, sweep, call } = what.fault
    return { kind: 'faults', workload, seed, sweep, stride: 1, only: call }
  }
  const { crash } = what
  const { workload, seed } = crash
  return { kind: 'crashes', workload, seed, limits: { ...LIMITS, statesMax: Infinity, only: crash } }
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseCommandLine(args, Math.floor(Math.random() * 1_000_000))
    if (options.help) console.log(HELP)
    else if (options.replay === undefined) return await run(options)
    else return await replay(options.replay)
    return EXIT.sound
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    console.error(`${error.message}\ntry --help`)
    return EXIT.wrongOptions
  }
}

process.exitCode = await main(process.argv.slice(2))
